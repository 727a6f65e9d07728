// SPDX-License-Identifier: LGPL-2.1-or-later
#include "elements/bridge.h"

#include <algorithm>

#include "elements/flv_tag.h"
#include "rtmp/stream_headers.h"
#include "rtmp/timestamp.h"

GST_DEBUG_CATEGORY_STATIC(rtmp3_debug);
#define GST_CAT_DEFAULT rtmp3_debug

namespace bridge {
namespace {

using rtmp::Buffer;
using rtmp::Bytes;
using rtmp::Message;
using rtmp::MessageType;
using rtmp::Result;
namespace flv = rtmp::flv;

// A memory with its mapping, for as long as somebody shows its bytes.
class MappedMemory {
 public:
  // Takes the reference.
  explicit MappedMemory(GstMemory* memory) : memory_(memory) {
    mapped_ = gst_memory_map(memory_, &map_, GST_MAP_READ);
  }
  ~MappedMemory() {
    if (mapped_) gst_memory_unmap(memory_, &map_);
    gst_memory_unref(memory_);
  }
  MappedMemory(const MappedMemory&) = delete;
  MappedMemory& operator=(const MappedMemory&) = delete;

  bool mapped() const { return mapped_; }
  Bytes bytes() const { return {map_.data, map_.size}; }

