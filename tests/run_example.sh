#!/usr/bin/env bash
# usage: run_example.sh PROGRAM EXPECTED
# Runs an example in a runtime directory of its own; succeeds when it exits 0 and prints exactly what the file EXPECTED says.
set -uo pipefail
[ $# -eq 2 ] || { sed -n '2,3p' "$0" >&2; exit 2; }
scratch=$(mktemp -d "${TMPDIR:-/tmp}/example.XXXXXX") || exit 1
trap 'rm -rf "$scratch"' EXIT
mkdir -m 700 "$scratch/runtime"
unset TRACTOR_ARBITER TRACTOR_CREDENTIAL_FILE

TRACTOR_RUNTIME_DIR="$scratch/runtime" "$1" >"$scratch/stdout"
status=$?
[ "$status" -eq 0 ] || echo "$1: exit status $status" >&2
diff -u --label expected --label printed "$2" "$scratch/stdout" && [ "$status" -eq 0 ]
