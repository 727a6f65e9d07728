// SPDX-License-Identifier: LGPL-2.1-or-later
#include "rtmp/buffer.h"

#include <algorithm>
#include <cstring>

namespace rtmp {
namespace {

// What an announced size may reserve before any byte of it has come.
constexpr std::size_t first_capacity = 16 * 1024;

}  // namespace

Buffer Buffer::copy_of(Bytes bytes) {
  BufferBuilder builder(bytes.size());
  builder.append(bytes);
  return std::move(builder).take();
}

Buffer Buffer::adopt(std::vector<std::uint8_t> bytes) {
  auto owner = std::make_shared<const std::vector<std::uint8_t>>(std::move(bytes));
  const Bytes view = *owner;
  return {std::move(owner), view};
}

bool Buffer::can_prepend(std::size_t header_size) const {
  return header_size <= headroom_ && owner_.use_count() == 1;
}

Buffer Buffer::prepend(Bytes header) && {
  assert(can_prepend(header.size()));
  // Nobody else can see the owner's bytes, and those before ours have no reader at all.
  auto* start = const_cast<std::uint8_t*>(bytes_.data()) - header.size();
  std::memcpy(start, header.data(), header.size());
  return {std::move(owner_), Bytes(start, header.size() + bytes_.size())};
}

void BufferBuilder::append(Bytes bytes) {
  assert(bytes.size() <= missing());
  if (bytes.empty()) return;
  if (size_ + bytes.size() > capacity_) grow(size_ + bytes.size());
  std::memcpy(block_.get() + headroom + size_, bytes.data(), bytes.size());
  size_ += bytes.size();
}

void BufferBuilder::grow(std::size_t needed) {
  capacity_ = std::min(final_size_, std::max({needed, 2 * capacity_, first_capacity}));
  auto larger = std::make_shared_for_overwrite<std::uint8_t[]>(headroom + capacity_);
  if (size_ > 0) std::memcpy(larger.get() + headroom, block_.get() + headroom, size_);
  block_ = std::move(larger);
}

Buffer BufferBuilder::take() && {
  if (!block_) return {};
  const Bytes bytes(block_.get() + headroom, size_);
  Buffer buffer(std::move(block_), bytes);
  buffer.headroom_ = headroom;
  return buffer;
}

}  // namespace rtmp
