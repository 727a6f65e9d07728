// SPDX-License-Identifier: LGPL-2.1-or-later
#include "rtmp/url.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "rtmp/crypto.h"

namespace rtmp {
namespace {

// What is wrong, or nothing.
using Fault = std::optional<UrlError>;

constexpr std::size_t max_name_size = 512;
constexpr std::string_view mask = "****";

struct SchemeEntry {
  Scheme scheme;
  std::string_view name;
  std::uint16_t port;
};

constexpr std::array schemes{
    SchemeEntry{Scheme::rtmp, "rtmp", 1935},   SchemeEntry{Scheme::rtmps, "rtmps", 443},
    SchemeEntry{Scheme::rtmpe, "rtmpe", 1935}, SchemeEntry{Scheme::rtmpt, "rtmpt", 80},
    SchemeEntry{Scheme::rtmpte, "rtmpte", 80}, SchemeEntry{Scheme::rtmpts, "rtmpts", 443},
    SchemeEntry{Scheme::rtmfp, "rtmfp", 1935},
};

const SchemeEntry& entry_of(Scheme scheme) {
  return *std::ranges::find(schemes, scheme, &SchemeEntry::scheme);
}

enum class WordKind { text, number, yes_or_no };

struct Word {
  std::string_view key;
  WordKind kind;
};

// What librtmp understands behind a location. swfVfy is a yes-or-no there, but its users write the
// player's address too.
constexpr std::array known_words{
    Word{"app", WordKind::text},       Word{"buffer", WordKind::number},
    Word{"conn", WordKind::text},      Word{"flashver", WordKind::text},
    Word{"jtv", WordKind::text},       Word{"live", WordKind::yes_or_no},
    Word{"pageurl", WordKind::text},   Word{"playlist", WordKind::yes_or_no},
    Word{"playpath", WordKind::text},  Word{"pubpasswd", WordKind::text},
    Word{"pubuser", WordKind::text},   Word{"socks", WordKind::text},
    Word{"start", WordKind::number},   Word{"stop", WordKind::number},
    Word{"subscribe", WordKind::text}, Word{"swfage", WordKind::number},
    Word{"swfurl", WordKind::text},    Word{"swfvfy", WordKind::text},
    Word{"tcurl", WordKind::text},     Word{"timeout", WordKind::number},
    Word{"token", WordKind::text},
};

bool is_secret(std::string_view key) { return key == "token" || key == "jtv" || key == "conn"; }

std::string lower(std::string_view text) {
  std::string result(text);
  for (char& c : result)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return result;
}

std::string quoted(std::string_view text) { return "'" + std::string(text) + "'"; }

// Before and behind the first `mark`; all is before where there is none.
std::pair<std::string_view, std::string_view> cut(std::string_view text, char mark) {
  const std::size_t at = text.find(mark);
  if (at == text.npos) return {text, {}};
  return {text.substr(0, at), text.substr(at + 1)};
}

template <typename Number>
std::optional<Number> to_number(std::string_view text) {
  Number number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

std::optional<bool> to_boolean(std::string_view text) {
  const std::string word = lower(text);
  if (word == "1" || word == "true" || word == "yes" || word == "on") return true;
  if (word == "0" || word == "false" || word == "no" || word == "off") return false;
  return std::nullopt;
}

// Takes the character at the front of a text that is not empty; nothing if it is malformed.
std::optional<char32_t> take_character(std::string_view& text) {
  const auto lead = static_cast<std::uint8_t>(text[0]);
  const std::size_t size = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  if (size > text.size() || (lead >= 0x80 && lead < 0xc2) || lead > 0xf4) return std::nullopt;
  char32_t character = size == 1 ? lead : lead & (0x7fu >> size);
  for (char c : text.substr(1, size - 1)) {
    if ((c & 0xc0) != 0x80) return std::nullopt;
    character = character << 6 | (c & 0x3f);
  }
  text.remove_prefix(size);
  constexpr char32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
  const bool surrogate = character >= 0xd800 && character <= 0xdfff;
  if (character < smallest[size] || surrogate || character > 0x10ffff) return std::nullopt;
  return character;
}

bool is_control(char32_t character) {
  return character < 0x20 || (character >= 0x7f && character < 0xa0);
}

// UTF-8 that may go into a log.
bool is_text(std::string_view bytes) {
  while (!bytes.empty()) {
    const auto character = take_character(bytes);
    if (!character || is_control(*character)) return false;
  }
  return true;
}

// Undoes `mark` and two hexadecimal digits; nothing if a mark stands alone or the result is no
// text.
std::optional<std::string> unescape(std::string_view text, char mark) {
  std::string result;
  while (!text.empty()) {
    if (text[0] != mark) {
      result += text[0];
      text.remove_prefix(1);
      continue;
    }
    const auto byte = crypto::from_hex(text.substr(1, 2));
    if (!byte || byte->empty()) return std::nullopt;
    result += static_cast<char>(byte->front());
    text.remove_prefix(3);
  }
  if (!is_text(result)) return std::nullopt;
  return result;
}

template <typename NeedsEscape>
std::string escape(std::string_view text, char mark, NeedsEscape needs_escape) {
  std::string result;
  for (char c : text) {
    if (needs_escape(c))
      result += mark + crypto::hex(as_bytes({&c, 1}));
    else
      result += c;
  }
  return result;
}

std::string escape_user(std::string_view text) {
  constexpr std::string_view plain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~";
  return escape(text, '%', [&](char c) { return plain.find(c) == plain.npos; });
}

std::string escape_word(std::string_view text) {
  return escape(text, '\\', [](char c) { return c == ' ' || c == '\\'; });
}

struct AppAndStream {
  std::string_view app, stream;
  bool operator==(const AppAndStream&) const = default;
};

// Where the '/' between app and stream is.
std::size_t find_split(std::string_view path) {
  const std::size_t query = path.find('?');
  const std::size_t slash = path.substr(0, query).rfind('/');
  if (slash != path.npos || query == path.npos) return slash;
  const std::size_t streams_query = path.find('?', query + 1);
  return path.substr(0, streams_query).rfind('/');
}

AppAndStream split_path(std::string_view path) {
  // Two forms of Flash Media Server's users: a fixed app, and the stream's name as a parameter.
  constexpr std::string_view on_demand = "ondemand/";
  if (path.starts_with(on_demand))
    return {path.substr(0, on_demand.size() - 1), path.substr(on_demand.size())};
  constexpr std::string_view list = "slist=";
  const std::size_t query = path.find('?');
  const std::size_t listed = query == path.npos ? path.npos : path.find(list, query);
  if (listed != path.npos && (path[listed - 1] == '?' || path[listed - 1] == '&'))
    return {path, cut(path.substr(listed + list.size()), '&').first};

  const std::size_t slash = find_split(path);
  if (slash == path.npos) return {path, {}};
  return {path.substr(0, slash), path.substr(slash + 1)};
}

Fault read_user(std::string_view text, Url& url) {
  const auto [name, password] = cut(text, ':');
  const auto user = unescape(name, '%');
  if (!user) return UrlError{"a bad %-escape in the user name"};
  const auto secret = unescape(password, '%');
  if (!secret) return UrlError{"a bad %-escape in the password"};
  url.user = *user;
  url.password = *secret;
  return {};
}

bool is_ipv6(std::string_view host) {
  const std::string_view address = cut(host, '%').first;  // what follows names an interface
  return address.find(':') != address.npos &&
         address.find_first_not_of("0123456789abcdefABCDEF:.") == address.npos;
}

// Takes the host from the front.
Fault read_host(std::string_view& text, Url& url) {
  const bool bracketed = text.starts_with('[');
  const std::size_t end = bracketed ? text.find(']') : std::min(text.find(':'), text.size());
  if (end == text.npos) return UrlError{"no ']' behind the IPv6 address"};
  if (!bracketed && text.find(':') != text.rfind(':'))
    return UrlError{"an IPv6 address without '[' and ']'"};
  const std::string_view host = bracketed ? text.substr(1, end - 1) : text.substr(0, end);
  text.remove_prefix(bracketed ? end + 1 : end);

  if (bracketed && !is_ipv6(host)) return UrlError{"no IPv6 address between '[' and ']'"};
  if (host.empty()) return UrlError{"no host between '//' and '/'"};
  if (host.find_first_of("[]?#\\") != host.npos)
    return UrlError{"a character in the host that no host name has"};
  url.host = host;
  return {};
}

Fault read_port(std::string_view text, Url& url) {
  if (text.empty()) {
    url.port = default_port(url.scheme);
    return {};
  }
  if (text[0] != ':') return UrlError{"something else than ':' and a port behind ']'"};
  const auto port = to_number<std::uint16_t>(text.substr(1));
  if (!port || *port == 0) return UrlError{"a port that is no number from 1 to 65535"};
  url.port = *port;
  return {};
}

Fault read_authority(std::string_view text, Url& url) {
  const std::size_t at = text.rfind('@');
  if (at != text.npos) {
    if (Fault fault = read_user(text.substr(0, at), url)) return fault;
    text.remove_prefix(at + 1);
  }
  if (Fault fault = read_host(text, url)) return fault;
  return read_port(text, url);
}

void apply_word(std::string_view key, std::string value, Url& url) {
  if (key == "app")
    url.app = std::move(value);
  else if (key == "playpath")
    url.stream = std::move(value);
  else if (key == "pubuser")
    url.user = std::move(value);
  else if (key == "pubpasswd")
    url.password = std::move(value);
  else if (key == "conn")
    url.conn.push_back(std::move(value));
  else
    url.words[std::string(key)] = std::move(value);
}

Fault read_word(std::string_view text, Url& url) {
  const auto [key, raw] = cut(text, '=');
  if (key.size() == text.size()) return UrlError{"a word without '=' behind the location"};
  const auto* word = std::ranges::find(known_words, lower(key), &Word::key);
  if (word == known_words.end()) return UrlError{"unknown word " + quoted(key)};
  auto value = unescape(raw, '\\');
  if (!value) return UrlError{"a bad \\-escape in the word " + quoted(key)};

  if (word->kind == WordKind::number && !to_number<double>(*value))
    return UrlError{"no number behind the word " + quoted(key)};
  if (word->kind == WordKind::yes_or_no) {
    const auto flag = to_boolean(*value);
    if (!flag) return UrlError{"neither 1 nor 0 behind the word " + quoted(key)};
    value = *flag ? "1" : "0";
  }
  apply_word(word->key, std::move(*value), url);
  return {};
}

Fault read_words(std::string_view text, Url& url) {
  while (!text.empty()) {
    const auto [word, rest] = cut(text, ' ');
    text = rest;
    if (word.empty()) continue;
    if (Fault fault = read_word(word, url)) return fault;
  }
  const auto arguments = parse_connect_arguments(url.conn);
  if (const auto* error = std::get_if<UrlError>(&arguments)) return *error;
  return {};
}

Fault read_location(std::string_view text, Url& url) {
  if (!is_text(text)) return UrlError{"a control character, or bytes that are not UTF-8"};
  const auto [location, words] = cut(text, ' ');
  const std::size_t end = location.find("://");
  if (end == location.npos) return UrlError{"no '://' behind a scheme"};
  const auto scheme = scheme_from(location.substr(0, end));
  if (!scheme) return UrlError{"unknown scheme " + quoted(location.substr(0, end))};
  url.scheme = *scheme;

  const auto [authority, path] = cut(location.substr(end + 3), '/');
  if (Fault fault = read_authority(authority, url)) return fault;
  const auto [app, stream] = split_path(path);
  url.app = app;
  url.stream = stream;
  return read_words(words, url);
}

std::string host_and_port(const Url& url) {
  const bool ipv6 = url.host.find(':') != url.host.npos;
  std::string text = ipv6 ? "[" + url.host + "]" : url.host;
  if (url.port != default_port(url.scheme)) text += ":" + std::to_string(url.port);
  return text;
}

std::string user_and_password(const Url& url) {
  if (url.user.empty() && url.password.empty()) return {};
  std::string text = escape_user(url.user);
  if (!url.password.empty()) text += ":" + escape_user(url.password);
  return text + "@";
}

// The path, or the words, from which app and stream come back as they are.
std::string path_or_words(const Url& url) {
  for (const std::string& path : {url.app, url.app + "/" + url.stream})
    if (split_path(path) == AppAndStream{url.app, url.stream} && path.find(' ') == path.npos)
      return "/" + path;
  return " app=" + escape_word(url.app) + " playpath=" + escape_word(url.stream);
}

std::string masked_query(std::string_view text) {
  const auto [name, query] = split_query(text);
  return std::string(name).append(query.empty() ? "" : "?").append(query.empty() ? "" : mask);
}

// Builds the arguments behind connect's object, item by item.
class ConnectArguments {
 public:
  // "B:1", or "NB:name:1" inside an object.
  Fault add(std::string_view item) {
    const bool named = item.size() > 2 && item[0] == 'N' && item[2] == ':';
    if (!named && (item.size() < 2 || item[1] != ':'))
      return UrlError{"a conn item without a type and ':'"};
    const char type = item[named ? 1 : 0];
    const std::string_view rest = item.substr(named ? 3 : 2);
    const auto [name, text] = named ? cut(rest, ':') : std::pair(std::string_view(), rest);
    return type == 'O' ? begin_or_end(name, text) : add_value(type, name, text);
  }

  std::variant<std::vector<amf::Value>, UrlError> finish() && {
    if (!open_.empty()) return UrlError{"a conn object without its end, O:0"};
    return std::move(values_);
  }

 private:
  Fault begin_or_end(std::string_view name, std::string_view text) {
    if (to_boolean(text).value_or(false)) {
      if (open_.size() == amf::Limits().depth) return UrlError{"conn objects nested too deep"};
      open_.emplace_back(name, amf::Object());
      return {};
    }
    if (open_.empty()) return UrlError{"the end of a conn object, O:0, without its beginning"};
    amf::Property ended = std::move(open_.back());
    open_.pop_back();
    return place(ended.first, std::move(ended.second));
  }

  Fault add_value(char type, std::string_view name, std::string_view text) {
    switch (type) {
      case 'B':
        if (const auto flag = to_boolean(text)) return place(name, *flag);
        return UrlError{"a conn item B with neither 1 nor 0"};
      case 'N':
        if (const auto number = to_number<double>(text)) return place(name, *number);
        return UrlError{"a conn item N without a number"};
      case 'S':
        return place(name, text);
      case 'Z':
        return place(name, amf::Null());
      default:
        return UrlError{"unknown type " + quoted({&type, 1}) + " of a conn item"};
    }
  }

  Fault place(std::string_view name, amf::Value value) {
    if (open_.empty() != name.empty())
      return UrlError{name.empty() ? "a conn item without a name inside an object"
                                   : "a conn item with a name outside an object"};
    if (open_.empty())
      values_.push_back(std::move(value));
    else
      open_.back().second.get_if<amf::Object>()->set(std::string(name), std::move(value));
    return {};
  }

  std::vector<amf::Value> values_;
  std::vector<amf::Property> open_;  // objects that have begun, and their names
};

}  // namespace

std::string_view to_string(Scheme scheme) { return entry_of(scheme).name; }

std::optional<Scheme> scheme_from(std::string_view text) {
  const auto* entry = std::ranges::find(schemes, lower(text), &SchemeEntry::name);
  if (entry == schemes.end()) return std::nullopt;
  return entry->scheme;
}

std::uint16_t default_port(Scheme scheme) { return entry_of(scheme).port; }

bool uses_tls(Scheme scheme) { return scheme == Scheme::rtmps || scheme == Scheme::rtmpts; }

bool uses_rtmpe(Scheme scheme) { return scheme == Scheme::rtmpe || scheme == Scheme::rtmpte; }

bool uses_tunnel(Scheme scheme) {
  return scheme == Scheme::rtmpt || scheme == Scheme::rtmpte || scheme == Scheme::rtmpts;
}

std::string Url::tc_url() const {
  const auto word = words.find("tcurl");
  if (word != words.end()) return word->second;
  return std::string(to_string(scheme)) + "://" + host_and_port(*this) + "/" + app;
}

std::string Url::masked() const {
  std::string text = std::string(to_string(scheme)) + "://";
  if (!user.empty()) text += escape_user(user) + "@";
  text += host_and_port(*this) + "/" + masked_query(app);
  const auto [name, query] = split_query(stream);
  if (!stream.empty()) text += "/" + masked_name(name);
  if (!query.empty()) text.append("?").append(mask);
  for (const auto& [key, value] : words)
    text += " " + key + "=" + (is_secret(key) ? std::string(mask) : masked_query(value));
  if (!conn.empty()) text.append(" conn=").append(mask);
  return text;
}

std::variant<Url, UrlError> parse_url(std::string_view text) {
  Url url;
  if (Fault fault = read_location(text, url)) return *fault;
  return url;
}

std::string write_url(const Url& url) {
  std::string text = std::string(to_string(url.scheme)) + "://" + user_and_password(url) +
                     host_and_port(url) + path_or_words(url);
  for (const auto& [key, value] : url.words) text += " " + key + "=" + escape_word(value);
  for (const std::string& item : url.conn) text += " conn=" + escape_word(item);
  return text;
}

std::variant<std::vector<amf::Value>, UrlError> parse_connect_arguments(
    const std::vector<std::string>& items) {
  ConnectArguments arguments;
  for (const std::string& item : items)
    if (Fault fault = arguments.add(item)) return *fault;
  return std::move(arguments).finish();
}

NameAndQuery split_query(std::string_view text) {
  const auto [name, query] = cut(text, '?');
  return {name, query};
}

bool is_acceptable_name(std::string_view name) {
  return name.size() <= max_name_size && is_text(name);
}

std::string printable(std::string_view text) {
  std::string result;
  while (!text.empty()) {
    std::string_view rest = text;
    const auto character = take_character(rest);
    const bool known = character && !is_control(*character) && (*character & ~1u) != 0xfffe;
    if (!known) rest = text.substr(1);
    result += known ? text.substr(0, text.size() - rest.size()) : "?";
    text = rest;
  }
  return result;
}

std::string masked_name(std::string_view name) {
  if (name.empty()) return {};
  std::size_t shown = std::min<std::size_t>(4, name.size() / 2);
  while (shown > 0 && (name[shown] & 0xc0) == 0x80) --shown;  // not inside a character
  return std::string(name.substr(0, shown)).append(mask);
}

}  // namespace rtmp
