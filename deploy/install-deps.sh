#!/usr/bin/env bash
# usage: deploy/install-deps.sh [--help]
# Installs what tractor needs to be built and tested, from the packages of Debian 12 or 13 or Ubuntu 24.04.
# Only what is missing is installed; when nothing is, nothing is downloaded and no root is needed.
set -euo pipefail

case "${1:-}" in
  "") ;;
  -h | --help) sed -n '2,4s/^# //p' "$0"; exit 0 ;;
  *) echo "$0: unknown option $1 (try --help)" >&2; exit 2 ;;
esac

packages=(
  # compiler and tools
  g++ cmake ninja-build ccache mold pkg-config ca-certificates
  # the wire; what gRPC itself needs is named because it is linked statically
  libgrpc-dev libgrpc++-dev protobuf-compiler-grpc protobuf-compiler libprotobuf-dev libabsl-dev
  libc-ares-dev libre2-dev zlib1g-dev libssl-dev
  # logging, command lines
  libspdlog-dev libcli11-dev
  # metrics; promtool checks them in tests
  prometheus-cpp-dev prometheus
  # tests
  libgtest-dev libbenchmark-dev python3 python3-grpcio python3-protobuf iproute2 procps
  etcd-server etcd-client
)

if ! command -v apt-get >/dev/null || ! command -v dpkg-query >/dev/null; then
  cat >&2 <<EOF
$0: this system has no apt-get. tractor needs a C++20 compiler (GCC >= 12), CMake >= 3.25, Ninja, pkg-config, and the
libraries gRPC C++ 1.51, Protocol Buffers 3.21, Abseil, Boost >= 1.81 (Context, Filesystem, Process v2), spdlog, CLI11,
OpenSSL, RE2, GoogleTest, and for tests of other languages Python and Node.js with npm; with static archives for the release preset. In Debian's names:
  ${packages[*]} libboost-dev libboost-context-dev libboost-filesystem-dev
EOF
  exit 1
fi

installed() { [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; }

# Debian 12's default Boost is 1.74, too old for Process v2; it packages 1.81 beside it. Later systems' default will do.
# shellcheck source=/dev/null
system=$(. /etc/os-release && echo "${ID:-}-${VERSION_ID:-}")
boost=''
if [ "$system" = debian-12 ]; then boost=1.81; fi
packages+=("libboost$boost-dev" "libboost-context$boost-dev" "libboost-filesystem$boost-dev")

# For the tests of other languages; a Node.js from elsewhere brings its own npm, with which Debian's does not go together.
command -v node >/dev/null && command -v npm >/dev/null || packages+=(nodejs npm)

missing=()
for package in "${packages[@]}"; do
  installed "$package" || missing+=("$package")
done
if [ ${#missing[@]} -eq 0 ]; then exit 0; fi

root=()
if [ "$(id -u)" -ne 0 ]; then
  command -v sudo >/dev/null || { echo "$0: needs root (no sudo here) to install: ${missing[*]}" >&2; exit 1; }
  root=(sudo)
fi
echo "installing: ${missing[*]}"
"${root[@]}" apt-get update -qq
"${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
