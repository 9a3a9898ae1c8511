#!/usr/bin/env bash
# usage: consumer_test.sh CMAKE NINJA TRACTOR COMPILER
# A project that adds tractor as a subdirectory is configured, all libraries found; its own code compiles with what it
# got from tractor::tractor, and tractor's examples and tests stay out.
set -euo pipefail
build=$(mktemp -d)
trap 'rm -rf "$build"' EXIT
"$1" -S "$(dirname "$0")/consumer" -B "$build" -G Ninja "-DCMAKE_MAKE_PROGRAM=$2" "-DTRACTOR=$3" "-DCMAKE_CXX_COMPILER=$4" >"$build/log" ||
  { cat "$build/log"; exit 1; }
"$2" -C "$build" CMakeFiles/consumer.dir/main.cc.o
if "$2" -C "$build" -t targets all | grep -E 'first_scene|_test(:|\.dir)'; then
  echo "consumer_test.sh: tractor's own programs are built as well" >&2
  exit 1
fi
