"""Many WebSockets, read by one thread, that remember every frame that they got."""

import os
import selectors
import socket
import struct
import threading
import time

from .backend import answer
from .client import CLOSE, PING, PONG, TEXT, RawClient, close_payload, frame
from .waiting import PATIENCE, eventually


def welcome(request):
    """A $connect handler: joins and names what the query says, /chat?join=a,b&user=u; the first
    frame is the connection's id."""
    query = request.target.partition("?")[2]
    fields = dict(pair.split("=") for pair in query.split("&") if pair)
    names = {"join": "Sockhook-Join", "user": "Sockhook-User"}
    headers = [(names[key], value) for key, value in fields.items() if key in names]
    return answer(200, request["ce-connectionid"], headers)


class Member:
    """One open WebSocket. `frames` are the texts since the id, `closed` the close frame."""

    def __init__(self, node, client, groups, user):
        self.node, self.groups, self.user = node, frozenset(groups), user
        self.id = client.read_text()
        self.frames = []
        self.sent = 0
        self.closed = None  # (code, reason)
        self.ended = False
        self.pongs = 0
        self._sock = client.sock
        self._buffer = client.buffer
        self._sock.setblocking(False)
        self._writing = threading.Lock()

    # Sending

    def send(self, data):
        view = memoryview(data)
        with self._writing:
            while view:
                try:
                    view = view[self._sock.send(view) :]
                except BlockingIOError:
                    time.sleep(0.001)

    def text(self, payload):
        self.sent += 1
        self.send(frame(TEXT, payload))

    def say(self):
        """The next numbered message to the backend; False when the connection has ended."""
        try:
            self.text(f"{self.id} {self.sent}")
            return True
        except OSError:
            return False

    def leave(self, code=1000):
        self.send(frame(CLOSE, close_payload(code)))
        eventually(lambda: self.ended, what="the close handshake")

    def reset(self):
        try:
            self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self._sock.shutdown(socket.SHUT_RD)  # wakes the reader, which closes: an RST
        except OSError:
            pass
        eventually(lambda: self.ended)

    def ends_within(self, seconds):
        deadline = time.monotonic() + seconds
        while not self.ended and time.monotonic() < deadline:
            time.sleep(0.005)
        return self.ended

    # The crowd's thread

    def on_readable(self):
        try:
            data = self._sock.recv(262144)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        self._buffer += data
        while (got := self._next_frame()) is not None:
            self._on_frame(*got)
        if not data:
            self.ended = True

    def _next_frame(self):
        data = self._buffer
        if len(data) < 2:
            return None
        size, start = data[1] & 0x7F, 2
        if size == 126:
            start = 4
            size = struct.unpack_from("!H", data, 2)[0] if len(data) >= 4 else 1 << 62
        elif size == 127:
            start = 10
            size = struct.unpack_from("!Q", data, 2)[0] if len(data) >= 10 else 1 << 62
        if len(data) < start + size:
            return None
        got = data[0] & 0x0F, bytes(data[start : start + size])
        del data[: start + size]
        return got

    def _on_frame(self, opcode, payload):
        if opcode == TEXT:
            self.frames.append(payload.decode())
        elif opcode == CLOSE:
            code = struct.unpack("!H", payload[:2])[0] if payload else None
            self.closed = (code, payload[2:].decode())
            self._answer(frame(CLOSE, payload[:2]))
        elif opcode == PONG:
            self.pongs += 1
        elif opcode == PING:
            self._answer(frame(PONG, payload))

    def _answer(self, data):
        try:
            self.send(data)
        except OSError:
            pass


class Crowd:
    """`join()` opens one more member."""

    def __init__(self):
        self.members = []
        self._selector = selectors.DefaultSelector()
        self._lock = threading.Lock()
        self._arrived = []
        self._ends, self._wake = os.pipe()
        os.set_blocking(self._wake, False)
        self._selector.register(self._ends, selectors.EVENT_READ)
        self._stopped = False
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def join(self, node, groups=(), user=None, path="/chat", timeout=PATIENCE):
        """A member on this node, in these groups; raises Refused."""
        query = [f"join={','.join(groups)}"] if groups else []
        query += [f"user={user}"] if user else []
        target = path + ("?" + "&".join(query) if query else "")
        client = RawClient.open(node.public, target, timeout=timeout)
        member = Member(node, client, groups, user)
        with self._lock:
            self.members.append(member)
            self._arrived.append(member)
        self._notify()
        return member

    @property
    def alive(self):
        with self._lock:
            return [member for member in self.members if not member.ended]

    def of(self, node):
        return [member for member in self.alive if member.node is node]

    def in_group(self, group):
        return [member for member in self.alive if group in member.groups]

    def of_user(self, user):
        return [member for member in self.alive if member.user == user]

    def sync(self):
        """Everything that was sent to those alive before this call has been read."""
        waiting = {member: member.pongs + 1 for member in self.alive}
        for member in waiting:
            try:
                member.send(frame(PING, b"sync"))
            except OSError:
                pass
        eventually(
            lambda: all(m.ended or m.pongs >= pongs for m, pongs in waiting.items()),
            what="all clients have been served",
        )

    def stop(self):
        self._stopped = True
        self._notify()
        self._thread.join(5)
        for member in self.members:
            member._sock.close()

    def _notify(self):
        try:
            os.write(self._wake, b"!")
        except BlockingIOError:
            pass

    def _run(self):
        while not self._stopped:
            ready = self._selector.select(1)
            for key, _ in ready:
                if key.data is None:
                    os.read(self._ends, 65536)
                else:
                    key.data.on_readable()
                    self._forget_if_ended(key.data)
            with self._lock:
                arrived, self._arrived = self._arrived, []
            for member in arrived:
                self._selector.register(member._sock, selectors.EVENT_READ, member)
                member.on_readable()  # what came with the handshake
                self._forget_if_ended(member)

    def _forget_if_ended(self, member):
        if member.ended:
            self._selector.unregister(member._sock)
            member._sock.close()
