#!/usr/bin/env bash
# First light: builds a release, starts a server, publishes a test picture with sound to it, plays
# it back and shows what flows.
#   scripts/run.sh [--port PORT] [--seconds SECONDS]
# With --seconds it ends by itself, and well only if every frame sent came back.
set -euo pipefail
cd "$(dirname "$0")/.."

case " $* " in
  *' --help '* | *' -h '*)
    sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//;p}' scripts/run.sh
    exit 0
    ;;
esac

scripts/install.sh build run
if [ ! -f build-release/build.ninja ]; then
  meson setup build-release --buildtype=release -Dtests=disabled
fi
ninja -C build-release
# Debian's own interpreter is the one that has GObject introspection.
exec /usr/bin/python3 scripts/firstlight.py --build build-release "$@"
