// SPDX-License-Identifier: LGPL-2.1-or-later
#include "rtmp/resumption.h"

namespace rtmp {

using Kind = media::Summary::Kind;

bool Resumption::may_begin_with(const Message& message) const {
  if (!is_media(message.type)) return false;
  const Kind kind = media::summarize(message).kind;
  return kind == Kind::key_frame || (kind == Kind::audio && !has_video_);
}

Resumption::Verdict Resumption::judge(const Message& message) {
  headers_.remember(message);
  if (message.type == MessageType::video) has_video_ = true;
  if (waiting_ && !may_begin_with(message))
    return is_frame(message) ? Verdict::lose : Verdict::withhold;
  waiting_ = false;
  return Verdict::send;
}

}  // namespace rtmp
