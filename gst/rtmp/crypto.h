// The little cryptography that RTMP's own handshake and authentication need, over libcrypto.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <array>
#include <initializer_list>
#include <optional>
#include <string>

#include "rtmp/bytes.h"

namespace rtmp::crypto {

using Sha256 = std::array<std::uint8_t, 32>;
using Md5 = std::array<std::uint8_t, 16>;

// HMAC-SHA256 over the concatenation of the parts.
Sha256 hmac_sha256(Bytes key, std::initializer_list<Bytes> parts);
Md5 md5(std::initializer_list<Bytes> parts);
std::string base64(Bytes bytes);
std::string hex(Bytes bytes);
// Nothing unless the text is pairs of hexadecimal digits.
std::optional<std::vector<std::uint8_t>> from_hex(std::string_view text);
// Compares without telling by its time where the difference is.
bool equal(Bytes a, Bytes b);

}  // namespace rtmp::crypto
