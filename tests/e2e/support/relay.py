"""A TCP relay between a node and Redis that fails as networks do, on command."""

import collections
import select
import socket
import struct
import threading
import time

from .ports import free_port

READ = 65536
MOST_QUEUED = 16 << 20


class Pipe:
    """One direction of a connection: what was read, and when it may be passed on."""

    def __init__(self, name, source, sink):
        self.name, self.source, self.sink = name, source, sink
        self.queue = collections.deque()  # (due, bytes); empty bytes: the end
        self.queued = 0
        self.ended = False  # the source sends no more
        self.finished = False  # and the sink knows

    def read(self, delay, swallow):
        """One read; False when the source has been reset."""
        try:
            data = self.source.recv(READ)
        except BlockingIOError:
            return True
        except OSError:
            return False
        self.ended = not data
        if not swallow:
            self.queue.append((time.monotonic() + delay, data))
            self.queued += len(data)
        return True

    def write(self, now):
        """Passes on what is due; False when the sink has been reset."""
        while self.queue and self.queue[0][0] <= now:
            due, data = self.queue.popleft()
            try:
                if not data:
                    self.finished = True
                    self.sink.shutdown(socket.SHUT_WR)
                    continue
                sent = self.sink.send(data)
            except BlockingIOError:
                sent = 0
            except OSError:
                return False
            self.queued -= sent
            if sent < len(data):
                self.queue.appendleft((due, data[sent:]))
                return True
        return True


class Link:
    """A client's connection and the one to the server behind it."""

    def __init__(self, client, server):
        self.pipes = (Pipe("to_server", client, server), Pipe("to_client", server, client))
        self.has_lost = False  # bytes: it can never be whole again

    def close(self, reset=False):
        for pipe in self.pipes:
            if reset:
                try:
                    pipe.source.setsockopt(
                        socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
                    )
                except OSError:
                    pass
            pipe.source.close()


class Relay:
    """Listens on `port` and passes everything to `target` and back, from a thread of its own."""

    def __init__(self, target):
        self.target = target
        self.port = free_port()
        self.delay = 0.0  # seconds that every byte is under way, each way
        self.accepted = 0
        self._swallowed = frozenset()
        self._held = False
        self._links = []
        self._listener = None
        self._lock = threading.RLock()
        self._ends, self._wake = socket.socketpair()
        self._stopped = False
        self.listen()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    # Commands

    def listen(self):
        with self._lock:
            if not self._listener:
                listener = socket.socket()
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                listener.bind(("127.0.0.1", self.port))
                listener.listen(128)
                listener.setblocking(False)
                self._listener = listener
        self._notify()

    def refuse(self):
        """New connections are refused; those that are open stay."""
        with self._lock:
            if self._listener:
                self._listener.shutdown(socket.SHUT_RDWR)  # at once, whoever waits for it
                self._listener.close()
                self._listener = None
        self._notify()

    def cut(self):
        """RST for every open connection."""
        with self._lock:
            self._close_links(self._links)
        self._notify()

    def down(self):
        """The server's machine is gone: refused, and reset."""
        self.refuse()
        self.cut()

    def swallow(self, *directions):
        """Half-open: bytes and ends of these directions (default: both) disappear silently; new
        connections are accepted, and as mute."""
        with self._lock:
            self._swallowed = frozenset(directions or ("to_server", "to_client"))
            for link in self._links:
                link.has_lost = True
                for pipe in link.pipes:
                    if pipe.name in self._swallowed:
                        pipe.queue.clear()
        self._notify()

    def hold(self):
        """A partition that loses nothing: bytes wait until heal()."""
        self._held = True
        self._notify()

    def heal(self):
        """Passes everything on again; connections that have lost bytes are reset."""
        with self._lock:
            self._swallowed, self._held, self.delay = frozenset(), False, 0.0
            self._close_links([link for link in self._links if link.has_lost])
        self.listen()

    def stop(self):
        self._stopped = True
        self._notify()
        self._thread.join(5)
        self.refuse()
        self.cut()

    @property
    def open(self):
        return len(self._links)

    # The thread

    def _notify(self):
        self._wake.send(b"!")

    def _run(self):
        while not self._stopped:
            with self._lock:
                readers, writers, timeout = self._interests()
            try:
                select.select(readers, writers, [], timeout)
            except (OSError, ValueError):
                continue  # a socket was closed by a command meanwhile
            with self._lock:
                self._turn()

    def _interests(self):
        readers = [self._ends, *([self._listener] if self._listener else [])]
        writers, timeout, now = [], 1.0, time.monotonic()
        for pipe in [] if self._held else [p for link in self._links for p in link.pipes]:
            if not pipe.ended and pipe.queued < MOST_QUEUED:
                readers.append(pipe.source)
            if pipe.queue and pipe.queue[0][0] <= now:
                writers.append(pipe.sink)
            elif pipe.queue:
                timeout = min(timeout, pipe.queue[0][0] - now)
        return readers, writers, timeout

    def _turn(self):
        while select.select([self._ends], [], [], 0)[0]:
            self._ends.recv(4096)
        if self._listener:
            self._accept()
        if not self._held:
            self._close_links([link for link in self._links if not self._pass(link)])

    def _accept(self):
        try:
            client, _ = self._listener.accept()
        except OSError:
            return
        self.accepted += 1
        try:
            server = socket.create_connection(self.target, 5)
        except OSError:
            server = None
        if not server:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            client.close()
            return
        for sock in (client, server):
            sock.setblocking(False)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        link = Link(client, server)
        link.has_lost = bool(self._swallowed)
        self._links.append(link)

    def _pass(self, link):
        """One turn of a link; False when it is to be closed."""
        now = time.monotonic()
        for pipe in link.pipes:
            if not pipe.ended and pipe.queued < MOST_QUEUED:
                if not pipe.read(self.delay, pipe.name in self._swallowed):
                    return bool(self._swallowed)  # a partition hides the RST, too
            if not pipe.write(max(now, time.monotonic()) if not self.delay else now):
                return bool(self._swallowed)
        return not all(pipe.finished for pipe in link.pipes)

    def _close_links(self, links):
        for link in list(links):
            link.close(reset=True)
            self._links.remove(link)
