// Time as an argument: the core never asks a clock.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <chrono>
#include <functional>

namespace rtmp {

// A point on the caller's monotonic clock. Tests make them from nothing: Time{} +
// std::chrono::seconds(5).
using Time = std::chrono::steady_clock::time_point;
using Duration = std::chrono::steady_clock::duration;

// No deadline.
constexpr Time never = Time::max();

}  // namespace rtmp
