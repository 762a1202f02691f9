"""The real binary, one process per node, on ports of its own.

SOCKHOOK_BINARY names the binary (default: build/sockhook of this checkout). Each node is checked
when it stops: status 0 after SIGTERM, no sanitizer report, no unexpected `error` line in the log.
"""

import json
import os
import re
import signal
import subprocess
import time
from functools import reduce
from pathlib import Path

from .client import RawClient
from .config import merge, to_yaml
from .http1 import HttpConnection, http
from .ports import free_port
from .waiting import PATIENCE, eventually

ROOT = Path(__file__).resolve().parents[3]
BINARY = Path(os.environ.get("SOCKHOOK_BINARY", ROOT / "build" / "sockhook")).resolve()
SANITIZER = re.compile(
    r"(Address|Leak|Thread|Memory)Sanitizer|runtime error:|Assertion .* failed|terminate called"
)
SLOWED = (
    "asan" in BINARY.parent.name or "tsan" in BINARY.parent.name
)  # a sanitizer build: memory is not judged

ROUTES = {"$connect": "/connect", "$disconnect": "/disconnect", "$default": "/message"}
PASSTHROUGH = {"passthrough": {"backend": "app"}}


def endpoint(name="chat", path="/chat", backend="app", routes=ROUTES, **settings):
    """An endpoint whose lifecycle and $default routes all reach the backend."""
    return {"name": name, "path": path, "backend": backend, "routes": dict(routes), **settings}


