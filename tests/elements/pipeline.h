// Pipelines in this process, with everything that waits bounded, and FLV for them.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "rtmp/flv.h"

namespace rtmp::test {

// An error message, read.
struct BusError {
  GQuark domain = 0;
  int code = 0;
  std::string text;
  std::string stage, status;  // of the details
};

class Pipeline {
 public:
  explicit Pipeline(const std::string& description)
      : element_(gst_parse_launch(description.c_str(), nullptr)),
        bus_(gst_element_get_bus(element_)) {
    gst_object_ref_sink(element_);
  }
  ~Pipeline() {
    set_state(GST_STATE_NULL);
    gst_object_unref(bus_);
    gst_object_unref(element_);
  }
  Pipeline(const Pipeline&) = delete;
  Pipeline& operator=(const Pipeline&) = delete;

  GstElement* element() const { return element_; }
  // Without a reference: the pipeline has one.
  GstElement* operator[](const char* name) const {
    GstElement* found = gst_bin_get_by_name(GST_BIN(element_), name);
    gst_object_unref(found);
    return found;
  }

  // How long the call took.
  std::chrono::milliseconds set_state(GstState state) {
    const auto start = std::chrono::steady_clock::now();
    gst_element_set_state(element_, state);
    return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() -
                                                                 start);
  }

  // Pops up to the first error or EOS: nothing for EOS; an empty error if neither comes.
  std::optional<BusError> wait_end(GstClockTime at_most = 20 * GST_SECOND) {
    const Message_ message = pop(GST_MESSAGE_ERROR | GST_MESSAGE_EOS, at_most);
    if (!message) return BusError{0, 0, "neither an error nor EOS came", {}, {}};
    if (GST_MESSAGE_TYPE(message.get()) == GST_MESSAGE_EOS) return std::nullopt;
    return read_error(message.get());
  }
  bool wait_eos(GstClockTime at_most = 20 * GST_SECOND) { return !wait_end(at_most); }
  BusError wait_error() { return wait_end().value_or(BusError{0, 0, "EOS", {}, {}}); }
  // Whether an element message of that name comes.
  bool wait_element(const char* name, GstClockTime at_most = 10 * GST_SECOND) {
    while (const Message_ message = pop(GST_MESSAGE_ELEMENT, at_most))
      if (gst_message_has_name(message.get(), name)) return true;
    return false;
  }
  bool wait_message(GstMessageType type) { return pop(type, 10 * GST_SECOND) != nullptr; }
  // The same as text: "rtmp-x, field=(type)value, ...;", with `text` in it.
  std::string wait_element_with(const char* name, const std::string& text) {
    while (const Message_ message = pop(GST_MESSAGE_ELEMENT, 10 * GST_SECOND)) {
      gchar* description = gst_structure_to_string(gst_message_get_structure(message.get()));
      const std::string found(description);
      g_free(description);
      if (gst_message_has_name(message.get(), name) && found.find(text) != std::string::npos)
        return found;
    }
    return {};
  }
  // Errors that are there already.
  int count_errors() {
    int count = 0;
    while (pop(GST_MESSAGE_ERROR, 0)) ++count;
    return count;
  }

  // To an appsrc, to be released by it.
  void push(const char* name, GstBuffer* buffer) {
    GstFlowReturn flow;
    g_signal_emit_by_name((*this)[name], "push-buffer", buffer, &flow);
    gst_buffer_unref(buffer);
  }
  void end(const char* name) {
    GstFlowReturn flow;
    g_signal_emit_by_name((*this)[name], "end-of-stream", &flow);
  }

 private:
  using Message_ = std::unique_ptr<GstMessage, decltype(&gst_message_unref)>;

  Message_ pop(int types, GstClockTime at_most) {
    return {gst_bus_timed_pop_filtered(bus_, at_most, static_cast<GstMessageType>(types)),
            &gst_message_unref};
  }

  static BusError read_error(GstMessage* message) {
    BusError error;
    GError* reason = nullptr;
    gst_message_parse_error(message, &reason, nullptr);
    error.domain = reason->domain;
    error.code = reason->code;
    error.text = reason->message;
    g_error_free(reason);
    const GstStructure* details = nullptr;
    gst_message_parse_error_details(message, &details);
    const auto text = [details](const char* name) {
      const char* value = details ? gst_structure_get_string(details, name) : nullptr;
      return std::string(value ? value : "");
    };
    error.stage = text("stage");
    error.status = text("code");
    return error;
  }

  GstElement* element_;
  GstBus* bus_;
};

// --- FLV

inline GstBuffer* to_gst(Bytes bytes, std::int64_t ms = 0) {
  GstBuffer* buffer = gst_buffer_new_memdup(bytes.data(), bytes.size());
  GST_BUFFER_DTS(buffer) = GST_BUFFER_PTS(buffer) = static_cast<GstClockTime>(ms) * GST_MSECOND;
  return buffer;
}

inline std::vector<std::uint8_t> to_bytes(GstBuffer* buffer) {
  std::vector<std::uint8_t> bytes(gst_buffer_get_size(buffer));
  gst_buffer_extract(buffer, 0, bytes.data(), bytes.size());
  return bytes;
}

inline Message sequence_header() {
  return {MessageType::video, 0, 0, Buffer::adopt({0x17, 0, 0, 0, 0, 1, 0x42, 0xC0, 0x1E})};
}

// H.264 from outside: a key frame every 25, its number in bytes 5 to 8.
inline Message frame(std::uint32_t number, std::size_t size = 100) {
  std::vector<std::uint8_t> payload(std::max<std::size_t>(size, 9), 0xAB);
  payload[0] = number % 25 == 0 ? 0x17 : 0x27;
  payload[1] = 1;
  payload[2] = payload[3] = payload[4] = 0;
  for (int i = 0; i < 4; ++i) payload[5 + i] = static_cast<std::uint8_t>(number >> (24 - 8 * i));
  return {MessageType::video, 0, std::int64_t{number} * 40, Buffer::adopt(std::move(payload))};
}

inline bool is_frame(const Message& message) {
  return message.type == MessageType::video && message.payload.size() >= 9 &&
         message.payload.data()[1] == 1;
}

}  // namespace rtmp::test
