"""Sentinel: a master, its replicas, and the sentinels that watch them."""

from .ports import free_port
from .redis_client import RedisError
from .redis_server import RedisServer
from .waiting import eventually

MASTER = "main"
QUICK = {  # milliseconds of what a sentinel does every two or ten seconds, so that a test is short
    "info-period": 200,
    "ask-period": 200,
    "publish-period": 200,
    "tilt-period": 1000,
}


class Sentinel(RedisServer):
    program = "redis-sentinel"

    def __init__(self, directory, master, down_after_ms=1000, secret=None):
        self.watches = [
            f"monitor {MASTER} 127.0.0.1 {master.port} 2",
            f"down-after-milliseconds {MASTER} {down_after_ms}",
            f"failover-timeout {MASTER} 3000",
            f"parallel-syncs {MASTER} 2",
            *([f"auth-pass {MASTER} {secret}"] if secret else []),
        ]
        super().__init__(directory)

    def lines(self):
        settings = {
            "port": self.port,
            "bind": "127.0.0.1",
            "dir": self.directory,
            "sentinel": self.watches,
        }
        for name, values in settings.items():
            for value in values if isinstance(values, list) else [values]:
                yield f"{name} {value}\n"

    def wait_ready(self, within=10):
        super().wait_ready(within)
        for name, period in QUICK.items():
            try:
                self.run("SENTINEL", "DEBUG", name, period)
            except RedisError:  # an older one, which is merely slower
                break

    def master_port(self):
        return int(self.run("SENTINEL", "GET-MASTER-ADDR-BY-NAME", MASTER)[1])

    def knows(self, replicas, sentinels):
        reply = self.run("SENTINEL", "MASTER", MASTER)
        master = dict(zip(reply[::2], reply[1::2]))
        return (
            int(master[b"num-slaves"]) == replicas
            and int(master[b"num-other-sentinels"]) == sentinels - 1
        )


class SentinelSet:
    """One master, two replicas, three sentinels; after a failover `master` is the new one."""

    def __init__(self, directory, replicas=2, sentinels=3, password=None, **settings):
        self.servers = []
        self.sentinels = []
        try:
            for _ in range(1 + replicas):
                first = self.servers[0].port if self.servers else None
                follow = {"replicaof": f"127.0.0.1 {first}"} if first else {}
                self.servers.append(
                    RedisServer(directory, password=password, **follow, **settings)
                )
            for _ in range(sentinels):
                self.sentinels.append(Sentinel(directory, self.servers[0], secret=password))
            eventually(
                lambda: all(map(is_synced, self.servers[1:])), 20, "the replicas are in sync"
            )
            eventually(
                lambda: all(s.knows(replicas, sentinels) for s in self.sentinels),
                20,
                "the sentinels know one another and the replicas",
            )
        except BaseException:
            self.stop()
            raise

    @property
    def master(self):
        port = self.sentinels[0].master_port()
        return next(server for server in self.servers if server.port == port)

    def backplane(self, **more):
        nodes = [f"127.0.0.1:{sentinel.port}" for sentinel in self.sentinels]
        secret = f":{self.servers[0].password}@" if self.servers[0].password else ""
        # The port of the URL is nobody's: the master is asked for.
        return {
            "url": f"redis://{secret}127.0.0.1:{free_port()}",
            "sentinel": {"master": MASTER, "nodes": nodes},
            **more,
        }

    def new_master(self, old):
        """Waits until the sentinels have agreed upon another master, and it is one; returns it."""

        def promoted():
            ports = {sentinel.master_port() for sentinel in self.sentinels}
            return (
                len(ports) == 1
                and old.port not in ports
                and self.master.run("ROLE")[0] == b"master"
            )

        eventually(promoted, 30, "a new master is elected")
        return self.master

    def databases(self):
        return self.master.databases()

    def ttls(self, pattern="*"):
        return self.master.ttls(pattern)

    def keys(self, pattern="*"):
        return self.master.keys(pattern)

    def stop(self):
        for process in [*self.sentinels, *self.servers]:
            process.kill()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


def is_synced(replica):
    return b"master_link_status:up" in replica.run("INFO", "replication")
