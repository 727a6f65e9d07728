#!/usr/bin/env bash
# Writes docs/elements/NAME.inspect.txt for every element of a build: what gst-inspect-1.0 says of
# it, without what differs between machines.
#   scripts/inspect.sh [--check] [BUILD]
# --check writes nothing and fails if a page is missing or out of date. BUILD is the folder "build"
# if not given. The pages are of one version of GStreamer; for another, --check has no opinion (77).
set -euo pipefail

check=no
if [ "${1:-}" = --check ]; then
  check=yes
  shift
fi
build=$(realpath "${1:-$(dirname "$0")/../build}")
cd "$(dirname "$0")/../docs/elements"

if [ ! -f "$build/gst/elements/libgstrtmp3.so" ]; then
  echo "inspect.sh: no plugin below $build: build it with ninja -C $build" >&2
  exit 1
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export GST_PLUGIN_PATH_1_0="$build/gst/elements" GST_PLUGIN_SYSTEM_PATH_1_0=
export GST_REGISTRY_1_0="$work/registry.bin" GST_INSPECT_NO_COLORS=1 LC_ALL=C
unset GST_PLUGIN_PATH GST_REGISTRY GST_TRACERS

version=$(gst-inspect-1.0 --gst-version | grep -o '[0-9]*\.[0-9]*' | head -n 1)
header="gst-inspect-1.0 of GStreamer $version"

elements() {
  gst-inspect-1.0 rtmp3 | sed -n 's/^  \([a-z0-9]*\): .*/\1/p'
}

# Without the plugin's own block, which names files and versions; of statistics the fields alone.
page() {
  echo "$header"
  echo
  gst-inspect-1.0 "$1" | awk '
    /^Plugin Details:/ { plugin = 1 }
    plugin { if ($0 == "") plugin = 0; next }
    /Boxed pointer of type "GstStructure"/ { print; statistics = 1; next }
    statistics && $0 == "" { next }
    statistics && match($0, /^ */) && RLENGTH > 24 {
      sub(/^ */, ""); sub(/: .*/, ""); print "                           " $0; next
    }
    { statistics = 0; sub(/[ \t]+$/, ""); print }'
}

for name in $(elements); do
  page "$name" > "$work/$name.inspect.txt"
done

if [ "$check" = no ]; then
  rm -f -- *.inspect.txt
  cp "$work"/*.inspect.txt .
  exit 0
fi

if ! grep -qsx "$header" -- *.inspect.txt; then
  echo "inspect.sh: the pages are not of GStreamer $version" >&2
  exit 77
fi
status=0
stale=no
for name in $(elements); do
  if [ ! -f "$name.md" ]; then
    echo "docs/elements/$name.md is missing: write it" >&2
    status=1
  fi
  diff -u --label "docs/elements/$name.inspect.txt" --label "$name as built" \
    "$name.inspect.txt" "$work/$name.inspect.txt" >&2 || stale=yes
done
for page in *.inspect.txt; do
  if [ ! -f "$work/$page" ]; then
    echo "docs/elements/$page: no such element" >&2
    stale=yes
  fi
done
if [ "$stale" = yes ]; then
  echo "The pages are out of date: run scripts/inspect.sh $build" >&2
  status=1
fi
exit "$status"
