"""Redis Cluster: masters that share the slots."""

from .ports import free_port
from .redis_server import RedisServer
from .waiting import eventually

SLOTS = 16384


class RedisCluster:
    """Three masters without replicas."""

    def __init__(self, directory, masters=3, program=None, **settings):
        self.servers = []
        try:
            for _ in range(masters):
                self.servers.append(self.member(directory, program, settings))
            for number, server in enumerate(self.servers):
                first, end = (SLOTS * n // masters for n in (number, number + 1))
                server.run("CLUSTER", "ADDSLOTSRANGE", first, end - 1)
                server.run("CLUSTER", "SET-CONFIG-EPOCH", number + 1)
            for server in self.servers[1:]:
                other = self.servers[0]
                server.run(
                    "CLUSTER", "MEET", "127.0.0.1", other.port, other.settings["cluster-port"]
                )
            eventually(lambda: all(map(is_whole, self.servers)), 20, "the cluster is whole")
        except BaseException:
            self.stop()
            raise

    def member(self, directory, program, settings):
        return RedisServer(
            directory,
            program,
            cluster_enabled="yes",
            cluster_port=free_port(),
            cluster_node_timeout=2000,
            cluster_require_full_coverage="no",
            **settings,
        )

    def backplane(self, **more):
        return {"url": self.servers[0].url, "cluster": True, **more}

    def databases(self):
        return [server.client() for server in self.servers]

    def keys(self, pattern="*"):
        return [key for server in self.servers for key in server.keys(pattern)]

    def ttls(self, pattern="*"):
        return {key: left for s in self.servers for key, left in s.ttls(pattern).items()}

    def stop(self):
        for server in self.servers:
            server.kill()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


def is_whole(server):
    info = server.run("CLUSTER", "INFO")
    known = server.run("CLUSTER", "SLOTS")
    return b"cluster_state:ok" in info and len(known) == 3
