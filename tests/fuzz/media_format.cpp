// Decoder configurations; the first byte is the codec's number.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "rtmp/media_format.h"

#include "fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace rtmp::media;
  constexpr unsigned largest_picture = 65'536;
  rtmp::fuzz::Input in(data, size);
  const auto codec = static_cast<Codec>(in.byte());
  const rtmp::Bytes configuration = in.rest();
  const VideoFormat video = video_format(codec, configuration);
  LAW(video.codec == codec);
  LAW((video.width == 0) == (video.height == 0));
  LAW(video.width <= largest_picture && video.height <= largest_picture);
  const AudioFormat audio = audio_format(codec, configuration);
  LAW(audio.codec == codec);
  LAW(audio.channels <= 255);
  return 0;
}
