// SPDX-License-Identifier: LGPL-2.1-or-later
#include "relay/session_report.h"

#include <algorithm>
#include <array>
#include <ctime>

#include "relay/admission.h"
#include "rtmp/url.h"

namespace relay {
namespace {

constexpr std::string_view mask = "****";
constexpr std::string_view combined =
    "$remote_addr [$time_local] $command \"$app\" \"$name\" \"$args\" - $bytes_received "
    "$bytes_sent \"$pageurl\" \"$flashver\" ($session_readable_time)";

// --- what is not said

std::string masked_args(std::string_view query) {
  std::string masked;
  while (!query.empty()) {
    const std::string_view word = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(query.size(), word.size() + 1));
    const std::size_t equals = word.find('=');
    if (!masked.empty()) masked += '&';
    if (equals != std::string_view::npos) masked += word.substr(0, equals + 1);
    masked += mask;
  }
  return masked;
}

std::string masked_url(std::string_view url) {
  std::string masked;
  const std::size_t query = url.find('?');
  const std::string_view place = url.substr(0, query);
  const std::size_t scheme = place.find("://");
  const std::size_t host = scheme == std::string_view::npos ? 0 : scheme + 3;
  const std::size_t user = place.substr(host, place.find('/', host) - host).rfind('@');
  masked += place.substr(0, host);
  if (user != std::string_view::npos) masked.append(mask).append("@");
  masked += place.substr(user == std::string_view::npos ? host : host + user + 1);
  if (query != std::string_view::npos) masked.append("?").append(mask);
  return masked;
}

// Under which others know the stream; any other is a key.
std::string public_name(const SessionReport& report) {
  const bool is_public = stream_name(report.app, report.name) == report.stream;
  return is_public ? report.name : rtmp::masked_name(report.name);
}

// --- values

std::string host(const SessionReport& report) {
  return report.address.substr(0, report.address.rfind(':'));
}

const char* command(const SessionReport& report) {
  if (report.published && report.played) return "PLAY+PUBLISH";
  if (report.published) return "PUBLISH";
  return report.played ? "PLAY" : "NONE";
}

std::int64_t seconds(const SessionReport& report) {
  return std::chrono::duration_cast<std::chrono::seconds>(report.time).count();
}

// "1d 2h 3m 4s", from the first that there is.
std::string readable_time(const SessionReport& report) {
  constexpr std::array<std::pair<std::int64_t, char>, 3> units = {
      {{86'400, 'd'}, {3'600, 'h'}, {60, 'm'}}};
  std::int64_t left = seconds(report);
  std::string text;
  for (const auto& [length, letter] : units) {
    if (left >= length || !text.empty()) text += std::to_string(left / length) + letter + ' ';
    left %= length;
  }
  return text + std::to_string(left) + 's';
}

std::string with_three_digits(std::int64_t ms) {
  const std::string digits = std::to_string(1000 + ms % 1000);
  return std::to_string(ms / 1000) + "." + digits.substr(1);
}

std::int64_t ms_since_1970(const SessionReport& report) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(report.end.time_since_epoch())
      .count();
}

std::string local_time(const SessionReport& report) {
  const std::time_t time = std::chrono::system_clock::to_time_t(report.end);
  std::tm parts = {};
  ::localtime_r(&time, &parts);
  char text[40];
  return {text, std::strftime(text, sizeof text, "%d/%b/%Y:%H:%M:%S %z", &parts)};
}

// ISO 8601, in UTC.
std::string utc(const SessionReport& report) {
  const std::time_t time = std::chrono::system_clock::to_time_t(report.end);
  std::tm parts = {};
  ::gmtime_r(&time, &parts);
  char text[40];
  const std::size_t size = std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
  const std::string fraction = with_three_digits(ms_since_1970(report) % 1000);
  return std::string(text, size) + fraction.substr(1) + "Z";
}

std::string duration(const SessionReport& report) {
  return with_three_digits(
      std::chrono::duration_cast<std::chrono::milliseconds>(report.time).count());
}

// --- how it is written

// As nginx writes it.
std::string escaped(std::string_view text) {
  constexpr char digits[] = "0123456789ABCDEF";
  std::string out;
  for (const char letter : text) {
    const auto byte = static_cast<unsigned char>(letter);
    if (byte < 0x20 || byte > 0x7E || letter == '"' || letter == '\\') {
      out += "\\x";
      out += digits[byte >> 4];
      out += digits[byte & 15];
    } else {
      out += letter;
    }
  }
  return out;
}

// The bytes of the character that the text begins with; 0 if it is none, or one that controls.
std::size_t character_size(std::string_view text) {
  const auto first = static_cast<unsigned char>(text.front());
  const std::size_t size = first < 0x80 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
  return rtmp::is_acceptable_name(text.substr(0, size)) ? size : 0;
}

