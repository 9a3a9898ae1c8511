"""Images and containers for the tests: built from this build's programs, played by deploy/compose.yaml.

Everything has names of this test's own and goes when it ends; other containers of the machine are left alone.
"""
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import time

TOP = pathlib.Path(__file__).resolve().parents[2]
COMPOSE_FILE = TOP / "deploy" / "compose.yaml"
BASE = "docker.io/library/debian:bookworm-slim"
NAME = f"tractor-test-{os.getpid()}"
# Podman has systemd run health checks; where there is none, it cannot start a container that has one.
ENVIRONMENT = dict(os.environ, TAG=NAME, DISABLE_HC_SYSTEMD="true")


def run(*command, timeout=120, check=True, **environment):
    """Runs it to its end and returns what it printed, errors included."""
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=timeout,
                          env=dict(ENVIRONMENT, **environment), stdin=subprocess.DEVNULL)
    if check and done.returncode != 0:
        raise AssertionError(f"{' '.join(command)}: exit status {done.returncode}\n{done.stdout}")
    return done.stdout


def podman(*arguments, **options):
    return run("podman", *arguments, **options)


def eventually(predicate, timeout=60):
    """Asks until it is true or the time is over; returns the last answer."""
    end = time.monotonic() + timeout
    while True:
        answer = predicate()
        if answer or time.monotonic() > end:
            return answer
        time.sleep(0.1)


def why_not():
    """Why containers cannot be tested on this machine; empty when they can."""
    for tool in ("podman", "podman-compose"):
        if shutil.which(tool) is None:
            return f"there is no {tool} here: deploy/install-deps.sh --containers installs it"
    if os.geteuid() != 0:
        return "networks between containers are made by root here"
    try:
        podman("run", "--rm", BASE, "true")
    except (AssertionError, subprocess.TimeoutExpired) as e:
        return f"podman cannot run {BASE}: deploy/install-deps.sh --containers prepares it\n{e}"
    return ""


def shared_libraries(program):
    """The files of the shared libraries it needs."""
    return re.findall(r"=> (/\S+)", run("ldd", program))


class Images:
    """The images of deploy/Dockerfile, with programs of this build instead of those that it would compile."""

    def __init__(self, programs):
        libraries = {library for program in programs for library in shared_libraries(program)}
        self.static = not any("libgrpc" in library for library in libraries)
        self.arbiter = f"localhost/tractor-arbiter:{NAME}"
        self.shop = f"localhost/tractor-shop:{NAME}"
        with tempfile.TemporaryDirectory() as directory:
            staged = pathlib.Path(directory)
            (staged / "bin").mkdir()
            (staged / "lib").mkdir()
            for program in programs:
                run("strip", "-o", str(staged / "bin" / pathlib.Path(program).name), program)
            for library in libraries:
                if not re.match(r"lib(c|m|stdc\+\+|gcc_s)\.so", pathlib.Path(library).name):
                    shutil.copy(library, staged / "lib")
            for target, image in (("arbiter", self.arbiter), ("application", self.shop)):
                podman("build", "-f", str(TOP / "deploy" / "Dockerfile"), "--format", "docker", "--target", target,
                       "-t", image, "--build-context", f"programs={staged}", str(TOP), timeout=300)

    def remove(self):
        podman("rmi", "-f", self.arbiter, self.shop, check=False)


class Scene:
    """The services of deploy/compose.yaml, from up() to down(); a customer buys all the time."""

    network = f"{NAME}_default"

    def up(self, *services):
        self.compose("up", "-d", *services, BILLS="100000")

    def compose(self, *arguments, **environment):
        return run("podman-compose", "-p", NAME, "-f", str(COMPOSE_FILE), *arguments, timeout=300, **environment)

    @staticmethod
    def container(service):
        return f"{NAME}_{service}_1"

    def logs(self, service):
        try:
            return podman("logs", self.container(service), check=False, timeout=20)
        except subprocess.TimeoutExpired:  # podman waits for the disk, as for all it knows; it is asked again
            return ""

    def bills(self):
        """What the customer printed, a line for each time it bought: the bill, or why there is none."""
        return re.findall(r"^bill \d+: (.*)$", self.logs("customer"), re.MULTILINE)

    # It may take long: a name server of podman (aardvark) that learns of new containers now and then leaves one without
    # an answer for a minute.
    def buys(self, more=2, timeout=150):
        """Whether it gets so many more bills."""
        return self.sees("1 apple at", more, timeout)

    def sees(self, start, more=1, timeout=150):
        before = len(self.bills())
        return eventually(lambda: sum(b.startswith(start) for b in self.bills()[before:]) >= more, timeout)

    def down(self):
        self.compose("down", "-t", "5", check=False)
        podman("volume", "rm", "-f", f"{NAME}_credential", check=False)
        podman("network", "rm", "-f", self.network, check=False)
