// SPDX-License-Identifier: LGPL-2.1-or-later
#include "rtmp/error.h"

#include "rtmp/rtmpe.h"

namespace rtmp {
namespace {

const char* text_of(Error error) {
  switch (error) {
    case Error::truncated:
      return "the bytes end inside a field";
    case Error::unsupported_amf_marker:
      return "an AMF value of a reserved or unknown type";
    case Error::bad_amf_reference:
      return "an AMF reference to a value that is not there";
    case Error::amf_too_deep:
      return "AMF values nested too deep";
    case Error::amf_too_large:
      return "too many or too long AMF values in one message";
    case Error::bad_command:
      return "a command or data message without a name";
    case Error::unsupported_version:
      return "not an RTMP version that we speak";
    case Error::bad_digest:
      return "a handshake without a valid digest";
    case Error::bad_key:
      return "a public key that is none";
    case Error::no_cipher:
      return rtmpe::missing;
    case Error::bad_proxy_header:
      return "no valid header of the PROXY protocol where a proxy is expected";
    case Error::bad_chunk_size:
      return "an impossible chunk size";
    case Error::no_first_chunk:
      return "a continuation chunk without a first chunk";
    case Error::message_changed:
      return "size or type changed inside an unfinished message";
    case Error::message_too_large:
      return "a message above the size limit";
    case Error::too_many_chunk_streams:
      return "too many chunk streams";
    case Error::too_many_partial_bytes:
      return "too many bytes in unfinished messages";
    case Error::tiny_chunk_flood:
      return "a flood of tiny chunks";
    case Error::bad_control_message:
      return "a control message that is too short";
    case Error::too_many_streams:
      return "too many message streams";
    case Error::too_many_commands:
      return "too many commands";
    case Error::bad_name:
      return "a name that is empty, too long or not text";
    case Error::unexpected_command:
      return "a command that makes no sense now";
    case Error::bad_flv_header:
      return "not the start of an FLV file";
    case Error::bad_media_payload:
      return "a media payload whose header cannot be read";
    case Error::unsupported_codec:
      return "an unknown codec";
    case Error::bad_url:
      return "a location that cannot be parsed";
    case Error::handshake_timeout:
      return "the handshake was not answered in time";
    case Error::command_timeout:
      return "a command was not answered in time";
    case Error::idle_timeout:
      return "nothing was heard from the peer for too long";
    case Error::write_timeout:
      return "the peer did not take our data in time";
    case Error::media_timeout:
      return "the publisher sent no media for too long";
    case Error::too_slow:
      return "the player takes its stream too slowly";
    case Error::over_budget:
      return "the memory for all peers together is used up";
    case Error::connect_timeout:
      return "no connection to the host in time";
    case Error::closed:
      return "the peer closed the connection";
    case Error::refused:
      return "the peer refused";
    case Error::cancelled:
      return "closed by ourselves";
  }
  return "unknown error";
}

class Category final : public boost::system::error_category {
 public:
  const char* name() const noexcept override { return "rtmp"; }
  std::string message(int value) const override { return text_of(static_cast<Error>(value)); }
};

}  // namespace

const boost::system::error_category& error_category() {
  static const Category category;
  return category;
}

}  // namespace rtmp
