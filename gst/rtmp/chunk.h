// The chunk stream: messages cut into chunks, interleaved, with headers that leave out what the
// last one said (RTMP 1.0 §5.3).
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <array>
#include <boost/container/small_vector.hpp>
#include <boost/container/static_vector.hpp>

#include "rtmp/error.h"
#include "rtmp/message.h"
#include "rtmp/output_queue.h"
#include "rtmp/timestamp.h"

namespace rtmp {

constexpr std::uint32_t default_chunk_size = 128;     // until Set Chunk Size says otherwise
constexpr std::uint32_t max_message_size = 0xFFFFFF;  // by the format
constexpr std::uint32_t max_chunk_stream_id = 65599;

// The chunk streams that we send on: small ids, for some peers know no others, and one for each
// kind, for no two messages may be mixed on one.
namespace chunk_stream {
constexpr std::uint32_t control = 2;
constexpr std::uint32_t command = 3;
constexpr std::uint32_t audio = 4;
constexpr std::uint32_t data = 5;
constexpr std::uint32_t video = 6;

std::uint32_t id_for(MessageType type);
}  // namespace chunk_stream

// Of a chunk, as it is written: basic header, message header and extended timestamp.
constexpr std::size_t max_chunk_header_size = 3 + 11 + 4;
using ChunkHeader = boost::container::static_vector<std::uint8_t, max_chunk_header_size>;

struct ChunkLimits {
  std::uint32_t message_size = 8 * 1024 * 1024;  // bytes of one message
  std::size_t chunk_streams = 64;                // of one connection
  std::size_t partial_bytes = 16 * 1024 * 1024;  // in unfinished messages of one connection
  // Where the chunk size is below the default: headers cost work, however little they carry.
  std::size_t tiny_chunks_per_message = 16 * 1024;
  std::size_t tiny_chunks_per_second = 256 * 1024;
};

// Joins chunks into messages. Owned by its connection's thread.
class ChunkReader {
 public:
  explicit ChunkReader(ChunkLimits limits = {}) : limits_(limits) {}

  // Takes bytes from the front of `input` until a message is complete or `input` is empty: error,
  // not yet, message. After an error the connection is beyond repair. Set Chunk Size and Abort come
  // out as messages like all others; the caller applies them before it reads on.
  Result<std::optional<Message>> read(Bytes& input);

  // §5.4.1. A size above the message limit has the effect of the limit.
  Result<void> set_chunk_size(std::uint32_t size);
  // §5.4.2: drops the unfinished message of that chunk stream. Only between messages.
  void abort(std::uint32_t chunk_stream_id);
  void set_message_limit(std::uint32_t size) { limits_.message_size = size; }
  // To be called each second, for what is limited by time.
  void begin_second() { tiny_chunks_ = 0; }

  std::uint32_t chunk_size() const { return chunk_size_; }
  std::size_t partial_bytes() const { return partial_bytes_; }

 private:
  enum class State { header, repeated_timestamp, payload };
  struct ChunkStream {
    std::uint32_t id = 0;
    std::uint32_t stream_id = 0;
    std::uint32_t timestamp = 0;
    std::uint32_t delta = 0;
    std::uint32_t length = 0;
    std::uint8_t type = 0;
    bool extended = false;                 // the last header with a time had it extended
    std::optional<BufferBuilder> partial;  // the unfinished message
    std::size_t chunks = 0;                // of it
  };
  struct Header {
    std::uint8_t format = 0;
    bool extended = false;
    std::uint32_t time_field = 0;  // or its extended value
    std::uint32_t length = 0;
    std::uint8_t type = 0;
    std::uint32_t stream_id = 0;
  };
  struct StreamClock {
    std::uint32_t stream_id;
    std::int64_t last;
  };

  Result<std::optional<Message>> advance(Bytes& input);
  Result<void> take_header(Bytes& input);
  ChunkStream* continued_by(Bytes input);
  Result<std::size_t> read_header(Bytes bytes);
  Result<void> apply(std::uint32_t id, const Header& header);
  Result<void> begin_message(ChunkStream& stream, const Header& header);
  Result<void> begin_chunk(ChunkStream& stream);
  void set_time(ChunkStream& stream, const Header& header);
  bool skip_repeated_timestamp(Bytes& input);
  std::optional<Message> take_payload(Bytes& input);
  Message finish_message(ChunkStream& stream);
  std::int64_t unwrapped(const ChunkStream& stream);
  ChunkStream* find(std::uint32_t id);
  Result<std::size_t> find_or_add(std::uint32_t id);
  void drop_partial(ChunkStream& stream);

  ChunkLimits limits_;
  std::uint32_t chunk_size_ = default_chunk_size;
  std::vector<ChunkStream> streams_;
  std::array<std::uint8_t, 64> index_ = {};  // of ids below 64: position in streams_ plus one
  State state_ = State::header;
  std::array<std::uint8_t, max_chunk_header_size> header_ = {};  // a header that came in pieces
  std::size_t header_size_ = 0;
  std::size_t current_ = 0;       // the chunk stream whose chunk comes now
  std::uint32_t chunk_left_ = 0;  // bytes of payload still to come in this chunk
  unsigned repeated_ = 0;         // bytes of a repeated extended timestamp that have come
  bool peer_omits_extended_ = false;
  // Bytes that looked like a repeated timestamp and were none.
  boost::container::small_vector<std::uint8_t, 4> given_back_;
  std::size_t partial_bytes_ = 0;
  std::size_t tiny_chunks_ = 0;  // in this second
  std::vector<StreamClock> clocks_;
};

// Cuts messages into chunks with the shortest headers that every reader understands alike.
class ChunkWriter {
 public:
  // Appends the message to `out`, its payload shared and not copied where it is large.
  void write(const Message& message, std::uint32_t chunk_stream_id, OutputQueue& out);
  // Holds from the next message on.
  void set_chunk_size(std::uint32_t size) { chunk_size_ = size; }
  std::uint32_t chunk_size() const { return chunk_size_; }
  // The next message on each chunk stream has a full header: somebody else wrote on some of them.
  void forget() { previous_.clear(); }

 private:
  struct Previous {
    std::uint32_t chunk_stream_id = 0;
    bool known = false;
    std::uint32_t timestamp = 0;
    // Nothing after a full header: readers disagree on the delta that one leaves behind.
    std::optional<std::uint32_t> delta;
    std::uint32_t length = 0;
    MessageType type = MessageType::data;
    std::uint32_t stream_id = 0;
  };
  struct FirstHeader {
    ChunkHeader bytes;
    std::optional<std::uint32_t> extended;  // what continuations repeat
  };
  FirstHeader first_header(const Message& message, std::uint32_t chunk_stream_id);
  Previous& find_or_add(std::uint32_t chunk_stream_id);

  std::uint32_t chunk_size_ = default_chunk_size;
  std::vector<Previous> previous_;
};

// One message as it goes over the wire, to be shared by any number of connections: a full (type 0)
// header depends on nothing that was sent before.
struct EncodedMessage {
  boost::container::small_vector<Buffer, 2> segments;
  Buffer payload;        // of the message, as part of the segments or beside them
  std::size_t size = 0;  // bytes of all segments
};

// Takes the message's payload; if nobody else shares it the header goes right before it.
EncodedMessage encode_alone(Message message, std::uint32_t chunk_stream_id,
                            std::uint32_t chunk_size);

}  // namespace rtmp
