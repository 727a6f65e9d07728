// The client's side of NetConnection and NetStream: connect, then publish or play one stream.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <set>
#include <string>
#include <variant>

#include "rtmp/auth.h"
#include "rtmp/clock.h"
#include "rtmp/command.h"
#include "rtmp/fifo.h"
#include "rtmp/swf.h"

namespace rtmp {

namespace client_event {

// connect was accepted.
struct Connected {
  amf::Object properties, information;  // the two objects of its _result
};

// publish or play was accepted: media may be sent, or will come.
struct Started {
  std::uint32_t stream_id = 0;
};

// The server said no; the connection is of no further use. `command` says to what: "connect",
// "createStream", "publish" or "play". After Started it is the status that ended the stream.
struct Refused {
  std::string command;
  Status status;
};

// connect must be tried again on a new connection, with this query behind app and tcUrl (authmod).
struct AuthenticationWanted {
  std::string query;
};

// The server moves us elsewhere: E-RTMP's ReconnectRequest, or a rejection with a redirect.
// `tc_url` is what it said, absolute or relative or empty (the same again).
struct ReconnectWanted {
  std::string tc_url;
  Status status;
};

// Any other status, for applications.
struct StatusReceived {
  Status status;
};

// Audio, video or data of the stream. Aggregates come apart, "@setDataFrame" taken off.
struct MediaReceived {
  Message message;
};

// The server has no more media: the publisher left, or a recording is over. The connection stays,
// and a live stream may go on later.
struct StreamEnded {
  enum class Reason { stream_eof, unpublished, stopped, complete };
  Reason reason = Reason::stream_eof;
};

// A stream that had ended has a publisher again.
struct StreamResumed {};

using Event = std::variant<Connected, Started, Refused, AuthenticationWanted, ReconnectWanted,
                           StatusReceived, MediaReceived, StreamEnded, StreamResumed>;

}  // namespace client_event

// Messages in, events and messages out. Owned by its connection's thread.
class ClientSession {
 public:
  using Event = client_event::Event;
  enum class Purpose { publish, play };
  struct Settings {
    Purpose purpose = Purpose::play;
    std::string app, tc_url, stream;
    std::string flash_version, swf_url, page_url;  // empty: not sent
    std::vector<amf::Value> connect_arguments;     // after connect's object
    amf::Object connect_properties;                // added to it
    std::string publish_type = "live";
    double start = -2000;            // play: ms, -2000 live or recorded, -1000 live only
    double duration = -1;            // play: ms, -1 to the end
    std::uint32_t buffer_ms = 3000;  // play: SetBufferLength
    std::string subscribe;           // play: FCSubscribe with this name, if not empty
    std::uint32_t chunk_size = 0;    // bytes, announced before publish; 0: left at 128
    auth::Mode auth_mode = auth::Mode::automatic;
    auth::Credentials credentials;
    std::string auth_query;          // of the connection before: what AuthenticationWanted said
    std::string secure_token;        // Wowza's shared secret
    std::optional<swf::Player> swf;  // of which a server may demand proof
    Duration command_timeout = std::chrono::seconds(5);  // for each answer
    amf::Limits amf;
  };
  // Which commands end a publish (rtmp2sink's stop-commands).
  struct StopCommands {
    bool fc_unpublish = true, close_stream = false, delete_stream = true;
  };

  // `random` draws the challenges of authmod.
  ClientSession(Settings settings, const Random& random);

  // Sends connect. Once, when the connection is established; `swf_key` is the connection's, if
  // there is something to prove.
  void start(Time now, const swf::Key& swf_key = {});
  // An error ends the connection.
  Result<void> receive(const Message& message, Time now);
  std::optional<Event> next_event() { return events_.take(); }
  std::vector<Message> take_output() { return std::exchange(output_, {}); }

  // Media to publish: gives the message its stream id; "@setDataFrame" goes before onMetaData. Only
  // after Started.
  Message to_send(Message message) const;
  // Says that the stream is over. The connection may be closed when this is written.
  void stop(StopCommands commands);
  // Only while playing. The answers are statuses; an _error is told as Seek.Failed or Pause.Failed.
  void pause(bool pause, double position_ms);
  void seek(double position_ms);

  bool started() const { return state_ == State::started; }
  std::uint32_t stream_id() const { return stream_id_; }

  // "connect", "createStream", "publish", "play": the answer that is waited for, or nothing.
  std::string_view waiting_for() const;
  Time deadline() const { return deadline_; }
  Result<void> tick(Time now);

 private:
  enum class State { idle, connecting, creating_stream, starting, started, finished };

  Result<void> on_command(const Message& message);
  void on_result(const Command& command);
  void on_error(const Command& command);
  void on_connected(const Command& command);
  void on_rejected(const Status& status, const amf::Value& info);
  void on_stream_created(const Command& command);
  void on_status(const Status& status, const amf::Value& info);
  void on_user_control(const Message& message);
  void on_data(const Message& message);
  void on_media(const Message& message);
  amf::Object connect_object() const;
  void answer_secure_token(const amf::Value& information);
  void create_stream();
  void begin();
  bool answers(const auth::Challenge& challenge) const;
  bool starts(std::string_view code) const;
  bool ends_stream(std::string_view code) const;
  void become_started();
  void follow(std::string_view code);
  void end(client_event::StreamEnded::Reason reason);
  void resume();
  void refuse(const Status& status);
  void finish();
  double call(std::string name, amf::Value object, std::vector<amf::Value> arguments,
              std::uint32_t stream_id = 0);
  void notify(std::string name, std::vector<amf::Value> arguments, std::uint32_t stream_id = 0);
  void wait(State state);

  Settings settings_;
  Random random_;
  State state_ = State::idle;
  Time now_ = {};
  Time deadline_ = never;
  swf::Key swf_key_ = {};
  double last_transaction_ = 0;
  double awaited_ = 0;              // the transaction whose answer state_ waits for
  double sought_ = 0, paused_ = 0;  // the transactions of the last seek and pause
  std::uint32_t stream_id_ = 0;
  bool ended_ = false;  // the stream has ended, for now
  Fifo<Event> events_;
  std::vector<Message> output_;
};

}  // namespace rtmp
