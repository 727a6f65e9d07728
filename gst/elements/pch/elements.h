// What nearly every element includes, compiled once.
// SPDX-License-Identifier: LGPL-2.1-or-later

#include <gst/base/gstbasesink.h>
#include <gst/base/gstpushsrc.h>
#include <gst/gst.h>

#include <boost/asio.hpp>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>
