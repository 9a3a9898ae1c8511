#!/usr/bin/env bash
# usage: deploy/demo.sh [DIR] [--help]
# Shows what tractor does, on this machine: installs what is missing, builds (into build/release), plays the first scene,
# and computes the checksums of all files below DIR (default: /usr/lib) with one and with two worker processes, compared
# with sha256sum's. May be run again, from anywhere; it leaves nothing behind but the packages and the build.
set -euo pipefail

directory=/usr/lib
case "${1:-}" in
  "") ;;
  -h | --help) sed -n '2,5s/^# //p' "$0"; exit 0 ;;
  -*) echo "$0: unknown option $1 (try --help)" >&2; exit 2 ;;
  *) directory=$1; shift ;;
esac
[ $# -eq 0 ] || { echo "$0: one directory, please (try --help)" >&2; exit 2; }
[ -d "$directory" ] || { echo "$0: $directory is no directory" >&2; exit 2; }
[ ! -L "$directory" ] || directory+=/  # find looks through a symbolic link only then

repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
temporary=${TMPDIR:-/tmp}
[ ${#temporary} -le 30 ] || temporary=/tmp  # the path of a socket has at most 107 bytes
scratch=$(mktemp -d "$temporary/tractor-demo.XXXXXX")
trap 'rm -rf "$scratch"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
# Apart from other tractor programs of this user.
unset TRACTOR_ARBITER TRACTOR_CREDENTIAL_FILE TRACTOR_NAMESPACE TRACTOR_METRICS TRACTOR_FAULT
export TRACTOR_RUNTIME_DIR=$scratch/runtime
mkdir -m 700 "$TRACTOR_RUNTIME_DIR"

say() { printf '\n== %s\n' "$*"; }

say 'what is needed to build'
"$repository/deploy/install-deps.sh"
echo 'is installed'

say 'the build'
log=$(cd "$repository" && cmake --preset release 2>&1) || { printf '%s\n' "$log" >&2; exit 1; }
(cd "$repository" && cmake --build --preset release --target example_first_scene example_parallel_checksum)
examples=$repository/build/release/examples

say 'the first scene: two actors, each a process, find each other by name and greet each other'
echo '$ first_scene'
"$examples/first_scene"

say "checksums: the SHA-256 of every file below $directory"
# timed NAME COMMAND...: runs it with its output in $scratch/NAME; sets `took` to milliseconds.
unreadable=''
timed() {
  local begin=${EPOCHREALTIME/[.,]/} status=0
  "${@:2}" >"$scratch/$1" 2>"$scratch/errors" || status=$?
  took=$(((${EPOCHREALTIME/[.,]/} - begin) / 1000))
  case "$status" in
    0) ;;
    1 | 123) unreadable=yes ;;
    *) cat "$scratch/errors" >&2; exit 1 ;;
  esac
}
# row NAME: its time, and how many times as fast as SLOWER ms, which is called OTHER.
row() {
  printf '%-44s %3d.%02d s' "$1" $((took / 1000)) $((took % 1000 / 10))
  if [ $# -gt 1 ]; then printf '   (%d.%02d times as fast as %s)' $(($2 / took)) $(($2 * 100 / took % 100)) "$3"; fi
  printf '\n'
}
shell_pipeline() { find "$1" -type f -print0 | LC_ALL=C sort -z | xargs -0r sha256sum; }

timed warm-up "$examples/parallel_checksum" "$directory"  # reads it all once, so that nobody waits for the disk below
timed sha256sum shell_pipeline "$directory"
row 'find, sort and sha256sum'
timed workers1 "$examples/parallel_checksum" "$directory" --workers 1
one=$took
row 'parallel_checksum --workers 1'
timed workers2 "$examples/parallel_checksum" "$directory" --workers 2
row 'parallel_checksum --workers 2' "$one" '1 worker'

for output in workers1 workers2; do
  if ! cmp -s "$scratch/sha256sum" "$scratch/$output"; then
    echo "parallel_checksum (${output/workers/workers: }) and sha256sum DIFFER; was a file written meanwhile?" >&2
    diff "$scratch/sha256sum" "$scratch/$output" | head -n 5 >&2 || true
    exit 1
  fi
done
[ -z "$unreadable" ] || echo 'Some files could not be read; the rest was compared.'
echo "All three printed exactly the same: $(wc -l <"$scratch/sha256sum") lines, $(wc -c <"$scratch/sha256sum") bytes."
