// Clients of HTTP-FLV against a session of the server, byte by byte.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gtest/gtest.h>

#include "pair.h"
#include "rtmp/enhanced.h"
#include "rtmp/server_session.h"

namespace rtmp {
namespace {

using Purpose = FlvRequest::Purpose;

using boost::system::error_code;

constexpr Time start = Time{} + std::chrono::hours(1);
constexpr std::string_view yes = "yes:", no = "no.";

FlvRequest request_to(Purpose purpose) {
  FlvRequest request;
  request.purpose = purpose;
  request.app = "live";
  request.name = "camera?token=7";
  request.tc_url = "http://localhost/live";
  request.page_url = "http://localhost/player.html";
  request.flash_version = "curl/7";
  request.accepted = yes;
  request.refused = no;
  return request;
}

Message metadata(amf::Object values) {
  return write_data({"onMetaData", {std::move(values)}}, 1, 0);
}

Message media(MessageType type, std::int64_t timestamp, std::vector<std::uint8_t> payload) {
  return {type, 1, timestamp, Buffer::adopt(std::move(payload))};
}

// A client, and the session that it seems to speak RTMP with.
struct Visit {
  explicit Visit(Purpose purpose)
      : connection(Connection::flv(request_to(purpose), start)), session({}, start) {
    receive({});
  }

  void receive(Bytes bytes) {
    connection.receive(bytes, start);
    while (true) {
      const auto message = connection.next_message();
      fault = message ? error_code() : message.error();
      if (!message || !*message) break;
      ASSERT_TRUE(session.receive(**message, start));
      answer();
    }
  }
  // What the client was sent since the last time.
  std::string output() {
    answer();
    return std::string(as_text(test::take_output(connection)));
  }
  template <typename Event>
  Event next() {
    auto event = session.next_event();
    EXPECT_TRUE(event && std::holds_alternative<Event>(*event));
    return event ? std::get<Event>(*event) : Event();
  }

  Connection connection;
  ServerSession session;
  error_code fault;

