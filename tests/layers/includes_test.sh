#!/usr/bin/env bash
# usage: includes_test.sh NINJA BUILD_DIRECTORY SOURCE_DIRECTORY
# Fails when a file of a layer includes a header that the layer must not know, by the dependencies that the compiler
# gave to ninja.
set -uo pipefail
ninja=$1 build=$2 source=$3
# Those of the layers, without the path to us, which may have such folders.
dependencies=$("$ninja" -C "$build" -t deps | awk -v source="$source" '
  /^[^ ]/ { in_layer = /^(runtime|arbiter|sdk|examples)\// }
  in_layer { at = index($0, source); print (at ? substr($0, 1, at - 1) substr($0, at + length(source)) : $0) }') || exit 1

failed=0
# layer FOLDER FORBIDDEN: the objects of a folder's library, and a pattern of paths below the source directory or of
# libraries.
layer() {
  local found
  found=$(awk -v object="^$1/CMakeFiles/$2\\\\.dir/" -v forbidden="$3" '
    /^[^ ]/ { in_layer = ($0 ~ object); if (in_layer) ++objects; name = $1 }
    /^ / && in_layer && $1 ~ forbidden { print name, $1 }
    END { if (objects == 0) print "no object of this layer is known: was it built?" }' <<<"$dependencies")
  [ -z "$found" ] && return
  echo "$2 includes what it must not know:" "$found" >&2
  failed=1
}

libraries='/(grpc|grpcpp|google/protobuf|absl|upb)/|[.]pb[.]h$'
layer runtime tractor_log "$libraries|/(runtime/(task|metrics|wire|process|actor)|arbiter|sdk|examples|tests)/"
layer runtime tractor_task "$libraries|/(runtime/(metrics|wire|process|actor)|arbiter|sdk|examples|tests)/"
layer runtime tractor_metrics "$libraries|/(runtime/(wire|process|actor)|arbiter|sdk|examples|tests)/"
layer runtime tractor_wire '/(runtime/(process|actor)|arbiter|sdk|examples|tests)/'
layer runtime tractor_process '/(runtime/actor|arbiter|sdk|examples|tests)/'
layer runtime tractor_actor '/(arbiter|sdk|examples|tests)/'
layer arbiter tractor_arbiter_lib '/(sdk|examples|tests)/'
layer sdk tractor_sdk '/(examples|tests)/'
layer examples example_first_scene "$libraries"
exit "$failed"
