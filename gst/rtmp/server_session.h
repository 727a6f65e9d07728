// The server's side of NetConnection and NetStream: what a client asks, and what it is answered.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <map>
#include <string>
#include <variant>

#include "rtmp/clock.h"
#include "rtmp/command.h"
#include "rtmp/fifo.h"

namespace rtmp {

// What the session asks of its owner, who answers connect, publish and play with accept_*() or
// reject_*(), at once or later: the client waits. Each request must be answered once, and nothing
// else that the client asks comes out before; its connection may end instead.
namespace server_event {

struct ConnectRequest {
  std::string app;  // without a leading or trailing '/'; may be empty
  std::string app_query;
  std::string tc_url, page_url, swf_url, flash_version;
  double object_encoding = 0;
  amf::Object properties;             // everything that connect said, as it came
  std::vector<amf::Value> arguments;  // after the object
};

struct PublishRequest {
  std::uint32_t stream_id = 0;
  std::string name;   // without query
  std::string query;  // what followed the '?'
  std::string type;   // "live", "record" or "append"
};

struct PlayRequest {
  enum class Start { live_or_recorded, live, at };
  std::uint32_t stream_id = 0;
  std::string name;
  std::string query;
  Start start = Start::live_or_recorded;
  double start_ms = 0;      // with Start::at
  double duration_ms = -1;  // negative: to the end
  bool reset = true;
};

// Audio, video or data on a stream that publishes. Aggregates come apart, "@setDataFrame" taken
// off.
struct MediaReceived {
  Message message;
};

// The publish or play on that stream is over because the client said so.
struct StreamClosed {
  std::uint32_t stream_id = 0;
};

struct PauseRequest {
  std::uint32_t stream_id = 0;
  bool pause = true;
  double position_ms = 0;
};

struct SeekRequest {
  std::uint32_t stream_id = 0;
  double position_ms = 0;
};

// receiveAudio and receiveVideo
struct ReceiveRequest {
  std::uint32_t stream_id = 0;
  MessageType type = MessageType::audio;
  bool enabled = true;
};

using Event = std::variant<ConnectRequest, PublishRequest, PlayRequest, MediaReceived, StreamClosed,
                           PauseRequest, SeekRequest, ReceiveRequest>;

}  // namespace server_event

// What connect is answered with, but for the number of the transaction: the same for all clients of
// a server, and so encoded once. May be shared by threads.
class ConnectAnswer {
 public:
  // `properties` are added to those that every server has.
  explicit ConnectAnswer(const amf::Object& properties = {});
  Message write(double transaction_id) const;

 private:
  std::vector<std::uint8_t> objects_;
};

// Messages in, events and messages out. Owned by its connection's thread.
class ServerSession {
 public:
  using Event = server_event::Event;
  struct Settings {
    std::uint32_t chunk_size = 60'000;                    // bytes, for what we send
    std::uint32_t window_ack_size = 2'500'000;            // bytes
    Duration connect_timeout = std::chrono::seconds(10);  // from the start; absolute
    Duration request_timeout = std::chrono::seconds(15);  // to publish or play, from the start
    std::size_t max_streams = 16;
    unsigned max_commands_per_second = 100;  // while nothing is published or played
    amf::Limits amf;
  };

  ServerSession(Settings settings, Time now);

  // Whether the message is media of a stream that publishes: the owner may then keep it, instead of
  // giving it to receive().
  bool publishes(const Message& message, Time now);
  // One message of the client's. An error ends the connection, after output() was written.
  Result<void> receive(const Message& message, Time now);
  std::optional<Event> next_event() { return events_.take(); }
  // What is to be sent, in order.
  std::vector<Message> take_output() { return std::exchange(output_, {}); }

  void accept_connect(const ConnectAnswer& answer = ConnectAnswer());
  // Sends the rejection; the owner then closes once it is written.
  void reject_connect(const Status& status);

  void accept_publish(std::uint32_t stream_id);
  void reject_publish(std::uint32_t stream_id, const Status& status);

  // StreamBegin, Play.Reset, Play.Start, |RtmpSampleAccess: media may follow.
  void accept_play(std::uint32_t stream_id);
  void reject_play(std::uint32_t stream_id, const Status& status);

  // To a player: a publisher has come, or has gone (UnpublishNotify and StreamEOF).
  void notify_publish(std::uint32_t stream_id);
  void notify_unpublish(std::uint32_t stream_id);
  // Asks a client that announced that it understands it to connect again (E-RTMP's
  // ReconnectRequest): to that tcUrl, or to the same if it is empty.
  void request_reconnect(const std::string& tc_url, const std::string& description);
  // Any other status on a stream, or on the connection with id 0.
  void send_status(std::uint32_t stream_id, const Status& status);

  bool connected() const { return state_ == State::connected; }
  // How many app and stream names were too long or not text.
  unsigned names_refused() const { return names_refused_; }
  // Whether the client publishes or plays anything (accepted or not yet answered).
  bool active() const;
  // The name under which that stream was asked for, as the client gave it.
  const std::string& stream_name(std::uint32_t stream_id) const;

  Time deadline() const;
  Result<void> tick(Time now);

 private:
  enum class State { waiting, connect_asked, connected, rejected };
  struct Stream {
    enum class State { idle, publish_asked, publishing, play_asked, playing };
    State state = State::idle;
    std::string name;
  };

  bool must_wait(const Message& message);
  bool waits_for_answer() const;
  void replay();
  Result<void> handle(const Message& message);
  Result<void> on_command(const Message& message);
  Result<void> count_command();
  Result<void> dispatch(Command& command, std::uint32_t stream_id);
  Result<void> on_connect(Command& command);
  Result<void> on_create_stream(const Command& command);
  Result<void> on_publish(const Command& command, std::uint32_t stream_id);
  Result<void> on_play(const Command& command, std::uint32_t stream_id);
  bool accepts_name(std::string_view name);
  void on_delete_stream(const Command& command, std::uint32_t stream_id);
  void on_fc_publish(const Command& command);
  void on_fc_unpublish(const Command& command);
  void on_fc_subscribe(const Command& command);
  void on_pause(const Command& command, std::uint32_t stream_id);
  void on_receive(const Command& command, std::uint32_t stream_id, MessageType type);
  void on_media(Message media);
  void on_data(Message data);
  void answer(const Command& command, amf::Value result);
  void send_command(const Command& command, std::uint32_t stream_id = 0);
  void answer_request(std::uint32_t stream_id, Stream::State asked, Stream::State answer);
  void close_stream(std::uint32_t stream_id);
  Stream* find(std::uint32_t stream_id);
  // The stream that a command or media is for: by its id, or the only one there is.
  Stream* target(std::uint32_t& stream_id);
  bool is_playing(std::uint32_t& stream_id);
  void take_time(Time now);

  Settings settings_;
  Time now_ = {};
  Time idle_since_;  // no publish or play asked for since then
  State state_ = State::waiting;
  double connect_transaction_ = 1;
  std::map<std::uint32_t, Stream> streams_;
  Fifo<Message> early_;    // came before the answer to a request
  Result<void> replayed_;  // a fault in one of them
  bool answered_ = false;  // a request, at a time that take_time() will tell
  bool refused_ = false;   // the answer was no
  Time asked_ = {};        // to publish or play, last
  Fifo<Event> events_;
  std::vector<Message> output_;
  Time second_start_;  // of the second whose commands are counted
  unsigned commands_in_second_ = 0;
  unsigned names_refused_ = 0;
};

}  // namespace rtmp
