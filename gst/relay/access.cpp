// SPDX-License-Identifier: LGPL-2.1-or-later
#include "relay/access.h"

#include <algorithm>
#include <sstream>

#include "rtmp/url.h"

namespace relay {
namespace {

std::vector<std::string> words_of(const std::string& line) {
  std::istringstream in(line.substr(0, line.find('#')));
  std::vector<std::string> words;
  for (std::string word; in >> word;) words.push_back(word);
  return words;
}

}  // namespace

bool matches(std::string_view pattern, std::string_view text) {
  // Where the last `*` was, and how much of the text it has taken so far.
  std::size_t star = std::string_view::npos, taken = 0;
  std::size_t p = 0, t = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      taken = t;
    } else if (p < pattern.size() && (pattern[p] == '?' || pattern[p] == text[t])) {
      ++p;
      ++t;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++taken;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('*', p) == std::string_view::npos;
}

// --- reading

std::optional<AccessRules> AccessRules::read(std::string_view text, std::string& error) {
  AccessRules rules;
  std::string lines(text);
  std::ranges::replace(lines, ';', '\n');
  std::istringstream in(lines);
  for (std::string line; std::getline(in, line);) {
    const auto words = words_of(line);
    if (words.empty()) continue;
    Rule rule;
    if (const std::string fault = read_rule(words, rule); !fault.empty()) {
      error = "The access rule '" + line + "' cannot be used: " + fault;
      return std::nullopt;
    }
    rules.rules_.push_back(std::move(rule));
  }
  return rules;
}

// What is wrong with it, or nothing.
std::string AccessRules::read_rule(const Words& words, Rule& rule) {
  const std::string& verb = words[0];
  if (verb != "allow" && verb != "deny" && verb != "rename")
    return "it must begin with allow, deny or rename.";
  rule.allow = verb != "deny";
  if (words.size() < 2) return "behind that comes publish, play or all.";
  if (words[1] == "publish")
    rule.action = Action::publish;
  else if (words[1] == "play")
    rule.action = Action::play;
  else if (words[1] != "all")
    return "behind " + verb + " comes publish, play or all.";
  std::size_t next = 2;
  if (next < words.size() && words[next] != "from" && words[next] != "user")
    rule.pattern = words[next++];
  if (verb == "rename") {
    const std::string fault = read_rename(words, next, rule);
    if (!fault.empty()) return fault;
  }
  return read_whom(words, next, rule);
}

std::string AccessRules::read_rename(const Words& words, std::size_t& next, Rule& rule) {
  if (next != 3 || words.size() < 5 || words[3] != "to" ||
      words[4].find_first_of("*?") != std::string::npos || !rtmp::is_acceptable_name(words[4]))
    return "behind what is renamed come to and a name, such as to live/cam.";
  rule.rename = words[4];
  next = 5;
  return {};
}

std::string AccessRules::read_whom(const Words& words, std::size_t next, Rule& rule) {
  if (next < words.size() && words[next] == "user") {
    if (++next == words.size()) return "behind user come names, such as alice,bob.";
    std::istringstream in(words[next++]);
    for (std::string name; std::getline(in, name, ',');) rule.users.push_back(name);
  }
  if (next < words.size() && words[next] == "from") {
    if (++next == words.size() || !(rule.networks = Networks::read(words[next++])))
      return "behind from come addresses or networks, such as 10.0.0.0/8,::1 or local.";
  }
  return next < words.size() ? "'" + words[next] + "' is more than it may have." : "";
}

// --- deciding

AccessRules::Verdict AccessRules::judge(const Wish& wish) const {
  const auto rule = std::ranges::find_if(rules_, [&](const Rule& one) { return fits(one, wish); });
  return rule == rules_.end() ? Verdict{} : Verdict{rule->allow, rule->rename};
}

bool AccessRules::fits(const Rule& rule, const Wish& wish) {
  if (rule.action && rule.action != wish.action) return false;
  if (!matches(rule.pattern, wish.stream)) return false;
  const auto is_user = [&](const std::string& name) { return matches(name, wish.user); };
  if (!rule.users.empty() && (wish.user.empty() || std::ranges::none_of(rule.users, is_user)))
    return false;
  return !rule.networks || rule.networks->contain(wish.address);
}

bool AccessRules::guards_publishing() const {
  return std::ranges::any_of(
      rules_, [](const Rule& rule) { return rule.action != Action::play && rule.rename.empty(); });
}

}  // namespace relay
