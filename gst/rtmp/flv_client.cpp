// SPDX-License-Identifier: LGPL-2.1-or-later
#include "rtmp/flv_client.h"

#include <algorithm>

#include "rtmp/command.h"
#include "rtmp/enhanced.h"

namespace rtmp {
namespace {

// createStream answers with the first free id.
constexpr std::uint32_t stream_id = 1;

// FLV of Enhanced RTMP cannot be refused codec by codec: it is the player's to know them.
amf::Object connect_object(const FlvRequest& request) {
  amf::Object object{{"app", request.app}, {"tcUrl", request.tc_url}};
  if (request.purpose == FlvRequest::Purpose::publish) object.set("type", "nonprivate");
  if (!request.page_url.empty()) object.set("pageUrl", request.page_url);
  if (!request.flash_version.empty()) object.set("flashVer", request.flash_version);
  EnhancedCapabilities capabilities;
  capabilities.four_cc_list = {"*"};
  write_enhanced_capabilities(capabilities, object);
  return object;
}

// What players of RTMP are told of a stream before it begins is not part of it.
bool is_of_stream(const Message& message) {
  if (is_media(message.type)) return true;
  if (message.type != MessageType::data && message.type != MessageType::data_amf3) return false;
  const Result<Data> data = read_data(message);
  return !data || data->name != "|RtmpSampleAccess";
}

// Players wait for each kind that the header promises: where the metadata speaks of one kind alone,
// so does the header.
flv::FileHeader file_header(const Message& first) {
  const Result<Data> data = is_media(first.type) ? Error::bad_command : read_data(first);
  const amf::Object* metadata =
      data && !data->values.empty() ? data->values.front().object() : nullptr;
  const auto has_any = [&](std::initializer_list<const char*> names) {
    return metadata &&
           std::ranges::any_of(names, [&](const char* name) { return metadata->find(name); });
  };
  const bool audio = has_any({"audiocodecid", "audiosamplerate", "audioTrackIdInfoMap"});
  const bool video = has_any({"videocodecid", "width", "videoTrackIdInfoMap"});
  return audio || video ? flv::FileHeader{audio, video} : flv::FileHeader{true, true};
}

Buffer buffer_of(std::string_view text) {
  return Buffer::copy_of({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
}

}  // namespace

FlvClient::FlvClient(FlvRequest request) : request_(std::move(request)) {
  commands_.push(write_command({"connect", 1, connect_object(request_), {}}, 0));
  commands_.push(write_command({"createStream", 2, amf::Null{}, {}}, 0));
  if (request_.purpose == FlvRequest::Purpose::publish)
    commands_.push(write_command({"publish", 3, amf::Null{}, {request_.name, "live"}}, stream_id));
  else
    commands_.push(write_command({"play", 3, amf::Null{}, {request_.name}}, stream_id));
}

void FlvClient::receive(Bytes bytes) {
  if (request_.purpose == FlvRequest::Purpose::publish) reader_.receive(bytes);
}

Result<std::optional<Message>> FlvClient::next_message(OutputQueue& output) {
  if (!commands_.empty()) return std::optional(commands_.pop());
  Result<std::optional<Message>> message = reader_.next();
  if (!message) refuse(output);
  if (message && *message) (*message)->stream_id = stream_id;
  return message;
}

void FlvClient::send(const Message& message, OutputQueue& output) {
  if (message.type == MessageType::command) return on_command(message, output);
  if (!answered_ || over_ || !is_of_stream(message)) return;
  if (!std::exchange(begun_, true)) {
    const auto header = flv::write_file_header(file_header(message));
    output.push(Buffer::copy_of(header));
  }
  const auto size = static_cast<std::uint32_t>(message.payload.size());
  const auto time = static_cast<std::uint32_t>(message.timestamp);
  output.push(Buffer::copy_of(flv::write_tag_header({message.type, false, size, time})));
  output.push(message.payload);
  output.push(Buffer::copy_of(flv::write_back_pointer(size)));
}

void FlvClient::on_command(const Message& message, OutputQueue& output) {
  const Result<Command> command = read_command(message);
  if (!command || over_ || command->name == "_result") return;
  const Status status = read_status(command->argument(0));
  const bool starts =
      status.code == "NetStream.Play.Start" || status.code == "NetStream.Publish.Start";
  if (starts && !std::exchange(answered_, true)) output.push(buffer_of(request_.accepted));
  if (status.is_error()) refuse(output);
  if (status.code == "NetStream.Play.UnpublishNotify") over_ = true;
}

void FlvClient::refuse(OutputQueue& output) {
  over_ = true;
  const bool begun = answered_ && request_.purpose == FlvRequest::Purpose::play;
  if (!begun) output.push(buffer_of(request_.refused));
}

}  // namespace rtmp
