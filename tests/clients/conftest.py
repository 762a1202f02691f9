"""Python clients stand on what the end-to-end tests stand on."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "e2e"))

from support.backend import FakeBackend  # noqa: E402
from support.sockhook import Sockhook, endpoint  # noqa: E402


@pytest.fixture
def backend():
    fake = FakeBackend()
    yield fake
    fake.relent()
    fake.stop()


@pytest.fixture
def node(tmp_path, backend):
    running = Sockhook(tmp_path, {"backends": {"app": {"url": backend.url}}, "endpoints": [endpoint()]})
    yield running
    running.stop_and_check()
