// What a peer can do wrong, as values.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <boost/system/error_code.hpp>
#include <boost/system/result.hpp>
#include <optional>

namespace rtmp {

// The peer's faults, in the words that a reader of a log needs. Our own faults are assertions.
enum class Error {
  // bytes and AMF
  truncated = 1,           // the bytes end inside a field
  unsupported_amf_marker,  // a value type that is reserved or that cannot be skipped
  bad_amf_reference,       // a reference to a value that is not there or not finished
  amf_too_deep,            // containers nested deeper than amf::Limits::depth
  amf_too_large,           // more values or longer strings than a message may hold
  bad_command,             // a command or data message without a name

  // handshake
  unsupported_version,  // the first byte is no RTMP version that we speak
  bad_digest,           // the peer's handshake has no valid digest where there must be one
  bad_key,              // the peer's public key for RTMPE is none
  no_cipher,            // RTMPE's ciphers are missing here: see rtmpe::available()

  // in front of it
  bad_proxy_header,  // no header of the PROXY protocol where a proxy is expected, or a broken one

  // chunks
  bad_chunk_size,          // Set Chunk Size with 0 or with the top bit set
  no_first_chunk,          // a type 3 chunk on a chunk stream that has no header yet
  message_changed,         // a new header of another size or type inside an unfinished message
  message_too_large,       // a message above the limit
  too_many_chunk_streams,  // more chunk streams than one connection may use
  too_many_partial_bytes,  // more bytes in unfinished messages than one connection may hold
  tiny_chunk_flood,        // too many chunks under 128 bytes for the bytes they carry
  bad_control_message,     // a protocol control message shorter than its fields

  // sessions
  too_many_streams,    // createStream beyond the limit of one connection
  too_many_commands,   // commands faster than anybody needs them
  bad_name,            // a stream or app name that is empty, too long or not text
  unexpected_command,  // a command that makes no sense in this state

  // media and FLV
  bad_flv_header,     // not the start of an FLV file
  bad_media_payload,  // an audio or video payload whose header cannot be read
  unsupported_codec,  // a codec id or FourCC that nobody knows

  // locations
  bad_url,  // a location that cannot be parsed

  // time
  handshake_timeout,  // the handshake was not complete in time
  command_timeout,    // no answer to a command in time
  idle_timeout,       // nothing was heard from the peer for too long
  write_timeout,      // the peer did not take what we had to send in time
  media_timeout,      // a publisher sent no media for too long
  connect_timeout,    // no connection to any address of the host in time

  // policy
  too_slow,     // a player took its stream so slowly that too much of it waits
  over_budget,  // all peers together take more memory than they may

  // ends
  closed,     // the peer closed the connection
  refused,    // the peer refused connect, publish or play; its status says why
  cancelled,  // we closed the connection ourselves
};

const boost::system::error_category& error_category();

inline boost::system::error_code make_error_code(Error error) {
  return {static_cast<int>(error), error_category()};
}

// A value or the peer's fault. Streaming readers return Result<std::optional<T>>: error, not yet,
// value.
template <typename T>
using Result = boost::system::result<T>;

}  // namespace rtmp

template <>
struct boost::system::is_error_code_enum<rtmp::Error> : std::true_type {};
