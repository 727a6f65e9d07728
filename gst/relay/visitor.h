// Who comes to the server, before it is known what for.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "net/byte_stream.h"
#include "net/worker.h"
#include "relay/protocols.h"
#include "rtmp/flv_client.h"

namespace relay {

struct Visitor {
  net::Worker* worker;  // whose client it becomes
  std::unique_ptr<net::ByteStream> stream;
  std::string address;
  rtmp::Time since;  // when it came
  Way way = Way::direct;
  std::optional<rtmp::FlvRequest> flv = {};  // of ways that have one
};

}  // namespace relay
