// Password files: what is wrong with one is told without what is in it.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "relay/passwords.h"

#include "fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  std::string error;
  const auto passwords = relay::read_passwords(text, error);
  LAW(passwords.has_value() == error.empty());
  LAW(error.size() < 100);
  if (!passwords) return 0;
  for (const auto& [user, password] : *passwords) {
    LAW(!user.empty() && !password.empty());
    LAW(text.find(user + ":" + password) != text.npos);
  }
  return 0;
}
