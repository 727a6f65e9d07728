// SPDX-License-Identifier: LGPL-2.1-or-later
#include "elements/mux_caps.h"

#include <algorithm>
#include <string_view>

#include "elements/mux_color.h"
#include "elements/mux_configuration.h"

namespace mux {
namespace {

using rtmp::media::Codec;
using rtmp::media::SampleRate;

constexpr const char* legacy_video_caps =
    "video/x-flash-video, flvversion=(int)1; video/x-flash-screen; video/x-flash-screen2;"
    "video/x-vp6-flash; video/x-vp6-alpha;";

constexpr const char* four_cc_video_caps =
    "video/x-h264, stream-format=(string)avc, alignment=(string)au;"
    "video/x-h265, stream-format=(string)hvc1, alignment=(string)au;"
    "video/x-h266, stream-format=(string)vvc1, alignment=(string)au;"
    "video/x-av1, stream-format=(string)obu-stream, alignment=(string)tu;"
    "video/x-vp9; video/x-vp8;";

constexpr const char* legacy_audio_caps =
    "audio/x-speex, rate=(int)16000, channels=(int)1;"
    "audio/x-alaw, rate=(int)8000, channels=(int)[1,2];"
    "audio/x-mulaw, rate=(int)8000, channels=(int)[1,2];"
    "audio/x-nellymoser, rate=(int){5512,8000,11025,16000,22050,44100}, channels=(int)[1,2];"
    "audio/x-adpcm, layout=(string)swf, rate=(int){5512,11025,22050,44100}, channels=(int)[1,2];"
    "audio/x-raw, format=(string){S16LE,U8}, layout=(string)interleaved,"
    " rate=(int){44100,22050,11025,5512}, channels=(int)[1,2];";

constexpr const char* four_cc_audio_caps =
    "audio/mpeg, mpegversion=(int){4,2}, stream-format=(string)raw;"
    "audio/mpeg, mpegversion=(int)1, layer=(int)3, parsed=(boolean)true;"
    "audio/x-opus; audio/x-flac, framed=(boolean)true;"
    "audio/x-ac3, framed=(boolean)true, alignment=(string)frame;"
    "audio/x-eac3, framed=(boolean)true, alignment=(string)frame;";

constexpr const char* data_caps = "application/x-rtmp-data; text/x-raw, format=(string)utf8;";

struct NamedCodec {
  std::string_view name;
  Codec codec;
};
constexpr NamedCodec named_codecs[] = {
    {"video/x-h264", Codec::h264},
    {"video/x-h265", Codec::h265},
    {"video/x-h266", Codec::h266},
    {"video/x-av1", Codec::av1},
    {"video/x-vp8", Codec::vp8},
    {"video/x-vp9", Codec::vp9},
    {"video/x-flash-video", Codec::sorenson_h263},
    {"video/x-flash-screen", Codec::screen_video},
    {"video/x-flash-screen2", Codec::screen_video_2},
    {"video/x-vp6-flash", Codec::vp6},
    {"video/x-vp6-alpha", Codec::vp6_alpha},
    {"audio/x-opus", Codec::opus},
    {"audio/x-flac", Codec::flac},
    {"audio/x-ac3", Codec::ac3},
    {"audio/x-eac3", Codec::eac3},
    {"audio/x-speex", Codec::speex},
    {"audio/x-alaw", Codec::g711_alaw},
    {"audio/x-mulaw", Codec::g711_mulaw},
    {"audio/x-adpcm", Codec::adpcm},
};

int get_int(const GstStructure* caps, const char* name) {
  int value = 0;
  gst_structure_get_int(caps, name, &value);
  return value;
}

std::string_view get_string(const GstStructure* caps, const char* name) {
  const char* value = gst_structure_get_string(caps, name);
  return value ? value : "";
}

Codec mpeg_audio_codec(const GstStructure* caps) {
  if (get_int(caps, "mpegversion") != 1) return Codec::aac;
  return get_int(caps, "rate") == 8000 ? Codec::mp3_8k : Codec::mp3;
}

Codec nellymoser_codec(const GstStructure* caps) {
  const bool mono = get_int(caps, "channels") == 1;
  if (mono && get_int(caps, "rate") == 16000) return Codec::nellymoser_16k;
  if (mono && get_int(caps, "rate") == 8000) return Codec::nellymoser_8k;
  return Codec::nellymoser;
}

Codec codec_of(const GstStructure* caps) {
  const std::string_view name = gst_structure_get_name(caps);
  if (name == "audio/mpeg") return mpeg_audio_codec(caps);
  if (name == "audio/x-nellymoser") return nellymoser_codec(caps);
  // 8 bits have no byte order; FFmpeg, too, knows them under this id alone.
  if (name == "audio/x-raw")
    return get_string(caps, "format") == "U8" ? Codec::pcm_platform : Codec::pcm_le;
  const auto found = std::ranges::find(named_codecs, name, &NamedCodec::name);
  return found == std::end(named_codecs) ? Codec::unknown : found->codec;
}

std::optional<SampleRate> named_rate(int rate) {
  switch (rate) {
    case 5512:
      return SampleRate::khz_5_5;
    case 11025:
      return SampleRate::khz_11;
    case 22050:
      return SampleRate::khz_22;
    case 44100:
      return SampleRate::khz_44;
    default:
      return {};
  }
}

// Codecs that say nothing true in their rate, size and type: fixed values, E.4.2.1.
std::optional<rtmp::media::LegacyAudioFlags> fixed_flags(const Format& format) {
  switch (format.codec) {
    case Codec::aac:
      return {{SampleRate::khz_44, true, true}};
    case Codec::mp3_8k:
    case Codec::speex:
    case Codec::nellymoser_8k:
    case Codec::nellymoser_16k:
    case Codec::g711_alaw:
    case Codec::g711_mulaw:
      return {{SampleRate::khz_5_5, true, format.channels == 2}};
    default:
      return {};
  }
}

// How legacy FLV says it, if it can.
std::optional<rtmp::media::LegacyAudioFlags> legacy_flags(const Format& format) {
  if (const auto flags = fixed_flags(format)) return flags;
  switch (format.codec) {
    case Codec::mp3:
    case Codec::adpcm:
    case Codec::nellymoser:
    case Codec::pcm_le:
    case Codec::pcm_platform:
      if (const auto rate = named_rate(format.rate))
        return {{*rate, format.codec != Codec::pcm_platform, format.channels == 2}};
      return {};
    default:
      return {};
  }
}

bool has_legacy_video_id(Codec codec) {
  switch (codec) {
    case Codec::h264:
    case Codec::sorenson_h263:
    case Codec::screen_video:
    case Codec::screen_video_2:
    case Codec::vp6:
    case Codec::vp6_alpha:
      return true;
    default:
      return false;
  }
}

std::string why_not(const Format& format, guint track_id, Enhanced enhanced) {
  std::string text = std::string(to_string(format.codec)) + " cannot be carried: ";
  if (enhanced == Enhanced::never && track_id > 0)
    return text + "several tracks of a kind need Enhanced RTMP, which enhanced=never rules out.";
  if (!rtmp::media::four_cc_of(format.codec))
    return text + (track_id > 0 ? "it has no FourCC, which tracks beside the first need."
                                : "legacy FLV has no name for its sample rate.");
  return text + "legacy FLV has no codec id for it, and enhanced=never rules out FourCCs.";
}

// Legacy where FLV has an id, unless more is asked for. Nothing if there is no way.
std::optional<std::string> choose_form(Format& format, bool video, guint track_id,
                                       const Form& form) {
  const auto flags = legacy_flags(format);
  const bool legacy = track_id == 0 && (video ? has_legacy_video_id(format.codec) : !!flags);
  const bool wanted = form.enhanced == Enhanced::always || form.nanoseconds || !legacy;
  if (wanted && form.enhanced != Enhanced::never) {
    // One FourCC for all rates.
    if (format.codec == Codec::mp3_8k) format.codec = Codec::mp3;
    format.enhanced = rtmp::media::four_cc_of(format.codec).has_value();
  }
  if (!format.enhanced && !legacy) return why_not(format, track_id, form.enhanced);
  if (!format.enhanced && !video) format.audio_flags = flags;
  return {};
}

// H.264 has no use for it: its players know legacy FLV.
bool has_color_info(const Format& format) {
  return format.enhanced && (format.codec == Codec::h265 || format.codec == Codec::h266 ||
                             format.codec == Codec::av1 || format.codec == Codec::vp9);
}

void read_video_fields(Format& format, const GstStructure* caps) {
  format.width = get_int(caps, "width");
  format.height = get_int(caps, "height");
  int numerator = 0, denominator = 1;
  if (gst_structure_get_fraction(caps, "framerate", &numerator, &denominator) && denominator != 0)
    format.framerate = static_cast<double>(numerator) / denominator;
}

void read_audio_fields(Format& format, const GstStructure* caps) {
  format.rate = get_int(caps, "rate");
  format.channels = get_int(caps, "channels");
}

void read_configuration(Format& format, const GstStructure* caps, const Form& form) {
  auto configuration = mux::configuration(format.codec, caps);
  if (format.codec == Codec::vp6 || format.codec == Codec::vp6_alpha)
    format.vp6_adjust = configuration && !configuration->empty() ? configuration->front() : 0;
  else if (!format.enhanced && format.codec != Codec::aac && format.codec != Codec::h264)
    return;
  else
    format.configuration = std::move(configuration);
  format.awaits_configuration = needs_configuration(format.codec) && !format.configuration;
  if (format.channels > 2 && form.enhanced != Enhanced::never)
    format.multichannel = multichannel_config(format.channels, caps);
}

}  // namespace

Kind kind_of(const GstCaps* caps) {
  const std::string_view name = gst_structure_get_name(gst_caps_get_structure(caps, 0));
  if (name.starts_with("video/")) return Kind::video;
  return name.starts_with("audio/") ? Kind::audio : Kind::data;
}

GstCaps* template_caps(Kind kind, bool multitrack) {
  std::string text;
  switch (kind) {
    case Kind::video:
      text = std::string(four_cc_video_caps) + (multitrack ? "" : legacy_video_caps);
      break;
    case Kind::audio:
      text = std::string(four_cc_audio_caps) + (multitrack ? "" : legacy_audio_caps);
      break;
    case Kind::data:
      text = data_caps;
      break;
    case Kind::unknown: {
      GstCaps* caps = template_caps(Kind::video, false);
      gst_caps_append(caps, template_caps(Kind::audio, false));
      gst_caps_append(caps, template_caps(Kind::data, false));
      return caps;
    }
  }
  return gst_caps_from_string(text.c_str());
}

std::variant<Format, std::string> read_caps(const GstCaps* caps, Kind kind, guint track_id,
                                            const Form& form) {
  const GstStructure* structure = gst_caps_get_structure(caps, 0);
  Format format;
  if (kind == Kind::data) {
    format.text = gst_structure_has_name(structure, "text/x-raw");
    return format;
  }
  const bool video = kind == Kind::video;
  format.codec = codec_of(structure);
  if (format.codec == Codec::unknown)
    return std::string(gst_structure_get_name(structure)) + " cannot be carried in FLV.";
  if (format.codec == Codec::vp9 && get_string(structure, "alignment") == "frame")
    return std::string("VP9 has to come as super frames: put vp9parse before the muxer.");
  video ? read_video_fields(format, structure) : read_audio_fields(format, structure);
  if (auto fault = choose_form(format, video, track_id, form)) return *fault;
  read_configuration(format, structure, form);
  if (has_color_info(format)) format.color = color_info(caps);
  return format;
}

}  // namespace mux
