"""Fixtures of all tests with several nodes; a conftest.py imports them beside its own `start`."""

import pytest

from .audit import KeyWatch, check_keys_after_end
from .cluster import Cluster
from .crowd import Crowd, welcome
from .redis_server import RedisServer


@pytest.fixture
def redis(tmp_path):
    """A Redis server of the test's own."""
    server = RedisServer(tmp_path)
    yield server
    server.kill()


@pytest.fixture
def cluster(redis, start, backend):
    """Starts nodes over `redis`; at the end, no key may be left that would stay for ever."""
    backend.on("/connect", welcome)
    nodes = Cluster(start, redis)
    keys = KeyWatch(redis)
    yield nodes
    nodes.stop()
    keys.check()
    check_keys_after_end(redis)


@pytest.fixture
def crowd():
    """Many clients: crowd.join(node, groups, user)."""
    clients = Crowd()
    yield clients
    clients.stop()
