#!/usr/bin/env bash
# Installs the Debian packages of some groups of packages.txt, if any is missing:
#   scripts/install.sh build run
set -euo pipefail
list="$(dirname "$0")/packages.txt"

packages_of() {
  awk -v wanted="$1" '/^\[/ { group = substr($0, 2, length($0) - 2); next }
                      /^[^#]/ && group == wanted' "$list"
}

installed() {
  [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

if ! command -v dpkg-query >/dev/null; then
  echo "install.sh: this is no Debian; make sure that $list is covered" >&2
  exit 0
fi

missing=()
for group in "$@"; do
  for package in $(packages_of "$group"); do
    installed "$package" || missing+=("$package")
  done
done
[ ${#missing[@]} -eq 0 ] && exit 0

if [ "$(id -u)" -ne 0 ]; then
  echo "Some packages are missing. Install them with:" >&2
  echo "  sudo apt-get install --no-install-recommends ${missing[*]}" >&2
  exit 1
fi
export DEBIAN_FRONTEND=noninteractive
apt-get update -q
apt-get install -q -y --no-install-recommends "${missing[@]}"
