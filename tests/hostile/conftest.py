"""Fixtures of the hostile clients: an arena with plain sockets and one with TLS, for all tests."""

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "e2e"))
sys.path.insert(0, str(Path(__file__).parent))

from arena import Arena  # noqa: E402
from support.backend import FakeBackend  # noqa: E402
from support.certificates import Authority  # noqa: E402
from support.nodes import Nodes  # noqa: E402
from support.sockhook import PASSTHROUGH  # noqa: E402


def pytest_configure(config):
    config.addinivalue_line(
        "markers",
        "promise(section, sentence): the sentence of the contract that the test holds it to",
    )


@pytest.fixture(scope="session", params=["plain", "tls"])
def arena(request, tmp_path_factory):
    """A node under attack. One for all tests: what one leaves behind, the next one finds."""
    directory = tmp_path_factory.mktemp(request.param)
    authority = Authority(directory / "authority") if request.param == "tls" else None
    made = Arena(directory, authority)
    try:
        yield made.begin()
    finally:
        made.end()


@pytest.fixture
def small_arena(tmp_path):
    """One whose node has few descriptors."""
    made = Arena(tmp_path, file_limit=200)
    try:
        yield made.begin()
    finally:
        made.end()


@pytest.fixture(scope="module")
def passing_node(tmp_path_factory):
    """(node, backend): plain requests pass through to a backend that remembers what it saw."""
    backend = FakeBackend()
    nodes = Nodes(tmp_path_factory.mktemp("passing"), [backend])
    yield nodes(PASSTHROUGH), backend
    nodes.stop()
    backend.stop()
    assert not backend.mistakes, backend.mistakes


@pytest.fixture(scope="module")
def proxied_node(tmp_path_factory):
    """A node that expects a PROXY header."""
    backend = FakeBackend()
    nodes = Nodes(tmp_path_factory.mktemp("proxied"), [backend])
    yield nodes(listen={"proxy_protocol": True})
    nodes.stop()
    backend.stop()
