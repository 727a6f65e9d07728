// Who may publish and play what from where, as an operator wrote it down.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "relay/networks.h"

namespace relay {

// Rules, each on a line or behind a semicolon, `#` begins a comment:
//
//   allow|deny publish|play|all [PATTERN] [user NAME[,NAME...]] [from NETWORK[,NETWORK...]]
//   rename publish|play|all PATTERN to STREAM [user NAME[,NAME...]] [from NETWORK[,NETWORK...]]
//
// PATTERN is "app/stream" with `*` for any characters and `?` for one, NAME with the same that of
// somebody who has logged in; NETWORK an address, one with the length of its prefix, or `local`,
// this machine. The first rule that fits decides; where none does, everything is allowed. `rename`
// allows, under another name.
class AccessRules {
 public:
  enum class Action { publish, play };

  // On failure nothing, and `error` is a sentence that shows the rule at fault.
  static std::optional<AccessRules> read(std::string_view text, std::string& error);

  struct Wish {
    Action action;
    std::string stream;   // "app/stream"
    std::string address;  // with or without port; unix sockets are this machine
    std::string user = {};
  };
  struct Verdict {
    bool allow = true;
    std::string rename = {};  // empty: as asked
  };
  Verdict judge(const Wish& wish) const;
  bool empty() const { return rules_.empty(); }
  // Whether any of them allows or denies publishing.
  bool guards_publishing() const;

 private:
  struct Rule {
    bool allow = false;
    std::optional<Action> action;  // any
    std::string pattern = "*";
    std::string rename;                // empty: under its own name
    std::vector<std::string> users;    // empty: anybody
    std::optional<Networks> networks;  // any
  };

  using Words = std::vector<std::string>;
  static std::string read_rule(const Words& words, Rule& rule);
  static std::string read_rename(const Words& words, std::size_t& next, Rule& rule);
  static std::string read_whom(const Words& words, std::size_t next, Rule& rule);
  static bool fits(const Rule& rule, const Wish& wish);

  std::vector<Rule> rules_;
};

// Whether `text` is what a pattern with `*` and `?` describes.
bool matches(std::string_view pattern, std::string_view text);

}  // namespace relay
