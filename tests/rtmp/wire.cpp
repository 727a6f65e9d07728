// Recorded sessions of real programs, read by us in their peers' place.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <sstream>

#include "records.h"
#include "rtmp/client_session.h"
#include "rtmp/connection.h"
#include "rtmp/server_session.h"

namespace rtmp {
namespace {

using test::field;
using test::Record;
using Counts = std::map<std::string, int>;

std::string kind_of(MessageType type) {
  switch (type) {
    case MessageType::user_control:
      return "UserControl";
    case MessageType::audio:
      return "Audio";
    case MessageType::video:
      return "Video";
    case MessageType::data:
      return "DataAMF0";
    case MessageType::command:
      return "CommandAMF0";
    default:
      return "type " + std::to_string(static_cast<int>(type));
  }
}

// What one side made of a recording.
struct Heard {
  std::vector<std::string> messages;
  std::vector<std::string> events;
  Counts counts;
  std::vector<std::int64_t> media_times;
  Connection::Stats stats;
  boost::system::error_code error = {};
};

void note(Heard& heard, const Message& message) {
  std::ostringstream text;
  const std::string_view payload = as_text(message.payload);
  text << static_cast<int>(message.type) << ' ' << message.stream_id << ' ' << message.timestamp
       << ' ' << payload.size() << ' ' << std::hash<std::string_view>()(payload);
  heard.messages.push_back(text.str());
  ++heard.counts[kind_of(message.type)];
  if (is_media(message.type)) heard.media_times.push_back(message.timestamp);
}

Connection::Settings patient() {
  Connection::Settings settings;
  settings.handshake_timeout = std::chrono::hours(1);
  return settings;
}

// A server that accepts everything.
class Server {
 public:
  Connection connection = Connection::server(patient(), Time{}, test::test_random());

  Result<void> receive(const Message& message, Heard& heard) {
    const Result<void> received = session_.receive(message, Time{});
    while (auto event = session_.next_event())
      std::visit([&](const auto& what) { heard.events.push_back(on(what)); }, *event);
    for (const Message& answer : session_.take_output()) connection.send(answer);
    return received;
  }

 private:
  std::string on(const server_event::ConnectRequest& request) {
    session_.accept_connect();
    return "connect " + request.app;
  }
  std::string on(const server_event::PublishRequest& request) {
    session_.accept_publish(request.stream_id);
    return "publish " + request.name + "?" + request.query;
  }
  std::string on(const server_event::PlayRequest& request) {
    session_.accept_play(request.stream_id);
    return "play " + request.name + " from " + std::to_string(request.start_ms);
  }
  std::string on(const server_event::MediaReceived& media) {
    return "media " + kind_of(media.message.type);
  }
  std::string on(const server_event::StreamClosed&) { return "closed"; }
  std::string on(const server_event::PauseRequest&) { return "pause"; }
  std::string on(const server_event::SeekRequest&) { return "seek"; }
  std::string on(const server_event::ReceiveRequest&) { return "receive"; }

  ServerSession session_{{}, Time{}};
};

// A client whose commands nobody reads: the recording is the answer to others.
class Client {
 public:
  explicit Client(ClientSession::Purpose purpose)
      : session_(settings(purpose), test::test_random()) {}

  Connection connection = Connection::client(patient(), Time{}, test::test_random());

  Result<void> receive(const Message& message, Heard& heard) {
    if (!std::exchange(started_, true)) session_.start(Time{});
    const Result<void> received = session_.receive(message, Time{});
    while (auto event = session_.next_event())
      heard.events.push_back(std::to_string(event->index()));
    for (const Message& answer : session_.take_output()) connection.send(answer);
    return received;
  }

 private:
  static ClientSession::Settings settings(ClientSession::Purpose purpose) {
    ClientSession::Settings settings;
    settings.purpose = purpose;
    settings.stream = "stream";
    return settings;
  }

