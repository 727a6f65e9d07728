// rtmpdemux, fed tag by tag in this thread.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "pipeline.h"
#include "rtmp/amf0.h"
#include "rtmp/color_info.h"
#include "rtmp/command.h"
#include "rtmp/support.h"

namespace rtmp::test {
namespace {

constexpr char avc_config[] = "0142c00d ffe1 0004 6742c00d 01 0004 68ce3c80";
constexpr char other_avc_config[] = "0142c015 ffe1 0004 6742c015 01 0004 68ce3c80";

struct Output {
  std::vector<std::string> payloads;
  std::vector<GstClockTime> pts, dts;
  std::vector<guint> flags;
  std::vector<std::string> caps;  // each that came
  std::vector<GstSegment> segments;
  std::vector<std::pair<GstClockTime, GstClockTime>> gaps;
  std::vector<std::string> tags;
  std::vector<std::string> names;  // of data
  std::string stream_id;
  bool eos = false;
  int flushes = 0;
  GstBuffer* buffer = nullptr;  // the last one, which is gone
  GstMemory* parent = nullptr;  // of its memory
  GstClockTime duration = 0;    // its
};

std::string take_text(gchar* text) {
  std::string copy = text;
  g_free(text);
  return copy;
}

// The element with pads of ours on both sides.
class Demuxer {
 public:
  explicit Demuxer(GstFormat format = GST_FORMAT_BYTES) {
    element_ = gst_element_factory_make("rtmpdemux", nullptr);
    gst_object_ref_sink(element_);
    bus_ = gst_bus_new();
    gst_element_set_bus(element_, bus_);
    g_signal_connect_swapped(element_, "pad-added", G_CALLBACK(on_pad), this);
    g_signal_connect_swapped(element_, "no-more-pads",
                             G_CALLBACK(+[](Demuxer* self) { ++self->no_more_pads; }), this);
    source_ = gst_pad_new("source", GST_PAD_SRC);
    gst_pad_set_element_private(source_, this);
    gst_pad_set_event_function(source_, on_upstream_event);
    gst_pad_set_query_function(source_, on_upstream_query);
    GstPad* sink = gst_element_get_static_pad(element_, "sink");
    gst_pad_link(source_, sink);
    gst_object_unref(sink);
    gst_pad_set_active(source_, TRUE);
    start(format);
  }
  ~Demuxer() {
    stop();
    gst_pad_set_active(source_, FALSE);
    gst_object_unref(source_);
    gst_element_set_bus(element_, nullptr);
    gst_object_unref(bus_);
    gst_object_unref(element_);
  }
  Demuxer(const Demuxer&) = delete;
  Demuxer& operator=(const Demuxer&) = delete;

  void start(GstFormat format = GST_FORMAT_BYTES) {
    gst_element_set_state(element_, GST_STATE_PLAYING);
    gst_pad_push_event(source_, gst_event_new_stream_start("test"));
    send_segment(format);
  }
  void send_segment(GstFormat format, GstClockTime start = 0) {
    GstSegment segment;
    gst_segment_init(&segment, format);
    segment.start = segment.time = start;
    gst_pad_push_event(source_, gst_event_new_segment(&segment));
  }
  void stop() {
    gst_element_set_state(element_, GST_STATE_NULL);
    for (GstPad* pad : sinks_) {
      gst_pad_set_active(pad, FALSE);
      gst_object_unref(pad);
    }
    sinks_.clear();
  }

  GstFlowReturn push(GstBuffer* buffer) { return gst_pad_push(source_, buffer); }
  // Without a time of the source's.
  GstFlowReturn push(Bytes bytes) { return push_at(GST_CLOCK_TIME_NONE, bytes); }
  GstFlowReturn push_at(GstClockTime source_time, Bytes bytes) {
    GstBuffer* buffer = to_gst(bytes);
    GST_BUFFER_DTS(buffer) = GST_BUFFER_PTS(buffer) = source_time;
    return push(buffer);
  }
  // A frame that reaches the source at a time of its own.
  GstFlowReturn video_at(GstClockTime source_time, std::int64_t ms, std::string_view payload) {
    return push_at(source_time,
                   flv::write_tag({MessageType::video, 0, ms, Buffer::adopt(from_hex(payload))}));
  }
  GstFlowReturn tag(MessageType type, std::int64_t ms, std::string_view payload) {
    return push(flv::write_tag({type, 0, ms, Buffer::adopt(from_hex(payload))}));
  }
  GstFlowReturn video(std::int64_t ms, std::string_view payload) {
    return tag(MessageType::video, ms, payload);
  }
  GstFlowReturn audio(std::int64_t ms, std::string_view payload) {
    return tag(MessageType::audio, ms, payload);
  }
  GstFlowReturn data(std::int64_t ms, const std::vector<amf::Value>& values) {
    return push(flv::write_tag({MessageType::data, 0, ms, Buffer::adopt(amf0::write_all(values))}));
  }
  GstFlowReturn metadata(const amf::Object& object) {
    return data(0, {"onMetaData", amf::EcmaArray{object, {}}});
  }
  void avc_header(std::string_view config = avc_config) {
    video(0, "17 00 000000" + std::string(config));
  }
  bool send(GstEvent* event) { return gst_pad_push_event(source_, event); }
  // From downstream.
  bool send_up(const char* pad_name, GstEvent* event) {
    GstPad* pad = gst_element_get_static_pad(element_, pad_name);
    const bool done = gst_pad_send_event(pad, event);
    gst_object_unref(pad);
    return done;
  }
  bool query(const char* pad_name, GstQuery* query) {
    GstPad* pad = gst_element_get_static_pad(element_, pad_name);
    const bool done = gst_pad_query(pad, query);
    gst_object_unref(pad);
    return done;
  }
  int count_messages(GstMessageType type) {
    int count = 0;
    while (GstMessage* message = gst_bus_pop_filtered(bus_, type)) {
      gst_message_unref(message);
      ++count;
    }
    return count;
  }
  // The next one on the bus, to be released.
  GstStreamCollection* take_collection() {
    GstMessage* message = gst_bus_pop_filtered(bus_, GST_MESSAGE_STREAM_COLLECTION);
    GstStreamCollection* collection = nullptr;
    gst_message_parse_stream_collection(message, &collection);
    gst_message_unref(message);
    return collection;
  }
  // Streams of the last collection on the bus.
  guint collection_size() {
    guint size = 0;
    while (GstMessage* message = gst_bus_pop_filtered(bus_, GST_MESSAGE_STREAM_COLLECTION)) {
      GstStreamCollection* collection = nullptr;
      gst_message_parse_stream_collection(message, &collection);
      size = gst_stream_collection_get_size(collection);
      gst_object_unref(collection);
      gst_message_unref(message);
    }
    return size;
  }

  Output& operator[](const std::string& pad) { return outputs_[pad]; }
  bool has(const std::string& pad) const { return outputs_.contains(pad); }
  std::size_t pads() const { return outputs_.size(); }

  std::string unlinked;  // a pad that nobody wants
  int no_more_pads = 0;
  std::vector<GstEventType> upstream_events;
  bool upstream_seeks = false;

