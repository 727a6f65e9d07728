// SPDX-License-Identifier: LGPL-2.1-or-later
#include "rtmp/client_session.h"

#include <cassert>

#include "rtmp/amf0.h"
#include "rtmp/control.h"
#include "rtmp/flv.h"

namespace rtmp {
namespace {

using namespace client_event;

// What Flash Player says of itself; some servers leave out what is not named.
constexpr int all_capabilities = 15;
constexpr int all_audio_codecs = 0x0FFF;
constexpr int all_video_codecs = 0xFF;
constexpr int client_seeks = 1;

// A redirect hides inside the info object: {ex: {code: 302, redirect: "rtmp://..."}}.
std::optional<std::string> redirect(const amf::Value& info) {
  const amf::Object* object = info.object();
  const amf::Value* extra = object ? object->find("ex") : nullptr;
  const amf::Object* details = extra ? extra->object() : nullptr;
  if (!details) return std::nullopt;
  const amf::Value* code = details->find("code");
  const amf::Value* target = details->find("redirect");
  if (!code || code->number() != 302.0 || !target) return std::nullopt;
  return std::string(target->string().value_or(""));
}

std::string text(const amf::Value& info, std::string_view name) {
  const amf::Object* object = info.object();
  const amf::Value* value = object ? object->find(name) : nullptr;
  return value ? std::string(value->string().value_or("")) : std::string();
}

}  // namespace

ClientSession::ClientSession(Settings settings, const Random& random)
    : settings_(std::move(settings)), random_(random) {}

void ClientSession::start(Time now, const swf::Key& swf_key) {
  assert(state_ == State::idle);
  now_ = now;
  swf_key_ = swf_key;
  call("connect", connect_object(), settings_.connect_arguments);
  wait(State::connecting);
}

amf::Object ClientSession::connect_object() const {
  amf::Object object{{"app", settings_.app + settings_.auth_query}};
  const auto set = [&](const char* name, const std::string& value) {
    if (!value.empty()) object.set(name, value);
  };
  const bool publish = settings_.purpose == Purpose::publish;
  if (publish) object.set("type", "nonprivate");
  set("flashVer", settings_.flash_version);
  set("swfUrl", settings_.swf_url);
  object.set("tcUrl", settings_.tc_url + settings_.auth_query);
  set("pageUrl", settings_.page_url);
  if (!publish) {
    object.set("fpad", false)
        .set("capabilities", all_capabilities)
        .set("audioCodecs", all_audio_codecs)
        .set("videoCodecs", all_video_codecs)
        .set("videoFunction", client_seeks);
  }
  for (const amf::Property& property : settings_.connect_properties.properties)
    object.set(property.first, property.second);
  return object;
}

Result<void> ClientSession::receive(const Message& message, Time now) {
  now_ = now;
  switch (message.type) {
    case MessageType::command:
    case MessageType::command_amf3:
      return on_command(message);
    case MessageType::user_control:
      on_user_control(message);
      return {};
    case MessageType::data:
    case MessageType::data_amf3:
      on_data(message);
      return {};
    case MessageType::audio:
    case MessageType::video:
      on_media(message);
      return {};
    case MessageType::aggregate:
      for (const Message& part : flv::split_aggregate(message))
        is_media(part.type) ? on_media(part) : on_data(part);
      return {};
    default:
      return {};
  }
}

// --- answers ---

Result<void> ClientSession::on_command(const Message& message) {
  const Result<Command> command = read_command(message, settings_.amf);
  if (!command) return command.error();
  const std::string& name = command->name;
  if (name == "_result") {
    on_result(*command);
  } else if (name == "_error") {
    on_error(*command);
  } else if (name == "onStatus") {
    on_status(read_status(command->argument(0)), command->argument(0));
  } else if (name == "onFCUnsubscribe") {
    end(StreamEnded::Reason::stopped);
  } else if (name == "_onbwcheck") {
    output_.push_back(write_command({"_result", command->transaction_id, amf::Null{}, {}}, 0));
  } else if (name == "close") {
    return Error::closed;
  }
  return {};
}

void ClientSession::on_result(const Command& command) {
  if (state_ == State::connecting && command.transaction_id <= 1) {
    on_connected(command);
  } else if (state_ == State::creating_stream && command.transaction_id == awaited_) {
    on_stream_created(command);
  }
}

// releaseStream, FCPublish and their like may fail as they please.
void ClientSession::on_error(const Command& command) {
  const amf::Value& info = command.argument(0);
  const Status status = read_status(info);
  if (state_ == State::connecting && command.transaction_id <= 1) {
    on_rejected(status, info);
  } else if (command.transaction_id == awaited_ && !waiting_for().empty()) {
    refuse(status);
  } else if (state_ == State::started && command.transaction_id > 0) {
    if (command.transaction_id == sought_)
      events_.push(StatusReceived{{"error", "NetStream.Seek.Failed", status.description}});
    if (command.transaction_id == paused_)
      events_.push(StatusReceived{{"error", "NetStream.Pause.Failed", status.description}});
  }
}

void ClientSession::on_connected(const Command& command) {
  const amf::Value& information = command.argument(0);
  // Some servers say no in a _result.
  if (const Status status = read_status(information); status.is_error()) {
    on_rejected(status, information);
    return;
  }
  Connected connected;
  if (const amf::Object* object = command.object.object()) connected.properties = *object;
  if (const amf::Object* object = information.object()) connected.information = *object;
  events_.push(std::move(connected));
  answer_secure_token(information);
  create_stream();
}

void ClientSession::answer_secure_token(const amf::Value& information) {
  const std::string challenge = text(information, "secureToken");
  if (challenge.empty() || settings_.secure_token.empty()) return;
  if (const auto response = auth::secure_token_response(challenge, settings_.secure_token))
    notify("secureTokenResponse", {*response});
}

void ClientSession::on_rejected(const Status& status, const amf::Value& info) {
  if (const auto target = redirect(info)) {
    finish();
    events_.push(ReconnectWanted{*target, status});
    return;
  }
  const auth::Challenge challenge = auth::read_challenge(status.description);
  if (!answers(challenge)) {
    refuse(status);
    return;
  }
  finish();
  events_.push(AuthenticationWanted{
      challenge.kind == auth::Challenge::Kind::mode_offered
          ? auth::begin_query(challenge.mode, settings_.credentials)
          : auth::response_query(challenge, settings_.credentials, settings_.app, random_)});
}

// Each step once, lest a server that does not understand us be asked for ever.
bool ClientSession::answers(const auth::Challenge& challenge) const {
  using Kind = auth::Challenge::Kind;
  const bool mode_allowed =
      settings_.auth_mode == auth::Mode::automatic || settings_.auth_mode == challenge.mode;
  if (!mode_allowed || settings_.credentials.user.empty()) return false;
  if (challenge.kind == Kind::mode_offered) return settings_.auth_query.empty();
  return challenge.kind == Kind::response_wanted &&
         settings_.auth_query.find("response=") == std::string::npos;
}

// In the order that SRS insists on; nobody's answer but createStream's is waited for.
void ClientSession::create_stream() {
  if (settings_.purpose == Purpose::publish) {
    if (settings_.chunk_size > 0)
      output_.push_back(control::write(control::SetChunkSize{settings_.chunk_size}));
    call("releaseStream", amf::Null{}, {settings_.stream});
    call("FCPublish", amf::Null{}, {settings_.stream});
  }
  awaited_ = call("createStream", amf::Null{}, {});
  if (settings_.purpose == Purpose::play && !settings_.subscribe.empty())
    call("FCSubscribe", amf::Null{}, {settings_.subscribe});
  wait(State::creating_stream);
}

void ClientSession::on_stream_created(const Command& command) {
  const double id = command.argument(0).number().value_or(0);
  if (!(id >= 1 && id <= 0xFFFFFFFF)) {
    refuse({"error", "NetConnection.Call.Failed", "The server created no stream."});
    return;
  }
  stream_id_ = static_cast<std::uint32_t>(id);
  begin();
}

void ClientSession::begin() {
  if (settings_.purpose == Purpose::publish) {
    awaited_ = call("publish", amf::Null{}, {settings_.stream, settings_.publish_type}, stream_id_);
  } else {
    std::vector<amf::Value> arguments{settings_.stream, settings_.start};
    if (settings_.duration >= 0) arguments.emplace_back(settings_.duration);
    awaited_ = call("play", amf::Null{}, std::move(arguments), stream_id_);
    output_.push_back(control::write(
        control::UserControl{control::Event::set_buffer_length, stream_id_, settings_.buffer_ms}));
  }
  wait(State::starting);
}

// --- statuses ---

void ClientSession::on_status(const Status& status, const amf::Value& info) {
  const std::string& code = status.code;
  if (code == "NetConnection.Connect.ReconnectRequest") {
    events_.push(ReconnectWanted{text(info, "tcUrl"), status});
  } else if (state_ == State::connecting && status.is_error()) {
    on_rejected(status, info);  // SRS does not say _error
  } else if (status.is_error() && ends_stream(code)) {
    refuse(status);
  } else {
    if (state_ == State::starting && starts(code)) become_started();
    follow(code);
    events_.push(StatusReceived{status});
  }
}

// What was asked of a stream that has started may fail without ending it.
bool ClientSession::ends_stream(std::string_view code) const {
  return state_ != State::started ||
         !(code.starts_with("NetStream.Seek.") || code.starts_with("NetStream.Pause.") ||
           code.starts_with("NetStream.Record.") || code == "NetConnection.Call.Failed");
}

bool ClientSession::starts(std::string_view code) const {
  if (settings_.purpose == Purpose::publish) return code == "NetStream.Publish.Start";
  return code == "NetStream.Play.Start" || code == "NetStream.Play.PublishNotify";
}

void ClientSession::become_started() {
  state_ = State::started;
  deadline_ = never;
  events_.push(Started{stream_id_});
}

// What a status after the start means for the stream.
void ClientSession::follow(std::string_view code) {
  using Reason = StreamEnded::Reason;
  if (code == "NetStream.Play.UnpublishNotify") {
    end(Reason::unpublished);
  } else if (code == "NetStream.Play.Stop") {
    end(Reason::stopped);
  } else if (code == "NetStream.Play.Complete") {
    end(Reason::complete);
  } else if (code == "NetStream.Play.PublishNotify" || code == "NetStream.Seek.Notify") {
    resume();
  }
}

void ClientSession::end(StreamEnded::Reason reason) {
  if (state_ != State::started || ended_) return;
  ended_ = true;
  events_.push(StreamEnded{reason});
}

void ClientSession::resume() {
  if (!std::exchange(ended_, false)) return;
  events_.push(StreamResumed{});
}

void ClientSession::refuse(const Status& status) {
  if (state_ == State::finished) return;
  const std::string_view purpose = settings_.purpose == Purpose::publish ? "publish" : "play";
  const std::string_view asked = waiting_for().empty() ? purpose : waiting_for();
  events_.push(Refused{std::string(asked), status});
  finish();
}

void ClientSession::finish() {
  state_ = State::finished;
  deadline_ = never;
}

// --- media ---

void ClientSession::on_user_control(const Message& message) {
  if (settings_.swf && swf::is_request(message))
    output_.push_back(swf::response(*settings_.swf, swf_key_));
  const Result<control::Control> control = control::read(message);
  if (!control) return;
  const auto& user = std::get<control::UserControl>(*control);
  if (user.value != stream_id_) return;
  if (user.event == control::Event::stream_eof) end(StreamEnded::Reason::stream_eof);
}

void ClientSession::on_data(const Message& message) {
  Result<Data> data = read_data(message, settings_.amf);
  if (!data) return;  // not the session's fault, and not worth its end
  if (data->name == "onStatus" || data->name == "onPlayStatus") {
    const amf::Value none;
    const amf::Value& info = data->values.empty() ? none : data->values.front();
    on_status(read_status(info), info);
    return;
  }
  Message media = message;
  if (data->name == "@setDataFrame") {
    strip_set_data_frame(*data);
    media = write_data(*data, message.stream_id, message.timestamp);
  }
  on_media(media);
}

// FFmpeg as a server sends media on message stream 0, and some servers no Play.Start before media
// and metadata.
void ClientSession::on_media(const Message& message) {
  if (settings_.purpose != Purpose::play) return;
  if (message.stream_id != stream_id_ && message.stream_id != 0) return;
  if (state_ == State::starting) become_started();
  if (state_ != State::started) return;
  if (is_media(message.type)) resume();
  events_.push(MediaReceived{message});
}

Message ClientSession::to_send(Message message) const {
  assert(state_ == State::started);
  message.stream_id = stream_id_;
  if (message.type != MessageType::data) return message;
  const amf::Value handler("onMetaData");
  ByteWriter metadata;
  amf0::write(metadata, handler);
  const Bytes payload = message.payload;
  if (payload.size() < metadata.size() ||
      !std::equal(metadata.view().begin(), metadata.view().end(), payload.begin()))
    return message;
  ByteWriter wrapped;
  amf0::write(wrapped, "@setDataFrame");
  wrapped.bytes(payload);
  message.payload = Buffer::adopt(wrapped.take());
  return message;
}

// --- the application's wishes ---

void ClientSession::stop(StopCommands commands) {
  if (state_ == State::starting || state_ == State::started) {
    const bool publish = settings_.purpose == Purpose::publish;
    if (publish && commands.fc_unpublish) call("FCUnpublish", amf::Null{}, {settings_.stream});
    if (commands.close_stream) notify("closeStream", {}, stream_id_);
    if (commands.delete_stream) call("deleteStream", amf::Null{}, {stream_id_});
  }
  finish();
}

void ClientSession::pause(bool pause, double position_ms) {
  assert(state_ == State::started);
  paused_ = call("pause", amf::Null{}, {pause, position_ms}, stream_id_);
}

void ClientSession::seek(double position_ms) {
  assert(state_ == State::started);
  sought_ = call("seek", amf::Null{}, {position_ms}, stream_id_);
}

double ClientSession::call(std::string name, amf::Value object, std::vector<amf::Value> arguments,
                           std::uint32_t stream_id) {
  const double transaction = ++last_transaction_;
  output_.push_back(write_command(
      {std::move(name), transaction, std::move(object), std::move(arguments)}, stream_id));
  return transaction;
}

void ClientSession::notify(std::string name, std::vector<amf::Value> arguments,
                           std::uint32_t stream_id) {
  output_.push_back(
      write_command({std::move(name), 0, amf::Null{}, std::move(arguments)}, stream_id));
}

// --- time ---

std::string_view ClientSession::waiting_for() const {
  switch (state_) {
    case State::connecting:
      return "connect";
    case State::creating_stream:
      return "createStream";
    case State::starting:
      return settings_.purpose == Purpose::publish ? "publish" : "play";
    default:
      return "";
  }
}

void ClientSession::wait(State state) {
  state_ = state;
  deadline_ = now_ + settings_.command_timeout;
}

Result<void> ClientSession::tick(Time now) {
  now_ = now;
  if (now >= deadline_) return Error::command_timeout;
  return {};
}

}  // namespace rtmp
