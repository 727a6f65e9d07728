// SPDX-License-Identifier: LGPL-2.1-or-later
#include "elements/demux_tags.h"

#include <algorithm>
#include <array>

namespace {

namespace flv = rtmp::flv;
using rtmp::MessageType;

using TagHeaderBytes = std::span<const std::uint8_t, flv::tag_header_size>;
using TagHeaderScratch = std::array<std::uint8_t, flv::tag_header_size>;

// While looking for a tag, larger ones are not believed: their back pointer, which proves them,
// would be waited for too long.
constexpr std::uint32_t max_size_to_prove = 1024 * 1024;
// A file header says its own size; a larger one is none.
constexpr std::uint32_t max_file_header = 4096;

bool is_known(MessageType type) {
  return rtmp::is_media(type) || type == MessageType::data || type == MessageType::data_amf3;
}

// Types that no one has defined may come one day, so a tag is known by its zeros.
bool may_be_tag(TagHeaderBytes bytes) {
  constexpr std::uint8_t reserved_bits = 0xC0;
  const bool is_of_stream_0 = bytes[8] == 0 && bytes[9] == 0 && bytes[10] == 0;
  return (bytes[0] & reserved_bits) == 0 && bytes[0] != 0 && is_of_stream_0;
}

bool is_signature(TagHeaderBytes bytes) {
  return bytes[0] == 'F' && bytes[1] == 'L' && bytes[2] == 'V';
}

}  // namespace

void TagCutter::restart(std::uint64_t position) {
  queue_.clear();
  position_ = position;
  to_skip_ = 0;
  owes_back_pointer_ = lost_ = false;
}

std::size_t TagCutter::give_back() {
  const std::size_t count = queue_.size();
  queue_.clear();
  return count;
}

std::optional<TagCutter::Tag> TagCutter::next() {
  for (;;) {
    switch (step()) {
      case Step::again:
        continue;
      case Step::more:
        queue_.drop_read();
        return std::nullopt;
      case Step::tag:
        break;
    }
    Tag tag{header_, position_, {}};
    skip(flv::tag_header_size);
    tag.body = queue_.take(tag.header.size);
    position_ += tag.header.size;
    owes_back_pointer_ = found_any_ = true;
    // So that a buffer of one tag has been read to its end.
    if (queue_.size() == flv::back_pointer_size) pass_back_pointer();
    return tag;
  }
}

// Says whether a whole tag is at the front, or passes over what is not one.
TagCutter::Step TagCutter::step() {
  if (to_skip_ > 0) {
    const std::size_t count = std::min(to_skip_, queue_.size());
    skip(count);
    to_skip_ -= count;
    if (to_skip_ > 0) return Step::more;
  }
  if (owes_back_pointer_ && !pass_back_pointer()) return Step::more;
  if (queue_.size() < flv::tag_header_size) return Step::more;
  if (lost_) return resynchronize();
  TagHeaderScratch scratch;
  const TagHeaderBytes bytes = queue_.peek(0, scratch);
  if (is_signature(bytes)) return pass_file_header();
  const auto header = flv::read_tag_header(bytes);
  if (!may_be_tag(bytes)) {
    lost_ = true;
    return Step::again;
  }
  if (!is_known(header.type)) {
    // Either a type of the future or the middle of something: its back pointer tells.
    const auto proven = begins_tag(0);
    if (!proven) return Step::more;
    lost_ = !*proven;
    if (*proven) to_skip_ = flv::tag_header_size + header.size + flv::back_pointer_size;
    return Step::again;
  }
  header_ = header;
  return queue_.size() < flv::tag_header_size + header.size ? Step::more : Step::tag;
}

TagCutter::Step TagCutter::pass_file_header() {
  TagHeaderScratch scratch;
  const TagHeaderBytes bytes = queue_.peek(0, scratch);
  rtmp::ByteReader in(rtmp::Bytes(bytes).subspan(5));
  const std::uint32_t size = in.u32();
  if (size > max_file_header) {
    lost_ = true;
    return Step::again;
  }
  to_skip_ = std::max<std::size_t>(size, flv::header_size);
  owes_back_pointer_ = true;
  return Step::again;
}

// Some upstreams leave back pointers out. One begins with 0, a tag never does. False while bytes
// are missing.
bool TagCutter::pass_back_pointer() {
  if (queue_.size() == 0) return false;
  std::array<std::uint8_t, 1> scratch;
  if (queue_.peek(0, scratch)[0] == 0) {
    if (queue_.size() < flv::back_pointer_size) return false;
    skip(flv::back_pointer_size);
  }
  owes_back_pointer_ = false;
  return true;
}

// Whether a tag is `offset` bytes ahead, proven by the back pointer behind it; nothing while that
// is not there yet.
std::optional<bool> TagCutter::begins_tag(std::size_t offset) const {
  TagHeaderScratch scratch;
  const TagHeaderBytes bytes = queue_.peek(offset, scratch);
  const auto header = flv::read_tag_header(bytes);
  if (!may_be_tag(bytes) || header.size > max_size_to_prove) return false;
  if (queue_.size() < offset + bytes.size() + header.size + flv::back_pointer_size)
    return std::nullopt;
  std::array<std::uint8_t, flv::back_pointer_size> back_scratch;
  const auto back_pointer = queue_.peek(offset + bytes.size() + header.size, back_scratch);
  return std::ranges::equal(back_pointer, flv::write_back_pointer(header.size));
}

TagCutter::Step TagCutter::resynchronize() {
  std::size_t passed = 0;
  std::optional<bool> found = false;
  while (queue_.size() - passed >= flv::tag_header_size) {
    TagHeaderScratch scratch;
    const TagHeaderBytes bytes = queue_.peek(passed, scratch);
    if (is_known(flv::read_tag_header(bytes).type)) found = begins_tag(passed);
    if (!found || *found) break;
    ++passed;
  }
  skip(passed);
  skipped_ += passed;
  if (!found || !*found) return Step::more;
  lost_ = false;
  return Step::again;
}
