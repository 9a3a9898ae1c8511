"""The container images, and the services of deploy/compose.yaml on a network of their own.

usage: containers_test.py TRACTOR_ARBITER SHOP       (programs of this build; ends with 77 where there is no podman)
"""
import os
import subprocess
import sys
import unittest

import scene
from scene import eventually, podman


class Image(unittest.TestCase):
    def test_the_arbiter_is_not_root_and_explains_itself(self):
        uid = podman("run", "--rm", "--entrypoint", "id", images.arbiter, "-u").strip()
        self.assertNotEqual(uid, "0")
        self.assertIn("--listen", podman("run", "--rm", images.arbiter, "--help"))

    def test_the_arbiter_on_its_own_asks_for_a_credential(self):
        with self.assertRaisesRegex(AssertionError, "exit status 2(.|\n)*TRACTOR_CREDENTIAL_FILE"):
            podman("run", "--rm", images.arbiter)

    def test_the_arbiter_adds_at_most_60_mb_to_its_base(self):
        def size(image):
            return int(podman("image", "inspect", "--format", "{{.Size}}", image))
        if not images.static:
            self.skipTest("these programs are linked dynamically; those of the release preset are in the image")
        self.assertLessEqual(size(images.arbiter) - size(scene.BASE), 60 * 10**6)

    def test_the_arbiter_is_healthy_until_sigterm_ends_it_with_status_0(self):
        name = f"{scene.NAME}-alone"
        podman("run", "-d", "--name", name, images.arbiter, "--insecure", "--listen", "0.0.0.0:1616")
        self.addCleanup(podman, "rm", "-f", name, check=False)
        self.assertTrue(eventually(lambda: "listening on 0.0.0.0:1616" in podman("logs", name)), podman("logs", name))
        # What its HEALTHCHECK asks; that of systemd is not for every machine.
        podman("healthcheck", "run", name)
        podman("stop", "-t", "20", name)
        self.assertEqual(podman("inspect", "--format", "{{.State.ExitCode}}", name).strip(), "0")


class Compose(unittest.TestCase):
    """All with the same containers, which each test leaves as it found them."""

    @classmethod
    def setUpClass(cls):
        cls.scene = scene.Scene()
        cls.addClassCleanup(cls.scene.down)
        cls.scene.up()

    def logs(self):
        return "\n".join(f"{service}: {self.scene.logs(service)}" for service in ("arbiter", "stock", "prices", "customer"))

    def test_services_find_each_other_by_name_and_a_customer_gets_its_bill(self):
        self.assertTrue(self.scene.buys(), self.logs())
        self.assertIn("bill 1: 1 apple at 20 cents", self.another_customer())

    def test_a_service_that_is_cut_off_is_missed_and_back_when_it_is_back(self):
        self.assertTrue(self.scene.buys(), self.logs())
        podman("network", "disconnect", self.scene.network, self.scene.container("stock"))
        self.assertTrue(self.scene.sees("none"), self.logs())
        podman("network", "connect", "--alias", "stock", self.scene.network, self.scene.container("stock"))
        self.assertTrue(self.scene.buys(), self.logs())

    def test_the_arbiter_is_replaced_while_calls_go_on(self):
        self.assertTrue(self.scene.buys(), self.logs())
        before = len(self.scene.bills())
        podman("rm", "-f", "-t", "1", self.scene.container("arbiter"))
        self.assertTrue(self.scene.buys(), self.logs())
        self.scene.up("arbiter")
        self.assertTrue(self.scene.buys(), self.logs())
        self.assertEqual(set(self.scene.bills()[before:]), {"1 apple at 20 cents"})
        # Who comes now finds them through the new one.
        self.assertTrue(eventually(lambda: self.registered() >= {"stock", "prices", "customer"}), self.logs())
        self.assertIn("bill 1: 1 apple at 20 cents", self.another_customer())

    def another_customer(self):
        return podman("run", "--rm", "--network", self.scene.network, "-v", f"{scene.NAME}_credential:/var/lib/tractor",
                      "-e", "TRACTOR_CREDENTIAL_FILE=/var/lib/tractor/token", "-e", "TRACTOR_ARBITER=arbiter:1616",
                      images.shop, "customer", "--count", "1")

    def registered(self):
        return {line.split("registered ")[1].split()[0] for line in self.scene.logs("arbiter").splitlines()
                if " registered " in line}


if __name__ == "__main__":
    reason = scene.why_not()
    if reason:
        print(f"containers are NOT tested: {reason}", file=sys.stderr)
        sys.exit(1 if os.environ.get("TRACTOR_TEST_CONTAINERS") == "required" else 77)
    images = scene.Images(sys.argv[1:3])
    try:
        tests = unittest.main(argv=sys.argv[:1] + sys.argv[3:], verbosity=2, exit=False)
    finally:
        images.remove()
    sys.exit(0 if tests.result.wasSuccessful() else 1)
