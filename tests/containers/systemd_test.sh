#!/usr/bin/env bash
# usage: systemd_test.sh UNIT PROGRAM
# Has systemd check the unit, with PROGRAM where it would be installed.
set -euo pipefail
[ $# -eq 2 ] || { sed -n '2,3p' "$0" >&2; exit 2; }
scratch=$(mktemp -d "${TMPDIR:-/tmp}/unit.XXXXXX")
trap 'rm -rf "$scratch"' EXIT

unit=$scratch/${1##*/}
sed "s|/usr/local/bin/tractor-arbiter|$2|" "$1" >"$unit"
grep -q "^ExecStart=$2 " "$unit" || { echo "$1 does not start tractor-arbiter from /usr/local/bin" >&2; exit 1; }
complaints=$(systemd-analyze verify --man=no --recursive-errors=no "$unit" 2>&1) || { echo "$complaints" >&2; exit 1; }
[ -z "$complaints" ] || { echo "$complaints" >&2; exit 1; }

# 1.2 of 10; what it may do more than a program without any network is talk to it.
systemd-analyze security --offline=true --no-pager --threshold=15 "$unit" >"$scratch/security" ||
  { cat "$scratch/security" >&2; exit 1; }
tail -n 1 "$scratch/security"
