#!/usr/bin/env bash
# A server under load for as long as is asked: publishers that stop, die and come back, players that
# come and go. Prints a table, and fails if memory or descriptors grow or a player loses frames.
#   scripts/soak.sh [MINUTES, 30] [BUILD, build]
set -euo pipefail
cd "$(dirname "$0")/.."

minutes=${1:-30}
build=$(realpath "${2:-build}")
scripts/install.sh build run test
if [ ! -f "$build/build.ninja" ]; then
  meson setup "$build"
fi
ninja -C "$build" gst/elements/libgstrtmp3.so

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
export GST_PLUGIN_PATH=$build/gst/elements GST_REGISTRY=$folder/registry PYTHONDONTWRITEBYTECODE=1
/usr/bin/python3 tests/interop/soak.py "$minutes" "$folder"
