#!/usr/bin/env bash
# usage: tests/run.sh [--preset P]... [--quick] [--only LABEL] [--repeat N] [--load] [--help]
# Installs what is missing, builds, and runs the tests; ends with ctest's summary of the last preset that ran.
#
#   --preset P    dev, release, asan, tsan or clang (install clang yourself); may be repeated (default: dev, then asan); the
#                 first that fails is the last
#   --quick       the same as --preset dev
#   --only LABEL  tests of one folder (runtime/task), of one kind (examples, slow), or of one behaviour (A05)
#   --repeat N    every test N times, or until it fails; once those labelled slow or containers, what only a compiler says, and benchmarks
#   --fuzz-seconds N  how long made-up input is tried (2; with --preset clang by libFuzzer, which follows coverage)
#   --soak-rounds N   how many rounds of starting and cancelling actors must let nothing grow (200)
#   --sweep-rounds N  how often kill -9 comes in each stage of an actor's life at each position in its tree (1)
#   --tree-seeds N    how many random trees of actors must survive random faults (15)
#   --load        keep every core busy with something else meanwhile
#
# Without podman the tests in containers are left out; TRACTOR_TEST_CONTAINERS=required prepares it, and has them run.
set -euo pipefail
cd "$(dirname "$0")/.."

fail() { echo "tests/run.sh: $1 (try --help)" >&2; exit 2; }
whole_number() { [[ $2 =~ ^[1-9][0-9]{0,5}$ ]] || fail "$1 wants a number from 1 to 999999, got \"$2\""; }
say() { printf '== %s\n' "$*"; }

presets=() only='' repeat='' load=''
while [ $# -gt 0 ]; do
  case "$1" in
    -h | --help) sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//;p}' tests/run.sh; exit 0 ;;
    --quick) presets+=(dev); shift; continue ;;
    --load) load=yes; shift; continue ;;
    --preset | --only | --repeat | --fuzz-seconds | --soak-rounds | --sweep-rounds | --tree-seeds) [ -n "${2:-}" ] || fail "$1 needs a value" ;;
    *) fail "unknown option $1" ;;
  esac
  case "$1" in
    --preset) [[ $2 =~ ^(dev|release|asan|tsan|clang)$ ]] || fail "no preset \"$2\": dev, release, asan, tsan or clang"; presets+=("$2") ;;
    --only) only=$2 ;;
    --repeat) whole_number "$1" "$2"; repeat=$2 ;;
    --fuzz-seconds) whole_number "$1" "$2"; export FUZZ_SECONDS=$2 ;;
    --soak-rounds) whole_number "$1" "$2"; export SOAK_ROUNDS=$2 ;;
    --sweep-rounds) whole_number "$1" "$2"; export SWEEP_ROUNDS=$2 ;;
    --tree-seeds) whole_number "$1" "$2"; export TREE_SEEDS=$2 ;;
  esac
  shift 2
done
[ ${#presets[@]} -gt 0 ] || presets=(dev asan)

# Behaviours (A05) stand in the tests' names, everything else is a label (runtime/task, runtime/task/slow).
select=()
if [[ $only =~ ^A[0-9]+$ ]]; then
  select=(-R "${only}([^0-9]|\$)")
elif [ -n "$only" ]; then
  select=(-L "(^|/)$only(\$|/)")
fi

loops=()
stop_load() {
  [ ${#loops[@]} -eq 0 ] || kill "${loops[@]}" 2>/dev/null || true
  loops=()
}
start_load() {
  for _ in $(seq "$(nproc)"); do
    # It looks for us now and then, so that it does not outlive even a kill -9.
    (while kill -0 $$ 2>/dev/null; do for ((i = 0; i < 100000; i++)); do :; done; done) &
    loops+=($!)
  done
}
trap stop_load EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# run_tests PRESET [ctest option...]
once='/slow$|^(compile_fail|containers|layers|bench)$'
# Tests wait more than they compute: two at a time for each core; with a sanitizer they compute.
run_tests() {
  local jobs=$((2 * $(nproc)))
  [[ $1 != *san ]] || jobs=$(nproc)
  ctest --preset "$1" --output-on-failure --parallel "$jobs" --no-tests=error "${select[@]}" "${@:2}"
}
has_tests() { [ "$(run_tests "$@" --show-only | sed -n 's/^Total Tests: //p')" != 0 ]; }

if [ "${TRACTOR_TEST_CONTAINERS:-}" = required ]; then deploy/install-deps.sh --containers; else deploy/install-deps.sh; fi
for preset in "${presets[@]}"; do
  say "$preset: configure"
  log=$(cmake --preset "$preset" 2>&1) || { printf '%s\n' "$log" >&2; exit 1; }
  grep 'NOT tested' <<<"$log" || true
  say "$preset: build"
  cmake --build --preset "$preset" --parallel "$(nproc)"
  say "$preset: test${only:+ --only $only}${repeat:+ --repeat $repeat}${load:+ --load}"
  [ -z "$load" ] || start_load
  if [ -n "$repeat" ] && has_tests "$preset" -LE "$once"; then
    if has_tests "$preset" -L "$once"; then run_tests "$preset" -L "$once"; fi
    run_tests "$preset" -LE "$once" --repeat "until-fail:$repeat"
  else
    run_tests "$preset"
  fi
  stop_load
done
