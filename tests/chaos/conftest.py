"""Fixtures of the chaos tests: a cluster under traffic, something that goes wrong, an audit."""

import os
import random
import resource
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "e2e"))

from support.backend import FakeBackend, answer  # noqa: E402
from support.cluster_fixtures import cluster, crowd, redis  # noqa: E402, F401
from support.nodes import Nodes  # noqa: E402
from support.storm import Storm  # noqa: E402


def pytest_addoption(parser):
    parser.addoption("--seed", type=int, help="repeat a run: what its header says")
    parser.addoption("--long", action="store_true", help="minutes of it, and 30,000 connections")


def pytest_configure(config):
    config.addinivalue_line(
        "markers",
        "promise(section, sentence): the sentence of the contract that the test holds it to",
    )
    if config.option.seed is None:  # one for all workers of pytest-xdist, which inherit it
        fresh = random.SystemRandom().randrange(1 << 32)
        config.option.seed = int(os.environ.setdefault("SOCKHOOK_CHAOS_SEED", str(fresh)))
    allow_files(70_000)


def allow_files(wanted):
    """So many descriptors, or what this user may have."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(wanted, hard), max(wanted, hard)))
    except (ValueError, PermissionError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def pytest_report_header(config):
    return f"chaos: --seed {config.option.seed}{' --long' if config.option.long else ''}"


@pytest.fixture
def seed(request):
    """Of the run; printed with every failure."""
    print(f"--seed {request.config.option.seed}")
    return request.config.option.seed


@pytest.fixture
def long(request):
    """Whether this is the long form."""
    return request.config.option.long


@pytest.fixture
def backend():
    fake = FakeBackend()
    fake.on("/message", answer(204))
    yield fake
    fake.relent()
    fake.stop()
    assert not fake.mistakes, fake.mistakes


@pytest.fixture
def start(tmp_path, backend):
    nodes = Nodes(tmp_path, [backend])
    yield nodes
    nodes.stop()


@pytest.fixture
def storm(cluster, crowd, backend, seed, long):  # noqa: F811
    """Begins the traffic: storm.begin()."""
    begun = Storm(cluster, crowd, backend, seed, long)
    yield begun
    begun.end()
