// One side of one RTMP connection: handshake, chunks, and what maintains itself below the messages.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <memory>
#include <variant>

#include "rtmp/chunk.h"
#include "rtmp/clock.h"
#include "rtmp/control.h"
#include "rtmp/flv_client.h"
#include "rtmp/handshake.h"

namespace rtmp {

// Bytes in, messages out, and the other way. Answers pings, acknowledges, keeps chunk sizes and
// windows; everything else goes to a session above. Knows no socket and no clock.
//
//   receive(bytes, now); while (next_message() gives one) session.receive(...);
//   send(...); write output(); tick(now) at deadline().
//
// Owned by one thread.
class Connection {
 public:
  struct Settings {
    ClientHandshake::Kind handshake = ClientHandshake::Kind::simple;  // as client
    ServerHandshake::Accepts accepts = {true, false};                 // as server
    bool keep_swf_key = false;                             // SWF verification will ask for it
    Duration handshake_timeout = std::chrono::seconds(5);  // absolute, not per byte
    Duration ping_interval = {};  // of silence before a ping, and again before giving up; 0: none
    ChunkLimits limits;
  };
  struct Stats {
    std::uint64_t bytes_in = 0, bytes_out = 0;  // with the handshake; out: as far as written
    std::uint64_t acknowledged_in = 0;          // bytes that we acknowledged
    std::uint32_t acknowledged_out = 0;         // bytes of ours as the peer counts, modulo 2^32
    std::uint32_t chunk_size_in = default_chunk_size, chunk_size_out = default_chunk_size;
    // Bytes after which an acknowledgement is due: ours to the peer, the peer's to us. 0: not
    // asked.
    std::uint32_t window_in = 0, window_out = 0;
    std::uint64_t messages_in = 0;
    std::optional<std::uint8_t> first_byte;  // that came: what the peer speaks
    std::optional<Duration> ping_round_trip;
  };

  static Connection client(Settings settings, Time now, const Random& random);
  static Connection server(Settings settings, Time now, const Random& random);
  // With a client of HTTP-FLV: established from the start, and the first messages are there
  // already.
  static Connection flv(FlvRequest request, Time now);
  Connection(Connection&&) noexcept;
  ~Connection();

  // Borrows the bytes until next_message() has answered "not yet" or an error. An owner that stops
  // asking before, or goes on after an error, hears nothing but errors from then on: it may do so
  // while the last output is written.
  void receive(Bytes bytes, Time now);
  // Error, not yet, or a message for the session: all but those that the connection itself deals
  // with. User control messages other than pings come out too.
  Result<std::optional<Message>> next_message();

  // True once the handshake is over; nothing may be sent before.
  bool established() const { return established_; }

  // Appends the message to the output, on the chunk stream of its kind. Set Chunk Size and Window
  // Acknowledgement Size take effect with it.
  void send(const Message& message);
  // Appends a shared message made by encode_alone() with our chunk size. Not if it speaks FLV.
  void send(const EncodedMessage& message);
  // Such messages were written past the output, which was empty, whole. Only while it
  // shares_bytes().
  void sent(std::size_t bytes);

  // What waits to be written to the peer.
  class Output {
   public:
    explicit Output(std::size_t size) : size_(size) {}
    std::size_t size() const { return size_; }  // bytes
    bool empty() const { return size_ == 0; }

   private:
    std::size_t size_;
  };
  Output output() const { return Output(output_.size()); }
  // Fills `spans` from the front with what is to be written next and says how many it filled: at
  // least one if there is output. written() tells how much of it was.
  std::size_t gather(std::span<Bytes> spans);
  void written(std::size_t count);
  // Once established, if the settings want it.
  const swf::Key& swf_key() const;
  // RTMPE, once established.
  bool encrypted() const { return cipher_ != nullptr; }
  // The peer gets tags of FLV in place of chunks.
  bool speaks_flv() const { return flv_ != nullptr; }
  // Bytes that several connections share may be written past the output.
  bool shares_bytes() const { return !cipher_ && (!flv_ || flv_->begun()); }
  // Nothing follows: see FlvClient.
  bool over() const { return flv_ && flv_->over(); }

  // When tick() wants to be called next, or never.
  Time deadline() const;
  // Sends what is due; an error if the peer ran out of time.
  Result<void> tick(Time now);

  void set_message_limit(std::uint32_t bytes) { reader_.set_message_limit(bytes); }
  std::uint32_t chunk_size_out() const { return writer_.chunk_size(); }
  // Of messages that have not come whole yet.
  std::size_t partial_bytes() const { return reader_.partial_bytes(); }
  Stats stats() const;

 private:
  enum class Recipient { connection, session };
  // Or what is left of it.
  using Handshake = std::variant<std::monostate, std::unique_ptr<ClientHandshake>,
                                 std::unique_ptr<ServerHandshake>, std::unique_ptr<swf::Key>>;

  struct Cipher;

  Connection(Settings settings, Time now, Handshake handshake);

  Result<std::optional<Message>> read_message();
  Result<std::optional<Message>> read_flv();
  Result<void> shake_hands();
  void start_cipher(std::unique_ptr<rtmpe::Ciphers> ciphers);
  void encrypt_output();
  Result<Recipient> maintain(const Message& message);
  void answer_bandwidth(std::uint32_t window);
  bool answer_ping(const control::UserControl& control);
  void acknowledge_if_due();

  Settings settings_;
  Time start_;
  Time now_;           // of the last call that said it
  Time heard_;         // when the peer last sent anything
  Time chunks_since_;  // those that the reader counts
  std::optional<Time> ping_sent_;
  Handshake handshake_;
  bool established_ = false;
  Result<void> readable_;  // the error that ended reading, if any
  Bytes input_;
  ChunkReader reader_;
  // What is looked at for every message that is sent, side by side: for thousands of players none
  // of it is in a cache.
  std::unique_ptr<Cipher> cipher_;  // of RTMPE
  std::unique_ptr<FlvClient> flv_;
  ChunkWriter writer_;
  OutputQueue output_;
  Stats stats_;
};

}  // namespace rtmp
