// SPDX-License-Identifier: LGPL-2.1-or-later
#include "relay/session.h"

#include <algorithm>
#include <boost/asio/post.hpp>

#include "relay/playing.h"
#include "relay/publishing.h"
#include "rtmp/url.h"

namespace relay {
namespace {

using rtmp::Error;
using rtmp::Result;

// Only commands come before a publish is accepted.
constexpr std::uint32_t message_limit_before_publish = 64 * 1024;
// A player's frames leave its queue only as they are written, so that the queue can still drop
// them.
constexpr std::size_t output_ahead = 128 * 1024;

rtmp::Connection::Settings connection_settings(const Server::Settings& settings, Way way) {
  // Whether TLS is around it shows later.
  const bool tunnel = way != Way::direct;
  const bool plain = settings.protocols.has(Protocol::rtmp) || settings.tls || tunnel;
  return {.accepts = {plain, settings.protocols.has(tunnel ? Protocol::rtmpte : Protocol::rtmpe)},
          .keep_swf_key = settings.swf.has_value(),
          .handshake_timeout = settings.handshake_timeout,
          .ping_interval = settings.ping_interval,
          .limits = {.message_size = message_limit_before_publish}};
}

rtmp::Connection make_connection(const Server::Settings& settings, Visitor& visitor,
                                 rtmp::Time now) {
  if (visitor.flv) return rtmp::Connection::flv(std::move(*visitor.flv), now);
  return rtmp::Connection::server(connection_settings(settings, visitor.way), now,
                                  net::secure_random());
}

rtmp::ServerSession::Settings session_settings(const Server::Settings& settings) {
  rtmp::ServerSession::Settings session;
  session.chunk_size = settings.chunk_size;
  session.connect_timeout = settings.connect_timeout;
  session.request_timeout = settings.request_timeout;
  return session;
}

}  // namespace

// --- the connection
// --------------------------------------------------------------------------------

Session::Session(Server& server, Hall& hall, Visitor visitor, std::uint64_t id, std::string host)
    : server_(server),
      hall_(hall),
      way_(visitor.way),
      id_(id),
      address_(visitor.address),
      host_(std::move(host)),
      since_(net::now()),
      meter_(since_),
      settings_(server.settings()),
      session_(session_settings(*settings_), since_),
      driver_(*visitor.worker, std::move(visitor.stream),
              make_connection(*settings_, visitor, since_), {}, *this),
      memory_(server.memory()) {}

Session::~Session() = default;

// From here on the server tells us when they change.
void Session::start() {
  settings_ = server_.settings();
  driver_.start(shared_from_this());
}

void Session::leave() {
  boost::asio::post(driver_.worker().context(), [self = shared_from_this()] {
    self->leaving_ = true;
    self->driver_.flush();
    self->leave_if_done();
  });
}

// What players have still to get goes before the end.
void Session::leave_if_done() {
  if (!leaving_ || !driver_.connection().output().empty()) return;
  for (const auto& [id, playing] : playing_)
    if (!playing->queue().empty()) return;
  driver_.finish(Error::cancelled);
}

void Session::kick(net::error_code reason) {
  boost::asio::post(driver_.worker().context(),
                    [self = shared_from_this(), reason] { self->driver_.close(reason); });
}

bool Session::ask_to_reconnect(const std::string& tc_url, const std::string& description) {
  if (!reconnects_) return false;
  boost::asio::post(driver_.worker().context(), [self = shared_from_this(), tc_url, description] {
    self->session_.request_reconnect(tc_url, description);
    self->send_session_output();
    self->driver_.flush();
  });
  return true;
}

void Session::on_settings() {
  boost::asio::post(driver_.worker().context(), [self = shared_from_this()] {
    self->settings_ = self->server_.settings();
    for (const auto& [id, playing] : self->playing_)
      playing->set_limits(self->settings_->player_queue);
    self->driver_.reschedule();
  });
}

bool Session::has(const std::string& stream) const {
  const auto is_it = [&](const auto& entry) { return entry.second->stream().name() == stream; };
  return std::ranges::any_of(publishing_, is_it) || std::ranges::any_of(playing_, is_it);
}

bool Session::drop(const std::string& stream) {
  if (!has(stream)) return false;
  driver_.finish(Error::cancelled);
  return true;
}

Protocol Session::protocol() const {
  if (way_ == Way::http_flv) return Protocol::http_flv;
  if (way_ == Way::ws_flv) return Protocol::ws_flv;
  if (way_ == Way::secure_tunnel) return Protocol::rtmpts;
  const bool encrypted = driver_.connection().encrypted();
  if (way_ == Way::tunnel) return encrypted ? Protocol::rtmpte : Protocol::rtmpt;
  if (driver_.stream().is_secure()) return Protocol::rtmps;
  return encrypted ? Protocol::rtmpe : Protocol::rtmp;
}

bool Session::is_foreign(rtmp::Bytes first) {
  const bool secure = driver_.stream().is_secure();
  if (way_ != Way::direct || !begins_http(first[0]) || !settings_->protocols.has_http(secure))
    return false;
  first_bytes_.assign(first.begin(), first.end());
  return true;
}

// The client is another one from now on.
void Session::on_released(std::unique_ptr<net::ByteStream> stream) {
  server_.take_http_client(driver_.worker(), std::move(stream), std::move(first_bytes_), address_,
                           host_);
  server_.observer().on_client_removed(id_, Error::closed);
  server_.forget(*this);
}

void Session::on_established() {
  if (!settings_->protocols.has(protocol())) driver_.finish(Error::unsupported_version);
}

Result<void> Session::on_message(rtmp::Message message, rtmp::Time now) {
  if (session_.publishes(message, now)) {
    take_media(std::move(message), now);
    return {};
  }
  if (swf_by_ != rtmp::never && rtmp::swf::is_response(message)) on_swf_answer(message);
  const Result<void> received = session_.receive(message, now);
  handle_events();
  return received;
}

void Session::handle_events() {
  while (auto event = session_.next_event())
    std::visit([this](auto& happened) { handle(happened); }, *event);
  count_names();
  send_session_output();
}

void Session::count_names() {
  for (; names_refused_ < session_.names_refused(); ++names_refused_)
    server_.count(Limit::names, host_);
}

void Session::send_session_output() {
  for (const rtmp::Message& message : session_.take_output()) driver_.connection().send(message);
  if (driver_.connection().over()) driver_.finish(Error::cancelled);
}

void Session::on_batch_end(rtmp::Time now) {
  for (auto& [id, publishing] : publishing_) publishing->flush(now);
  count_memory();
}

// Messages that come take room before anybody knows whose they are, and so do answers that nobody
// reads; a few are on their way. A player's output is its stream's.
void Session::count_memory() {
  const std::size_t output = driver_.connection().output().size();
  std::size_t bytes = driver_.connection().partial_bytes();
  if (playing_.empty() && output > output_ahead) bytes += output;
  memory_.set(bytes);
  if (bytes > message_limit_before_publish && memory_.exceeded())
    driver_.finish(Error::over_budget);
}

// Streams take turns, so that none starves another.
void Session::on_drained() {
  bool more = !playing_.empty();
  while (more && driver_.connection().output().size() < output_ahead) {
    more = false;
    for (auto& [id, playing] : playing_) more = playing->send_next() || more;
  }
  leave_if_done();
}

void Session::on_closed(net::error_code reason) {
  on_batch_end(net::now());
  for (auto& [id, publishing] : publishing_) publishing->end();
  publishing_.clear();
  while (!playing_.empty()) end_play(playing_.begin()->first);
  while (!visits_.empty()) end_visit(visits_.rbegin()->first);  // the connection last
  const auto first_byte = driver_.connection().stats().first_byte;
  if (const auto limit = limit_behind(reason, first_byte, session_.connected()))
    server_.count(*limit, host_);
  log_end(reason);
  server_.observer().on_client_removed(id_, reason);
  server_.forget(*this);
}

// Who did not get so far as to ask for anything is none to tell of: probes fill no log.
void Session::log_end(net::error_code reason) {
  const auto log = settings_->access_log;
  if (!log || connected_as_.client_id == 0) return;
  const Traffic traffic = this->traffic();
  log->write({.id = id_,
              .address = address_,
              .user = connected_as_.user,
              .app = connected_as_.app,
              .tc_url = connected_as_.tc_url,
              .page_url = connected_as_.page_url,
              .swf_url = connected_as_.swf_url,
              .flash_version = connected_as_.flash_version,
              .name = last_wish_.name,
              .query = last_wish_.query,
              .stream = last_wish_.stream,
              .published = published_,
              .played = played_,
              .end = std::chrono::system_clock::now(),
              .time = net::now() - since_,
              .bytes_in = traffic.bytes_in,
              .bytes_out = traffic.bytes_out,
              .frames_dropped = traffic.frames_dropped,
              .reason = reason.message()});
}

rtmp::Time Session::deadline() const {
  rtmp::Time earliest = std::min(session_.deadline(), swf_by_);
  for (const auto& [id, publishing] : publishing_)
    earliest = std::min(earliest, publishing->heard + settings_->publisher_timeout);
  return earliest;
}

Result<void> Session::tick(rtmp::Time now) {
  if (now >= swf_by_) {
    server_.count(Limit::connect_timeout, host_);
    refuse_connect("The SWF verification was not answered in time.");
  }
  for (const auto& [id, publishing] : publishing_)
    if (now >= publishing->heard + settings_->publisher_timeout) return Error::media_timeout;
  return session_.tick(now);
}

// --- figures
// ---------------------------------------------------------------------------------------

void Session::sample(rtmp::Time now) {
  const rtmp::Connection::Stats connection = driver_.connection().stats();
  meter_.sample({connection.bytes_in, connection.bytes_out}, now);
}

void Session::report() {
  for (const auto& [id, playing] : playing_) playing->report();
}

Session::Traffic Session::traffic() const {
  const rtmp::Connection::Stats connection = driver_.connection().stats();
  return {connection.bytes_in, connection.bytes_out, lost_};
}

ClientStats Session::stats(rtmp::Time now) const {
  ClientStats stats;
  stats.id = id_;
  stats.address = address_;
  stats.connected_for = now - since_;
  stats.protocol = to_name(protocol());
  add_wishes(stats);
  add_traffic(stats, now);
  for (const auto& [id, publishing] : publishing_) {
    stats.state = "publishing";
    stats.stream = publishing->stream().name();
  }
  for (const auto& [id, playing] : playing_) {
    stats.state = "playing";
    stats.stream = playing->stream().name();
    stats.queue_bytes += playing->queue().bytes();
    stats.queue_time = std::max(stats.queue_time, playing->queue().waited(now));
    stats.frames_dropped += playing->queue().dropped();
  }
  return stats;
}

// What was said at connect; queries are often secrets.
void Session::add_wishes(ClientStats& stats) const {
  const auto without_query = [](const std::string& text) {
    return rtmp::printable(rtmp::split_query(text).name);
  };
  stats.app = connected_as_.app;
  stats.state = session_.connected() ? "connected" : "handshake";
  stats.tc_url = without_query(connected_as_.tc_url);
  stats.page_url = without_query(connected_as_.page_url);
  stats.swf_url = without_query(connected_as_.swf_url);
  stats.flash_version = rtmp::printable(connected_as_.flash_version);
}

void Session::add_traffic(ClientStats& stats, rtmp::Time now) const {
  const rtmp::Connection::Stats connection = driver_.connection().stats();
  const auto [in, out] = meter_.per_second({connection.bytes_in, connection.bytes_out}, now);
  stats.bytes_in = connection.bytes_in;
  stats.bytes_out = connection.bytes_out;
  stats.bit_rate_in = in * 8;
  stats.bit_rate_out = out * 8;
  stats.queue_bytes = driver_.connection().output().size();
  stats.frames_dropped = lost_;
  stats.ping_round_trip = connection.ping_round_trip;
  if (driver_.open()) stats.tcp = net::tcp_figures(driver_.stream().socket().native_handle());
}

}  // namespace relay
