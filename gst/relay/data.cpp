// SPDX-License-Identifier: LGPL-2.1-or-later
#include "relay/data.h"

#include "rtmp/command.h"

namespace relay {
namespace {

// Key frame indexes make metadata large.
constexpr rtmp::amf::Limits metadata_limits{.nodes = 65'536};

}  // namespace

std::optional<rtmp::Message> clean_data(rtmp::Message message) {
  rtmp::Result<rtmp::Data> data = rtmp::read_data(message, metadata_limits);
  if (!data) return std::nullopt;
  if (data->name == "|RtmpSampleAccess") return std::nullopt;
  if (data->name != "onMetaData") return message;
  for (rtmp::amf::Value& value : data->values) value = rtmp::playable_metadata(value);
  return rtmp::write_data(*data, message.stream_id, message.timestamp);
}

}  // namespace relay
