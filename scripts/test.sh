#!/usr/bin/env bash
# Builds everything and runs every test; ends with "N passed, N failed, N skipped".
#   scripts/test.sh [--ci] [words for meson test, as --suite rtmp]
# --ci also runs the suites that need no GStreamer under clang's sanitizers, and fuzzes for a while.
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
  CC=clang-14 CXX=clang++-14 configure build-asan -Db_sanitize=address,undefined -Db_lundef=false \
    -Dfuzzing=true
  ninja -C build-asan
  UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1 \
    meson test -C build-asan --no-rebuild --print-errorlogs \
    --suite rtmp --suite net --suite relay --suite fuzz || status=1
  logs+=(build-asan)
fi

python3 scripts/count_tests.py "${logs[@]}" || status=1
exit "$status"
