#!/usr/bin/env bash
# usage: public_headers_test.sh [--object] FILE... -- COMPILER [FLAG...]
# Compiles each file alone and prints the seconds of processor time that it took; fails when one does not compile, or
# when by the compiler's own dependency output it includes gRPC, protobuf or Abseil. --object also makes code.
set -uo pipefail
scratch=$(mktemp -d "${TMPDIR:-/tmp}/headers.XXXXXX") || exit 1
trap 'rm -rf "$scratch"' EXIT

what=(-fsyntax-only)
if [ "$1" = --object ]; then what=(-c); shift; fi
files=()
while [ "$1" != -- ]; do files+=("$1"); shift; done
shift
compiler=("$@")

# compile FILE: its dependencies are in $scratch/dependencies afterwards.
compile() { "${compiler[@]}" "${what[@]}" -MD -MF "$scratch/dependencies" -o "$scratch/object" -x c++ "$1"; }
forbidden() { tr ' ' '\n' <"$scratch/dependencies" | grep -E '/(grpc|grpcpp|google/protobuf|absl|upb)/|\.pb\.h$'; }

# A check that finds nothing proves something only if it can find: the same way with a file that does include one.
echo '#include <absl/base/config.h>' >"$scratch/control.h"
compile "$scratch/control.h" 2>/dev/null && forbidden >/dev/null || { echo "the control was not found out" >&2; exit 1; }

failed=0
TIMEFORMAT='%U'
for file in "${files[@]}"; do
  echo "#include \"$file\"" >"$scratch/alone.cc"
  seconds=$({ time compile "$scratch/alone.cc" >&2; } 2>"$scratch/messages"; tail -n 1 "$scratch/messages")
  if ! grep -qF "$file" "$scratch/dependencies" || [ "$(wc -l <"$scratch/messages")" -ne 1 ]; then
    echo "$file does not compile alone:" >&2
    cat "$scratch/messages" >&2
    failed=1
  elif forbidden >&2; then
    echo "^ included by $file" >&2
    failed=1
  fi
  printf '%6s s  %s\n' "$seconds" "${file##*/}"
  : >"$scratch/dependencies"
done
exit "$failed"
