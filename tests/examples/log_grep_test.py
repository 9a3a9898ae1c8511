#!/usr/bin/env python3
"""log_grep prints what grep prints.

usage: log_grep_test.py LOG_GREP [--megabytes N]

Compares output and exit status for generated text and odd files, and looks at the peak memory of the processes.
"""

import argparse
import filecmp
import os
import random
import subprocess
import sys
import tempfile

MOST_MEGABYTES = 100  # resident, of any process


def generate(path, megabytes):
    """Log lines, some of them long or odd, with the same content every time."""
    choose = random.Random(7)
    words = [b"GET", b"POST", b"timeout", b"error", b"user=anna", b"user=bob", b"200", b"404", b"503", b"\xff\x00\xfe"]
    block = b"".join(
        b"%08d " % n + b" ".join(choose.choices(words, k=choose.randint(0, 12))) + b"\n" for n in range(20_000))
    block += b"x" * 3_000_000 + b" error at the end of a long line\n" + b"\n" * 100
    with open(path, "wb") as file:
        while file.tell() < megabytes << 20:
            file.write(block)
        file.write(b"the last error has no newline")


def run(command, output, environment):
    """Its exit status, and the peak memory of it or any process that it waited for, in MB (but at least ours). What it
    says goes to a file named after `output`."""
    with open(output, "wb") as file, open(f"{output}.said", "wb") as said:
        process = subprocess.Popen(command, stdout=file, stderr=said, env=environment)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    return process.returncode, usage.ru_maxrss / 1024


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("program")
    arguments.add_argument("--megabytes", type=int, default=40)
    options = arguments.parse_args()
    with tempfile.TemporaryDirectory(prefix="log_grep.") as directory:
        runtime = os.path.join(directory, "runtime")
        os.mkdir(runtime, 0o700)
        environment = {**os.environ, "LC_ALL": "C", "TRACTOR_RUNTIME_DIR": runtime}
        os.chdir(directory)
        generate("large.log", options.megabytes)
        line = b"a" * 1023 + b"\n"
        lines = (16 << 20) // len(line)  # of what log_grep cuts files into
        for name, content in {"empty": [], "one": [b"an error"], "newlines": [b"\n\n\n"], "a:b": [b"error\n"],
                              "at": [line] * lines + [b"error\n"] * 3,
                              "over": [line] * (lines - 1) + [line[:-1] + b"b\nerror\n"],
                              "under": [line] * (lines - 1) + [line[:-2] + b"\n\nerror\n"]}.items():
            with open(name, "wb") as file:
                file.writelines(content)
        files = ["large.log", "empty", "one", "newlines", "a:b", "at", "over", "under"]
        sanitized = "sanitize" in subprocess.run(["nm", "-C", options.program], capture_output=True, text=True).stdout
        for pattern, count, names in [
            ("error", None, files), ("^0000[0-9]{3}7 .*(timeout|503)", None, files), ("user=(anna|bob) 404$", None, files),
            ("no such text", None, files), ("^$", None, files), ("(GET|POST).*[0-9]{3}", 3, files), ("error", 1, files),
            ("error", 0, files), (".", 100_000, ["large.log"]), ("error", None, ["one", "missing", "a:b"]),
            ("error", None, ["."]), ("\\berror\\b.*\\buser", 10, files), ("", 5, files),
        ]:
            ours = [options.program, pattern, *names] + ([] if count is None else ["--max-count", str(count)])
            theirs = ["grep", "-nHaE"] + ([] if count is None else ["-m", str(count)]) + ["--", pattern, *names]
            status, megabytes = run(ours, "ours", environment)
            expected_status, _ = run(theirs, "theirs", environment)
            if status != expected_status:
                said = open("ours.said", errors="replace").read()
                sys.exit(f"{ours}: exit status {status} instead of {expected_status}: {said}")
            if not filecmp.cmp("ours", "theirs", shallow=False):
                sys.exit(f"{ours}: " + subprocess.run(["cmp", "ours", "theirs"], capture_output=True, text=True).stdout)
            if megabytes > MOST_MEGABYTES and not sanitized:
                sys.exit(f"{ours}: a process had {megabytes:.0f} MB resident, more than {MOST_MEGABYTES}")
        for words in [["--", "--error", "one"], ["--", "-h", "one"], ["cpu", "/proc/cpuinfo"], ["--", "error", "one", "a:b"]]:
            status, _ = run([options.program, *words], "ours", environment)
            expected_status, _ = run(["grep", "-nHaE", *words], "theirs", environment)
            if status != expected_status or not filecmp.cmp("ours", "theirs", shallow=False):
                sys.exit(f"{words}: exit status {status} instead of {expected_status}, or another output")
        for words, expected in [(["--help"], 0), ([], 2), (["error"], 2), (["(", "one"], 2), (["--nonsense", "error", "one"], 2),
                                (["error", "one", "--workers", "0"], 2), (["error", "one", "--workers", "257"], 2),
                                (["error", "one", "--max-count"], 2)]:
            status, _ = run([options.program, *words], "ours", environment)
            says = "ours" if expected == 0 else "ours.said"
            if status != expected or not open(says).read() or (expected != 0 and os.path.getsize("ours") != 0):
                sys.exit(f"{words}: exit status {status} instead of {expected}, or it does not say why")
        unread = subprocess.Popen([options.program, ".", "large.log"], stdout=subprocess.PIPE, env=environment)
        unread.stdout.read(1)
        unread.terminate()
        if unread.wait(timeout=60) != 143:
            sys.exit(f"told to end while nobody reads what it prints: exit status {unread.returncode}")
            print(f"{pattern!r}: {os.path.getsize('ours')} bytes, exit status {status}, {megabytes:.0f} MB at most")


main()