def run_binary(*arguments, env=None, timeout=20):
    """Runs a command of the binary to its end."""
    return subprocess.run(
        [str(BINARY), *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=timeout,
        env={**os.environ, **(env or {})},
    )


def address_of(text):
    """A listener's address as a socket wants it."""
    if text.startswith("unix:"):
        return text[5:]
    host, port = text.rsplit(":", 1)
    return ("127.0.0.1" if host in ("0.0.0.0", "[::]") else host, int(port))


class Sockhook:
    """One running node. Its config is `layers`, each merged over those before and `defaults()`."""

    def __init__(
        self,
        directory,
        *layers,
        env=None,
        wait=True,
        arguments=None,
        file_limit=None,
        cpus=None,
        mounts=None,
    ):
        self.directory = Path(directory)
        self.number = len(list(self.directory.glob("sockhook-*.yaml"))) + 1
        self.config = reduce(merge, layers, self.defaults())
        listen = self.config["listen"]
        self.public = address_of(listen["public"]["address"])
        self.management = address_of(listen["management"]["address"])
        self.admin = address_of(listen["admin"]["address"])
        self.config_file = self.directory / f"sockhook-{self.number}.yaml"
        self.config_file.write_text(to_yaml(self.config), encoding="utf-8")
        self.expected_errors = None  # a pattern of `error` lines that the test provokes
        self.clients = []
        self.signalled = False
        self._checked = False
        arguments = arguments or ["run", "--config", str(self.config_file)]
        self._start(arguments, env, file_limit, cpus, mounts)
        if wait:
            try:
                self.wait_ready()
            except BaseException:
                self.kill()
                raise

    def defaults(self):
        return {
            "node": {"id": f"node-{self.number}", "workers": 2},
            "listen": {
                name: {"address": f"127.0.0.1:{free_port()}"}
                for name in ("public", "management", "admin")
            },
            "drain": {"delay": "0s", "period": "100ms"},
            "log": {"level": "debug", "format": "json"},
        }

    def _start(self, arguments, env, file_limit, cpus, mounts):
        self.log_file = self.directory / f"sockhook-{self.number}.log"
        self.error_file = self.directory / f"sockhook-{self.number}.err"
        command = [str(BINARY), *arguments]
        if cpus:
            command = ["taskset", "--cpu-list", ",".join(map(str, cpus)), *command]
        if file_limit:
            command = ["prlimit", f"--nofile={file_limit}:{file_limit}", *command]
        if mounts:  # {directory: where the node sees it}
            binds = [f"mount --bind '{source}' '{target}'" for source, target in mounts.items()]
            script = " && ".join([*binds, 'exec "$@"'])
            command = ["unshare", "--mount", "sh", "-c", script, "sh", *command]
        with open(self.log_file, "wb") as out, open(self.error_file, "wb") as err:
            self.process = subprocess.Popen(
                command,
                stdout=out,
                stderr=err,
                stdin=subprocess.DEVNULL,
                env={**os.environ, **(env or {})},
            )

    def wait_ready(self):
        def ready():
            assert (
                self.process.poll() is None
            ), f"exited with {self.process.returncode}: {self.errors()}{self.log_text()}"
            try:
                return http(self.admin, "GET", "/readyz", timeout=2).status == 200
            except (OSError, AssertionError):
                return False

        eventually(ready, 10, "the node is ready")

    # Talking to it

    def connect(self, target="/chat", **how):
        """An open WebSocket; it stays open until the test closes it or ends."""
        self.clients.append(RawClient.begin(self.public, target, **how))
        return self.clients[-1].finish()

    def begin(self, target="/chat", **how):
        """A WebSocket whose handshake has been sent, and not yet answered."""
        self.clients.append(RawClient.begin(self.public, target, **how))
        return self.clients[-1]

    def refused(self, target="/chat", **how):
        """The response to a handshake that must be refused."""
        return RawClient.refused(self.public, target, **how)

    def get(self, target, **how):
        """A plain request to the public listener."""
        return http(self.public, "GET", target, **how)

    def manage(self, method, target, body=None, headers=(), timeout=PATIENCE):
        """A call of the management API."""
        return http(self.management, method, target, body, headers, timeout)

    def push(self, connection, body, content_type="text/plain", query="", headers=()):
        """POST /v1/connections/{id}/messages."""
        return self.manage(
            "POST",
            f"/v1/connections/{connection}/messages{query}",
            body,
            [("Content-Type", content_type), *dict(headers).items()],
        )

    def management_connection(self):
        return HttpConnection.to(self.management)

    def ask_admin(self, target, method="GET", headers=()):
        return http(self.admin, method, target, headers=headers)

    # Looking at it

    def metrics(self):
        """The samples of /metrics: {(name, frozenset of label pairs): value}."""
        samples = {}
        for line in self.ask_admin("/metrics").text.splitlines():
            if line and not line.startswith("#"):
                name, labels, value = re.fullmatch(
                    r"([a-zA-Z0-9_:]+)(?:\{(.*)\})? (\S+)", line
                ).groups()
                found = re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', labels or "")
                samples[name, frozenset(found)] = float(value)
        return samples

    def metric(self, name, **labels):
        """The sum of a metric's samples that carry these labels."""
        wanted = set(labels.items())
        return sum(
            value for (n, have), value in self.metrics().items() if n == name and wanted <= have
        )

    def log_text(self):
        return self.log_file.read_text(errors="replace")

    def log(self, **which):
        """The JSON log lines whose fields have these values."""
        lines = [json.loads(line) for line in self.log_text().splitlines() if line.startswith("{")]
        return [
            line for line in lines if all(line.get(key) == value for key, value in which.items())
        ]

    def errors(self):
        return self.error_file.read_text(errors="replace")

    @property
    def pid(self):
        return self.process.pid

    def rss(self):
        """Resident bytes."""
        return int(Path(f"/proc/{self.pid}/statm").read_text().split()[1]) * os.sysconf(
            "SC_PAGE_SIZE"
        )

    def open_files(self):
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    # Ending it

    def signal(self, number=signal.SIGTERM):
        self.signalled = True
        self.process.send_signal(number)

    def wait_exit(self, within=PATIENCE):
        """The exit status."""
        try:
            return self.process.wait(within)
        except subprocess.TimeoutExpired:
            raise AssertionError(
                f"has not exited within {within} s: {self.log_text()[-2000:]}"
            ) from None

    def terminate(self, within=15):
        """SIGTERM, and the exit status."""
        self.signal()
        return self.wait_exit(within)

    def kill(self):
        """kill -9: the machine died."""
        self.process.kill()
        self.process.wait()
        self.forgive()

    def freeze(self):
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self):
        self.process.send_signal(signal.SIGCONT)

    def forgive(self):
        """Takes it as it ended: the test itself has judged that."""
        self._checked = True

    def stop_and_check(self):
        """What every test's end asserts."""
        if self._checked:
            return
        self._checked = True
        for client in self.clients:
            client.close()
        started = time.monotonic()
        if self.process.poll() is None and not self.signalled:
            self.signal()
        try:
            status = self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError(
                f"SIGTERM did not end it in {time.monotonic() - started:.0f} s:"
                f"\n{self.log_text()[-2000:]}"
            ) from None
        errors = self.errors()
        assert not SANITIZER.search(errors), errors
        assert status == 0, f"exit status {status}\n{errors}\n{self.log_text()[-2000:]}"
        surprises = [
            line
            for line in self.log()
            if line.get("level") in ("error", "critical")
            and not (self.expected_errors and re.search(self.expected_errors, json.dumps(line)))
        ]
        assert not surprises, surprises