  ClientSession session_;
  bool started_ = false;
};

template <typename Side>
Heard hear(Side side, Bytes recording, std::size_t piece) {
  Heard heard;
  while (!recording.empty() && !heard.error) {
    side.connection.receive(recording.first(std::min(piece, recording.size())), Time{});
    recording = recording.subspan(std::min(piece, recording.size()));
    while (true) {
      const Result<std::optional<Message>> message = side.connection.next_message();
      if (!message) heard.error = message.error();
      if (!message || !*message) break;
      note(heard, **message);
      const Result<void> received = side.receive(**message, heard);
      if (!received) heard.error = received.error();
      if (!received) break;
    }
  }
  heard.stats = side.connection.stats();
  return heard;
}

class Recording : public testing::TestWithParam<Record> {
 protected:
  void SetUp() override {
    const std::string path = test::shared_path("wire/" + file_);
    if (!std::filesystem::exists(path)) GTEST_SKIP() << "no recording " << path;
    bytes_ = test::read_file(path);
  }

  bool publishes() const { return field(GetParam(), "role") == "publish"; }

  Heard hear(std::size_t piece) const {
    if (file_.ends_with(".c2s")) return rtmp::hear(Server(), bytes_, piece);
    using enum ClientSession::Purpose;
    return rtmp::hear(Client(publishes() ? publish : play), bytes_, piece);
  }

  // Of the kinds that reach a session.
  Counts expected_counts() const {
    static const std::string own[] = {"SetChunkSize", "WindowAckSize", "SetPeerBandwidth", "Abort",
                                      "Acknowledgement"};
    Counts counts;
    const auto [begin, end] = GetParam().equal_range("count");
    for (auto line = begin; line != end; ++line) {
      std::istringstream in(line->second);
      std::string kind;
      in >> kind >> counts[kind];
    }
    for (const std::string& kind : own) counts.erase(kind);
    return counts;
  }

  const std::string file_ = field(GetParam(), "file");
  std::vector<std::uint8_t> bytes_;
};

TEST_P(Recording, HasTheMessagesThatOthersCount) {
  const Heard heard = hear(bytes_.size());
  EXPECT_FALSE(heard.error) << heard.error.message();
  EXPECT_EQ(heard.counts, expected_counts());
}

TEST_P(Recording, SaysTheSameInPiecesOfAnySize) {
  const Heard whole = hear(bytes_.size());
  for (std::size_t piece : {1, 1000}) {
    const Heard pieces = hear(piece);
    EXPECT_EQ(pieces.messages, whole.messages);
    EXPECT_EQ(pieces.events, whole.events);
    EXPECT_EQ(pieces.stats.messages_in, whole.stats.messages_in);
  }
}

TEST_P(Recording, AsksToPublishOrToPlay) {
  if (!file_.ends_with(".c2s")) return;
  const std::string request = publishes() ? "publish " : "play ";
  const auto events = hear(bytes_.size()).events;
  EXPECT_TRUE(std::any_of(events.begin(), events.end(),
                          [&](const std::string& event) { return event.starts_with(request); }));
}

// Over 2^24, 2^31 and 2^32 too. It begins behind the sequence headers, which may say 0.
TEST_P(Recording, HasOneTimeLineWhenPublished) {
  if (!file_.ends_with(".c2s")) return;
  const std::vector<std::int64_t> times = hear(bytes_.size()).media_times;
  for (std::size_t i = 3; i < times.size(); ++i)
    ASSERT_LT(std::abs(times[i] - times[i - 1]), 5000) << "between " << times[i - 1] << " and next";
}

INSTANTIATE_TEST_SUITE_P(All, Recording, testing::ValuesIn(test::read_records("wire/messages.txt")),
                         [](const auto& recording) {
                           std::string name = field(recording.param, "file");
                           std::replace_if(
                               name.begin(), name.end(),
                               [](unsigned char c) { return !std::isalnum(c); }, '_');
                           return name;
                         });

}  // namespace
}  // namespace rtmp
