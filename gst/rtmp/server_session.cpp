// SPDX-License-Identifier: LGPL-2.1-or-later
#include "rtmp/server_session.h"

#include <algorithm>
#include <cassert>
#include <cmath>

#include "rtmp/amf0.h"
#include "rtmp/control.h"
#include "rtmp/flv.h"
#include "rtmp/url.h"

namespace rtmp {
namespace {

using namespace server_event;

// What a client may send while it waits for the answer to a request.
constexpr std::size_t max_early_messages = 64;

constexpr std::string_view set_data_frame = "@setDataFrame";

std::string text(const amf::Object& object, std::string_view name) {
  const amf::Value* value = object.find(name);
  return value ? std::string(value->string().value_or("")) : std::string();
}

std::string text(const amf::Value& value) { return std::string(value.string().value_or("")); }

// Finite, so that it can become an integer.
double number(const amf::Value& value, double otherwise) {
  const double number = value.number().value_or(otherwise);
  return std::isfinite(number) ? number : otherwise;
}

bool is_command(const Message& message) {
  return message.type == MessageType::command || message.type == MessageType::command_amf3;
}

// "/live/_definst_/" and "live" are one app: the default instance goes without saying.
std::string_view normalised_app(std::string_view app) {
  while (app.starts_with('/')) app.remove_prefix(1);
  while (app.ends_with('/')) app.remove_suffix(1);
  constexpr std::string_view default_instance = "/_definst_";
  if (app.ends_with(default_instance)) app.remove_suffix(default_instance.size());
  return app;
}

// The document says seconds and the wire carries milliseconds, -2 and -2000 mean the same, and so
// do -1 and -1000.
void read_start(const amf::Value& value, PlayRequest& request) {
  const double start = number(value, -2000);
  const bool live = (start > -1.5 && start < 0) || (start > -1500 && start <= -1000);
  if (start >= 0) {
    request.start = PlayRequest::Start::at;
    request.start_ms = start;
  } else if (live) {
    request.start = PlayRequest::Start::live;
  }
}

// A boolean or a number; 0 and false keep the playlist that there is.
bool read_reset(const amf::Value& value) {
  if (const auto reset = value.number()) return *reset != 0;
  return value.boolean().value_or(true);
}

Status name_refused(std::string_view code) {
  return {"error", std::string(code), "The name is too long or not text."};
}

}  // namespace

ConnectAnswer::ConnectAnswer(const amf::Object& properties) {
  amf::Object server{{"fmsVer", "FMS/3,5,7,7009"}, {"capabilities", 31}, {"mode", 1}};
  for (const amf::Property& property : properties.properties)
    server.set(property.first, property.second);
  amf::Object information =
      write_status({"status", "NetConnection.Connect.Success", "Connection succeeded."});
  information.set("objectEncoding", 0);
  objects_ = amf0::write_all({std::move(server), std::move(information)});
}

Message ConnectAnswer::write(double transaction_id) const {
  ByteWriter out;
  amf0::write(out, "_result");
  amf0::write(out, transaction_id);
  out.bytes(objects_);
  return {MessageType::command, 0, 0, Buffer::adopt(out.take())};
}

ServerSession::ServerSession(Settings settings, Time now)
    : settings_(settings), idle_since_(now), second_start_(now) {}

bool ServerSession::publishes(const Message& message, Time now) {
  if (!is_media(message.type) || !replayed_) return false;
  const Stream* stream = find(message.stream_id);
  if (!stream || stream->state != Stream::State::publishing) return false;
  take_time(now);
  return true;
}

Result<void> ServerSession::receive(const Message& message, Time now) {
  take_time(now);
  if (!replayed_) return replayed_;
  if (is_command(message)) {
    const Result<void> counted = count_command();
    if (!counted) return counted;
  }
  if (!must_wait(message)) return handle(message);
  if (early_.size() < max_early_messages)
    early_.push(message);
  else if (is_command(message))
    return Error::too_many_commands;
  return {};
}

// Everything happens in the order in which the client asked for it, so what comes behind a request
// waits for the answer too. Media of another stream that publishes already does not.
bool ServerSession::must_wait(const Message& message) {
  if (!waits_for_answer()) return false;
  const Stream* stream = find(message.stream_id);
  return is_command(message) || !stream || stream->state != Stream::State::publishing;
}

bool ServerSession::waits_for_answer() const {
  return state_ == State::connect_asked ||
         std::any_of(streams_.begin(), streams_.end(), [](const auto& entry) {
           return entry.second.state == Stream::State::publish_asked ||
                  entry.second.state == Stream::State::play_asked;
         });
}

// After an answer: what waited for it, as far as the next request.
void ServerSession::replay() {
  answered_ = true;
  while (replayed_ && !early_.empty() && !waits_for_answer()) {
    const Message message = early_.pop();
    replayed_ = handle(message);
  }
}

Result<void> ServerSession::handle(const Message& message) {
  switch (message.type) {
    case MessageType::command:
    case MessageType::command_amf3:
      return on_command(message);
    case MessageType::audio:
    case MessageType::video:
      on_media(message);
      return {};
    case MessageType::data:
    case MessageType::data_amf3:
      on_data(message);
      return {};
    case MessageType::aggregate:
      for (const Message& part : flv::split_aggregate(message))
        is_media(part.type) ? on_media(part) : on_data(part);
      return {};
    default:
      return {};  // user control, shared objects and what nobody knows
  }
}

// --- commands ---

Result<void> ServerSession::on_command(const Message& message) {
  Result<Command> command = read_command(message, settings_.amf);
  if (!command) return command.error();
  return dispatch(*command, message.stream_id);
}

Result<void> ServerSession::count_command() {
  if (active()) return {};
  if (now_ - second_start_ >= std::chrono::seconds(1)) {
    second_start_ = now_;
    commands_in_second_ = 0;
  }
  if (++commands_in_second_ > settings_.max_commands_per_second) return Error::too_many_commands;
  return {};
}

Result<void> ServerSession::dispatch(Command& command, std::uint32_t stream_id) {
  const std::string& name = command.name;
  if (name == "connect") return on_connect(command);
  if (state_ == State::rejected) return {};
  if (state_ != State::connected) return Error::unexpected_command;

  if (name == "createStream") return on_create_stream(command);
  if (name == "publish") return on_publish(command, stream_id);
  if (name == "play") return on_play(command, stream_id);
  if (name == "deleteStream") {
    on_delete_stream(command, stream_id);
  } else if (name == "closeStream") {
    if (target(stream_id)) close_stream(stream_id);
  } else if (name == "FCPublish") {
    on_fc_publish(command);
  } else if (name == "FCUnpublish") {
    on_fc_unpublish(command);
  } else if (name == "FCSubscribe") {
    on_fc_subscribe(command);
  } else if (name == "pause" || name == "pauseRaw") {
    on_pause(command, stream_id);
  } else if (name == "seek") {
    if (is_playing(stream_id)) events_.push(SeekRequest{stream_id, number(command.argument(0), 0)});
  } else if (name == "receiveAudio") {
    on_receive(command, stream_id, MessageType::audio);
  } else if (name == "receiveVideo") {
    on_receive(command, stream_id, MessageType::video);
  } else if (name == "getStreamLength") {
    answer(command, 0.0);  // live has no length
  } else {
    answer(command, amf::Null{});  // releaseStream, _checkbw and what we do not know
  }
  return {};
}

Result<void> ServerSession::on_connect(Command& command) {
  if (state_ != State::waiting) return Error::unexpected_command;
  ConnectRequest request;
  if (amf::Object* object = command.object.object()) request.properties = std::move(*object);
  const std::string app = text(request.properties, "app");
  const NameAndQuery split = split_query(app);
  request.app = normalised_app(split.name);
  request.app_query = split.query;
  request.tc_url = text(request.properties, "tcUrl");
  request.page_url = text(request.properties, "pageUrl");
  request.swf_url = text(request.properties, "swfUrl");
  request.flash_version = text(request.properties, "flashVer");
  if (const amf::Value* encoding = request.properties.find("objectEncoding"))
    request.object_encoding = number(*encoding, 0);
  request.arguments = std::move(command.arguments);
  state_ = State::connect_asked;
  connect_transaction_ = command.transaction_id;
  if (!accepts_name(request.app)) {
    reject_connect(name_refused("NetConnection.Connect.InvalidApp"));
    return {};
  }
  events_.push(std::move(request));
  return {};
}

// What belongs together leaves in one write, Set Chunk Size before the answer: simple encoders do
// not understand one that comes in pieces.
void ServerSession::accept_connect(const ConnectAnswer& answer) {
  assert(state_ == State::connect_asked);
  state_ = State::connected;
  output_.push_back(control::write(control::WindowAckSize{settings_.window_ack_size}));
  output_.push_back(control::write(control::SetPeerBandwidth{settings_.window_ack_size}));
  output_.push_back(control::write(control::SetChunkSize{settings_.chunk_size}));
  output_.push_back(answer.write(connect_transaction_));
  replay();
}

void ServerSession::reject_connect(const Status& status) {
  assert(state_ == State::connect_asked);
  state_ = State::rejected;
  early_.clear();
  send_command({"_error", connect_transaction_, amf::Null{}, {write_status(status)}});
}

Result<void> ServerSession::on_create_stream(const Command& command) {
  if (streams_.size() >= settings_.max_streams) {
    send_command({"_error",
                  command.transaction_id,
                  amf::Null{},
                  {write_status({"error", "NetConnection.Call.Failed", "Too many streams."})}});
    return Error::too_many_streams;
  }
  std::uint32_t id = 1;
  while (streams_.contains(id)) ++id;
  streams_[id];
  answer(command, id);
  return {};
}

Result<void> ServerSession::on_publish(const Command& command, std::uint32_t stream_id) {
  Stream* stream = target(stream_id);
  if (!stream) return Error::unexpected_command;
  if (command.argument(0).get_if<bool>()) {  // publish(false) stops
    close_stream(stream_id);
    return {};
  }
  if (stream->state == Stream::State::publish_asked || stream->state == Stream::State::publishing) {
    send_status(stream_id,
                {"error", "NetStream.Publish.BadName", "This stream is publishing already."});
    return {};
  }
  close_stream(stream_id);
  stream->name = text(command.argument(0));
  const NameAndQuery split = split_query(stream->name);
  if (!accepts_name(split.name)) {
    send_status(stream_id, name_refused("NetStream.Publish.BadName"));
    return {};
  }
  stream->state = Stream::State::publish_asked;
  asked_ = now_;
  const std::string type = text(command.argument(1));
  events_.push(PublishRequest{stream_id, std::string(split.name), std::string(split.query),
                              type.empty() ? "live" : type});
  return {};
}

bool ServerSession::accepts_name(std::string_view name) {
  const bool acceptable = is_acceptable_name(name);
  if (!acceptable) ++names_refused_;
  return acceptable;
}

void ServerSession::accept_publish(std::uint32_t stream_id) {
  answer_request(stream_id, Stream::State::publish_asked, Stream::State::publishing);
  send_status(stream_id, {"status", "NetStream.Publish.Start", "Start publishing"});
  replay();
}

void ServerSession::reject_publish(std::uint32_t stream_id, const Status& status) {
  answer_request(stream_id, Stream::State::publish_asked, Stream::State::idle);
  send_status(stream_id, status);
  refused_ = true;
  replay();
}

void ServerSession::answer_request(std::uint32_t stream_id, [[maybe_unused]] Stream::State asked,
                                   Stream::State answer) {
  Stream* stream = find(stream_id);
  assert(stream && stream->state == asked);
  stream->state = answer;
}

Result<void> ServerSession::on_play(const Command& command, std::uint32_t stream_id) {
  Stream* stream = target(stream_id);
  if (!stream) return Error::unexpected_command;
  close_stream(stream_id);
  stream->name = text(command.argument(0));
  const NameAndQuery split = split_query(stream->name);
  if (!accepts_name(split.name)) {
    send_status(stream_id, name_refused("NetStream.Play.StreamNotFound"));
    return {};
  }
  stream->state = Stream::State::play_asked;
  asked_ = now_;
  PlayRequest request{.stream_id = stream_id,
                      .name = std::string(split.name),
                      .query = std::string(split.query),
                      .duration_ms = number(command.argument(2), -1),
                      .reset = read_reset(command.argument(3))};
  read_start(command.argument(1), request);
  events_.push(std::move(request));
  return {};
}

// In the order that every player takes; GStreamer's rtmp2src looks at the first status alone, and
// Reset is one that it accepts.
void ServerSession::accept_play(std::uint32_t stream_id) {
  answer_request(stream_id, Stream::State::play_asked, Stream::State::playing);
  output_.push_back(control::write(control::UserControl{control::Event::stream_begin, stream_id}));
  send_status(stream_id, {"status", "NetStream.Play.Reset", "Playing and resetting stream."});
  send_status(stream_id, {"status", "NetStream.Play.Start", "Started playing stream."});
  output_.push_back(write_data({"|RtmpSampleAccess", {true, true}}, stream_id, 0));
  replay();
}

void ServerSession::reject_play(std::uint32_t stream_id, const Status& status) {
  answer_request(stream_id, Stream::State::play_asked, Stream::State::idle);
  send_status(stream_id, status);
  refused_ = true;
  replay();
}

void ServerSession::notify_publish(std::uint32_t stream_id) {
  output_.push_back(control::write(control::UserControl{control::Event::stream_begin, stream_id}));
  send_status(stream_id, {"status", "NetStream.Play.PublishNotify", "The stream is published."});
}

// Players differ in what they take for the end: librtmp wants the status, rtmp2src the event.
void ServerSession::notify_unpublish(std::uint32_t stream_id) {
  send_status(stream_id,
              {"status", "NetStream.Play.UnpublishNotify", "The stream is no longer published."});
  output_.push_back(control::write(control::UserControl{control::Event::stream_eof, stream_id}));
}

void ServerSession::request_reconnect(const std::string& tc_url, const std::string& description) {
  amf::Object info =
      write_status({"status", "NetConnection.Connect.ReconnectRequest", description});
  if (!tc_url.empty()) info.set("tcUrl", tc_url);
  send_command({"onStatus", 0, amf::Null{}, {std::move(info)}});
}

void ServerSession::send_status(std::uint32_t stream_id, const Status& status) {
  send_command({"onStatus", 0, amf::Null{}, {write_status(status)}}, stream_id);
}

// The id is an argument, or that of the message; rtmp2sink sends the stream's name on message
// stream 0.
void ServerSession::on_delete_stream(const Command& command, std::uint32_t stream_id) {
  const double id = number(command.argument(0), 0);
  if (id >= 1 && id <= 0xFFFFFFFF) {
    stream_id = static_cast<std::uint32_t>(id);
    if (!find(stream_id)) return;
  }
  if (!target(stream_id)) return;
  close_stream(stream_id);
  streams_.erase(stream_id);
}

void ServerSession::on_fc_publish(const Command& command) {
  answer(command, amf::Null{});
  send_command({"onFCPublish",
                0,
                amf::Null{},
                {write_status({"status", "NetStream.Publish.Start", text(command.argument(0))})}});
}

void ServerSession::on_fc_unpublish(const Command& command) {
  const std::string name = text(command.argument(0));
  for (auto& [id, stream] : streams_)
    if (stream.state == Stream::State::publishing && stream.name == name) close_stream(id);
  answer(command, amf::Null{});
  send_command({"onFCUnpublish",
                0,
                amf::Null{},
                {write_status({"status", "NetStream.Unpublish.Success", name})}});
}

void ServerSession::on_fc_subscribe(const Command& command) {
  send_command({"onFCSubscribe",
                0,
                amf::Null{},
                {write_status({"status", "NetStream.Play.Start", text(command.argument(0))})}});
}

void ServerSession::on_pause(const Command& command, std::uint32_t stream_id) {
  if (!is_playing(stream_id)) return;
  events_.push(PauseRequest{stream_id, command.argument(0).boolean().value_or(true),
                            number(command.argument(1), 0)});
}

void ServerSession::on_receive(const Command& command, std::uint32_t stream_id, MessageType type) {
  if (!is_playing(stream_id)) return;
  events_.push(ReceiveRequest{stream_id, type, command.argument(0).boolean().value_or(true)});
}

// Transaction 0 asks for no answer.
void ServerSession::answer(const Command& command, amf::Value result) {
  if (command.transaction_id == 0) return;
  send_command({"_result", command.transaction_id, amf::Null{}, {std::move(result)}});
}

void ServerSession::send_command(const Command& command, std::uint32_t stream_id) {
  output_.push_back(write_command(command, stream_id));
}

// --- media ---

void ServerSession::on_media(Message media) {
  const Stream* stream = target(media.stream_id);
  if (stream && stream->state == Stream::State::publishing)
    events_.push(MediaReceived{std::move(media)});
}

// "@setDataFrame" asks the server to keep what follows; it is not for players.
void ServerSession::on_data(Message data) {
  ByteReader in(data.payload);
  if (data.type == MessageType::data_amf3 && in.peek() == 0) in.u8();
  constexpr std::uint8_t string_marker = 2;
  if (in.u8() == string_marker && in.text(in.u16()) == set_data_frame) {
    data.type = MessageType::data;
    data.payload = data.payload.slice(in.position());
  }
  on_media(std::move(data));
}

// --- streams ---

ServerSession::Stream* ServerSession::find(std::uint32_t stream_id) {
  const auto stream = streams_.find(stream_id);
  return stream == streams_.end() ? nullptr : &stream->second;
}

// A few clients send NetStream commands and media on message stream 0, or on another than they
// created.
ServerSession::Stream* ServerSession::target(std::uint32_t& stream_id) {
  if (Stream* stream = find(stream_id)) return stream;
  if (streams_.size() != 1) return nullptr;
  stream_id = streams_.begin()->first;
  return &streams_.begin()->second;
}

bool ServerSession::is_playing(std::uint32_t& stream_id) {
  const Stream* stream = target(stream_id);
  return stream && stream->state == Stream::State::playing;
}

void ServerSession::close_stream(std::uint32_t stream_id) {
  Stream* stream = find(stream_id);
  if (!stream || stream->state == Stream::State::idle) return;
  const Stream::State was = std::exchange(stream->state, Stream::State::idle);
  idle_since_ = now_;
  events_.push(StreamClosed{stream_id});
  if (was == Stream::State::publishing)
    send_status(stream_id, {"status", "NetStream.Unpublish.Success", "Stopped publishing."});
}

bool ServerSession::active() const {
  return std::any_of(streams_.begin(), streams_.end(),
                     [](const auto& entry) { return entry.second.state != Stream::State::idle; });
}

const std::string& ServerSession::stream_name(std::uint32_t stream_id) const {
  static const std::string none;
  const auto stream = streams_.find(stream_id);
  return stream == streams_.end() ? none : stream->second.name;
}

// --- time ---

// The time until our own answers does not count as the client's.
void ServerSession::take_time(Time now) {
  now_ = now;
  if (!std::exchange(answered_, false)) return;
  // A refusal gives the client no more time, but what the answer took is not the client's.
  idle_since_ = std::exchange(refused_, false) ? idle_since_ + (now - asked_) : now;
}

Time ServerSession::deadline() const {
  if (!replayed_) return now_;
  switch (state_) {
    case State::waiting:
      return idle_since_ + settings_.connect_timeout;
    case State::connected:
      return active() ? never : idle_since_ + settings_.request_timeout;
    default:
      return never;
  }
}

Result<void> ServerSession::tick(Time now) {
  take_time(now);
  if (!replayed_) return replayed_;
  if (now >= deadline()) return Error::command_timeout;
  return {};
}

}  // namespace rtmp
