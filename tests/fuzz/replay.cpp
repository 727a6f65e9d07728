// Runs a target over the files of a folder, and over what becomes of them when they are cut or
// damaged, the same in every run: fuzzing's little brother for every compiler.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <vector>

#include "fuzz.h"

namespace {

using Content = std::vector<std::uint8_t>;

// Of one file.
constexpr std::size_t cuts = 32;
constexpr std::size_t damages = 64;
constexpr std::size_t changes_at_most = 8;

Content read(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

void run(const Content& content) { LLVMFuzzerTestOneInput(content.data(), content.size()); }

void run_cut(const Content& content) {
  const std::size_t step = content.size() / cuts + 1;
  for (std::size_t size = 0; size < content.size(); size += step)
    run(Content(content.begin(), content.begin() + static_cast<std::ptrdiff_t>(size)));
}

void run_damaged(const Content& content) {
  if (content.empty()) return;
  std::minstd_rand random(1);
  for (std::size_t i = 0; i < damages; ++i) {
    Content damaged = content;
    for (std::size_t change = random() % changes_at_most + 1; change > 0; --change)
      damaged[random() % damaged.size()] = static_cast<std::uint8_t>(random());
    run(damaged);
  }
}

}  // namespace

int main(int argc, char** argv) {
  std::size_t files = 0;
  for (int i = 1; i < argc; ++i) {
    if (!std::filesystem::is_directory(argv[i])) continue;
    for (const auto& entry : std::filesystem::directory_iterator(argv[i])) {
      if (!entry.is_regular_file()) continue;
      const Content content = read(entry.path());
      run(content);
      run_cut(content);
      run_damaged(content);
      ++files;
    }
  }
  std::printf("%zu inputs\n", files);
  return files == 0;
}
