#!/usr/bin/env bash
# Fuzzes for as long as is asked, one target after the other:
#   scripts/fuzz.sh [SECONDS a target, 600] [targets, all of them]
# What it finds lies in found/. An input that did harm goes to tests/fuzz/corpus/TARGET with the mend.
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/install.sh build ci
if [ ! -f build-asan/build.ninja ]; then
  CC=clang-14 CXX=clang++-14 meson setup build-asan -Db_sanitize=address,undefined \
    -Db_lundef=false -Dfuzzing=true
fi
ninja -C build-asan

seconds=${1:-600}
shift || true
[ $# -gt 0 ] || set -- $(find build-asan/tests/fuzz -maxdepth 1 -type f -name 'fuzz-*' -printf '%f\n' | sed 's/^fuzz-//' | sort)

export RTMP_TEST_DATA=$PWD/tests RTMP_SHARED=${RTMP_SHARED:-$PWD/../shared}
for target in "$@"; do
  echo "== $target"
  tests/fuzz/fuzz.py "build-asan/tests/fuzz/fuzz-$target" "$target" --seconds "$seconds" --found found
done
