#!/bin/bash
# Installs what building, demonstrating and testing need on Debian or Ubuntu.
# usage: setup.sh base|kvm ...   Does nothing when everything is there.
set -euo pipefail

declare -A wanted=(
  [base]="ca-certificates gcc libc6-dev git iproute2 iputils-ping nftables util-linux e2fsprogs procps attr acl protobuf-compiler fuse3 kmod shellcheck busybox-static"
  [kvm]="qemu-system-x86 qemu-utils libvirt-daemon-system libvirt-clients linux-image-amd64 cpio"
)
missing=()
for group in "$@"; do
  for package in ${wanted[$group]}; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q '^install ok installed$' || missing+=("$package")
  done
done
command -v go >/dev/null || { echo "setup: Go is not on PATH; install Go 1.26 or newer first" >&2; exit 1; }
if [ ${#missing[@]} -gt 0 ]; then
  [ "$(id -u)" = 0 ] || { echo "setup: run as root to install: ${missing[*]}" >&2; exit 1; }
  echo "setup: installing ${missing[*]}"
  export DEBIAN_FRONTEND=noninteractive
  # Daemons that packages would start are not wanted on a build machine.
  policy=/usr/sbin/policy-rc.d
  if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
    trap 'rm -f "$policy"' EXIT
  fi
  apt-get -qq update
  apt-get -qq install -y --no-install-recommends "${missing[@]}" >/dev/null
fi
[ -e /dev/fuse ] || modprobe fuse || { echo "setup: /dev/fuse is missing and the fuse module cannot be loaded" >&2; exit 1; }
