// Authentication that rides in connect: Adobe's and Limelight's authmod, Wowza's secureToken. What
// clients say; authenticator.h has what servers do.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "rtmp/error.h"
#include "rtmp/random.h"

namespace rtmp::auth {

struct Credentials {
  std::string user;
  std::string password;
};

enum class Mode { none, automatic, adobe, llnw };

// What a rejection's description asks of a client.
struct Challenge {
  enum class Kind {
    none,             // not about authmod, or about one that we do not know
    mode_offered,     // step 1: "code=403 need auth; authmod=..."; answer with begin_query()
    response_wanted,  // step 2: "?reason=needauth&..."; answer with response_query()
    failed,           // the answer was wrong, or there is no such user
  };
  Kind kind = Kind::none;
  Mode mode = Mode::none;                            // adobe or llnw where an answer is wanted
  std::string user, salt, challenge, opaque, nonce;  // verbatim, never percent-decoded
};

// Reads the description of a NetConnection.Connect.Rejected.
Challenge read_challenge(std::string_view description);

std::string_view to_string(Mode mode);  // adobe or llnw

// What proves to whoever sent the challenge that the client has the password. `own`: what the
// client drew (cnonce). A query of `app` itself does not count.
std::string response_to(const Challenge& challenge, const Credentials& credentials,
                        std::string_view app, std::string_view own);

// "?authmod=adobe&user=USER", to be put behind app and tcUrl. `mode`: adobe or llnw.
std::string begin_query(Mode mode, const Credentials& credentials);

// The whole query for the third connect, with eight hex digits drawn from `random` as the client's
// own.
std::string response_query(const Challenge& challenge, const Credentials& credentials,
                           std::string_view app, const Random& random);

// Wowza's secureToken: the answer to the challenge in connect's _result, XXTEA with the shared
// token as key. Nothing if the challenge is no hexadecimal text of at least two words.
std::optional<std::string> secure_token_response(std::string_view challenge_hex,
                                                 std::string_view token);

}  // namespace rtmp::auth
