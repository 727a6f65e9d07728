// One track of a demuxed stream: what it is, and the pad that it comes out of.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

#include <atomic>
#include <compare>

#include "elements/demux_caps.h"

struct TrackId {
  enum class Kind { video, audio, data };
  Kind kind = Kind::video;
  std::uint8_t number = 0;

  auto operator<=>(const TrackId&) const = default;
};

// Owned by the streaming thread, but for its position.
class DemuxTrack {
 public:
  explicit DemuxTrack(TrackId id) : id_(id) {}
  ~DemuxTrack();
  DemuxTrack(const DemuxTrack&) = delete;
  DemuxTrack& operator=(const DemuxTrack&) = delete;

  TrackId id() const { return id_; }
  const TrackFormat& format() const { return format_; }

  // --- what packets say. Nothing changes that is said again.
  void set_codec(rtmp::media::Codec codec, std::optional<rtmp::media::LegacyAudioFlags> flags);
  // A sequence header.
  void set_config(rtmp::Bytes config);
  // They may come before the first packet of their codec.
  void set_channels(rtmp::media::Codec codec, const rtmp::media::MultichannelConfig& channels);
  void set_color(rtmp::media::Codec codec, const rtmp::media::ColorInfo& color);
  void set_hints(const TrackHints& hints);
  // All but the hints, which are not the packets'.
  void forget_format();

  // Whether frames have to wait for a sequence header.
  bool waits_for_config(rtmp::Bytes frame) const;
  // Whether the sequence header alone is enough to show the track.
  bool is_known_by_header() const;

  // --- the pad
  GstPad* pad() const { return pad_; }
  GstStream* stream() const { return stream_; }
  bool is_exposed() const { return pad_ != nullptr; }
  std::string name() const;
  const char* template_name() const;
  // Makes the pad, which is to become the element's.
  GstPad* make_pad(GstElement* element);
  // Takes the stream.
  void take_stream(GstStream* stream) { stream_ = stream; }
  GstCaps* caps() const { return caps_; }
  // Sends caps downstream if they are new. False while there are none.
  bool update_caps(rtmp::Bytes frame);
  // Caps that never change.
  void set_caps(GstCaps* caps);
  // Tags of this track alone, or null; the same are not given twice.
  GstTagList* take_new_tags();

  bool take_discont() { return std::exchange(discont_, false); }
  void set_discont() { discont_ = true; }

  // Where the last buffer or gap ended; GST_CLOCK_TIME_NONE before the first.
  std::atomic<GstClockTime> position = GST_CLOCK_TIME_NONE;

 private:
  TrackId id_;
  TrackFormat format_;
  // What the channels and the colours are said of.
  rtmp::media::Codec channels_codec_ = rtmp::media::Codec::unknown;
  rtmp::media::Codec color_codec_ = rtmp::media::Codec::unknown;
  bool header_seen_ = false;
  bool changed_ = true;  // since the caps were made
  bool discont_ = true;
  bool tags_changed_ = true;
  GstPad* pad_ = nullptr;  // the element's
  GstStream* stream_ = nullptr;
  GstCaps* caps_ = nullptr;
};
