#!/usr/bin/env bash
# usage: scenes_test.sh FIRST_SCENE STANDALONE ARBITER
# The first scene with other names, in three processes; and the standalone example as README plays it, by two programs that
# meet at an arbiter: over a unix socket, and over TCP with a token, where a wrong one is refused.
set -euo pipefail
[ $# -eq 3 ] || { sed -n '2p' "$0" >&2; exit 2; }
first_scene=$1 standalone=$2 arbiter=$3
scratch=$(mktemp -d "${TMPDIR:-/tmp}/scenes.XXXXXX")
started=()
finish() {
  [ ${#started[@]} -eq 0 ] || kill "${started[@]}" 2>/dev/null || true
  wait
  rm -rf "$scratch"
}
trap finish EXIT
fail() { echo "scenes_test.sh: $1" >&2; exit 1; }
expect() { [ "$1" = "$2" ] || fail "expected \"$1\", got \"$2\""; }
unset TRACTOR_ARBITER TRACTOR_CREDENTIAL_FILE TRACTOR_NAMESPACE
export TRACTOR_RUNTIME_DIR=$scratch/runtime
mkdir -m 700 "$TRACTOR_RUNTIME_DIR"

expect "$(printf '%s\n' 'Alright... Action!' 'Hi my name is ann' 'Hi my name is bob' \
  "CUTTTT CUUTT CUT!!! Ann!! You're supposed to say...")" "$(TRACTOR_LOG=debug "$first_scene" ann bob 2>"$scratch/log")"
expect 2 "$(grep -o 'started actor .* as process [0-9]*' "$scratch/log" | grep -o '[0-9]*$' | sort -u | wc -l)"

for program in "$first_scene" "$standalone"; do
  [[ $("$program" --help) == usage:* ]] || fail "$program --help does not say how it is used"
  status=0
  "$program" nonsense >"$scratch/out" 2>"$scratch/errors" || status=$?
  expect 2 $status
  expect '' "$(cat "$scratch/out")"
  grep -q '^usage:' "$scratch/errors" || fail "$program nonsense does not say what is wrong"
done

# play ADDRESS: what README does.
play() {
  "$arbiter" --listen "$1" >"$scratch/arbiter" &
  started+=($!)
  until grep -q '^listening on ' "$scratch/arbiter"; do kill -0 "${started[-1]}" || fail "no arbiter"; sleep 0.02; done
  export TRACTOR_ARBITER
  TRACTOR_ARBITER=$(sed 's/^listening on //' "$scratch/arbiter")
  "$standalone" serve &
  local served=$!
  started+=($served)
  expect 'echo says hello' "$("$standalone" call hello)"
  "$standalone" stop
  wait $served || fail "the daemon's exit status is $?"
}
play "unix:$scratch/arbiter.sock"
(umask 077 && printf 'secret-of-this-test' >"$scratch/token" && printf 'a-guess' >"$scratch/wrong")
export TRACTOR_CREDENTIAL_FILE=$scratch/token
play 127.0.0.1:0
status=0
TRACTOR_CREDENTIAL_FILE=$scratch/wrong "$standalone" call hello >"$scratch/out" 2>"$scratch/errors" || status=$?
expect 2 $status
grep -q credential "$scratch/errors" || fail "a wrong token is not named: $(cat "$scratch/errors")"