 private:
  void answer() {
    for (const Message& message : session.take_output()) connection.send(message);
  }
};

Visit playing() {
  Visit visit(Purpose::play);
  visit.next<server_event::ConnectRequest>();
  visit.session.accept_connect();
  visit.next<server_event::PlayRequest>();
  visit.session.accept_play(1);
  EXPECT_EQ(visit.output(), yes);
  return visit;
}

std::string file_of(flv::FileHeader header, std::initializer_list<Message> messages) {
  const auto head = flv::write_file_header(header);
  std::string text(as_text(head));
  for (const Message& message : messages) text += as_text(flv::write_tag(message));
  return text;
}

TEST(FlvClient, AsksAsAPlayerOfRtmpWould) {
  Visit visit(Purpose::play);
  const auto connect = visit.next<server_event::ConnectRequest>();
  EXPECT_EQ(connect.app, "live");
  EXPECT_EQ(connect.tc_url, "http://localhost/live");
  EXPECT_EQ(connect.page_url, "http://localhost/player.html");
  EXPECT_EQ(connect.flash_version, "curl/7");
  EXPECT_TRUE(read_enhanced_capabilities(connect.properties).announced());
  EXPECT_FALSE(visit.session.next_event());
  visit.session.accept_connect();
  const auto play = visit.next<server_event::PlayRequest>();
  EXPECT_EQ(play.name, "camera");
  EXPECT_EQ(play.query, "token=7");
  EXPECT_EQ(play.stream_id, 1u);
  EXPECT_EQ(visit.output(), "");
  visit.session.accept_play(1);
  EXPECT_EQ(visit.output(), yes);
  EXPECT_FALSE(visit.connection.over());
}

TEST(FlvClient, IsToldThatItIsRefusedAndNothingElse) {
  Visit early(Purpose::play);
  early.next<server_event::ConnectRequest>();
  early.session.reject_connect({"error", "NetConnection.Connect.Rejected", "not you"});
  EXPECT_EQ(early.output(), no);
  EXPECT_TRUE(early.connection.over());

  Visit late(Purpose::play);
  late.next<server_event::ConnectRequest>();
  late.session.accept_connect();
  late.next<server_event::PlayRequest>();
  late.session.reject_play(1, {"error", "NetStream.Play.Failed", "not this"});
  EXPECT_EQ(late.output(), no);
  EXPECT_TRUE(late.connection.over());
}

TEST(FlvClient, GetsAFileOfTags) {
  Visit visit = playing();
  EXPECT_FALSE(visit.connection.shares_bytes());
  const Message about = metadata({{"videocodecid", 7}, {"audiocodecid", 10}});
  const Message frame = media(MessageType::video, 0x1'0000'0028, {0x17, 1, 0, 0, 0, 9});
  visit.connection.send(about);
  visit.connection.send(frame);
  EXPECT_TRUE(visit.connection.shares_bytes());
  EXPECT_EQ(visit.output(), file_of({true, true}, {about, frame}));
}

TEST(FlvClient, IsPromisedTheKindsThatTheMetadataSpeaksOf) {
  const Message sound = metadata({{"audiocodecid", 10}}), nothing = metadata({{"title", "x"}});
  const Message picture = metadata({{"width", 320}});
  const Message frame = media(MessageType::audio, 0, {0xAF, 1});
  const std::tuple<Message, flv::FileHeader> cases[] = {{sound, {true, false}},
                                                        {picture, {false, true}},
                                                        {nothing, {true, true}},
                                                        {frame, {true, true}}};
  for (const auto& [first, header] : cases) {
    Visit visit = playing();
    visit.connection.send(first);
    EXPECT_EQ(visit.output(), file_of(header, {first}));
  }
}

TEST(FlvClient, EndsWithTheStream) {
  Visit visit = playing();
  visit.session.notify_unpublish(1);
  EXPECT_EQ(visit.output(), "");
  EXPECT_TRUE(visit.connection.over());
  visit.connection.send(media(MessageType::audio, 0, {0xAF, 1}));
  EXPECT_EQ(visit.output(), "");
}

TEST(FlvClient, PassesOverWhatAPlayerSays) {
  Visit visit = playing();
  visit.receive(Bytes(std::vector<std::uint8_t>(100'000, 'x')));
  EXPECT_FALSE(visit.fault);
  EXPECT_FALSE(visit.session.next_event());
}

TEST(FlvClient, PublishesTheTagsInPiecesOfAnySize) {
  Visit visit(Purpose::publish);
  visit.next<server_event::ConnectRequest>();
  visit.session.accept_connect();
  EXPECT_EQ(visit.next<server_event::PublishRequest>().name, "camera");
  visit.session.accept_publish(1);
  EXPECT_EQ(visit.output(), yes);
  const Message frame = media(MessageType::video, 40, {0x17, 1, 0, 0, 0, 9});
  for (const char byte : file_of({true, true}, {frame})) {
    const auto one = static_cast<std::uint8_t>(byte);
    visit.receive({&one, 1});
  }
  const auto received = visit.next<server_event::MediaReceived>().message;
  EXPECT_EQ(received.timestamp, 40);
  EXPECT_EQ(received.stream_id, 1u);
  EXPECT_EQ(as_text(received.payload), as_text(frame.payload));
  EXPECT_FALSE(visit.fault);
}

TEST(FlvClient, IsAtFaultWithWhatIsNoFlv) {
  Visit visit(Purpose::publish);
  visit.next<server_event::ConnectRequest>();
  visit.session.accept_connect();
  visit.session.accept_publish(visit.next<server_event::PublishRequest>().stream_id);
  visit.receive(Bytes(std::vector<std::uint8_t>(64, 0xFF)));
  EXPECT_EQ(visit.fault, make_error_code(Error::bad_flv_header));
}

}  // namespace
}  // namespace rtmp
