// SPDX-License-Identifier: LGPL-2.1-or-later
#include "relay/session.h"

#include <algorithm>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/post.hpp>

#include "relay/admission.h"
#include "relay/playing.h"
#include "rtmp/command.h"
#include "rtmp/enhanced.h"
#include "rtmp/tracks.h"
#include "rtmp/url.h"

namespace relay {
namespace {

using namespace rtmp::server_event;
using rtmp::Error;
using rtmp::MessageType;
using rtmp::Result;
using rtmp::Status;

// Only commands come before a publish is accepted.
constexpr std::uint32_t message_limit_before_publish = 64 * 1024;
constexpr std::uint32_t message_limit = rtmp::ChunkLimits{}.message_size;
// A player's frames leave its queue only as they are written, so that the queue can still drop
// them.
constexpr std::size_t output_ahead = 128 * 1024;
// Key frame indexes make metadata large.
constexpr rtmp::amf::Limits metadata_limits{.nodes = 65'536};

rtmp::Connection::Settings connection_settings(const Server::Settings& settings) {
  return {.handshake_timeout = settings.handshake_timeout,
          .ping_interval = settings.ping_interval,
          .limits = {.message_size = message_limit_before_publish}};
}

rtmp::ServerSession::Settings session_settings(const Server::Settings& settings) {
  rtmp::ServerSession::Settings session;
  session.chunk_size = settings.chunk_size;
  session.connect_timeout = settings.connect_timeout;
  session.request_timeout = settings.request_timeout;
  return session;
}

// A relay hands on every codec and track untouched.
rtmp::amf::Object enhanced_capabilities() {
  using Capabilities = rtmp::EnhancedCapabilities;
  Capabilities capabilities;
  capabilities.four_cc_list = {"*"};
  capabilities.video = capabilities.audio = {{"*", Capabilities::can_forward}};
  capabilities.caps_ex =
      Capabilities::multitrack | Capabilities::mod_ex | Capabilities::timestamp_nano_offset;
  rtmp::amf::Object object;
  rtmp::write_enhanced_capabilities(capabilities, object);
  return object;
}

std::int64_t seconds_since_1970() {
  const auto time = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::seconds>(time).count();
}

// Metadata goes on in a form that no player stumbles over; data that cannot be read goes nowhere.
std::optional<rtmp::Message> clean_data(rtmp::Message message) {
  Result<rtmp::Data> data = rtmp::read_data(message, metadata_limits);
  if (!data) return std::nullopt;
  if (data->name != "onMetaData") return message;
  for (rtmp::amf::Value& value : data->values) value = rtmp::playable_metadata(value);
  return rtmp::write_data(*data, message.stream_id, message.timestamp);
}

}  // namespace

// --- publishing
// ------------------------------------------------------------------------------------

// The client as the publisher of one stream.
class Session::Publishing final : public Publisher {
 public:
  Publishing(const std::shared_ptr<Session>& session, std::uint32_t stream_id,
             std::shared_ptr<Stream> stream, rtmp::Time now)
      : heard(now),
        stream_(std::move(stream)),
        session_(session),
        worker_(session->driver_.worker()),
        stream_id_(stream_id) {}

  void on_replaced() override {
    boost::asio::post(worker_.context(), [session = session_, stream_id = stream_id_] {
      if (const auto alive = session.lock()) alive->replaced(stream_id);
    });
  }

  void flush(rtmp::Time now) {
    if (!batch.empty()) stream_->push(*this, std::exchange(batch, {}), now);
  }
  void end() { stream_->unpublish(*this); }
  Stream& stream() { return *stream_; }

  std::vector<rtmp::Message> batch;  // what arrived together
  rtmp::Time heard;                  // media, last

