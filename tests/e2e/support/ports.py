"""Ports for the tests: below the ephemeral range, so that an outgoing connection never takes one."""

import os
import socket

_next_port = 10000 + os.getpid() * 97 % 20000  # apart from those of other test processes


def free_port():
    """A port that is free now, and that this process hands out only once."""
    global _next_port
    while True:
        _next_port = _next_port + 1 if _next_port < 32000 else 10000
        if is_free(_next_port):
            return _next_port


def is_free(port):
    with socket.socket() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            sock.bind(("0.0.0.0", port))
            return True
        except OSError:
            return False