 private:
  GstMemory* memory_;
  GstMapInfo map_ = GST_MAP_INFO_INIT;
  bool mapped_ = false;
};

// Takes the reference.
std::optional<Buffer> wrap_taken(GstMemory* memory) {
  auto owner = std::make_shared<const MappedMemory>(memory);
  if (!owner->mapped()) return std::nullopt;
  const Bytes bytes = owner->bytes();
  return Buffer(std::move(owner), bytes);
}

guint flags_of(const Message& message) {
  using Kind = rtmp::media::Summary::Kind;
  if (!rtmp::is_media(message.type)) return 0;
  switch (rtmp::media::summarize(message).kind) {
    case Kind::sequence_start:
    case Kind::description:
      return GST_BUFFER_FLAG_HEADER;
    case Kind::inter_frame:
      return GST_BUFFER_FLAG_DELTA_UNIT;
    case Kind::disposable_frame:
      return GST_BUFFER_FLAG_DELTA_UNIT | GST_BUFFER_FLAG_DROPPABLE;
    default:
      return 0;
  }
}

bool begins_with_file_header(Bytes bytes) {
  return bytes.size() >= 3 && bytes[0] == 'F' && bytes[1] == 'L' && bytes[2] == 'V';
}

// Where the file's tags begin, without the first back pointer.
std::size_t file_header_size(Bytes bytes) {
  rtmp::ByteReader in(bytes.subspan(5));
  return std::max<std::size_t>(in.u32(), flv::header_size);
}

bool ends_with(std::string_view text, std::string_view end) {
  return text.size() >= end.size() && text.substr(text.size() - end.size()) == end;
}

// What the server's own words mean in GStreamer's; nothing where they say no more than "no".
std::optional<GstResourceError> error_code(std::string_view status) {
  if (ends_with(status, ".BadName")) return GST_RESOURCE_ERROR_BUSY;
  if (ends_with(status, ".StreamNotFound") || ends_with(status, ".InvalidApp") ||
      ends_with(status, ".FileNotFound"))
    return GST_RESOURCE_ERROR_NOT_FOUND;
  if (ends_with(status, ".Rejected") || ends_with(status, ".Denied") ||
      ends_with(status, ".Unauthorized"))
    return GST_RESOURCE_ERROR_NOT_AUTHORIZED;
  return std::nullopt;
}

}  // namespace

void init_log() {
  GST_DEBUG_CATEGORY_INIT(rtmp3_debug, "rtmp3", 0, "RTMP: what all elements share");
}

// --- buffers ---

std::optional<Buffer> wrap(GstMemory* memory) { return wrap_taken(gst_memory_ref(memory)); }

std::optional<Buffer> wrap(GstBuffer* buffer) {
  if (gst_buffer_n_memory(buffer) == 0) return Buffer();
  return wrap_taken(gst_buffer_get_all_memory(buffer));
}

GstMemory* to_memory(const Buffer& buffer) {
  // GStreamer calls back with a plain pointer, so the owner gets an address of its own.
  auto* owner = new std::shared_ptr<const void>(buffer.owner());
  const auto drop = [](gpointer data) { delete static_cast<std::shared_ptr<const void>*>(data); };
  return gst_memory_new_wrapped(GST_MEMORY_FLAG_READONLY, const_cast<guint8*>(buffer.data()),
                                buffer.size(), 0, buffer.size(), owner, drop);
}

GstBuffer* to_tag(const Message& message) {
  const Buffer& body = message.payload;
  const FlvTag tag(message.type, message.timestamp, body.size());
  GstBuffer* buffer = body.size() < FlvTag::worth_sharing
                          ? tag.copy(body)
                          : tag.share({}, [&body](GstBuffer* shared) {
                              gst_buffer_append_memory(shared, to_memory(body));
                            });
  GST_BUFFER_FLAG_SET(buffer, flags_of(message));
  if (message.timestamp >= 0)
    GST_BUFFER_DTS(buffer) = GST_BUFFER_PTS(buffer) =
        static_cast<GstClockTime>(message.timestamp) * GST_MSECOND;
  return buffer;
}

GstMemory* to_flv_file_header() { return join_to_memory({flv::write_file_header({true, true})}); }

// --- data ---

rtmp::amf::Limits metadata_limits() {
  rtmp::amf::Limits limits;
  limits.nodes = 64 * 1024;
  return limits;
}

std::optional<Message> playable(Message message) {
  if (rtmp::is_media(message.type)) return message;
  if (message.type != MessageType::data && message.type != MessageType::data_amf3)
    return std::nullopt;
  Result<rtmp::Data> data = rtmp::read_data(message, metadata_limits());
  if (!data) return std::nullopt;
  rtmp::strip_set_data_frame(*data);
  if (data->name == "onMetaData") {
    for (rtmp::amf::Value& value : data->values) value = rtmp::playable_metadata(value);
  } else if (message.type == MessageType::data) {
    return message;
  }
  return rtmp::write_data(*data, message.stream_id, message.timestamp);
}

namespace {
constexpr char data_meta[] = "GstRtmpDataMeta";
}

void register_data_meta() {
  static const gchar* no_tags[] = {nullptr};
  if (!gst_meta_get_info(data_meta))
    gst_meta_register_custom(data_meta, no_tags, nullptr, nullptr, nullptr);
}

void set_data_name(GstBuffer* buffer, const char* name) {
  GstCustomMeta* meta = gst_buffer_add_custom_meta(buffer, data_meta);
  gst_structure_set(gst_custom_meta_get_structure(meta), "name", G_TYPE_STRING, name, nullptr);
}

const char* data_name(GstBuffer* buffer) {
  GstCustomMeta* meta = gst_buffer_get_custom_meta(buffer, data_meta);
  return meta ? gst_structure_get_string(gst_custom_meta_get_structure(meta), "name") : nullptr;
}

// --- tags ---

Result<std::vector<Message>> TagReader::read(GstBuffer* buffer) {
  Result<std::vector<Message>> messages = std::vector<Message>();
  if (auto tag = pieces_ || owed_ > 0 ? std::nullopt : read_spread_tag(buffer)) {
    messages->push_back(std::move(*tag));
  } else {
    auto bytes = wrap(buffer);
    if (!bytes) return rtmp::Error::truncated;
    auto whole = pieces_ ? std::nullopt : read_whole(*bytes);
    messages = whole ? std::move(*whole) : read_pieces(pass_back_pointer(*bytes));
  }
  if (messages)
    for (Message& message : *messages) unwrap(message);
  return messages;
}

// What to_tag() makes of larger messages, and muxers that work alike: header, payload and back
// pointer in a memory each.
std::optional<Message> TagReader::read_spread_tag(GstBuffer* buffer) {
  if (gst_buffer_n_memory(buffer) != 3) return std::nullopt;
  const auto header = wrap(gst_buffer_peek_memory(buffer, 0));
  const auto body = wrap(gst_buffer_peek_memory(buffer, 1));
  if (!header || !body || header->size() != flv::tag_header_size) return std::nullopt;
  const auto tag = flv::read_tag_header(header->bytes().first<flv::tag_header_size>());
  const gsize rest = gst_memory_get_sizes(gst_buffer_peek_memory(buffer, 2), nullptr, nullptr);
  if (tag.filtered || tag.size != body->size() || rest != flv::back_pointer_size)
    return std::nullopt;
  return Message{tag.type, 0, tag.timestamp, *body};
}

// Some upstreams leave back pointers out, some cut in front of them. A back pointer begins with 0,
// a tag never does.
Buffer TagReader::pass_back_pointer(Buffer bytes) {
  if (bytes.empty() || owed_ == 0) return bytes;
  if (owed_ == flv::back_pointer_size && bytes.data()[0] != 0) {
    owed_ = 0;
    return bytes;
  }
  const std::size_t count = std::min(owed_, bytes.size());
  owed_ -= count;
  return bytes.slice(count);
}

std::optional<std::vector<Message>> TagReader::read_whole(Buffer bytes) {
  const std::size_t owed_before = owed_;
  std::vector<Message> messages;
  while (!(bytes = pass_back_pointer(std::move(bytes))).empty()) {
    std::size_t size = 0;
    if (begins_with_file_header(bytes)) {
      size = bytes.size() < flv::header_size ? 0 : file_header_size(bytes);
    } else if (bytes.size() >= flv::tag_header_size) {
      size = flv::tag_header_size +
             flv::read_tag_header(bytes.bytes().first<flv::tag_header_size>()).size;
      const auto tag = flv::read_tag(bytes);
      if (tag && *tag) messages.push_back(**tag);
    }
    if (size == 0 || size > bytes.size()) {
      owed_ = owed_before;
      return std::nullopt;
    }
    bytes = bytes.slice(size);
    owed_ = flv::back_pointer_size;
  }
  return messages;
}

Result<std::vector<Message>> TagReader::read_pieces(Bytes bytes) {
  if (!pieces_) pieces_.emplace();
  pieces_->receive(bytes);
  std::vector<Message> messages;
  for (;;) {
    auto message = pieces_->next();
    if (!message) return message.error();
    if (!*message) return messages;
    messages.push_back(std::move(**message));
  }
}

// Frames carry the time line; headers and metadata, often at 0, are placed next to it.
void TagReader::unwrap(Message& message) {
  const auto low = static_cast<std::uint32_t>(message.timestamp);
  message.timestamp = last_frame_ ? rtmp::unwrap_timestamp(low, *last_frame_) : low;
  if (rtmp::is_frame(message)) last_frame_ = message.timestamp;
}

// --- failures ---

const char* to_string(net::Failure::Stage stage) {
  using Stage = net::Failure::Stage;
  switch (stage) {
    case Stage::settings:
      return "settings";
    case Stage::resolve:
      return "resolve";
    case Stage::connect:
      return "connect";
    case Stage::tls:
      return "tls";
    case Stage::handshake:
      return "handshake";
    case Stage::command:
      return "command";
    case Stage::streaming:
      return "streaming";
  }
  return "unknown";
}

GstResourceError error_code(const net::Failure& failure, Direction direction) {
  using Stage = net::Failure::Stage;
  const bool read = direction == Direction::read;
  if (const auto code = error_code(failure.status.code)) return *code;
  if (failure.code == boost::system::errc::permission_denied)
    return GST_RESOURCE_ERROR_NOT_AUTHORIZED;
  switch (failure.stage) {
    case Stage::settings:
      return GST_RESOURCE_ERROR_SETTINGS;
    case Stage::resolve:
      return GST_RESOURCE_ERROR_NOT_FOUND;
    case Stage::streaming:
      return read ? GST_RESOURCE_ERROR_READ : GST_RESOURCE_ERROR_WRITE;
    case Stage::tls:
      if (failure.certificate) return GST_RESOURCE_ERROR_NOT_AUTHORIZED;
      [[fallthrough]];
    default:
      return read ? GST_RESOURCE_ERROR_OPEN_READ : GST_RESOURCE_ERROR_OPEN_WRITE;
  }
}

void post_failure(GstElement* element, const net::Failure& failure, Direction direction) {
  const char* stage = to_string(failure.stage);
  const std::string reason = failure.code.message();
  GST_WARNING_OBJECT(element, "%s: %s (%s)", stage, failure.text.c_str(), reason.c_str());
  GstStructure* details = gst_structure_new(
      "details", "stage", G_TYPE_STRING, stage, "code", G_TYPE_STRING, failure.status.code.c_str(),
      "level", G_TYPE_STRING, failure.status.level.c_str(), "description", G_TYPE_STRING,
      failure.status.description.c_str(), "command", G_TYPE_STRING, failure.command.c_str(),
      nullptr);
  gst_element_message_full_with_details(
      element, GST_MESSAGE_ERROR, GST_RESOURCE_ERROR, error_code(failure, direction),
      g_strdup(failure.text.c_str()),
      g_strdup_printf("stage %s, %s %d: %s; %s %s", stage, failure.code.category().name(),
                      failure.code.value(), reason.c_str(), failure.status.code.c_str(),
                      failure.status.description.c_str()),
      __FILE__, GST_FUNCTION, __LINE__, details);
}

void post_status(GstElement* element, const rtmp::Status& status) {
  GST_INFO_OBJECT(element, "%s %s: %s", status.level.c_str(), status.code.c_str(),
                  status.description.c_str());
  gst_element_post_message(
      element, gst_message_new_element(
                   GST_OBJECT(element),
                   gst_structure_new("rtmp-status", "code", G_TYPE_STRING, status.code.c_str(),
                                     "level", G_TYPE_STRING, status.level.c_str(), "description",
                                     G_TYPE_STRING, status.description.c_str(), nullptr)));
}

}  // namespace bridge
