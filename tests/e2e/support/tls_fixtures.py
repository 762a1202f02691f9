"""Fixtures of tests with TLS; a conftest.py imports them beside its own `start`."""

import pytest

from .certificates import Authority
from .sockhook import PASSTHROUGH


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def server_files(authority):
    return authority.issue()


@pytest.fixture
def secure(start, authority, server_files):
    """A node whose public listener speaks TLS; `secure.context` trusts it."""
    node = start(PASSTHROUGH, listen={"tls": server_files.settings()})
    node.context = authority.client()
    return node