 private:
  std::shared_ptr<Stream> stream_;
  std::weak_ptr<Session> session_;
  net::Worker& worker_;
  std::uint32_t stream_id_;
};

// --- the connection
// --------------------------------------------------------------------------------

Session::Session(Server& server, net::Worker& worker, Hall& hall,
                 std::unique_ptr<net::ByteStream> stream, std::uint64_t id, std::string address,
                 std::string host)
    : server_(server),
      hall_(hall),
      id_(id),
      address_(std::move(address)),
      host_(std::move(host)),
      since_(net::now()),
      settings_(server.settings()),
      session_(session_settings(*settings_), since_),
      driver_(
          worker, std::move(stream),
          rtmp::Connection::server(connection_settings(*settings_), since_, net::secure_random()),
          {}, *this),
      memory_(server.memory()) {}

Session::~Session() = default;

void Session::start() { driver_.start(shared_from_this()); }

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

void Session::ask_to_reconnect() {
  boost::asio::post(driver_.worker().context(), [self = shared_from_this()] {
    if (!self->reconnects_) return;
    self->session_.send_status(
        0, {"status", "NetConnection.Connect.ReconnectRequest", "The server is about to stop."});
    self->send_session_output();
    self->driver_.flush();
  });
}

bool Session::drop(const std::string& stream) {
  const auto is_it = [&](const auto& entry) { return entry.second->stream().name() == stream; };
  if (!std::ranges::any_of(publishing_, is_it) && !std::ranges::any_of(playing_, is_it))
    return false;
  driver_.finish(Error::cancelled);
  return true;
}

Result<void> Session::on_message(rtmp::Message message, rtmp::Time now) {
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
}

void Session::on_batch_end() {
  const rtmp::Time now = net::now();
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
  on_batch_end();
  for (auto& [id, publishing] : publishing_) publishing->end();
  publishing_.clear();
  while (!playing_.empty()) end_play(playing_.begin()->first);
  const auto first_byte = driver_.connection().stats().first_byte;
  if (const auto limit = limit_behind(reason, first_byte, session_.connected()))
    server_.count(*limit, host_);
  server_.observer().on_client_removed(id_, reason);
  server_.forget(*this);
}

rtmp::Time Session::deadline() const {
  rtmp::Time earliest = session_.deadline();
  for (const auto& [id, publishing] : publishing_)
    earliest = std::min(earliest, publishing->heard + settings_->publisher_timeout);
  return earliest;
}

Result<void> Session::tick(rtmp::Time now) {
  for (const auto& [id, publishing] : publishing_)
    if (now >= publishing->heard + settings_->publisher_timeout) return Error::media_timeout;
  return session_.tick(now);
}

// --- requests
// --------------------------------------------------------------------------------------

void Session::decide(Request request, std::function<void(const Decision&)> then) {
  const auto answered = std::make_shared<bool>(false);  // our thread's
  auto answer = [weak = weak_from_this(), &worker = driver_.worker(), answered,
                 then = std::move(then)](Decision decision) {
    boost::asio::dispatch(worker.context(), [weak, answered, then, decision = std::move(decision)] {
      const auto self = weak.lock();
      if (!self || !self->driver_.open() || std::exchange(*answered, true)) return;
      then(decision);
      self->handle_events();  // what waited behind the request
      self->driver_.flush();
    });
  };
  const auto settings = server_.settings();
  const auto refusal = refusal_of(request, *settings, seconds_since_1970());
  if (!refusal.empty()) {
    answer({.allow = false, .reason = refusal});
    return;
  }
  server_.observer().on_request(request, answer);
  if (!*answered)
    server_.call_later(settings->decision_timeout, [answer] {
      answer({.allow = false, .reason = "The server's decision takes too long."});
    });
}

void Session::handle(ConnectRequest& request) {
  connected_as_.action = Request::Action::connect;
  connected_as_.client_id = id_;
  connected_as_.address = address_;
  connected_as_.app = request.app;
  connected_as_.app_query = request.app_query;
  connected_as_.tc_url = request.tc_url;
  connected_as_.page_url = request.page_url;
  connected_as_.swf_url = request.swf_url;
  connected_as_.flash_version = request.flash_version;
  const auto enhanced = rtmp::read_enhanced_capabilities(request.properties);
  knows_enhanced_ = enhanced.announced();
  reconnects_ = (enhanced.caps_ex & rtmp::EnhancedCapabilities::reconnect) != 0;
  decide(connected_as_, [this](const Decision& decision) {
    if (decision.allow) {
      server_.connected(host_);
      session_.accept_connect(enhanced_capabilities());
      return;
    }
    session_.reject_connect({"error", "NetConnection.Connect.Rejected", decision.reason});
    send_session_output();
    driver_.finish(Error::refused);
  });
}

Request Session::make_request(Request::Action action, const std::string& stream,
                              const std::string& query) {
  Request request = connected_as_;
  request.action = action;
  request.stream = stream;
  request.query = query;
  return request;
}

void Session::handle(PublishRequest& request) {
  const std::string name = stream_name(connected_as_.app, request.name);
  const std::uint32_t stream_id = request.stream_id;
  const auto act = [this, name, stream_id](const Decision& decision) {
    if (decision.allow)
      publish(stream_id, decision.rename.empty() ? name : decision.rename);
    else
      session_.reject_publish(stream_id, {"error", "NetStream.Publish.Denied", decision.reason});
  };
  decide(make_request(Request::Action::publish, request.name, request.query), act);
}

void Session::publish(std::uint32_t stream_id, const std::string& name) {
  const auto stream = server_.hub().get(name);
  const rtmp::Time now = net::now();
  const auto publishing = std::make_shared<Publishing>(shared_from_this(), stream_id, stream, now);
  const auto settings = server_.settings();
  if (!stream->publish(publishing, settings->duplicate_publish, settings->publisher_idle, now)) {
    server_.count(Limit::duplicate_publish, host_);
    session_.reject_publish(
        stream_id, {"error", "NetStream.Publish.BadName", "The stream is published already."});
    return;
  }
  driver_.connection().set_message_limit(message_limit);
  publishing_[stream_id] = publishing;
  session_.accept_publish(stream_id);
}

void Session::replaced(std::uint32_t stream_id) {
  if (!publishing_.contains(stream_id)) return;
  session_.send_status(
      stream_id, {"error", "NetStream.Publish.BadName", "Another publisher took the stream over."});
  send_session_output();
  driver_.finish(Error::refused);
}

void Session::handle(PlayRequest& request) {
  const Result<rtmp::TrackChoice> tracks = rtmp::read_track_choice(request.query);
  if (!tracks) {
    session_.reject_play(request.stream_id,
                         {"error", "NetStream.Play.Failed",
                          "video= and audio= take ids of tracks, such as 0,2, or none."});
    return;
  }
  const std::string name = stream_name(connected_as_.app, request.name);
  decide(make_request(Request::Action::play, request.name, request.query),
         [this, name, tracks = *tracks, stream_id = request.stream_id](const Decision& decision) {
           if (!decision.allow) {
             session_.reject_play(stream_id, {"error", "NetStream.Play.Failed", decision.reason});
             return;
           }
           play(stream_id, decision.rename.empty() ? name : decision.rename, tracks);
         });
}

// What belongs together leaves in one write: the statuses, headers and pictures.
void Session::play(std::uint32_t stream_id, const std::string& name,
                   const rtmp::TrackChoice& tracks) {
  auto stream = server_.hub().get(name);
  if (!stream->add_player(server_.settings()->max_players_per_stream)) {
    server_.count(Limit::players_per_stream, host_);
    session_.reject_play(stream_id,
                         {"error", "NetStream.Play.Failed", "The stream has too many players."});
    return;
  }
  session_.accept_play(stream_id);
  send_session_output();
  auto& playing = playing_[stream_id];
  playing = std::make_unique<Playing>(*this, stream_id, std::move(stream), tracks);
  playing->join();
  on_drained();
}

void Session::handle(MediaReceived& media) {
  const auto publishing = publishing_.find(media.message.stream_id);
  if (publishing == publishing_.end()) return;
  publishing->second->heard = net::now();
  std::optional<rtmp::Message> message = std::move(media.message);
  if (!rtmp::is_media(message->type)) message = clean_data(std::move(*message));
  if (message) publishing->second->batch.push_back(std::move(*message));
}

void Session::handle(StreamClosed& closed) { end_stream(closed.stream_id); }

void Session::end_play(std::uint32_t stream_id) {
  const auto playing = playing_.find(stream_id);
  if (playing == playing_.end()) return;
  lost_ += playing->second->queue().dropped();
  playing_.erase(playing);
}

void Session::end_stream(std::uint32_t stream_id) {
  end_play(stream_id);
  const auto found = publishing_.find(stream_id);
  if (found == publishing_.end()) return;
  const auto publishing = found->second;
  publishing->flush(net::now());
  publishing->end();
  publishing_.erase(found);
}

void Session::handle(PauseRequest& request) {
  const auto playing = playing_.find(request.stream_id);
  if (playing == playing_.end()) return;
  playing->second->pause(request.pause);
  session_.send_status(request.stream_id,
                       request.pause ? Status{"status", "NetStream.Pause.Notify", "Paused."}
                                     : Status{"status", "NetStream.Unpause.Notify", "Unpaused."});
}

void Session::handle(SeekRequest& request) {
  session_.send_status(request.stream_id,
                       {"error", "NetStream.Seek.Failed", "A live stream cannot seek."});
}

void Session::handle(ReceiveRequest& request) {
  const auto playing = playing_.find(request.stream_id);
  if (playing != playing_.end()) playing->second->receive(request.type, request.enabled);
}

// --- figures
// ---------------------------------------------------------------------------------------

Server::ClientStats Session::stats() const {
  const rtmp::Connection::Stats connection = driver_.connection().stats();
  Server::ClientStats stats;
  stats.id = id_;
  stats.address = address_;
  stats.app = connected_as_.app;
  stats.state = session_.connected() ? "connected" : "handshake";
  stats.bytes_in = connection.bytes_in;
  stats.bytes_out = connection.bytes_out;
  stats.queue_bytes = driver_.connection().output().size();
  stats.frames_dropped = lost_;
  stats.connected_for = net::now() - since_;
  for (const auto& [id, publishing] : publishing_) {
    stats.state = "publishing";
    stats.stream = publishing->stream().name();
  }
  for (const auto& [id, playing] : playing_) {
    stats.state = "playing";
    stats.stream = playing->stream().name();
    stats.queue_bytes += playing->queue().bytes();
    stats.frames_dropped += playing->queue().dropped();
  }
  return stats;
}

}  // namespace relay
