// rtmpdemux and files that it may look around in: seeks, and files that are broken.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <mutex>
#include <random>

#include "pipeline.h"
#include "rtmp/amf0.h"
#include "rtmp/support.h"

namespace rtmp::test {
namespace {

// A file of this process that is gone with the object.
class TemporaryFile {
 public:
  explicit TemporaryFile(Bytes bytes)
      : path_(std::filesystem::temp_directory_path() /
              ("rtmpdemux-" + std::to_string(getpid()) + ".flv")) {
    std::ofstream(path_, std::ios::binary)
        .write(reinterpret_cast<const char*>(bytes.data()),
               static_cast<std::streamsize>(bytes.size()));
  }
  ~TemporaryFile() { std::filesystem::remove(path_); }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;

  std::string path() const { return path_.string(); }

 private:
  std::filesystem::path path_;
};

flv::TagHeader tag_header(Bytes file, std::size_t at) {
  return flv::read_tag_header(file.subspan(at).first<flv::tag_header_size>());
}

// A frame, and the codec_data that its decoder has then.
struct Shown {
  GstClockTime pts;
  std::string payload;
  std::string config;

  bool operator==(const Shown&) const = default;
};

// Plays the video of a file and remembers what came since the last seek.
class VideoPlayer {
 public:
  explicit VideoPlayer(Bytes file)
      : file_(file),
        pipeline_("filesrc location=" + file_.path() +
                  " ! rtmpdemux name=demux demux.video ! fakesink name=sink sync=false") {
    GstPad* pad = gst_element_get_static_pad(pipeline_["sink"], "sink");
    gst_pad_add_probe(
        pad,
        static_cast<GstPadProbeType>(GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_EVENT_FLUSH),
        on_data, this, nullptr);
    gst_object_unref(pad);
    // With the first frame in the sink the demuxer waits: it has seen no more of the file.
    pipeline_.set_state(GST_STATE_PAUSED);
    EXPECT_TRUE(pipeline_.wait_message(GST_MESSAGE_ASYNC_DONE));
  }

  bool seek(GstClockTime to, GstSeekFlags flags = GST_SEEK_FLAG_KEY_UNIT) {
    const bool done = gst_element_seek_simple(
        pipeline_.element(), GST_FORMAT_TIME,
        static_cast<GstSeekFlags>(GST_SEEK_FLAG_FLUSH | flags), static_cast<gint64>(to));
    return done && pipeline_.wait_message(GST_MESSAGE_ASYNC_DONE);
  }
  std::vector<Shown> play_to_end() {
    pipeline_.set_state(GST_STATE_PLAYING);
    EXPECT_TRUE(pipeline_.wait_eos());
    const std::lock_guard lock(mutex_);
    return shown_;
  }

 private:
  static GstPadProbeReturn on_data(GstPad* pad, GstPadProbeInfo* info, gpointer data) {
    auto& self = *static_cast<VideoPlayer*>(data);
    const std::lock_guard lock(self.mutex_);
    if (info->type & GST_PAD_PROBE_TYPE_BUFFER)
      self.shown_.push_back(
          {GST_BUFFER_PTS(info->data), to_hex(to_bytes(GST_BUFFER(info->data))), config_of(pad)});
    else
      self.shown_.clear();
    return GST_PAD_PROBE_OK;
  }
  static std::string config_of(GstPad* pad) {
    GstCaps* caps = gst_pad_get_current_caps(pad);
    GstBuffer* config = nullptr;
    gst_structure_get(gst_caps_get_structure(caps, 0), "codec_data", GST_TYPE_BUFFER, &config,
                      nullptr);
    const std::string text = config ? to_hex(to_bytes(config)) : "";
    gst_clear_buffer(&config);
    gst_caps_unref(caps);
    return text;
  }

  TemporaryFile file_;
  std::mutex mutex_;  // guards the next
  std::vector<Shown> shown_;
  Pipeline pipeline_;
};

std::string config_of_size(int size) {
  return "0142c00" + std::to_string(size) + "ffe100046742c00" + std::to_string(size) +
         "01000468ce3c80";
}

class FileWriter {
 public:
  FileWriter() { add(flv::write_file_header({true, true})); }

  FileWriter& add(MessageType type, std::int64_t ms, Bytes payload) {
    return add(flv::write_tag({type, 0, ms, Buffer::copy_of(payload)}));
  }
  FileWriter& add(MessageType type, std::int64_t ms, std::string_view payload) {
    return add(type, ms, from_hex(payload));
  }
  FileWriter& add(Bytes bytes) {
    bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
    return *this;
  }
  std::size_t size() const { return bytes_.size(); }
  const std::vector<std::uint8_t>& bytes() const { return bytes_; }

