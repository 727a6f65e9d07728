#!/usr/bin/env bash
# Which part of gst/rtmp its own tests and the fuzz targets' replays run; fails below the limits.
#   scripts/coverage.sh [words for gcovr, as --html-details build-coverage/index.html]
# Branches that only exceptions take are left out: nothing of ours throws, allocation aside.
set -euo pipefail
cd "$(dirname "$0")/.."
lines=97
branches=90

scripts/install.sh build test ci
export CCACHE_SLOPPINESS=pch_defines,time_macros
[ -f build-coverage/build.ninja ] ||
  meson setup build-coverage -Db_coverage=true -Doptimization=0 -Dtests=enabled

# The demuxer is no part of the core.
mapfile -t replays < <(sed -n "s/^  '\(.*\)': rtmp_dep,$/\1/p" tests/fuzz/meson.build)
find build-coverage -name '*.gcda' -delete
meson test -C build-coverage --suite rtmp
meson test -C build-coverage --suite fuzz "${replays[@]}"
gcovr --root . --filter gst/rtmp/ --exclude-throw-branches --exclude-unreachable-branches \
  --fail-under-line "$lines" --fail-under-branch "$branches" --print-summary "$@" build-coverage