 private:
  static void on_pad(Demuxer* self, GstPad* pad) {
    const std::string name = GST_PAD_NAME(pad);
    if (name == self->unlinked) return;
    static GstStaticPadTemplate any =
        GST_STATIC_PAD_TEMPLATE("any", GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS_ANY);
    GstPad* sink = gst_pad_new_from_static_template(&any, name.c_str());
    gst_pad_set_element_private(sink, &self->outputs_[name]);
    gst_pad_set_chain_function(sink, on_buffer);
    gst_pad_set_event_function(sink, on_event);
    gst_pad_set_active(sink, TRUE);
    gst_pad_link(pad, sink);
    self->sinks_.push_back(sink);
  }
  static GstFlowReturn on_buffer(GstPad* pad, GstObject*, GstBuffer* buffer) {
    auto& output = *static_cast<Output*>(gst_pad_get_element_private(pad));
    output.payloads.push_back(to_hex(to_bytes(buffer)));
    output.pts.push_back(GST_BUFFER_PTS(buffer));
    output.dts.push_back(GST_BUFFER_DTS(buffer));
    output.flags.push_back(GST_BUFFER_FLAGS(buffer));
    output.buffer = buffer;
    output.duration = GST_BUFFER_DURATION(buffer);
    output.parent = gst_buffer_peek_memory(buffer, 0)->parent;
    if (GstCustomMeta* meta = gst_buffer_get_custom_meta(buffer, "GstRtmpDataMeta"))
      output.names.push_back(gst_structure_get_string(gst_custom_meta_get_structure(meta), "name"));
    gst_buffer_unref(buffer);
    return GST_FLOW_OK;
  }
  static gboolean on_event(GstPad* pad, GstObject*, GstEvent* event) {
    auto& output = *static_cast<Output*>(gst_pad_get_element_private(pad));
    read_event(output, event);
    gst_event_unref(event);
    return TRUE;
  }
  static void read_event(Output& output, GstEvent* event) {
    if (GST_EVENT_TYPE(event) == GST_EVENT_CAPS) {
      GstCaps* caps = nullptr;
      gst_event_parse_caps(event, &caps);
      output.caps.push_back(take_text(gst_caps_to_string(caps)));
    } else if (GST_EVENT_TYPE(event) == GST_EVENT_SEGMENT) {
      const GstSegment* segment = nullptr;
      gst_event_parse_segment(event, &segment);
      output.segments.push_back(*segment);
    } else if (GST_EVENT_TYPE(event) == GST_EVENT_GAP) {
      GstClockTime start = 0, duration = 0;
      gst_event_parse_gap(event, &start, &duration);
      output.gaps.emplace_back(start, duration);
    } else if (GST_EVENT_TYPE(event) == GST_EVENT_TAG) {
      GstTagList* tags = nullptr;
      gst_event_parse_tag(event, &tags);
      output.tags.push_back(take_text(gst_tag_list_to_string(tags)));
    } else if (GST_EVENT_TYPE(event) == GST_EVENT_STREAM_START) {
      const gchar* id = nullptr;
      gst_event_parse_stream_start(event, &id);
      output.stream_id = id;
    }
    output.eos |= GST_EVENT_TYPE(event) == GST_EVENT_EOS;
    output.flushes += GST_EVENT_TYPE(event) == GST_EVENT_FLUSH_STOP;
  }
  static gboolean on_upstream_event(GstPad* pad, GstObject*, GstEvent* event) {
    auto& self = *static_cast<Demuxer*>(gst_pad_get_element_private(pad));
    self.upstream_events.push_back(GST_EVENT_TYPE(event));
    gst_event_unref(event);
    return self.upstream_seeks;
  }
  static gboolean on_upstream_query(GstPad*, GstObject*, GstQuery* query) {
    if (GST_QUERY_TYPE(query) != GST_QUERY_LATENCY) return FALSE;
    gst_query_set_latency(query, TRUE, 5 * GST_MSECOND, GST_CLOCK_TIME_NONE);
    return TRUE;
  }

