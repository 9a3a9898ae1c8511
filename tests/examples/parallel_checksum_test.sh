#!/usr/bin/env bash
# usage: parallel_checksum_test.sh PROGRAM
# Compares what parallel_checksum prints with what find, sort and sha256sum print, on files with unpleasant names and on
# a part of /usr/lib; then takes away files, workers, readers and arguments. Prints a line for each check; ends at the
# first that fails.
set -euo pipefail
[ $# -eq 1 ] || { sed -n '2,5p' "$0" >&2; exit 2; }
scratch=$(mktemp -d "${TMPDIR:-/tmp}/parallel_checksum.XXXXXX")
running=''
cleanup() {
  [ -z "$running" ] || kill -KILL "$running" 2>/dev/null || true
  chmod -R u+rwx "$scratch/tree" 2>/dev/null || true
  rm -rf "$scratch"
}
trap cleanup EXIT

# Root may read everything: what must be unreadable is tried as nobody, who needs to reach the program.
chmod 755 "$scratch"
cp "$1" "$scratch/parallel_checksum"
program=$scratch/parallel_checksum
unset TRACTOR_ARBITER TRACTOR_CREDENTIAL_FILE
export TRACTOR_RUNTIME_DIR=$scratch/runtime
mkdir -m 700 "$TRACTOR_RUNTIME_DIR"
unprivileged=(env --default-signal=INT)  # which a shell has its background jobs ignore
if [ "$(id -u)" -eq 0 ]; then
  chown 65534:65534 "$TRACTOR_RUNTIME_DIR"
  unprivileged+=(setpriv --reuid=65534 --regid=65534 --clear-groups)
fi

out=$scratch/out err=$scratch/err expected=$scratch/expected
check=''
fail() {
  printf 'FAILED: %s: %s\n' "$check" "$1" >&2
  head -c 2000 "$err" >&2 || true
  exit 1
}
passed() { printf 'ok: %s\n' "$check"; }

# run STATUS COMMAND...: runs it with stdout and stderr in files; the status must be that.
run() {
  local status=0
  "${@:2}" >"$out" 2>"$err" </dev/null || status=$?
  [ "$status" -eq "$1" ] || fail "exit status $status instead of $1"
}
reference() {
  "${unprivileged[@]}" sh -c 'find "$1" -type f -print0 | LC_ALL=C sort -z | xargs -0r sha256sum' sh "$1"
}
# same_as_sha256sum STATUS DIR [OPTION...]
same_as_sha256sum() {
  reference "$2" >"$expected" 2>/dev/null || true
  run "$1" "${unprivileged[@]}" "$program" "${@:2}"
  cmp "$expected" "$out" >&2 || fail 'the output differs'
}
silent() { [ ! -s "$err" ] || fail 'it wrote to stderr'; }
says() { grep -qF -- "$1" "$err" || fail "stderr does not say \"$1\""; }
# No process runs the program, which is a copy of this test's own. Workers whose root was killed have a moment to end.
nothing_left() {
  for _ in {1..200}; do
    [ -n "$(find /proc/[0-9]*/exe -lname "$program" 2>/dev/null)" ] || return 0
    sleep 0.05
  done
  fail 'a process is left'
}

# --- the same output as sha256sum -------------------------------------------------------------------------------------

tree=$scratch/tree
mkdir "$tree" && cd "$tree"
mkdir empty a 'a b' a.b -- -d $'new\nlines' $'\xff' .hidden
for directory in . a 'a b' a.b -d $'new\nlines' $'\xff' .hidden; do
  for name in plain 'with space' $'new\nline' $'return\r' $'tab\t' 'back\slash' '\' '\\' "it's" '"' -dash -- '*' '$HOME' \
    $'\x01\x7f' $'\xff\xfe' 'naïve 日本' .dot "$(printf 'n%.0s' {1..255})"; do
    printf '%s' "$directory/$name" >"$directory/$name"
  done
done
: >empty_file
head -c 30000000 /dev/urandom >large
for i in {1..3000}; do echo "$i" >"a/$i"; done
mkdir -p deep/1/2/3/4/5/6/7/8/9/10 && echo deep >deep/1/2/3/4/5/6/7/8/9/10/file
ln -s large link_to_file
ln -s a link_to_directory
ln -s nowhere dangling
ln -s . loop
mkfifo fifo
cd "$scratch"

for workers in 1 2 7; do
  check="the same as sha256sum, with $workers workers"
  same_as_sha256sum 0 "$tree" --workers "$workers"
  silent
  passed
done
[ "$(wc -l <"$out")" -gt 3100 ] || fail 'it was not much'

for directory in tree tree/ tree// ./tree .//tree/. tree/-d tree/empty tree/large tree/link_to_directory \
  tree/link_to_directory/ tree/link_to_file tree/dangling tree/fifo "tree/"$'new\nlines' "tree/a/back\\slash"; do
  check="the same as sha256sum, for $(printf '%q' "$directory")"
  same_as_sha256sum 0 "$directory"
  silent
  passed
done
cd "$tree"
for directory in . ./ ./-d ./-- ../tree/..//tree; do
  check="the same as sha256sum, in the directory, for $directory"
  same_as_sha256sum 0 "$directory" --workers=2
  passed
done
cd "$scratch"

check='the same as sha256sum, for a part of /usr/lib'
part=/usr/lib/python3
[ -d "$part" ] || part=/usr/lib/gcc
same_as_sha256sum 0 "$part"
silent
[ -s "$out" ] || fail "there is nothing in $part"
passed

# --- what cannot be read ----------------------------------------------------------------------------------------------

check='what cannot be read is named, and the rest is printed'
mkdir tree/unreadable && cd tree/unreadable
mkdir closed listed
echo 1 >a && echo 2 >secret && echo 3 >z && echo 4 >closed/inside && echo 5 >listed/inside && echo 6 >$'sec\nret'
chmod 000 secret closed $'sec\nret' && chmod 444 listed
cd "$scratch"
chmod 755 tree/unreadable
same_as_sha256sum 1 tree/unreadable
[ "$(wc -l <"$out")" -eq 2 ] || fail 'not two lines'
says 'parallel_checksum: tree/unreadable/secret: Permission denied'
says 'parallel_checksum: tree/unreadable/sec\nret: Permission denied'
says 'parallel_checksum: tree/unreadable/closed: Permission denied'
says 'parallel_checksum: tree/unreadable/listed'
passed

check='a directory that does not exist'
same_as_sha256sum 1 tree/nowhere
says 'parallel_checksum: tree/nowhere: No such file or directory'
[ "$(wc -l <"$err")" -eq 1 ] || fail 'it says more than that'
passed

check='an empty name'
run 1 "${unprivileged[@]}" "$program" ''
passed

# --- wrong command lines ----------------------------------------------------------------------------------------------

wrong() {
  check="a wrong command line: $(printf '%q ' "$@")"
  run 2 "${unprivileged[@]}" "$program" "$@"
  [ ! -s "$out" ] || fail 'it wrote to stdout'
  says parallel_checksum:
  passed
}
wrong
wrong tree tree
wrong --workers 2
wrong tree --workers
wrong tree --workers 0
wrong tree --workers -1
wrong tree --workers 257
wrong tree --workers 99999999999999999999
wrong tree --workers 2x
wrong tree --workers=
wrong tree --frobnicate
wrong -x

check='--help'
run 0 "${unprivileged[@]}" "$program" --help
grep -q '^usage: ' "$out" || fail 'no usage'
passed

# --- workers, readers and patience that go away -----------------------------------------------------------------------

# Hashing one of these holes takes most of a minute, so that what happens meanwhile happens in the middle.
mkdir tree/endless
for i in 1 2 3 4; do truncate -s 64G "tree/endless/$i"; done
start() {
  "${unprivileged[@]}" "$program" tree/endless --workers 2 >"$out" 2>"$err" </dev/null &
  running=$!
}
ended_with() {
  local status=0
  { wait "$running"; } 2>/dev/null || status=$?  # without the shell's remarks on signals
  running=''
  [ "$status" -eq "$1" ] || fail "exit status $status instead of $1"
}
# Waits until both workers have one of these files open; `workers` are their pids.
wait_until_both_hash() {
  for _ in {1..600}; do
    mapfile -t workers < <(find /proc/[0-9]*/fd -lname "$scratch/tree/endless/*" 2>/dev/null | cut -d/ -f3 | sort -u)
    [ "${#workers[@]}" -lt 2 ] || return 0
    sleep 0.05
  done
  fail 'the workers do not hash'
}

check='a worker that is killed is an error, and nothing is left'
start
wait_until_both_hash
kill -KILL "${workers[0]}"
ended_with 1
says 'signal 9'
[ ! -s "$out" ] || fail 'it printed something'
nothing_left
passed

check='SIGINT ends it with 130, and nothing is left'
start
wait_until_both_hash
kill -INT "$running"
ended_with 130
nothing_left
passed

check='SIGTERM ends it with 143, and nothing is left'
start
wait_until_both_hash
kill -TERM "$running"
ended_with 143
nothing_left
passed

check='when the root is killed, the workers end'
start
wait_until_both_hash
kill -KILL "$running"
ended_with 137
nothing_left
passed

check='SIGINT ends it when nobody reads its output'
mkfifo "$scratch/pipe"
exec 8<>"$scratch/pipe"
"${unprivileged[@]}" "$program" tree/a >&8 2>"$err" </dev/null 8>&- &
running=$!
IFS= read -r -n 1 -t 60 -u 8 _ || fail 'no output'  # from here on more is written than a pipe holds
kill -INT "$running"
ended_with 130
exec 8>&-
nothing_left
passed

check='a reader that goes away is an error, and nothing is left'
("${unprivileged[@]}" "$program" tree/a 2>"$err" || echo $? >"$scratch/status") | head -n 1 >"$out"
[ "$(cat "$scratch/status")" -ne 0 ] || fail 'exit status 0'
nothing_left
passed

check='output that cannot be written is an error'
status=0
"${unprivileged[@]}" "$program" tree/a >/dev/full 2>"$err" || status=$?
[ "$status" -eq 1 ] || fail "exit status $status"
says 'parallel_checksum: cannot write the output: No space left on device'
passed

# --- progress ---------------------------------------------------------------------------------------------------------

# on_terminal [REDIRECTION]: what appears on a terminal while the program runs there goes to $err.
on_terminal() {
  local command
  command=$(printf '%q ' "${unprivileged[@]}" "$program" tree/a)
  script -qec "$command $*" /dev/null >"$err" </dev/null || fail "exit status $?"
}
reference tree/a >"$expected"

check='a line on the terminal shows the progress and is erased at the end'
on_terminal ">$(printf '%q' "$out")"
grep -qE '[0-9]+ / [0-9]+ files, [0-9]+ MB/s' "$err" || fail 'no progress'
[ "$(tail -c 4 "$err")" = $'\r\e[K' ] || fail 'it was not erased'
cmp "$expected" "$out" >&2 || fail 'the output differs'
passed

check='on a terminal the output is whole'
on_terminal
# A line of the output begins after what was erased before it; the terminal adds a carriage return to its end.
sed -e 's/\r$//' -e 's/^.*\r\x1b\[K//' "$err" >"$out"
[ "$(tail -c 1 "$out")" = '' ] || fail 'something follows the output'
cmp "$expected" "$out" >&2 || fail 'the output differs'
nothing_left
passed
