"""The example applications as a user runs them: each in its own process, behind the real binary."""

import os
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "e2e"))

from support.sockhook import Sockhook, free_port  # noqa: E402
from support.waiting import eventually  # noqa: E402


class Example:
    """One example's backend and its node, on ports of their own. The backend can be killed and started again."""

    def __init__(self, folder, command, directory):
        self.folder = ROOT / "examples" / folder
        self.command = command
        self.directory = directory
        self.port = free_port()
        self.backend = None
        config = yaml.safe_load((self.folder / "sockhook.yaml").read_text())
        del config["listen"]  # the node's defaults are free ports
        for backend in config["backends"].values():
            backend["url"] = f"http://127.0.0.1:{self.port}"
        self.node = Sockhook(directory, config)
        self.start_backend()

    def start_backend(self):
        management = "http://%s:%d" % self.node.management
        command = [part.format(port=self.port, management=management) for part in self.command]
        environment = {**os.environ, "PORT": str(self.port), "SOCKHOOK": management,
                       "MANAGEMENT_URL": management + "/prod", "TABLE_FILE": str(self.directory / "table.db")}
        with open(self.directory / "backend.log", "ab") as log:
            self.backend = subprocess.Popen(command, cwd=self.folder, env=environment, stdout=log, stderr=log)
        eventually(self.listens, 20, "the backend listens")

    def listens(self):
        assert self.backend.poll() is None, (self.directory / "backend.log").read_text()
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{self.port}/", timeout=2).close()
        except urllib.error.HTTPError:
            pass  # it answers: that is enough
        except OSError:
            return False
        return True

    def kill_backend(self):
        self.backend.kill()
        self.backend.wait()

    def stop(self):
        try:
            self.node.stop_and_check()
        finally:
            self.node.process.kill()
            self.kill_backend()


@pytest.fixture(scope="session")
def go_chat(tmp_path_factory):
    """The Go backend, compiled once."""
    binary = tmp_path_factory.mktemp("go") / "chat"
    subprocess.run(["go", "build", "-o", str(binary), "."], cwd=ROOT / "examples" / "chat-go", check=True,
                   env={**os.environ, "GOFLAGS": "-mod=mod", "GOTOOLCHAIN": "local"})
    return binary


@pytest.fixture
def run_example(tmp_path):
    """Starts an example: run_example("chat-python", "python3", "app.py")."""
    running = []

    def run(folder, *command):
        running.append(Example(folder, command, tmp_path))
        return running[-1]

    yield run
    for example in running:
        example.stop()
