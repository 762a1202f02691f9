"""Fixtures of the rolling restart: three nodes over Redis behind a TCP balancer, and the load."""

import resource
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests" / "e2e"), str(Path(__file__).parent)]

from support.cluster_fixtures import redis  # noqa: E402, F401


def pytest_addoption(parser):
    parser.addoption("--clients", type=int, default=1500, help="as many come back again and again")
    parser.addoption("--period", type=float, default=4, help="drain.period, in seconds")


def pytest_configure(config):
    config.addinivalue_line(
        "markers",
        "promise(section, sentence): the sentence of the contract that the test holds it to",
    )
    config.addinivalue_line("markers", "slow: takes seconds")
    allow_files(70_000)


def allow_files(wanted):
    """So many descriptors, or what this user may have."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(wanted, hard), max(wanted, hard)))
    except (ValueError, PermissionError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


@pytest.fixture
def fleet(tmp_path, redis, request):  # noqa: F811
    from rolling import Fleet  # which asks for the descriptors that pytest_configure has got

    nodes = Fleet(tmp_path, redis, *map(request.config.getoption, ("--period", "--clients")))
    yield nodes
    nodes.stop()


@pytest.fixture
def load(fleet, request):
    from rolling import Load

    running = Load(fleet, request.config.getoption("--clients"))
    yield running
    running.stop()
