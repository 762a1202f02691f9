"""Ports for the tests: below the ephemeral range, so that an outgoing connection never takes one.

A process reserves blocks of ports by locking a file for each, for as long as it lives: test
processes and whole test runs side by side never get the same port. Within a process no port is
handed out twice, until no block is left on the machine: then its oldest ports come again.
"""

import fcntl
import os
import random
import socket
import tempfile
from pathlib import Path

FIRST, END, BLOCK = 4000, 32000, 100  # Linux' ephemeral ports begin at 32768

_reservations = []  # files, open and thereby locked until the process ends
_ports = iter(())
_own = []


def free_port():
    """A port that is free now, and that no other test gets."""
    for _ in range(END - FIRST):
        port = next_port()
        if port and is_free(port):
            return port
    raise RuntimeError("no port is free")


def next_port():
    global _ports
    port = next(_ports, None)
    if port is None:
        block = reserve_block()
        _own.extend(block)
        _ports = iter(block or tuple(_own))
        port = next(_ports, None)
    return port


def reserve_block():
    """The ports of a block that no other process has, or none."""
    directory = Path(tempfile.gettempdir()) / "sockhook-test-ports"
    directory.mkdir(exist_ok=True)
    if directory.stat().st_uid == os.getuid():
        directory.chmod(0o777)  # for the runs of other users
    firsts = range(FIRST, END, BLOCK)
    for first in random.sample(firsts, len(firsts)):
        # A lock needs no write access, so that it does not matter who made the file.
        file = os.open(directory / str(first), os.O_RDONLY | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(file)
            continue
        _reservations.append(file)
        return range(first, first + BLOCK)
    return ()


def is_free(port):
    with socket.socket() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            sock.bind(("0.0.0.0", port))
            return True
        except OSError:
            return False
