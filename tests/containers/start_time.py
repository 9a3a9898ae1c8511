"""How long a container of the arbiter takes until it serves, beside one that does nothing.

usage: start_time.py TRACTOR_ARBITER SHOP [--rounds N]      (programs of the release build; ends with 1 above the limit)
"""
import argparse
import statistics
import subprocess
import sys
import time

import scene

LIMIT_S = 1.0


def seconds_until_it_ends():
    start = time.monotonic()
    scene.podman("run", "--rm", scene.BASE, "true")
    return time.monotonic() - start


def seconds_until_it_serves(image):
    start = time.monotonic()
    container = subprocess.Popen(["podman", "run", "--rm", image, "--insecure", "--listen", "0.0.0.0:1616"],
                                 stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=scene.ENVIRONMENT)
    try:
        lines = []
        for line in container.stdout:
            lines.append(line)
            if line.startswith("listening on"):
                return time.monotonic() - start
        raise AssertionError("it does not serve:\n" + "".join(lines))
    finally:
        container.terminate()
        container.communicate(timeout=30)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("programs", nargs=2, metavar="PROGRAM")
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    why_not = scene.why_not()
    if why_not:
        sys.exit(why_not)
    images = scene.Images(options.programs)
    try:
        nothing, serving = [], []
        for _ in range(options.rounds):
            nothing.append(seconds_until_it_ends())
            serving.append(seconds_until_it_serves(images.arbiter))
    finally:
        images.remove()
    serves = statistics.median(serving)
    print(f"container_start_s {serves:.2f} (`podman run` of `true` until it has ended: {statistics.median(nothing):.2f}; "
          f"at most {LIMIT_S:.1f})")
    return serves > LIMIT_S


if __name__ == "__main__":
    sys.exit(main())
