// Boost.JSON, compiled here so that no other library is linked for it.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <boost/json/src.hpp>
