#!/usr/bin/env bash
# usage: refused.sh FILE COMPILER [FLAG ...]
# Succeeds when the compiler refuses FILE with a message that has what its first line expects ("// expect: TEXT"), or takes
# it when that is "nothing".
set -uo pipefail
[ $# -ge 2 ] || { sed -n '2,4p' "$0" >&2; exit 2; }
file=$1
shift
expected=$(sed -n '1s|^// expect: ||p' "$file")
[ -n "$expected" ] || { echo "$file: the first line is not '// expect: TEXT'" >&2; exit 2; }
errors=$(LC_ALL=C "$@" -fno-diagnostics-show-caret -fsyntax-only "$file" 2>&1)  # no caret: it shows sources
status=$?
if [ "$expected" = nothing ]; then
  [ "$status" -eq 0 ] && exit 0
elif [ "$status" -ne 0 ] && grep -qF -- "$expected" <<<"$errors"; then
  exit 0
fi
printf '%s: status %d, expected: %s\n%s\n' "$file" "$status" "$expected" "$errors" >&2
exit 1
