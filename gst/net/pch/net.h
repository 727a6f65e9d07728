// What nearly every file of this folder and of those to its right includes, compiled once.
// SPDX-License-Identifier: LGPL-2.1-or-later

#include <boost/asio.hpp>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>
