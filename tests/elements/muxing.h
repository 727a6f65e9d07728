// rtmpmux in a harness: what goes in and what comes out.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/check/gstharness.h>

#include <map>
#include <string>
#include <vector>

#include "elements/pipeline.h"
#include "rtmp/amf0.h"
#include "rtmp/command.h"
#include "rtmp/media.h"
#include "rtmp/support.h"

namespace rtmp::test {

constexpr std::int64_t ms = 1'000'000;  // in ns

// What happens to a buffer on its way in.
struct Frame {
  std::string payload;  // hex
  std::int64_t dts = 0;
  std::int64_t pts = 0;
  bool key = true;
};

inline GstBuffer* to_gst(const Frame& frame) {
  GstBuffer* buffer = test::to_gst(Bytes(from_hex(frame.payload)));
  GST_BUFFER_DTS(buffer) = static_cast<GstClockTime>(frame.dts);
  GST_BUFFER_PTS(buffer) = static_cast<GstClockTime>(frame.pts);
  if (!frame.key) GST_BUFFER_FLAG_SET(buffer, GST_BUFFER_FLAG_DELTA_UNIT);
  return buffer;
}

struct Written {
  std::vector<Message> messages;  // times are the tags'
  std::vector<std::uint32_t> flags;
  std::vector<std::string> caps;
  bool one_tag_each = true;

  std::vector<std::string> payloads() const {
    std::vector<std::string> all;
    for (const Message& message : messages)
      if (is_media(message.type)) all.push_back(to_hex(message.payload));
    return all;
  }
  std::vector<std::int64_t> times(MessageType type) const {
    std::vector<std::int64_t> all;
    for (const Message& message : messages)
      if (message.type == type) all.push_back(message.timestamp);
    return all;
  }
  std::vector<amf::Object> metadata() const {
    std::vector<amf::Object> all;
    for (const Message& message : messages) {
      if (message.type != MessageType::data) continue;
      const auto data = read_data(message, {.nodes = 65536});
      if (data && data->name == "onMetaData") all.push_back(*data->values.at(0).object());
    }
    return all;
  }
};

inline std::optional<double> number(const amf::Object& object, const char* name) {
  const amf::Value* value = object.find(name);
  return value ? value->number() : std::nullopt;
}

class Muxer {
 public:
  explicit Muxer(const char* properties = "")
      : element_(gst_parse_launch((std::string("rtmpmux ") + properties).c_str(), nullptr)),
        bus_(gst_bus_new()),
        out_(gst_harness_new_with_element(element_, nullptr, "src")) {
    gst_element_set_bus(element_, bus_);
    // Pads take as much as comes before any has to wait for the others.
    g_object_set(element_, "latency", 100 * GST_SECOND, nullptr);
  }
  ~Muxer() {
    for (auto& [name, harness] : in_) gst_harness_teardown(harness);
    gst_harness_teardown(out_);
    gst_element_set_bus(element_, nullptr);
    gst_object_unref(bus_);
    gst_object_unref(element_);
  }

  GstElement* element() const { return element_; }
  GstHarness* out() const { return out_; }
  GstHarness* in(const std::string& pad) { return in_.at(pad); }

  Muxer& caps(const std::string& pad, const std::string& caps) {
    if (!in_.contains(pad)) in_[pad] = gst_harness_new_with_element(element_, pad.c_str(), nullptr);
    gst_harness_set_src_caps_str(in_[pad], caps.c_str());
    return *this;
  }
  GstFlowReturn push(const std::string& pad, GstBuffer* buffer) {
    return gst_harness_push(in_.at(pad), buffer);
  }
  Muxer& push(const std::string& pad, const Frame& frame) {
    push(pad, to_gst(frame));
    return *this;
  }
  Muxer& event(const std::string& pad, GstEvent* event) {
    gst_harness_push_event(in_.at(pad), event);
    return *this;
  }
  // Ends all pads and reads what there is.
  Written finish() {
    for (auto& [name, harness] : in_) gst_harness_push_event(harness, gst_event_new_eos());
    return read();
  }
  Written read() {
    Written written;
    while (GstEvent* event = gst_harness_pull_event(out_)) {
      const GstEventType type = GST_EVENT_TYPE(event);
      if (type == GST_EVENT_CAPS) note_caps(written, event);
      gst_event_unref(event);
      if (type == GST_EVENT_EOS) break;
    }
    while (GstBuffer* buffer = gst_harness_try_pull(out_)) note(written, buffer);
    return written;
  }
  std::string error() {
    GstMessage* message = gst_bus_timed_pop_filtered(bus_, 5 * GST_SECOND, GST_MESSAGE_ERROR);
    if (!message) return {};
    GError* reason = nullptr;
    gst_message_parse_error(message, &reason, nullptr);
    const std::string text = reason->message;
    g_error_free(reason);
    gst_message_unref(message);
    return text;
  }

 private:
  static void note_caps(Written& written, GstEvent* event) {
    GstCaps* caps = nullptr;
    gst_event_parse_caps(event, &caps);
    gchar* text = gst_caps_to_string(caps);
    written.caps.push_back(text);
    g_free(text);
  }
  static void note(Written& written, GstBuffer* buffer) {
    const auto bytes = Buffer::adopt(to_bytes(buffer));
    const auto flags = GST_BUFFER_FLAGS(buffer);
    gst_buffer_unref(buffer);
    if (as_text(bytes).starts_with("FLV")) return;
    const auto tag = flv::read_tag(bytes);
    ASSERT_TRUE(tag && *tag);
    written.one_tag_each &=
        bytes.size() == flv::tag_header_size + (*tag)->payload.size() + flv::back_pointer_size;
    written.messages.push_back(**tag);
    written.flags.push_back(flags);
  }

  GstElement* element_;
  GstBus* bus_;
  GstHarness* out_;
  std::map<std::string, GstHarness*> in_;
};

constexpr const char* avcc = "0142c01effe1000a6742c01eda02802dd08001000468ce3c80";
inline std::string h264_caps(int width = 640) {
  return "video/x-h264,stream-format=avc,alignment=au,height=360,framerate=30/1,width=" +
         std::to_string(width) + ",codec_data=(buffer)" + avcc;
}
constexpr const char* aac_caps =
    "audio/mpeg,mpegversion=4,stream-format=raw,framed=true,rate=44100,channels=2,"
    "codec_data=(buffer)1210";
constexpr const char* hevc_caps =
    "video/x-h265,stream-format=hvc1,alignment=au,width=640,height=360,"
    "codec_data=(buffer)01016000";

}  // namespace rtmp::test