 private:
  std::vector<std::uint8_t> bytes_;
};

// A picture every 100 ms, a key frame every second. `enhanced`: with a FourCC.
void add_second(FileWriter& file, int second, bool enhanced = false) {
  for (int i = 0; i < 10; ++i) {
    const std::string front =
        enhanced ? (i ? "a3 61766331" : "93 61766331") : (i ? "27 01 000000" : "17 01 000000");
    const std::string number = std::to_string(10 + second) + std::to_string(10 + i);
    file.add(MessageType::video, second * 1000 + i * 100, front + "00000002" + number);
  }
}

void add_header(FileWriter& file, int second, int size, bool enhanced = false) {
  file.add(MessageType::video, second * 1000,
           (enhanced ? "90 61766331" : "17 00 000000") + config_of_size(size));
}

// Four seconds: 1 and 3 begin with another sequence header.
std::vector<std::uint8_t> changing_file(bool enhanced = false) {
  FileWriter file;
  for (int second = 0; second < 4; ++second) {
    if (second != 2) add_header(file, second, second + 1, enhanced);
    add_second(file, second, enhanced);
  }
  return file.bytes();
}

// The same with the index of its key frames before it.
std::vector<std::uint8_t> indexed_file() {
  const auto plain = changing_file();
  const auto metadata = [&plain](std::size_t shift) {
    amf::StrictArray times, positions;
    std::size_t at = flv::header_size + flv::back_pointer_size;
    while (at < plain.size()) {
      const auto header = tag_header(plain, at);
      if (plain[at + flv::tag_header_size] == 0x17 && plain[at + flv::tag_header_size + 1] == 1) {
        times.values.push_back(header.timestamp / 1000.0);
        positions.values.push_back(static_cast<double>(at + shift));
      }
      at += flv::tag_header_size + header.size + flv::back_pointer_size;
    }
    const amf::Object index{{"times", times}, {"filepositions", positions}};
    const amf::Object object{{"duration", 4.0}, {"keyframes", index}};
    return flv::write_tag(
        {MessageType::data, 0, 0, Buffer::adopt(amf0::write_all({"onMetaData", object}))});
  };
  const std::size_t size = metadata(0).size();
  const std::size_t front = flv::header_size + flv::back_pointer_size;
  FileWriter file;
  file.add(metadata(size)).add(Bytes(plain).subspan(front));
  return file.bytes();
}

std::vector<Shown> from(const std::vector<Shown>& all, GstClockTime pts) {
  std::vector<Shown> rest;
  std::ranges::copy_if(all, std::back_inserter(rest),
                       [pts](const Shown& frame) { return frame.pts >= pts; });
  return rest;
}

// --- seeks ---

struct File {
  std::string name;
  std::vector<std::uint8_t> bytes;
};
void PrintTo(const File& file, std::ostream* out) { *out << file.name; }

class DemuxSeeks : public testing::TestWithParam<File> {};

TEST_P(DemuxSeeks, ForwardToTheHeaderInForceThere) {
  const auto all = VideoPlayer(GetParam().bytes).play_to_end();
  ASSERT_EQ(all.size(), 40u);
  VideoPlayer player(GetParam().bytes);
  ASSERT_TRUE(player.seek(2500 * GST_MSECOND));
  const auto shown = player.play_to_end();
  EXPECT_EQ(shown, from(all, 2 * GST_SECOND));
  EXPECT_EQ(shown.at(0).config, config_of_size(2));
}

TEST_P(DemuxSeeks, BackwardToTheHeaderInForceThere) {
  VideoPlayer player(GetParam().bytes);
  const auto all = player.play_to_end();
  ASSERT_TRUE(player.seek(2500 * GST_MSECOND));
  EXPECT_EQ(player.play_to_end(), from(all, 2 * GST_SECOND));
  ASSERT_TRUE(player.seek(0));
  EXPECT_EQ(player.play_to_end(), all);
}

TEST_P(DemuxSeeks, ForwardAndBackFromTheFirstFrame) {
  const auto all = VideoPlayer(GetParam().bytes).play_to_end();
  VideoPlayer player(GetParam().bytes);
  ASSERT_TRUE(player.seek(3500 * GST_MSECOND));
  ASSERT_TRUE(player.seek(500 * GST_MSECOND));
  EXPECT_EQ(player.play_to_end(), all);
  ASSERT_TRUE(player.seek(1500 * GST_MSECOND));
  EXPECT_EQ(player.play_to_end(), from(all, GST_SECOND));
}

INSTANTIATE_TEST_SUITE_P(Files, DemuxSeeks,
                         testing::Values(File{"Plain", changing_file()},
                                         File{"Enhanced", changing_file(true)},
                                         File{"Indexed", indexed_file()}),
                         [](const auto& info) { return info.param.name; });

TEST(DemuxFiles, FindsEnhancedKeyFramesWithoutAnIndex) {
  VideoPlayer player(changing_file(true));
  ASSERT_TRUE(player.seek(3900 * GST_MSECOND));
  EXPECT_EQ(player.play_to_end().at(0).pts, 3 * GST_SECOND);
}

TEST(DemuxFiles, SeeksToTheKeyFrameBehindWhereAsked) {
  VideoPlayer player(changing_file());
  ASSERT_TRUE(player.seek(1500 * GST_MSECOND, static_cast<GstSeekFlags>(GST_SEEK_FLAG_KEY_UNIT |
                                                                        GST_SEEK_FLAG_SNAP_AFTER)));
  EXPECT_EQ(player.play_to_end().at(0).pts, 2 * GST_SECOND);
}

TEST(DemuxFiles, LooksForKeyFramesWhereTheIndexIsWrong) {
  auto file = indexed_file();
  // Another tag behind the metadata: all positions are off.
  const auto metadata = tag_header(file, 13);
  const auto behind = 13 + flv::tag_header_size + metadata.size + flv::back_pointer_size;
  const auto tag = flv::write_tag(
      {MessageType::video, 0, 0, Buffer::adopt(from_hex("17 00 000000" + config_of_size(9)))});
  file.insert(file.begin() + static_cast<std::ptrdiff_t>(behind), tag.begin(), tag.end());
  VideoPlayer player(file);
  ASSERT_TRUE(player.seek(2500 * GST_MSECOND));
  const auto shown = player.play_to_end();
  EXPECT_EQ(shown.at(0).pts, 2 * GST_SECOND);
  EXPECT_EQ(shown.at(0).config, config_of_size(2));
}

TEST(DemuxFiles, SeeksInARealFileToTheHeaderInForceThere) {
  const auto file = read_file(shared_path("media/h264_aac_reschange.flv"));
  if (file.empty()) GTEST_SKIP() << "the shared files are not there";
  const auto all = VideoPlayer(file).play_to_end();
  ASSERT_NE(all.front().config, all.back().config);
  VideoPlayer player(file);
  ASSERT_TRUE(player.seek(4500 * GST_MSECOND));
  auto shown = player.play_to_end();
  EXPECT_EQ(shown.at(0).config, all.back().config);
  EXPECT_EQ(shown, from(all, shown.at(0).pts));
  ASSERT_TRUE(player.seek(1500 * GST_MSECOND));
  shown = player.play_to_end();
  EXPECT_EQ(shown.at(0).config, all.front().config);
  EXPECT_EQ(shown, from(all, shown.at(0).pts));
}

TEST(DemuxFiles, LooksPastTagsWithoutAPayload) {
  FileWriter file;
  for (int second = 0; second < 4; ++second) {
    file.add(MessageType::audio, second * 1000, "").add(MessageType::data, second * 1000, "");
    if (second == 0) add_header(file, 0, 1);
    add_second(file, second);
  }
  VideoPlayer player(file.bytes());
  ASSERT_TRUE(player.seek(2500 * GST_MSECOND));
  EXPECT_EQ(player.play_to_end().at(0).pts, 2 * GST_SECOND);
}

// --- memory ---

// Every buffer of video of a file as its memory's parent's size.
std::vector<gsize> parent_sizes(Bytes bytes) {
  const TemporaryFile file(bytes);
  std::vector<gsize> sizes;
  Pipeline pipeline("filesrc location=" + file.path() +
                    " ! rtmpdemux name=demux demux.video ! fakesink name=sink sync=false");
  GstPad* pad = gst_element_get_static_pad(pipeline["sink"], "sink");
  gst_pad_add_probe(
      pad, GST_PAD_PROBE_TYPE_BUFFER,
      [](GstPad*, GstPadProbeInfo* info, gpointer data) {
        const GstMemory* memory = gst_buffer_peek_memory(GST_BUFFER(info->data), 0);
        static_cast<std::vector<gsize>*>(data)->push_back(memory->parent ? memory->parent->size
                                                                         : 0);
        return GST_PAD_PROBE_OK;
      },
      &sizes, nullptr);
  gst_object_unref(pad);
  pipeline.set_state(GST_STATE_PLAYING);
  EXPECT_TRUE(pipeline.wait_eos());
  return sizes;
}

TEST(DemuxFiles, SharesTheMemoryOfEachRead) {
  constexpr std::size_t frame_size = 100'000, big_frame_size = 1'000'000, one_read = 256 * 1024;
  FileWriter file;
  for (int i = 0; i < 30; ++i) {
    std::vector<std::uint8_t> frame(i == 10 ? big_frame_size : frame_size, 0xAA);
    frame[0] = 0x12;
    file.add(MessageType::video, i * 40, frame);
  }
  const auto sizes = parent_sizes(file.bytes());
  ASSERT_EQ(sizes.size(), 30u);
  for (std::size_t i = 0; i < 20; ++i) EXPECT_GE(sizes[i], one_read) << i;
}

// --- broken files ---

// Everything that comes goes nowhere; the end is EOS or an error message.
void play_broken(Bytes bytes, bool may_look_around) {
  const TemporaryFile file(bytes);
  const std::string cut = may_look_around ? " ! " : " blocksize=4096 ! queue ! ";
  Pipeline pipeline("filesrc location=" + file.path() + cut + "rtmpdemux name=demux");
  g_signal_connect(pipeline["demux"], "pad-added",
                   G_CALLBACK(+[](GstElement*, GstPad* pad, GstElement* bin) {
                     GstElement* sink = gst_element_factory_make("fakesink", nullptr);
                     g_object_set(sink, "async", FALSE, nullptr);
                     gst_bin_add(GST_BIN(bin), sink);
                     gst_element_sync_state_with_parent(sink);
                     GstPad* to = gst_element_get_static_pad(sink, "sink");
                     gst_pad_link(pad, to);
                     gst_object_unref(to);
                   }),
                   pipeline.element());
  pipeline.set_state(GST_STATE_PLAYING);
  const auto error = pipeline.wait_end();
  EXPECT_TRUE(!error || error->domain != 0) << error->text;
  gst_element_seek_simple(pipeline.element(), GST_FORMAT_TIME, GST_SEEK_FLAG_FLUSH,
                          gint64{2} * GST_SECOND);
}

std::vector<std::vector<std::uint8_t>> real_files() {
  std::vector<std::vector<std::uint8_t>> files;
  for (const char* name : {"h264_aac_keyframeindex", "multitrack_mixed", "hevc_hdr10_aac",
                           "av1_opus51", "screenvideo_pcm", "h264_aac_text"}) {
    auto file = read_file(shared_path("media/" + std::string(name) + ".flv"));
    file.resize(std::min<std::size_t>(file.size(), 100'000));
    if (!file.empty()) files.push_back(std::move(file));
  }
  return files;
}

TEST(DemuxFiles, EndsFilesThatAreCutAnywhere) {
  std::mt19937 random(1);
  const auto files = real_files();
  if (files.empty()) GTEST_SKIP() << "the shared files are not there";
  for (const auto& file : files)
    for (int i = 0; i < 20; ++i) {
      const std::size_t most = i < 10 ? 2000 : file.size();
      play_broken(Bytes(file).first(random() % most), i % 2 == 0);
    }
}

TEST(DemuxFiles, EndsFilesWithFlippedBits) {
  std::mt19937 random(2);
  const auto files = real_files();
  if (files.empty()) GTEST_SKIP() << "the shared files are not there";
  for (const auto& file : files)
    for (int i = 0; i < 20; ++i) {
      auto broken = file;
      // Headers are at the front; tags everywhere.
      for (int bits = 0; bits < 20; ++bits) {
        const std::size_t most = bits < 10 ? 1000 : broken.size();
        broken[random() % most] ^= static_cast<std::uint8_t>(1u << random() % 8);
      }
      play_broken(broken, i % 2 == 0);
    }
}

TEST(DemuxFiles, EndsTagsWithFlippedBitsInWhatComesFirst) {
  std::mt19937 random(3);
  const auto files = real_files();
  if (files.empty()) GTEST_SKIP() << "the shared files are not there";
  for (const auto& file : files) {
    auto broken = file;
    std::size_t at = flv::header_size + flv::back_pointer_size;
    while (at + flv::tag_header_size + 8 < broken.size()) {
      const auto header = tag_header(broken, at);
      const std::size_t in_payload = random() % 8;
      if (random() % 4 == 0)
        broken[at + flv::tag_header_size + in_payload] ^=
            static_cast<std::uint8_t>(1u << random() % 8);
      at += flv::tag_header_size + header.size + flv::back_pointer_size;
    }
    play_broken(broken, true);
    play_broken(broken, false);
  }
}

}  // namespace
}  // namespace rtmp::test
