// A server's figures as SRS' HTTP API gives them.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <optional>

#include "relay/stats.h"

namespace relay {

// What every answer begins with.
struct SrsIdentity {
  std::string server, service;  // of this server, and of its run
};
// A part of a list.
struct SrsPage {
  std::size_t start = 0, count = 10;
};

// All answers are JSON with a newline.
std::string srs_streams(const ServerStats& stats, const SrsIdentity& identity, SrsPage page);
std::string srs_clients(const ServerStats& stats, const SrsIdentity& identity, SrsPage page);
// Of one that is there.
std::string srs_stream(const ServerStats& stats, const SrsIdentity& identity,
                       const std::string& name);
std::string srs_client(const ServerStats& stats, const SrsIdentity& identity, std::uint64_t id);
// That something was done, or why not: `code` is 0, or an error of SRS'.
std::string srs_result(int code, const SrsIdentity& identity, const std::string& message = {});

constexpr int srs_no_stream = 2048, srs_no_client = 2049;

// An id that goes into a URL as it is, "vid-..."; the same for the same name.
std::string srs_stream_id(const std::string& name);
// The stream of that id or of that name.
std::optional<std::string> srs_find_stream(const ServerStats& stats, const std::string& id);

}  // namespace relay
