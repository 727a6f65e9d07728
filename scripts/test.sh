#!/usr/bin/env bash
# Builds everything and runs every test; ends with "N passed, N failed, N skipped".
#   scripts/test.sh [--ci] [words for meson test, as --suite rtmp]
# --ci also runs every suite of this process under clang's sanitizers, fuzzes for a while, and runs
# what has threads under GCC's ThreadSanitizer.
set -euo pipefail
cd "$(dirname "$0")/.."

ci=no
if [ "${1:-}" = --ci ]; then
  ci=yes
  shift
fi

groups=(build run test)
[ "$ci" = no ] || groups+=(ci)
scripts/install.sh "${groups[@]}"

# Headers that were compiled before are cached as well.
export CCACHE_SLOPPINESS=pch_defines,time_macros

# configure FOLDER [words for meson setup]
configure() {
  [ -f "$1/build.ninja" ] || meson setup "$@" -Dtests=enabled
}

status=0
configure build -Dbench=enabled
ninja -C build
meson test -C build --no-rebuild --print-errorlogs "$@" || status=1
logs=(build)

if [ "$ci" = yes ]; then
  # Clang links its sanitizers into programs only, so libraries keep undefined symbols.
  CC='ccache clang-14' CXX='ccache clang++-14' configure build-asan -Doptimization=1 \
    -Db_sanitize=address,undefined -Db_lundef=false -Dfuzzing=true
  # Without --no-rebuild Meson builds what these suites need, and nothing else.
  UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1 \
    LSAN_OPTIONS=suppressions=$PWD/tests/support/lsan.txt:print_suppressions=0 \
    meson test -C build-asan --print-errorlogs \
    --suite rtmp --suite net --suite relay --suite elements --suite fuzz || status=1
  configure build-tsan -Db_sanitize=thread -Doptimization=1
  TSAN_OPTIONS=halt_on_error=0:second_deadlock_stack=1:suppressions=$PWD/tests/support/tsan.txt \
    meson test -C build-tsan --print-errorlogs \
    --suite net --suite relay --suite elements --timeout-multiplier 3 || status=1
  logs+=(build-asan build-tsan)
fi

python3 scripts/count_tests.py "${logs[@]}" || status=1
exit "$status"
