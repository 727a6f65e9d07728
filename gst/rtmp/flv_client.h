// A client that gets or sends FLV where others speak RTMP (HTTP-FLV), as a session sees it.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string>

#include "rtmp/fifo.h"
#include "rtmp/flv.h"
#include "rtmp/output_queue.h"

namespace rtmp {

// What such a client asks for. What is known of it stands where connect of RTMP has it.
struct FlvRequest {
  enum class Purpose { play, publish };
  Purpose purpose = Purpose::play;
  std::string app;
  std::string name;  // of the stream, with its query
  std::string tc_url, page_url, flash_version;
  // What is written in front of all FLV once the session has said yes, and what if it said no, or
  // if a publisher's FLV is none.
  std::string accepted, refused;
};

// To the session it looks as if the client had sent connect, createStream and play or publish, and
// got the answers. Owned by its connection.
class FlvClient {
 public:
  explicit FlvClient(FlvRequest request);

  // A publisher's FLV, in pieces of any size; what a player says is passed over.
  void receive(Bytes bytes);
  // The commands, and then the publisher's tags; error, not yet, or a message.
  Result<std::optional<Message>> next_message(OutputQueue& output);

  // What the session answers, and what is to be played: tags, behind a file header.
  void send(const Message& message, OutputQueue& output);
  // Other tags may follow the output: the file header is written.
  bool begun() const { return begun_; }
  // The session said no, or the stream has ended: nothing follows.
  bool over() const { return over_; }

 private:
  void on_command(const Message& message, OutputQueue& output);
  void refuse(OutputQueue& output);

  const FlvRequest request_;
  Fifo<Message> commands_;
  flv::Reader reader_;
  bool answered_ = false, begun_ = false, over_ = false;
};

}  // namespace rtmp