std::string in_quotes(std::string_view text) {
  constexpr char digits[] = "0123456789abcdef";
  std::string out = "\"";
  while (!text.empty()) {
    const std::size_t size = character_size(text);
    const auto byte = static_cast<unsigned char>(text.front());
    if (size == 0 && byte < 0x80) {
      out.append("\\u00").append({digits[byte >> 4], digits[byte & 15]});
    } else if (size == 0) {
      out += "\\ufffd";
    } else if (text.front() == '"' || text.front() == '\\') {
      out.append("\\").append({text.front()});
    } else {
      out += text.substr(0, size);
    }
    text.remove_prefix(std::max<std::size_t>(1, size));
  }
  return out + '"';
}

std::string to_json(const SessionReport& report) {
  const auto number = [](std::uint64_t value) { return std::to_string(value); };
  const std::pair<const char*, std::string> fields[] = {
      {"time", in_quotes(utc(report))},
      {"id", number(report.id)},
      {"address", in_quotes(report.address)},
      {"user", in_quotes(report.user)},
      {"command", in_quotes(command(report))},
      {"stream", in_quotes(report.stream)},
      {"app", in_quotes(report.app)},
      {"name", in_quotes(public_name(report))},
      {"args", in_quotes(masked_args(report.query))},
      {"tc_url", in_quotes(masked_url(report.tc_url))},
      {"page_url", in_quotes(masked_url(report.page_url))},
      {"swf_url", in_quotes(masked_url(report.swf_url))},
      {"flash_version", in_quotes(report.flash_version)},
      {"seconds", duration(report)},
      {"bytes_in", number(report.bytes_in)},
      {"bytes_out", number(report.bytes_out)},
      {"frames_dropped", number(report.frames_dropped)},
      {"reason", in_quotes(report.reason)}};
  std::string line;
  for (const auto& [name, value] : fields)
    line.append(line.empty() ? "{\"" : ",\"").append(name).append("\":").append(value);
  return line + "}";
}

}  // namespace

// nginx-rtmp's variables, and some of our own.
std::optional<LogFormat::Value> LogFormat::find(std::string_view variable) {
  using Report = const SessionReport&;
  static constexpr std::pair<std::string_view, Value> known[] = {
      {"connection", [](Report one) { return std::to_string(one.id); }},
      {"remote_addr", [](Report one) { return host(one); }},
      {"user", [](Report one) { return escaped(one.user); }},
      {"app", [](Report one) { return escaped(one.app); }},
      {"name", [](Report one) { return escaped(public_name(one)); }},
      {"args", [](Report one) { return escaped(masked_args(one.query)); }},
      {"flashver", [](Report one) { return escaped(one.flash_version); }},
      {"swfurl", [](Report one) { return escaped(masked_url(one.swf_url)); }},
      {"tcurl", [](Report one) { return escaped(masked_url(one.tc_url)); }},
      {"pageurl", [](Report one) { return escaped(masked_url(one.page_url)); }},
      {"command", [](Report one) { return std::string(relay::command(one)); }},
      {"bytes_sent", [](Report one) { return std::to_string(one.bytes_out); }},
      {"bytes_received", [](Report one) { return std::to_string(one.bytes_in); }},
      {"session_time", [](Report one) { return std::to_string(seconds(one)); }},
      {"session_readable_time", [](Report one) { return readable_time(one); }},
      {"msec", [](Report one) { return with_three_digits(ms_since_1970(one)); }},
      {"time_local", [](Report one) { return local_time(one); }},
      {"stream", [](Report one) { return escaped(one.stream); }},
      {"frames_dropped", [](Report one) { return std::to_string(one.frames_dropped); }},
      {"reason", [](Report one) { return escaped(one.reason); }},
  };
  const auto found = std::ranges::find(known, variable, &std::pair<std::string_view, Value>::first);
  return found == std::end(known) ? std::nullopt : std::optional(found->second);
}

std::optional<LogFormat> LogFormat::read(std::string_view text, std::string& error) {
  LogFormat format;
  if (text == "json") {
    format.json_ = true;
    return format;
  }
  if (text == "combined") text = combined;
  while (!text.empty()) {
    const std::size_t dollar = text.find('$');
    Part part{.text = std::string(text.substr(0, dollar))};
    text.remove_prefix(std::min(text.size(), part.text.size() + 1));
    if (dollar != std::string_view::npos) {
      const std::size_t end =
          std::min(text.find_first_not_of("abcdefghijklmnopqrstuvwxyz_"), text.size());
      const auto value = find(text.substr(0, end));
      if (!value) {
        error = "The format of the access log has an unknown variable, $" +
                std::string(text.substr(0, end)) + ".";
        return std::nullopt;
      }
      part.value = *value;
      text.remove_prefix(end);
    }
    format.parts_.push_back(std::move(part));
  }
  return format;
}

std::string LogFormat::write(const SessionReport& report) const {
  if (json_) return to_json(report);
  std::string line;
  for (const Part& part : parts_) {
    line += part.text;
    if (part.value) line += part.value(report);
  }
  return line;
}

}  // namespace relay
