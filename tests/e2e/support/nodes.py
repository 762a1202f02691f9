"""Starts nodes before the fake backends of a test, and checks them when it ends."""

from .sockhook import BINARY, Sockhook, endpoint


class Nodes:
    """Starts nodes, and checks and stops them at the test's end."""

    def __init__(self, directory, backends):
        assert BINARY.exists(), f"{BINARY} is missing: build it, or name it in SOCKHOOK_BINARY"
        self.directory = directory
        self.backends = backends
        self.running = []

    def __call__(
        self,
        config=None,
        *,
        app=None,
        limits=None,
        listen=None,
        env=None,
        wait=True,
        file_limit=None,
        cpus=None,
        mounts=None,
        **of_endpoint,
    ):
        """A node before the fake backend. Keywords: settings of its one endpoint, `app` of its
        backend, `listen` of its public listener; `config` is merged over all of it."""
        layers = [
            {"backends": {"app": {"url": self.backends[0].url}}},
            {"endpoints": [endpoint(**of_endpoint, **({"limits": limits} if limits else {}))]},
            {"backends": {"app": app or {}}},
            {"listen": {"public": listen or {}}},
            config or {},
        ]
        node = Sockhook(
            self.directory,
            *layers,
            env=env,
            wait=wait,
            file_limit=file_limit,
            cpus=cpus,
            mounts=mounts,
        )
        self.running.append(node)
        return node

    def stop(self):
        for backend in self.backends:
            backend.relent()
        try:
            for node in self.running:
                node.stop_and_check()
        finally:
            for node in self.running:
                if node.process.poll() is None:
                    node.kill()
