#!/usr/bin/env bash
# usage: deploy/install-deps.sh [--containers] [--help]
# Installs what tractor needs to be built and tested, from the packages of Debian 12 or 13 or Ubuntu 24.04.
# Only what is missing is installed; when nothing is, nothing is downloaded and no root is needed.
# --containers prepares podman as well, for the images of deploy/ and their tests: where no registry can be reached, the
# image they start from is made of packages.
set -euo pipefail

containers=''
case "${1:-}" in
  "") ;;
  --containers) containers=yes ;;
  -h | --help) sed -n '2,6s/^# //p' "$0"; exit 0 ;;
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
prometheus-cpp, OpenSSL, RE2, GoogleTest, and for tests of other languages Python and Node.js with npm; with static archives for the release preset. In Debian's names:
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

if [ -n "$containers" ]; then
  packages+=(podman buildah runc netavark aardvark-dns iptables podman-compose debootstrap)
fi

# For the tests of other languages; a Node.js from elsewhere brings its own npm, with which Debian's does not go together.
command -v node >/dev/null && command -v npm >/dev/null || packages+=(nodejs npm)

missing=()
for package in "${packages[@]}"; do
  installed "$package" || missing+=("$package")
done
root=()
if [ ${#missing[@]} -gt 0 ]; then
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || { echo "$0: needs root (no sudo here) to install: ${missing[*]}" >&2; exit 1; }
    root=(sudo)
  fi
  echo "installing: ${missing[*]}"
  "${root[@]}" apt-get update -qq
  "${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
  # The tests start these themselves; as services they are not to run.
  for package in prometheus etcd-server; do
    case " ${missing[*]} " in
      *" $package "*) "${root[@]}" systemctl disable --now "${package%-server}" >/dev/null 2>&1 || true ;;
    esac
  done
fi
[ -n "$containers" ] || exit 0

# --- containers ---
[ "$(id -u)" -eq 0 ] || { echo "$0: preparing podman needs root: sudo $0 --containers" >&2; exit 1; }
base=docker.io/library/debian:bookworm-slim  # as deploy/Dockerfile calls it
log=$(mktemp)
trap 'rm -rf "$log" "${system_root:-}"' EXIT

# What Debian 12 is, with its package sources as this system has them.
make_base() {
  system_root=$(mktemp -d /var/tmp/base-image.XXXXXX)
  # It need not outlast a crash: nothing is won by waiting for the disk after every file.
  local hasty=$system_root/etc/dpkg/dpkg.cfg.d/unsafe-io
  mkdir -p "${hasty%/*}" && echo force-unsafe-io >"$hasty"
  debootstrap --variant=minbase --include=ca-certificates bookworm "$system_root" >"$log" 2>&1 || return
  rm "$hasty"
  : >"$system_root/etc/apt/sources.list"
  for file in sources.list sources.list.d/. apt.conf.d/.; do
    [ ! -e "/etc/apt/$file" ] || cp -a "/etc/apt/$file" "$system_root/etc/apt/${file%%/*}"
  done
  rm -rf "$system_root"/var/cache/apt/* "$system_root"/var/lib/apt/lists/*
  tar -C "$system_root" -c . | podman import - "$base" >"$log" 2>&1
}
if ! podman image exists "$base" && ! timeout 120 podman pull -q "$base" >"$log" 2>&1; then
  echo "no registry gives $base: making it with debootstrap"
  make_base || { cat "$log" >&2; echo "$0: cannot make the image $base" >&2; exit 1; }
fi

# Where the limits of processes cannot be raised, or cgroups are mixed, containers want these settings; a machine that
# has settings of its own keeps them.
can_run() { timeout 120 podman run --rm "$base" true >"$log" 2>&1; }
if ! can_run && [ ! -e /etc/containers/containers.conf ]; then
  mkdir -p /etc/containers
  cat >/etc/containers/containers.conf <<'CONF'
[containers]
default_ulimits = ["nofile=1024:1024", "nproc=4096:4096"]
[engine]
runtime = "runc"
CONF
  can_run || { rm /etc/containers/containers.conf; true; }
fi
can_run || { cat "$log" >&2; echo "$0: podman cannot run a container of $base" >&2; exit 1; }
echo "podman is ready, with the image $base"
