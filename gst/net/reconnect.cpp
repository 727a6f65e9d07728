// SPDX-License-Identifier: LGPL-2.1-or-later
#include "net/reconnect.h"

#include <algorithm>
#include <array>

#include "net/client.h"

namespace net {
namespace {

// A stream that lasted so long was there; one that ends sooner counts as one more attempt.
constexpr auto lasting = std::chrono::seconds(2);
constexpr unsigned max_moves = 5;

// 0 up to 1.
double draw(const rtmp::Random& random) {
  std::array<std::uint8_t, 4> bytes;
  random(bytes);
  std::uint32_t number = 0;
  for (const std::uint8_t byte : bytes) number = number << 8 | byte;
  return number / 4294967296.0;
}

// A server says these when it goes down, not because of what we asked for.
bool is_shutdown(const std::string& code) {
  return code == "NetConnection.Connect.AppShutdown" || code == "NetConnection.Connect.Closed" ||
         code == "NetConnection.Connect.IdleTimeout";
}

}  // namespace

std::optional<rtmp::Duration> ReconnectPolicy::next_delay(rtmp::Time now,
                                                          const rtmp::Random& random) {
  forget_if_lasting(now);
  started_.reset();
  if (!settings_.enabled) return std::nullopt;
  if (settings_.max_retries >= 0 && attempts_ >= static_cast<unsigned>(settings_.max_retries))
    return std::nullopt;
  const rtmp::Duration result = delay(random);
  ++attempts_;
  return result;
}

bool ReconnectPolicy::may_move(rtmp::Time now) {
  forget_if_lasting(now);
  return settings_.enabled && moves_++ < max_moves;
}

void ReconnectPolicy::forget_if_lasting(rtmp::Time now) {
  if (started_ && now - *started_ >= lasting) attempts_ = moves_ = 0;
}

rtmp::Duration ReconnectPolicy::delay(const rtmp::Random& random) const {
  const rtmp::Duration max = std::max(settings_.backoff_min, settings_.backoff_max);
  rtmp::Duration high = settings_.backoff_min;
  for (unsigned i = 0; i <= attempts_ && high < max; ++i) high = high < max / 2 ? 2 * high : max;
  const rtmp::Duration low = std::max(settings_.backoff_min, high / 2);
  const auto chance = static_cast<double>((high - low).count()) * draw(random);
  return low + rtmp::Duration(static_cast<rtmp::Duration::rep>(chance));
}

bool is_final(const Failure& failure) {
  using rtmp::Error;
  if (failure.stage == Failure::Stage::settings || failure.certificate) return true;
  if (failure.code == Error::idle_timeout) return true;  // the end that the application set
  // A proxy's word, say.
  if (failure.code == boost::system::errc::permission_denied) return true;
  return failure.code == Error::refused && !is_shutdown(failure.status.code);
}

// As RFC 3986, 5.2 has it for the forms that E-RTMP names: "rtmp://host/app", "//host/app", "/app"
// and "app".
std::string resolve_tc_url(const std::string& base, const std::string& reference) {
  if (reference.empty()) return base;
  if (reference.find("://") != std::string::npos) return reference;
  const auto scheme_end = base.find("://");
  if (scheme_end == std::string::npos) return reference;
  if (reference.starts_with("//")) return base.substr(0, scheme_end + 1) + reference;
  const auto host_end = std::min(base.find('/', scheme_end + 3), base.size());
  if (reference.starts_with("/")) return base.substr(0, host_end) + reference;
  const auto query = std::min(base.find('?', host_end), base.size());
  const auto last = base.rfind('/', query);
  return (last <= scheme_end + 2 || last == std::string::npos ? base.substr(0, host_end) + "/"
                                                              : base.substr(0, last + 1)) +
         reference;
}

}  // namespace net