  GstElement* element_;
  GstBus* bus_;
  GstPad* source_;
  std::vector<GstPad*> sinks_;
  std::map<std::string, Output> outputs_;
};

GstEvent* seek_to(GstClockTime time) {
  return gst_event_new_seek(1, GST_FORMAT_TIME, GST_SEEK_FLAG_FLUSH, GST_SEEK_TYPE_SET,
                            static_cast<gint64>(time), GST_SEEK_TYPE_NONE, 0);
}

bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

// A decoder configuration record with one parameter set.
std::string hevc_config() {
  return "01 01 60000000 900000000000 5d f000 fc fd f8 f8 0000 0f 01 a0 0001 0004 40010c01";
}

std::vector<std::uint8_t> small_file() {
  std::vector<std::uint8_t> file;
  const auto add = [&file](Bytes bytes) { file.insert(file.end(), bytes.begin(), bytes.end()); };
  add(flv::write_file_header({true, true}));
  const auto tag = [&](MessageType type, std::int64_t ms, std::string_view payload) {
    add(flv::write_tag({type, 0, ms, Buffer::adopt(from_hex(payload))}));
  };
  tag(MessageType::video, 0, "17 00 000000" + std::string(avc_config));
  tag(MessageType::audio, 0, "af 00 1190");
  tag(MessageType::video, 0, "17 01 000000 00000002 65b8");
  tag(MessageType::audio, 21, "af 01 2100");
  tag(MessageType::video, 40, "27 01 000000 00000002 419a");
  return file;
}

// --- tracks and times ---

TEST(Demux, GivesVideoAndAudioTheirPads) {
  Demuxer demux;
  demux.push(small_file());
  EXPECT_EQ(demux["video"].payloads, (std::vector<std::string>{"0000000265b8", "00000002419a"}));
  EXPECT_EQ(demux["audio"].payloads, std::vector<std::string>{"2100"});
  EXPECT_EQ(demux["audio"].pts, std::vector<GstClockTime>{21 * GST_MSECOND});
  EXPECT_TRUE(contains(demux["audio"].caps.at(0), "rate=(int)48000"));
  EXPECT_EQ(demux["video"].flags.at(1) & GST_BUFFER_FLAG_DELTA_UNIT, GST_BUFFER_FLAG_DELTA_UNIT);
  EXPECT_EQ(demux["video"].flags.at(0) & GST_BUFFER_FLAG_DELTA_UNIT, 0u);
}

TEST(Demux, ReadsAnyCut) {
  const auto file = small_file();
  for (const std::size_t piece : {1, 2, 7, 13, 40}) {
    Demuxer demux;
    for (std::size_t at = 0; at < file.size(); at += piece)
      demux.push(Bytes(file).subspan(at, std::min(piece, file.size() - at)));
    EXPECT_EQ(demux["video"].payloads.size(), 2u) << piece;
    EXPECT_EQ(demux["audio"].payloads.size(), 1u) << piece;
  }
}

constexpr auto one_frame = "1701000000 0000000165";

TEST(Demux, SharesTheMemoryOfItsInput) {
  Demuxer demux;
  demux.avc_header();
  auto tags = flv::write_tag({MessageType::video, 0, 0, Buffer::adopt(from_hex(one_frame))});
  tags.push_back(9);  // of the next one
  GstBuffer* buffer = to_gst(tags);
  GstMemory* memory = gst_buffer_peek_memory(buffer, 0);
  demux.push(buffer);
  EXPECT_EQ(demux["video"].parent, memory);
}

TEST(Demux, HandsOnTheBufferThatATagCameIn) {
  Demuxer demux;
  demux.avc_header();
  GstBuffer* buffer =
      to_gst(flv::write_tag({MessageType::video, 0, 40, Buffer::adopt(from_hex(one_frame))}));
  GST_BUFFER_PTS(buffer) = GST_BUFFER_DTS(buffer) = GST_CLOCK_TIME_NONE;
  GST_BUFFER_DURATION(buffer) = GST_SECOND;
  GST_BUFFER_FLAG_SET(buffer, GST_BUFFER_FLAG_HEADER | GST_BUFFER_FLAG_DELTA_UNIT);
  demux.push(buffer);
  const auto& output = demux["video"];
  EXPECT_EQ(output.buffer, buffer);
  EXPECT_EQ(output.payloads, std::vector<std::string>{"0000000165"});
  EXPECT_EQ(output.dts.at(0), 40 * GST_MSECOND);
  EXPECT_EQ(output.duration, GST_CLOCK_TIME_NONE);
  EXPECT_FALSE(output.flags.at(0) & (GST_BUFFER_FLAG_HEADER | GST_BUFFER_FLAG_DELTA_UNIT));
}

TEST(Demux, HandsOnTheBufferOfATagWithoutABackPointer) {
  Demuxer demux;
  demux.avc_header();
  auto tag = flv::write_tag({MessageType::video, 0, 0, Buffer::adopt(from_hex(one_frame))});
  tag.resize(tag.size() - flv::back_pointer_size);
  for (int i = 0; i < 2; ++i) {
    GstBuffer* buffer = to_gst(tag);
    demux.push(buffer);
    EXPECT_EQ(demux["video"].buffer, buffer);
  }
  EXPECT_EQ(demux["video"].payloads, (std::vector<std::string>{"0000000165", "0000000165"}));
}

TEST(Demux, LeavesABufferThatOthersHaveAsItIs) {
  Demuxer demux;
  demux.avc_header();
  const auto tag = flv::write_tag({MessageType::video, 0, 0, Buffer::adopt(from_hex(one_frame))});
  GstBuffer* buffer = gst_buffer_ref(to_gst(tag));
  demux.push(buffer);
  EXPECT_NE(demux["video"].buffer, buffer);
  EXPECT_EQ(to_hex(to_bytes(buffer)), to_hex(tag));
  gst_buffer_unref(buffer);
}

TEST(Demux, LeavesAMemoryThatOthersHaveAsItIs) {
  Demuxer demux;
  demux.avc_header();
  const auto tag = flv::write_tag({MessageType::video, 0, 0, Buffer::adopt(from_hex(one_frame))});
  GstBuffer* buffer = to_gst(tag);
  GstBuffer* other = gst_buffer_copy(buffer);  // of the same memory
  demux.push(buffer);
  EXPECT_EQ(demux["video"].payloads, std::vector<std::string>{"0000000165"});
  EXPECT_EQ(to_hex(to_bytes(other)), to_hex(tag));
  gst_buffer_unref(other);
}

TEST(Demux, HandsNoMetaOnThatTheTagCameWith) {
  Demuxer demux;
  demux.avc_header();
  GstBuffer* buffer =
      to_gst(flv::write_tag({MessageType::video, 0, 0, Buffer::adopt(from_hex(one_frame))}));
  gst_buffer_add_custom_meta(buffer, "GstRtmpDataMeta");
  demux.push(buffer);
  EXPECT_NE(demux["video"].buffer, buffer);
  EXPECT_EQ(demux["video"].payloads, std::vector<std::string>{"0000000165"});
  EXPECT_TRUE(demux["video"].names.empty());
}

TEST(Demux, GivesTracksTheirNumbersAndStableStreamIds) {
  Demuxer demux;
  demux.video(0, "96 01 76703038 01 aa");
  demux.audio(0, "95 01 4f707573 02 bb");
  EXPECT_EQ(demux["video_1"].payloads, std::vector<std::string>{"aa"});
  EXPECT_EQ(demux["audio_2"].payloads, std::vector<std::string>{"bb"});
  EXPECT_TRUE(demux["video_1"].stream_id.ends_with("/video_1")) << demux["video_1"].stream_id;
  EXPECT_EQ(demux.collection_size(), 2u);
}

// Where the last reference is another thread's, a change of a stream reaches a collection that is
// gone.
TEST(Demux, KeepsCollectionsAsLongAsTheirStreamsMayChange) {
  Demuxer demux;
  demux.video(0, "96 01 76703038 01 aa");
  GstStreamCollection* collection = demux.take_collection();
  gpointer first = collection;
  g_object_add_weak_pointer(G_OBJECT(collection), &first);
  gst_object_unref(collection);
  demux.audio(0, "95 01 4f707573 02 bb");
  EXPECT_TRUE(first);
  demux.stop();
  gst_object_unref(demux.take_collection());
  EXPECT_FALSE(first);
}

TEST(Demux, SplitsManyTracks) {
  Demuxer demux;
  demux.video(0, "96 11 76703038 00 000003 616161 01 000002 6262");
  EXPECT_EQ(demux["video"].payloads, std::vector<std::string>{"616161"});
  EXPECT_EQ(demux["video_1"].payloads, std::vector<std::string>{"6262"});
}

TEST(Demux, SplitsManyTracksManyCodecs) {
  Demuxer demux;
  demux.audio(0, "95 21 61632d33 00 000002 0b77 4f707573 01 000002 fc00");
  EXPECT_TRUE(contains(demux["audio"].caps.at(0), "audio/x-ac3"));
  EXPECT_TRUE(contains(demux["audio_1"].caps.at(0), "audio/x-opus"));
}

TEST(Demux, AddsNanosecondsAndSignedCompositionTime) {
  Demuxer demux;
  demux.avc_header();
  demux.video(100, "97 02 01e240 01 61766331 ffffd8 0000000265b8");
  EXPECT_EQ(demux["video"].dts.at(0), 100 * GST_MSECOND + 123456);
  EXPECT_EQ(demux["video"].pts.at(0), 60 * GST_MSECOND + 123456);
}

// Times below 0 are lifted by the whole range of FLV's times, and the segment with them.
constexpr GstClockTime lift = 0x100000000 * GST_MSECOND;

TEST(Demux, KeepsAPresentationTimeBelowZero) {
  Demuxer demux;
  demux.avc_header();
  demux.video(0, "17 01 ffffd8 0000000265b8");
  demux.video(40, "27 01 000000 00000002419a");
  EXPECT_EQ(demux["video"].pts,
            (std::vector<GstClockTime>{lift - 40 * GST_MSECOND, lift + 40 * GST_MSECOND}));
  EXPECT_EQ(demux["video"].dts, (std::vector<GstClockTime>{lift, lift + 40 * GST_MSECOND}));
  ASSERT_EQ(demux["video"].segments.size(), 1u);
  EXPECT_EQ(gst_segment_to_running_time(&demux["video"].segments[0], GST_FORMAT_TIME,
                                        demux["video"].pts.at(0)),
            0u);
}

TEST(Demux, KeepsTheOthersInTimeWhereOneTrackBeginsBelowZero) {
  Demuxer demux;
  demux.audio(0, "2f fffb9064");
  demux.video(0xFFFFFFC4, "12 aa");
  demux.audio(26, "2f fffb9064");
  EXPECT_EQ(demux["video"].dts.at(0), lift - 60 * GST_MSECOND);
  EXPECT_EQ(demux["audio"].dts, (std::vector<GstClockTime>{0, lift + 26 * GST_MSECOND}));
  ASSERT_EQ(demux["audio"].segments.size(), 2u);
  EXPECT_EQ(gst_segment_to_running_time(&demux["audio"].segments[1], GST_FORMAT_TIME,
                                        demux["audio"].dts.at(1)),
            26 * GST_MSECOND);
}

TEST(Demux, SurvivesTimesThatFallForEver) {
  Demuxer demux;
  std::uint32_t ms = 0;
  for (int i = 0; i < 10'000; ++i) demux.video(ms -= 0x3FFFFFFF, "12 aa");
  EXPECT_EQ(demux["video"].payloads.size(), 10'000u);
}

TEST(Demux, UnwrapsTimesPast32Bits) {
  Demuxer demux;
  demux.avc_header();
  demux.video(0xFFFFFFF0, "17 01 000000 0000000265b8");
  demux.video(0x18, "27 01 000000 00000002419a");
  EXPECT_EQ(demux["video"].dts,
            (std::vector<GstClockTime>{0xFFFFFFF0 * GST_MSECOND, 0x100000018 * GST_MSECOND}));
  EXPECT_EQ(demux["video"].segments.size(), 1u);
}

TEST(Demux, GoesOnInRunningTimeWhereTimesJumpBack) {
  Demuxer demux;
  demux.video(0, "14 00 aa");
  demux.video(60'000, "14 00 bb");
  demux.video(1000, "14 00 cc");
  ASSERT_EQ(demux["video"].segments.size(), 2u);
  const GstSegment& segment = demux["video"].segments[1];
  EXPECT_EQ(gst_segment_to_running_time(&segment, GST_FORMAT_TIME, GST_SECOND), 60 * GST_SECOND);
  EXPECT_TRUE(demux["video"].flags.at(2) & GST_BUFFER_FLAG_DISCONT);
}

TEST(Demux, MarksWhatComesAfterAJumpAhead) {
  Demuxer demux;
  demux.video(0, "14 00 aa");
  demux.video(60'000, "14 00 bb");
  EXPECT_EQ(demux["video"].segments.size(), 1u);
  EXPECT_TRUE(demux["video"].flags.at(1) & GST_BUFFER_FLAG_DISCONT);
}

TEST(Demux, BeginsTheSegmentWhereACutStreamBegins) {
  Demuxer demux;
  demux.video(3'600'000, "14 00 aa");
  EXPECT_EQ(demux["video"].segments.at(0).start, 3600 * GST_SECOND);
}

TEST(Demux, ForwardsTheSegmentOfALiveSource) {
  Demuxer demux;
  demux.send_segment(GST_FORMAT_TIME, 7 * GST_SECOND);
  demux.video_at(7 * GST_SECOND, 7000, "14 00 aa");
  EXPECT_EQ(demux["video"].segments.at(0).start, 7 * GST_SECOND);
}

TEST(Demux, KeepsTheTimesThatALiveSourceHasToo) {
  Demuxer demux;
  constexpr GstClockTime beyond_32_bits = 0x100000000 * GST_MSECOND;
  demux.send_segment(GST_FORMAT_TIME, beyond_32_bits);
  demux.video_at(beyond_32_bits, 0, "14 00 aa");
  demux.video_at(beyond_32_bits + 40 * GST_MSECOND, 40, "14 00 bb");
  EXPECT_EQ(demux["video"].dts,
            (std::vector<GstClockTime>{beyond_32_bits, beyond_32_bits + 40 * GST_MSECOND}));
}

TEST(Demux, GivesFramesTheTimesAtWhichTheSourceGotThem) {
  Demuxer demux;
  demux.send_segment(GST_FORMAT_TIME);
  demux.video_at(5 * GST_SECOND, 3'600'000, "14 00 aa");
  demux.video_at(5 * GST_SECOND + 55 * GST_MSECOND, 3'600'040, "14 00 bb");
  // The stream says how far they are apart: no jitter comes in.
  EXPECT_EQ(demux["video"].dts,
            (std::vector<GstClockTime>{5 * GST_SECOND, 5 * GST_SECOND + 40 * GST_MSECOND}));
  EXPECT_EQ(demux["video"].segments.size(), 1u);
}

TEST(Demux, GoesOnAtTheSourcesTimeWhereTheStreamsJumps) {
  Demuxer demux;
  demux.send_segment(GST_FORMAT_TIME);
  demux.video_at(GST_SECOND, 60'000, "14 00 aa");
  demux.video_at(2 * GST_SECOND, 0, "14 00 bb");
  demux.video_at(2 * GST_SECOND, 40, "14 00 cc");
  EXPECT_EQ(demux["video"].dts, (std::vector<GstClockTime>{GST_SECOND, 2 * GST_SECOND,
                                                           2 * GST_SECOND + 40 * GST_MSECOND}));
  EXPECT_TRUE(demux["video"].flags.at(1) & GST_BUFFER_FLAG_DISCONT);
  EXPECT_FALSE(demux["video"].flags.at(2) & GST_BUFFER_FLAG_DISCONT);
}

TEST(Demux, CatchesUpWithASourceThatPaused) {
  Demuxer demux;
  demux.send_segment(GST_FORMAT_TIME);
  demux.video_at(0, 0, "14 00 aa");
  demux.video_at(30 * GST_SECOND, 40, "14 00 bb");
  EXPECT_EQ(demux["video"].dts.at(1), 30 * GST_SECOND);
  EXPECT_TRUE(demux["video"].flags.at(1) & GST_BUFFER_FLAG_DISCONT);
}

TEST(Demux, BeginsACutStreamWhereATimedSegmentBegins) {
  Demuxer demux;
  demux.send_segment(GST_FORMAT_TIME, 7 * GST_SECOND);
  demux.video(3'600'000, "14 00 aa");
  demux.video(3'600'040, "14 00 bb");
  EXPECT_EQ(demux["video"].dts,
            (std::vector<GstClockTime>{7 * GST_SECOND, 7 * GST_SECOND + 40 * GST_MSECOND}));
}

TEST(Demux, BeginsInRunningTimeWhenASourceOfBytesGotTheFirstFrame) {
  Demuxer demux;
  demux.video_at(5 * GST_SECOND, 0, "14 00 aa");
  demux.video_at(5 * GST_SECOND + 55 * GST_MSECOND, 40, "14 00 bb");
  ASSERT_EQ(demux["video"].segments.size(), 1u);
  EXPECT_EQ(demux["video"].segments[0].base, 5 * GST_SECOND);
  EXPECT_EQ(demux["video"].dts.at(1), 40 * GST_MSECOND);
}

TEST(Demux, MarksWhatComesAfterADiscontOfTheSource) {
  Demuxer demux;
  demux.video(0, "14 00 aa");
  GstBuffer* buffer =
      to_gst(flv::write_tag({MessageType::video, 0, 40, Buffer::adopt(from_hex("1400bb"))}));
  GST_BUFFER_FLAG_SET(buffer, GST_BUFFER_FLAG_DISCONT);
  demux.push(buffer);
  EXPECT_TRUE(demux["video"].flags.at(1) & GST_BUFFER_FLAG_DISCONT);
}

// --- sequences ---

TEST(Demux, GoesOnAfterALegacyEndOfSequence) {
  Demuxer demux;
  demux.avc_header();
  demux.video(0, "17 01 000000 0000000165");
  demux.video(40, "17 02 000000");
  demux.avc_header(other_avc_config);
  demux.video(80, "17 01 000000 0000000165");
  EXPECT_EQ(demux["video"].payloads.size(), 2u);
  EXPECT_EQ(demux["video"].caps.size(), 2u);
  EXPECT_FALSE(demux["video"].eos);
}

TEST(Demux, GoesOnAfterASequenceEnd) {
  Demuxer demux;
  demux.audio(0, "90 6d703461 1190");
  demux.video(0, "90 61766331" + std::string(avc_config));
  demux.video(0, "93 61766331 0000000165");
  demux.video(40, "92 61766331");
  demux.audio(40, "91 6d703461 2100");
  demux.video(80, "93 61766331 0000000165");
  EXPECT_EQ(demux["video"].payloads.size(), 2u);
  EXPECT_EQ(demux["video"].caps.size(), 1u);
  EXPECT_EQ(demux["audio"].payloads.size(), 1u);
}

TEST(Demux, SaysNewCapsForANewSize) {
  Demuxer demux;
  demux.avc_header();
  demux.video(0, "17 01 000000 0000000165");
  demux.video(40, "17 00 000000" + std::string(other_avc_config));
  EXPECT_EQ(demux["video"].caps.size(), 1u);  // they come with the frame
  demux.video(40, "17 01 000000 0000000165");
  ASSERT_EQ(demux["video"].caps.size(), 2u);
  EXPECT_TRUE(contains(demux["video"].caps[1], "codec_data=(buffer)0142c015"));
  EXPECT_EQ(demux["video"].payloads.size(), 2u);
  EXPECT_EQ(demux.pads(), 1u);
}

TEST(Demux, TakesAPublisherWithOtherCodecsForTheOneBefore) {
  Demuxer demux;
  demux.avc_header();
  demux.audio(0, "af 00 1190");
  demux.video(0, "17 01 000000 0000000165");
  demux.audio(0, "af 01 2100");
  demux.video(5000, "90 68766331" + hevc_config());
  demux.audio(5000, "90 4f707573 4f70757348656164 01 01 3801 80bb0000 0000 00");
  demux.video(5000, "93 68766331 000000012601");
  demux.audio(5000, "91 4f707573 fc");
  ASSERT_EQ(demux["video"].caps.size(), 2u);
  EXPECT_TRUE(contains(demux["video"].caps[1], "video/x-h265"));
  ASSERT_EQ(demux["audio"].caps.size(), 2u);
  EXPECT_TRUE(contains(demux["audio"].caps[1], "audio/x-opus, rate=(int)48000, channels=(int)1"));
  EXPECT_EQ(demux["video"].payloads.size(), 2u);
  EXPECT_EQ(demux["audio"].payloads.size(), 2u);
  EXPECT_EQ(demux.pads(), 2u);
}

TEST(Demux, WaitsForTheHeaderOfAnotherCodec) {
  Demuxer demux;
  demux.avc_header();
  demux.video(0, "17 01 000000 0000000165");
  demux.video(40, "a3 68766331 000000010201");
  EXPECT_EQ(demux["video"].payloads.size(), 1u);
  EXPECT_EQ(demux["video"].caps.size(), 1u);
}

TEST(Demux, ForgetsTheColoursOfAnotherCodec) {
  Demuxer demux;
  media::ColorInfo info;
  info.config = {10, 9, 16, 9};
  demux.video(0, "d4 76703039" + to_hex(media::write_color_info(info)));
  demux.video(0, "91 76703039 82");
  demux.video(40, "91 61763031 0a01aa");
  EXPECT_TRUE(contains(demux["video"].caps.at(0), "colorimetry"));
  EXPECT_FALSE(contains(demux["video"].caps.at(1), "colorimetry"));
}

TEST(Demux, KeepsTheChannelsThatAreSaidBeforeAnotherCodecComes) {
  Demuxer demux;
  demux.audio(0, "2f fffb9064");
  demux.audio(40, "94 61632d33 01 06 0000003f");
  demux.audio(40, "91 61632d33 0b77");
  EXPECT_TRUE(contains(demux["audio"].caps.at(1), "channels=(int)6"));
}

TEST(Demux, WaitsForASequenceHeader) {
  Demuxer demux;
  demux.video(0, "27 01 000000 00000002419a");
  demux.audio(0, "af 01 2100");
  EXPECT_EQ(demux.pads(), 0u);
}

TEST(Demux, SaysCapsOnceForHeadersThatAreTheSame) {
  Demuxer demux;
  for (int i = 0; i < 3; ++i) {
    demux.avc_header();
    demux.video(i * 40, "17 01 000000 0000000165");
  }
  EXPECT_EQ(demux["video"].caps.size(), 1u);
}

TEST(Demux, PassesOverAnEmptyAv1Header) {
  Demuxer demux;
  demux.video(0, "90 61763031");
  demux.video(0, "90 61763031 81000c00");
  demux.video(0, "91 61763031 0a01aa");
  ASSERT_EQ(demux["video"].caps.size(), 1u);
  EXPECT_TRUE(contains(demux["video"].caps[0], "codec_data=(buffer)81000c00"));
}

TEST(Demux, ReadsTheDescriptorFormOfAv1) {
  Demuxer demux;
  demux.video(0, "95 61763031 8004 81000c00");
  demux.video(0, "91 61763031 0a01aa");
  EXPECT_TRUE(contains(demux["video"].caps.at(0), "codec_data=(buffer)81000c00"));
}

TEST(Demux, StripsAdtsHeaders) {
  Demuxer demux;
  demux.audio(0, "af 01 fff14c80 015ffc 21000000");
  EXPECT_EQ(demux.pads(), 0u);  // its length is another
  demux.audio(0, "af 01 fff14c80 017ffc 21000000");
  EXPECT_EQ(demux["audio"].payloads, std::vector<std::string>{"21000000"});
  EXPECT_TRUE(contains(demux["audio"].caps.at(0), "codec_data=(buffer)1190"));
}

// --- what is no frame ---

TEST(Demux, PutsMultichannelConfigIntoCaps) {
  Demuxer demux;
  demux.audio(0, "94 61632d33 01 06 0000003f");
  demux.audio(0, "91 61632d33 0b77");
  EXPECT_EQ(demux["audio"].payloads, std::vector<std::string>{"0b77"});
  EXPECT_TRUE(contains(demux["audio"].caps.at(0), "channels=(int)6"));
  EXPECT_TRUE(contains(demux["audio"].caps.at(0), "channel-mask=(bitmask)0x000000000000003f"));
}

TEST(Demux, TellsSideFromRearChannels) {
  Demuxer demux;
  demux.audio(0, "94 61632d33 02 02 09 0a");  // SL, SR
  demux.audio(0, "91 61632d33 0b77");
  EXPECT_TRUE(contains(demux["audio"].caps.at(0), "channel-mask=(bitmask)0x0000000000000c00"));
}

TEST(Demux, PutsColoursThatCameBeforeTheCodecIntoCaps) {
  Demuxer demux;
  media::ColorInfo info;
  info.config = {10, 9, 16, 9};
  info.content_light = media::ColorInfo::ContentLight{400, 1000};
  demux.video(0, "d4 76703039" + to_hex(media::write_color_info(info)));
  demux.video(0, "91 76703039 82");
  const std::string caps = demux["video"].caps.at(0);
  EXPECT_TRUE(contains(caps, "colorimetry=(string)bt2100-pq")) << caps;
  EXPECT_TRUE(contains(caps, "content-light-level=(string)1000:400")) << caps;
}

TEST(Demux, TakesUndefinedColoursAsUnknown) {
  Demuxer demux;
  demux.video(0, "d4 76703039 020009 636f6c6f72496e666f 06");
  demux.video(0, "91 76703039 82");
  EXPECT_FALSE(contains(demux["video"].caps.at(0), "colorimetry"));
}

TEST(Demux, DropsCommands) {
  Demuxer demux;
  demux.avc_header();
  for (const char* command : {"5700", "5701", "d100"}) demux.video(0, command);
  demux.video(0, "17 01 000000 0000000165");
  EXPECT_EQ(demux["video"].payloads.size(), 1u);
}

TEST(Demux, TurnsSilenceIntoAGap) {
  Demuxer demux;
  demux.audio(0, "2f fffb9064");
  demux.audio(500, "");
  EXPECT_EQ(demux["audio"].payloads.size(), 1u);
  ASSERT_EQ(demux["audio"].gaps.size(), 1u);
  EXPECT_EQ(demux["audio"].gaps[0].second, 500 * GST_MSECOND);
}

TEST(Demux, AddsATrackThatBeginsThreeSecondsLate) {
  Demuxer demux;
  for (int i = 0; i < 75; ++i) demux.video(i * 40, "14 00 aa");
  demux.audio(3000, "af 00 1190");
  demux.audio(3000, "af 01 2100");
  demux.audio(3021, "af 01 2100");
  EXPECT_EQ(demux["video"].payloads.size(), 75u);
  EXPECT_EQ(demux["audio"].dts,
            (std::vector<GstClockTime>{3 * GST_SECOND, 3 * GST_SECOND + 21 * GST_MSECOND}));
  EXPECT_EQ(demux["audio"].segments.at(0).start, 0u);
}

TEST(Demux, GoesOnWithATrackThatWasAway) {
  Demuxer demux;
  demux.audio(0, "2f fffb9064");
  for (int i = 0; i <= 100; ++i) demux.video(i * 40, "14 00 aa");
  demux.audio(4000, "2f fffb9064");
  EXPECT_EQ(demux["audio"].dts, (std::vector<GstClockTime>{0, 4 * GST_SECOND}));
  EXPECT_EQ(demux["audio"].caps.size(), 1u);
  GstClockTime end = 0;
  for (const auto& [start, duration] : demux["audio"].gaps) {
    EXPECT_EQ(start, end);
    end = start + duration;
  }
  EXPECT_GT(end, 2 * GST_SECOND);
  EXPECT_LE(end, 4 * GST_SECOND);
}

TEST(Demux, FillsTheGapsOfATrackThatStops) {
  Demuxer demux;
  demux.audio(0, "2f fffb9064");
  for (int i = 0; i < 100; ++i) demux.video(i * 40, "14 00 aa");
  ASSERT_FALSE(demux["audio"].gaps.empty());
  EXPECT_EQ(demux["audio"].gaps[0].first, 0u);
}

// --- metadata and data ---

TEST(Demux, KeepsFramesWhateverTheMetadataSays) {
  Demuxer demux;
  demux.avc_header();
  demux.video(0, "17 01 000000 0000000165");
  for (const double id : {1752589105.0, 828601960.0, 12.0, -1.0})
    demux.metadata({{"videocodecid", id}, {"width", 640}});
  demux.video(40, "27 01 000000 00000002419a");
  EXPECT_EQ(demux["video"].payloads.size(), 2u);
  EXPECT_EQ(demux["video"].caps.size(), 1u);
}

TEST(Demux, GuessesNoFramerateWhereAParserKnows) {
  Demuxer demux;
  demux.metadata({{"videocodecid", 7}, {"framerate", 60}});
  demux.avc_header();
  demux.video(0, "17 01 000000 0000000165");
  EXPECT_FALSE(contains(demux["video"].caps.at(0), "framerate"));
}

TEST(Demux, SaysNoMorePadsWhenAllThatWereAnnouncedAreThere) {
  Demuxer demux;
  demux.metadata({{"videocodecid", 2}, {"audiocodecid", 2}});
  demux.video(0, "12 aa");
  EXPECT_EQ(demux.no_more_pads, 0);
  demux.audio(0, "2f fffb9064");
  EXPECT_EQ(demux.no_more_pads, 1);
}

TEST(Demux, SaysNoMorePadsAfterAWhileAndStillAddsLateTracks) {
  Demuxer demux;
  for (int i = 0; i < 50; ++i) demux.video(i * 40, "12 aa");
  EXPECT_EQ(demux.no_more_pads, 1);
  demux.audio(2000, "2f fffb9064");
  EXPECT_EQ(demux["audio"].payloads.size(), 1u);
  EXPECT_EQ(demux.no_more_pads, 1);
  EXPECT_EQ(demux.collection_size(), 2u);
}

TEST(Demux, WaitsLongerForWhatIsAnnounced) {
  Demuxer demux;
  demux.metadata({{"videocodecid", 2}, {"audiocodecid", 2}});
  for (int i = 0; i < 50; ++i) demux.video(i * 40, "12 aa");
  EXPECT_EQ(demux.no_more_pads, 0);
}

TEST(Demux, WaitsForATrackThatSomebodyWants) {
  Demuxer demux;
  demux.unlinked = "audio";
  EXPECT_EQ(demux.audio(0, "2f fffb9064"), GST_FLOW_OK);
  EXPECT_EQ(demux.video(40, "12 aa"), GST_FLOW_OK);
  EXPECT_EQ(demux.audio(60, "2f fffb9064"), GST_FLOW_OK);
  EXPECT_EQ(demux["video"].payloads.size(), 1u);
}

TEST(Demux, StopsWhereNobodyWantsAnyTrack) {
  Demuxer demux;
  demux.unlinked = "audio";
  for (int i = 0; i < 50; ++i) demux.audio(i * 40, "2f fffb9064");
  EXPECT_EQ(demux.audio(2000, "2f fffb9064"), GST_FLOW_NOT_LINKED);
}

TEST(Demux, MakesTagsOfMetadata) {
  Demuxer demux;
  demux.data(0, {"@setDataFrame", "onMetaData",
                 amf::Object{{"title", "a film"}, {"videocodecid", 2}, {"videodatarate", 500}}});
  demux.video(0, "12 aa");
  std::string all;
  for (const std::string& tags : demux["video"].tags) all += tags;
  EXPECT_TRUE(contains(all, "title=(string)\"a\\ film\"")) << all;
  EXPECT_TRUE(contains(all, "bitrate=(uint)500000")) << all;
}

TEST(Demux, TellsTheLanguagesOfTracks) {
  Demuxer demux;
  const amf::Object map{{"1", amf::Object{{"language", "de"}}}};
  demux.metadata({{"audioTrackIdInfoMap", map}});
  demux.audio(0, "95 01 4f707573 01 fc");
  std::string all;
  for (const std::string& tags : demux["audio_1"].tags) all += tags;
  EXPECT_TRUE(contains(all, "language-code=(string)de")) << all;
}

TEST(Demux, ForgetsTagsAndTracksWithTheStream) {
  Demuxer demux;
  demux.metadata({{"title", "old"}, {"videocodecid", 2}});
  demux.video(0, "12 aa");
  demux.audio(0, "2f fffb9064");
  demux.stop();
  demux["video"] = Output();
  demux["audio"] = Output();
  demux.start();
  demux.video(0, "12 bb");
  EXPECT_EQ(demux["video"].payloads, std::vector<std::string>{"bb"});
  EXPECT_TRUE(demux["audio"].payloads.empty());
  for (const std::string& tags : demux["video"].tags) EXPECT_FALSE(contains(tags, "old"));
}

TEST(Demux, GivesOtherDataAPadWhenItComes) {
  Demuxer demux;
  demux.video(0, "12 aa");
  EXPECT_FALSE(demux.has("data_0"));
  const std::vector<amf::Value> text = {"onTextData", amf::Object{{"text", "hello"}}};
  demux.data(40, text);
  EXPECT_EQ(demux["data_0"].payloads, std::vector<std::string>{to_hex(amf0::write_all(text))});
  EXPECT_EQ(demux["data_0"].names, std::vector<std::string>{"onTextData"});
  EXPECT_EQ(demux["data_0"].pts, std::vector<GstClockTime>{40 * GST_MSECOND});
  EXPECT_EQ(demux["data_0"].caps, std::vector<std::string>{"application/x-rtmp-data"});
}

TEST(Demux, LeavesCaptionsInTheirFrames) {
  Demuxer demux;
  demux.avc_header();
  // A key frame with SEI of ITU-T T.35 that carries CEA-708.
  const std::string captions = "0000000b 0604 b500314741393403 00";
  demux.video(0, "17 01 000000" + captions + "0000000265b8");
  EXPECT_EQ(demux["video"].payloads.at(0), to_hex(from_hex(captions + "0000000265b8")));
}

TEST(Demux, GivesCaptionInfoAsData) {
  Demuxer demux;
  const std::vector<amf::Value> captions = {"onCaptionInfo",
                                            amf::Object{{"type", "708"}, {"data", "//9wAgA="}}};
  demux.video(0, "12 aa");
  demux.data(40, captions);
  EXPECT_EQ(demux["data_0"].names, std::vector<std::string>{"onCaptionInfo"});
  EXPECT_EQ(demux["data_0"].payloads, std::vector<std::string>{to_hex(amf0::write_all(captions))});
}

TEST(Demux, MakesNoPadOfWhatServersTellPlayers) {
  Demuxer demux;
  demux.data(0, {"|RtmpSampleAccess", true, true});
  demux.video(0, "12 aa");
  EXPECT_FALSE(demux.has("data_0"));
  EXPECT_EQ(demux["video"].payloads.size(), 1u);
}

TEST(Demux, PassesOverDataThatIsNestedTooDeep) {
  Demuxer demux;
  std::string nested = "02 000a 6f6e4d65746144617461";
  for (int i = 0; i < 50'000; ++i) nested += "03 0001 61";
  EXPECT_EQ(demux.tag(MessageType::data, 0, nested), GST_FLOW_OK);
  demux.video(0, "12 aa");
  EXPECT_EQ(demux["video"].payloads.size(), 1u);
}

// --- codecs ---

TEST(Demux, MakesCapsForEachCodec) {
  const std::pair<const char*, const char*> audio[] = {
      {"0e 8080", "audio/x-raw, format=(string)S16LE"},
      {"1e 00", "audio/x-adpcm"},
      {"2f fffb9064", "mpegversion=(int)1, layer=(int)3"},
      {"3c 8080", "audio/x-raw, format=(string)U8"},
      {"42 00", "audio/x-nellymoser, rate=(int)16000"},
      {"52 00", "audio/x-nellymoser, rate=(int)8000"},
      {"6a 00", "audio/x-nellymoser, rate=(int)22050"},
      {"72 d5", "audio/x-alaw, rate=(int)8000"},
      {"82 ff", "audio/x-mulaw, rate=(int)8000"},
      {"b6 00", "audio/x-speex, rate=(int)16000, channels=(int)1, streamheader"},
      {"e2 00", "rate=(int)8000"},
      {"91 4f707573 fc", "audio/x-opus, rate=(int)48000, channels=(int)2"},
      {"91 664c6143 fff8", "audio/x-flac"},
      {"91 65632d33 0b77", "audio/x-eac3"},
      {"91 2e6d7033 fffb9064", "rate=(int)44100"},
  };
  for (const auto& [payload, caps] : audio) {
    Demuxer demux;
    demux.audio(0, payload);
    ASSERT_EQ(demux["audio"].caps.size(), 1u) << payload;
    EXPECT_TRUE(contains(demux["audio"].caps[0], caps)) << demux["audio"].caps[0];
  }
  const std::pair<const char*, const char*> video[] = {
      {"12 aa", "video/x-flash-video"},   {"13 aa", "video/x-flash-screen"},
      {"14 00 aa", "video/x-vp6-flash"},  {"15 00 aa", "video/x-vp6-alpha"},
      {"16 aa", "video/x-flash-screen2"}, {"91 76703038 aa", "video/x-vp8"},
      {"91 76703039 82", "video/x-vp9"},  {"91 61763031 0a01aa", "video/x-av1"},
  };
  for (const auto& [payload, caps] : video) {
    Demuxer demux;
    demux.video(0, payload);
    ASSERT_EQ(demux["video"].caps.size(), 1u) << payload;
    EXPECT_TRUE(contains(demux["video"].caps[0], caps)) << demux["video"].caps[0];
  }
}

TEST(Demux, TakesBothFormsOfTheFlacHeader) {
  const std::string info = "1000 1000 000000 000000 0bb802f000000000" + std::string(32, '0');
  std::vector<std::string> caps;
  for (const char* front : {"", "664c6143 80000022"}) {
    Demuxer demux;
    demux.audio(0, "90 664c6143" + (front + info));
    demux.audio(0, "91 664c6143 fff8");
    caps.push_back(demux["audio"].caps.at(0));
  }
  EXPECT_EQ(caps[0], caps[1]);
  EXPECT_TRUE(contains(caps[0], "rate=(int)48000, channels=(int)2")) << caps[0];
  EXPECT_TRUE(contains(caps[0], "streamheader=(buffer)< 7f464c414301000001664c614300")) << caps[0];
}

TEST(Demux, TakesOpusHeadersThatAreWrongAsMissing) {
  for (const char* head : {"4f70", "4f70757348656164 01 09 3801 80bb0000 0000 00",
                           "4f70757348656164 01 06 3801 80bb0000 0000 01",
                           "4f70757348656164 01 02 3801 80bb0000 0000 01 00 00 00 01"}) {
    Demuxer demux;
    demux.audio(0, "90 4f707573" + std::string(head));
    demux.audio(0, "91 4f707573 fc");
    EXPECT_TRUE(contains(demux["audio"].caps.at(0), "channels=(int)2")) << head;
  }
}

TEST(Demux, FindsKeyFramesByThePictureWhereTheTypeIsMissing) {
  Demuxer demux;
  demux.video(0, "90 61766331" + std::string(avc_config));
  demux.video(0, "83 61766331 0000000165");
  demux.video(40, "83 61766331 0000000141");
  EXPECT_FALSE(demux["video"].flags.at(0) & GST_BUFFER_FLAG_DELTA_UNIT);
  EXPECT_TRUE(demux["video"].flags.at(1) & GST_BUFFER_FLAG_DELTA_UNIT);
}

// --- faults ---

TEST(Demux, FindsTheNextTagBehindGarbage) {
  Demuxer demux;
  demux.video(0, "12 aa");
  demux.push(from_hex("ff 12 09 000000 ffffffffffffffffffffffffff"));
  demux.video(40, "12 bb");
  EXPECT_EQ(demux["video"].payloads, (std::vector<std::string>{"aa", "bb"}));
}

TEST(Demux, ReadsTagsWithoutBackPointers) {
  Demuxer demux;
  for (int i = 0; i < 3; ++i) {
    auto tag = flv::write_tag({MessageType::video, 0, i * 40, Buffer::adopt(from_hex("12 aa"))});
    tag.resize(tag.size() - 4);
    demux.push(tag);
  }
  EXPECT_EQ(demux["video"].payloads.size(), 3u);
}

TEST(Demux, LeavesEncryptedTagsOutAndWarnsOnce) {
  Demuxer demux;
  demux.video(0, "12 aa");
  for (int i = 0; i < 3; ++i) demux.push(from_hex("29 000002 000028 00 000000 12bb 0000000d"));
  EXPECT_EQ(demux["video"].payloads.size(), 1u);
  EXPECT_EQ(demux.count_messages(GST_MESSAGE_WARNING), 1);
}

TEST(Demux, EndsWithAnErrorWhereNothingWasFound) {
  Demuxer demux;
  demux.push(flv::write_file_header({true, true}));
  demux.send(gst_event_new_eos());
  EXPECT_EQ(demux.count_messages(GST_MESSAGE_ERROR), 1);
}

TEST(Demux, EndsWhatWasFound) {
  Demuxer demux;
  demux.video(0, "12 aa");
  demux.send(gst_event_new_eos());
  EXPECT_TRUE(demux["video"].eos);
  EXPECT_EQ(demux.no_more_pads, 1);
  EXPECT_EQ(demux.count_messages(GST_MESSAGE_ERROR), 0);
}

TEST(Demux, RefusesWhatIsNoFlv) {
  Demuxer demux;
  const std::vector<std::uint8_t> zeros(64 * 1024);
  GstFlowReturn flow = GST_FLOW_OK;
  for (int i = 0; i < 40 && flow == GST_FLOW_OK; ++i) flow = demux.push(zeros);
  EXPECT_EQ(flow, GST_FLOW_ERROR);
  EXPECT_EQ(demux.count_messages(GST_MESSAGE_ERROR), 1);
}

TEST(Demux, SurvivesTruncationAndFlippedBits) {
  const auto file = small_file();
  for (std::size_t bit = 8; bit < file.size() * 8; ++bit) {
    auto broken = file;
    broken[bit / 8] ^= static_cast<std::uint8_t>(1 << bit % 8);
    Demuxer demux;
    demux.push(Bytes(broken).first(bit % 3 == 0 ? bit / 8 : broken.size()));
    demux.send(gst_event_new_eos());
  }
}

// --- seeks, flushes and queries ---

TEST(Demux, BeginsAnewAfterAFlush) {
  Demuxer demux;
  demux.avc_header();
  demux.video(1000, "17 01 000000 0000000165");
  demux.push(from_hex("09 000099 000000"));
  demux.send(gst_event_new_flush_start());
  demux.send(gst_event_new_flush_stop(TRUE));
  demux.send_segment(GST_FORMAT_BYTES);
  EXPECT_EQ(demux.video(40, "17 01 000000 0000000165"), GST_FLOW_OK);
  EXPECT_EQ(demux["video"].payloads.size(), 2u);
  EXPECT_EQ(demux["video"].flushes, 1);
  EXPECT_TRUE(demux["video"].flags.at(1) & GST_BUFFER_FLAG_DISCONT);
  EXPECT_EQ(demux["video"].segments.size(), 2u);
}

TEST(Demux, AsksUpstreamToSeekFirst) {
  Demuxer demux;
  demux.video(0, "12 aa");
  EXPECT_FALSE(demux.send_up("video", seek_to(GST_SECOND)));
  EXPECT_EQ(demux.upstream_events.back(), GST_EVENT_SEEK);
  demux.upstream_seeks = true;
  EXPECT_TRUE(demux.send_up("video", seek_to(GST_SECOND)));
}

TEST(Demux, PassesLatencyOn) {
  Demuxer demux;
  demux.video(0, "12 aa");
  GstQuery* query = gst_query_new_latency();
  EXPECT_TRUE(demux.query("video", query));
  GstClockTime least = 0;
  gst_query_parse_latency(query, nullptr, &least, nullptr);
  EXPECT_EQ(least, 5 * GST_MSECOND);
  gst_query_unref(query);
}

TEST(Demux, KnowsPositionAndDuration) {
  Demuxer demux;
  demux.metadata({{"duration", 12.5}, {"videocodecid", 2}});
  demux.video(0, "12 aa");
  demux.video(80, "12 aa");
  GstQuery* position = gst_query_new_position(GST_FORMAT_TIME);
  EXPECT_TRUE(demux.query("video", position));
  gint64 value = 0;
  gst_query_parse_position(position, nullptr, &value);
  EXPECT_EQ(value, gint64{80} * GST_MSECOND);
  gst_query_unref(position);
  GstQuery* duration = gst_query_new_duration(GST_FORMAT_TIME);
  EXPECT_TRUE(demux.query("video", duration));
  gst_query_parse_duration(duration, nullptr, &value);
  EXPECT_EQ(value, gint64{12'500} * GST_MSECOND);
  gst_query_unref(duration);
}

}  // namespace
}  // namespace rtmp::test
