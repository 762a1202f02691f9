"""Real Redis and Valkey servers for the tests: on ports of their own, in temporary directories,
without persistence unless a test wants it. Never one that runs on the machine already."""

import shutil
import signal
import ssl
import subprocess
from pathlib import Path

from .ports import free_port
from .redis_client import RedisClient, RedisError
from .waiting import eventually
from .wire import Ended

USUAL = {
    "bind": "127.0.0.1",
    "save": '""',
    "appendonly": "no",
    "daemonize": "no",
    "repl-diskless-sync-delay": 0,
    "repl-timeout": 5,
    "repl-ping-replica-period": 1,
}


class RedisServer:
    """One server process, which keeps its port and directory over stop() and start().

    Keywords are lines of redis.conf, `_` for `-`; a list is several lines."""

    program = "redis-server"

    def __init__(
        self, directory, program=None, tls=None, password=None, database=0, acl=None, **settings
    ):
        """`password`: everybody's. `acl`: (user, password, rules) of the user that nodes are; the
        test itself may do everything."""
        self.program = program or self.program
        self.port = free_port()
        self.directory = Path(directory) / f"{self.program}-{self.port}"
        self.directory.mkdir(parents=True)
        self.tls = tls
        self.password, self.database, self.acl = password, database, acl
        self.settings = {**USUAL, **self.listening(), "dir": self.directory}
        self.settings.update({name.replace("_", "-"): value for name, value in settings.items()})
        if password:
            self.settings.update({"requirepass": password, "masterauth": password})
        if acl:
            self.settings["user"] = f"{acl[0]} {acl[2]}"
        self.process = None
        self.start()

    def listening(self):
        if not self.tls:
            return {"port": self.port}
        return {
            "port": 0,
            "tls-port": self.port,
            "tls-ca-cert-file": self.tls.ca,
            "tls-cert-file": self.tls.certificate,
            "tls-key-file": self.tls.key,
            "tls-auth-clients": "no",
        }

    # Where it is

    @property
    def address(self):
        return ("127.0.0.1", self.port)

    def url_at(self, port):
        """Its URL, as if it listened at this port (a relay's)."""
        user, password = self.acl[:2] if self.acl else ("", self.password)
        secret = f"{user}:{password}@" if password else ""
        database = f"/{self.database}" if self.database else ""
        return f"{'rediss' if self.tls else 'redis'}://{secret}127.0.0.1:{port}{database}"

    @property
    def url(self):
        return self.url_at(self.port)

    def backplane(self, port=None, **more):
        """backplane.redis of a node's config; `port`: of a relay to this server."""
        tls = {"tls": {"ca": str(self.tls.ca)}} if self.tls else {}
        return {"url": self.url_at(port or self.port), **tls, **more}

    # Its life

    def start(self, wait=True):
        conf = self.directory / "redis.conf"
        if not conf.exists():  # Sentinel and CONFIG REWRITE write to it
            conf.write_text("".join(self.lines()))
        with open(self.directory / "log", "ab") as log:
            self.process = subprocess.Popen(
                [self.program, str(conf), *self.arguments()],
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
            )
        if wait:
            self.wait_ready()

    def lines(self):
        for name, values in self.settings.items():
            for value in values if isinstance(values, (list, tuple)) else [values]:
                yield f"{name} {value}\n"

    def arguments(self):
        return []

    def wait_ready(self, within=10):
        eventually(self.answers, within, f"{self.program} answers; {self.log()[-2000:]}")

    def answers(self):
        assert self.process.poll() is None, self.log()
        try:
            return self.run("PING") == b"PONG"
        except (OSError, RedisError, Ended):
            return False

    def client(self, timeout=5):
        client = RedisClient.to(self.address, timeout)
        if self.tls:
            context = ssl.create_default_context(cafile=self.tls.ca)
            client.sock = context.wrap_socket(client.sock, server_hostname="127.0.0.1")
        if self.password:
            client("AUTH", self.password)
        if self.database:
            client("SELECT", self.database)
        return client

    def run(self, *command, timeout=5):
        """One command on a connection of its own."""
        with self.client(timeout) as client:
            return client(*command)

    def stop(self):
        """Shuts down as an operator would; saves if it persists."""
        self.end(signal.SIGTERM)

    def kill(self):
        self.end(signal.SIGKILL)

    def end(self, how):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.send_signal(how)
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def freeze(self):
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self):
        self.process.send_signal(signal.SIGCONT)

    def log(self):
        return (self.directory / "log").read_text(errors="replace")

    # Looking at it

    def databases(self):
        """A client for each server that holds keys."""
        return [self.client()]

    def keys(self, pattern="*"):
        return [key for client in self.databases() for key in client.scan(pattern)]

    def ttls(self, pattern="*"):
        """{key: milliseconds left}, -1 for a key that stays for ever."""
        found = {}
        for client in self.databases():
            with client:
                for key in client.scan(pattern):
                    left = client("PTTL", key)
                    if left != -2:  # it has gone meanwhile
                        found[key.decode()] = left
        return found

    def flush(self):
        """All data gone at once, scripts too, as after a restart without persistence."""
        for client in self.databases():
            with client:
                client("FLUSHALL")
                client("SCRIPT", "FLUSH")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill()


class Certificates:
    """A certificate authority, and a certificate for 127.0.0.1 by it."""

    def __init__(self, directory):
        directory = Path(directory) / "certificates"
        directory.mkdir()
        self.ca, self.certificate = directory / "ca.pem", directory / "server.pem"
        self.key, ca_key = directory / "server.key", directory / "ca.key"
        request, extensions = directory / "server.csr", directory / "extensions"
        extensions.write_text("subjectAltName=IP:127.0.0.1,DNS:localhost\n")
        new = ["req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
        openssl(*new, "-x509", "-days", 2, "-subj", "/CN=test", "-keyout", ca_key, "-out", self.ca)
        openssl(*new, "-subj", "/CN=127.0.0.1", "-keyout", self.key, "-out", request)
        signed_by = ["-CA", self.ca, "-CAkey", ca_key, "-CAcreateserial", "-days", 2]
        openssl(
            *["x509", "-req", "-in", request, *signed_by],
            *["-extfile", extensions, "-out", self.certificate],
        )


def openssl(*arguments):
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)


def is_installed(program):
    return shutil.which(program) is not None
