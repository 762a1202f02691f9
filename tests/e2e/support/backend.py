"""A backend that does what a test tells it, and remembers every byte it was sent.

A path has a script, or a function from the request to a script:

    backend.on("/message", echo)
    backend.on("/connect", answer(403, "not you"))
    backend.on("/message", in_turn(reset(), answer(200, "second try")))
    backend.on("/message", lambda request: answer(200, request.body.upper()))

Scripts run on the thread of their connection. Paths without a script are answered 200 with no body.
"""

import os
import select
import socket
import threading
import time
from dataclasses import dataclass
from typing import Callable

from .http1 import as_bytes, head_bytes, pairs, read_body, read_request_head, reason_of
from .ports import free_port
from .waiting import PATIENCE, eventually
from .wire import Ended, Wire


@dataclass
class Script:
    """`play(wire, request)` answers one request; `early`: before its body is read."""

    play: Callable
    early: bool = False


def answer(status=200, body=b"", headers=(), content_type=None, reason=None, chunks=None):
    """An ordinary answer with Content-Length, or chunked when `chunks` are given."""
    body = as_bytes(body)
    fields = pairs(headers)
    if content_type:
        fields.append(("Content-Type", content_type))
    if chunks is not None:
        fields.append(("Transfer-Encoding", "chunked"))
        body = b"".join(b"%x\r\n%s\r\n" % (len(c), c) for c in map(as_bytes, chunks)) + b"0\r\n\r\n"
    elif status >= 200 and status not in (204, 304):
        fields.append(("Content-Length", len(body)))
    head = head_bytes(
        f"HTTP/1.1 {status} {reason_of(status) if reason is None else reason}", fields
    )
    return raw(head + body)


def raw(data):
    """Exactly these bytes, whatever they are; the connection stays open."""
    return Script(lambda wire, request: wire.send(data))


def raw_then_close(data=b""):
    """These bytes (none: the connection closes before the first byte), then FIN."""

    def play(wire, request):
        wire.send(data)
        wire.close()

    return Script(play)


def reset(after=b""):
    """RST, after these bytes of an answer."""

    def play(wire, request):
        wire.send(after)
        if after:
            time.sleep(0.02)  # an RST overtakes what the peer has not read yet
        wire.reset()

    return Script(play)


def hang():
    """No answer until the proxy gives up (or the test ends)."""
    return Script(lambda wire, request: wire.wait_for_end())


def later(seconds, script):
    """The script after a delay, which the test's end cuts short."""

    def play(wire, request):
        wire.backend.relented.wait(seconds)
        run(script, wire, request)

    return Script(play)


def when(event, script):
    """The script once `event` (a threading.Event) is set."""

    def play(wire, request):
        while not event.wait(0.01) and not wire.backend.relented.is_set():
            pass
        run(script, wire, request)

    return Script(play)


def by_byte(data, gap=0.002):
    """An answer that comes one byte at a time."""

    def play(wire, request):
        for byte in data:
            wire.send(bytes([byte]))
            time.sleep(gap)

    return Script(play)


def in_turn(*scripts):
    """A different script for each request; the last one stays."""
    remaining = list(scripts)
    lock = threading.Lock()

    def choose(request):
        with lock:
            return remaining.pop(0) if len(remaining) > 1 else remaining[0]

    return choose


def early(play):
    """A script that gets the request's head with the body still unread on the wire."""
    return Script(play, early=True)


def echo(request):
    """Sends a message back as what it was."""
    return answer(200, request.body, content_type=request["content-type"])


def run(script, wire, request):
    if not isinstance(script, Script):
        script = script(request)
    script.play(wire, request)


class BackendWire(Wire):
    backend = None
    cut = False  # by stop(): what still arrives is neither read nor answered

    def send(self, data):
        if self.cut:
            raise Ended()
        super().send(data)

    def wait_for_end(self):
        """Until the peer closes or resets, or the test ends."""
        while not self.backend.relented.is_set():
            readable, _, _ = select.select([self.sock], [], [], 0.05)
            if readable and not self.sock.recv(1, socket.MSG_PEEK):
                break
        self.close()


