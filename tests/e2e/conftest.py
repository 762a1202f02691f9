"""Fixtures of the end-to-end tests: a fake backend and nodes of the real binary."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from support.backend import FakeBackend, answer  # noqa: E402
from support.cluster_fixtures import cluster, crowd, redis  # noqa: E402, F401
from support.http1 import HttpConnection  # noqa: E402
from support.management import member  # noqa: E402
from support.nodes import Nodes  # noqa: E402
from support.sockhook import PASSTHROUGH  # noqa: E402
from support.tls_fixtures import authority, secure, server_files  # noqa: E402, F401


def pytest_addoption(parser):
    parser.addoption("--quick", action="store_true", help="skip the tests that are marked slow")


def pytest_configure(config):
    config.addinivalue_line(
        "markers",
        "promise(section, sentence): the sentence of the contract that the test holds it to",
    )
    config.addinivalue_line("markers", "slow: takes seconds; --quick skips it")


def pytest_collection_modifyitems(config, items):
    for item in items:
        if config.getoption("--quick") and item.get_closest_marker("slow"):
            item.add_marker(pytest.mark.skip(reason="slow"))


@pytest.fixture
def backend():
    """The backend called `app`; every path answers 200 until a test scripts it."""
    fake = FakeBackend()
    yield fake
    fake.relent()
    fake.stop()
    assert not fake.mistakes, fake.mistakes


@pytest.fixture
def spare_backend():
    """A second backend, for tests with several."""
    fake = FakeBackend()
    yield fake
    fake.relent()
    fake.stop()
    assert not fake.mistakes, fake.mistakes


@pytest.fixture
def start(tmp_path, backend, spare_backend):
    """Starts a node before `backend`; see Nodes."""
    nodes = Nodes(tmp_path, [backend, spare_backend])
    yield nodes
    nodes.stop()


@pytest.fixture
def node(start):
    """A node with one endpoint, /chat, in the events format."""
    return start()


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    """One node for all tests of a module that neither script its backend nor stop it."""
    fake = FakeBackend()
    nodes = Nodes(tmp_path_factory.mktemp("shared"), [fake])
    yield nodes()
    nodes.stop()
    fake.stop()


@pytest.fixture
def client(node, backend):
    """An open WebSocket on /chat; its id is `client.id`."""
    return member(node, backend)


@pytest.fixture
def trio(node, backend):
    """Three members of the group `g`."""
    backend.on("/connect", answer(200, headers={"Sockhook-Join": "g"}))
    return [member(node, backend) for _ in range(3)]


@pytest.fixture
def proxy(start):
    """A node that passes plain HTTP requests on to the backend."""
    return start(PASSTHROUGH)


@pytest.fixture
def connection(proxy):
    """A keep-alive connection to the public listener of `proxy`."""
    with HttpConnection.to(proxy.public) as wire:
        yield wire
