// Queries of stream names that whoever hands out addresses has signed, good until a time.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace rtmp {

// The value of a key in "a=1&b=2", verbatim: '+' and '=' in base64 stay as they are. Empty if the
// key is not there.
std::string query_value(std::string_view query, std::string_view key);

enum class SignatureFault { missing, expired, wrong };

// Nothing if the query of a stream ("app/stream") is signed with that secret and `now`, seconds
// since 1970, is not past `expires`. Two forms are known:
//
//   expires=E&md5=M    M: base64url without padding of MD5(E "/app/stream " secret), as nginx's
//                      secure_link with "$secure_link_expires$uri SECRET"
//   expires=E&hmac=H   H: hexadecimal HMAC-SHA256(secret, "/app/stream?expires=E")
//
// Other keys may stand beside them; a query with both is good if one is.
std::optional<SignatureFault> check_signature(std::string_view stream, std::string_view query,
                                              std::string_view secret, std::int64_t now);

}  // namespace rtmp