class FakeBackend:
    """A threaded HTTP/1.1 server that keeps its port (or unix socket) over stop() and start()."""

    def __init__(self, address=None, tls=None):
        self.tls = tls  # an ssl.SSLContext: it speaks https
        self.scripts = {}
        self.requests = []
        self.mistakes = []
        self.lock = threading.Lock()
        self.relented = threading.Event()  # the test is over: every script ends now
        self.connections = 0  # accepted so far
        self.open = 0
        self.running = 0
        self.most_running = 0
        self.address = address or ("127.0.0.1", free_port())
        self._wires = set()
        self._listener = None
        self.start()

    # The address

    @property
    def host(self):
        return f"127.0.0.1:{self.address[1]}"

    @property
    def url(self):
        if isinstance(self.address, str):
            return "http+unix://" + self.address.replace("/", "%2F")
        return f"{'https' if self.tls else 'http'}://{self.host}"

    def start(self):
        """Listens, again on the same address after a stop()."""
        unix = isinstance(self.address, str)
        listener = socket.socket(socket.AF_UNIX if unix else socket.AF_INET, socket.SOCK_STREAM)
        if unix and os.path.exists(self.address):
            os.unlink(self.address)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(self.address)
        listener.listen(4096)
        self._listener = listener
        threading.Thread(target=self._accept, args=(listener,), daemon=True).start()

    def stop(self, reset=False):
        """An outage: connects are refused, open connections die (by RST if asked)."""
        with self.lock:
            listener, self._listener = self._listener, None
            wires = list(self._wires)
        if listener:
            try:
                listener.shutdown(socket.SHUT_RDWR)  # wakes accept()
            except OSError:
                pass
            listener.close()
        for wire in wires:
            wire.cut = True
            try:
                if reset:
                    wire.linger_no_longer()  # its thread wakes up, closes, and that sends the RST
                wire.sock.shutdown(socket.SHUT_RD if reset else socket.SHUT_RDWR)
            except OSError:
                pass

    def relent(self):
        """The test is over: answer everything, so that the proxy can drain quickly."""
        self.relented.set()
        self.scripts = {}
        if not self._listener:
            self.start()

    # Scripts and what came

    def on(self, path, script):
        """Sets the script of a path (without the query)."""
        self.scripts[path] = script
        return self

    def seen(self, path=None, type=None, connection=None):
        """The requests so far, of a path, an event type ("message") or a connection id."""
        with self.lock:
            found = list(self.requests)
        if path:
            found = [r for r in found if r.path == path]
        if type:
            found = [r for r in found if r["ce-type"] == f"io.sockhook.{type}"]
        if connection:
            found = [r for r in found if r["ce-connectionid"] == connection]
        return found

    def wait(self, count=1, within=PATIENCE, **which):
        """The requests that match, once there are at least `count`."""
        eventually(
            lambda: len(self.seen(**which)) >= count,
            within,
            f"{count} requests {which}; seen {[(r.method, r.target) for r in self.seen()]}",
        )
        return self.seen(**which)

    def one(self, **which):
        """The only request that matches."""
        found = self.wait(1, **which)
        assert len(found) == 1, found
        return found[0]

    def newest(self):
        """The id of the connection whose $connect came last (to /connect)."""
        request = self.seen(path="/connect")[-1]
        return request["ce-connectionid"] or request.json()["requestContext"]["connectionId"]

    def ending(self, connection=None):
        """(code, reason, closed by) of a connection's only $disconnect (default: the newest)."""
        end = self.one(type="disconnect", connection=connection or self.newest())
        return int(end["ce-closecode"]), end["ce-closereason"], end["ce-closedby"]

    def bodies(self, **which):
        return [request.body for request in self.seen(**which)]

    # Serving

    def _accept(self, listener):
        while True:
            try:
                sock, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(sock,), daemon=True).start()

    def _serve(self, sock):
        if self.tls:
            try:
                sock = self.tls.wrap_socket(sock, server_side=True)
            except OSError:  # the proxy has left
                return sock.close()
        wire = BackendWire(sock, timeout=60)
        wire.backend = self
        with self.lock:
            if not self._listener:
                return wire.reset()  # accepted while stop() was called
            self.connections += 1
            self.open += 1
            self._wires.add(wire)
            number = self.connections
        try:
            while self._serve_one(wire, number):
                pass
        except (Ended, OSError):
            pass
        except Exception as mistake:  # of the proxy's request or of a test's script: never unseen
            self.mistakes.append(mistake)
        finally:
            wire.close()
            with self.lock:
                self.open -= 1
                self._wires.discard(wire)

    def _serve_one(self, wire, number):
        request = read_request_head(wire)
        if wire.cut:
            return False
        request.at = time.monotonic()
        request.connection = number
        script = self.scripts.get(request.path) or answer()
        if not (isinstance(script, Script) and script.early):
            read_body(wire, request)
        with self.lock:
            self.requests.append(request)
            self.running += 1
            self.most_running = max(self.most_running, self.running)
        try:
            run(script, wire, request)
        finally:
            with self.lock:
                self.running -= 1
        return wire.sock.fileno() >= 0


class BlackHole:
    """An address that never answers a connect: its accept queue is full."""

    def __init__(self):
        self.listener = socket.socket()
        self.listener.bind(("127.0.0.1", 0))
        self.listener.listen(0)
        self.address = self.listener.getsockname()
        self.fillers = []
        for _ in range(4):
            filler = socket.socket()
            filler.setblocking(False)
            filler.connect_ex(self.address)
            self.fillers.append(filler)
        time.sleep(0.05)

    @property
    def url(self):
        return f"http://127.0.0.1:{self.address[1]}"

    def close(self):
        for sock in [*self.fillers, self.listener]:
            sock.close()
