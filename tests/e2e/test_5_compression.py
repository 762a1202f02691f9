"""Contract 5.1: permessage-deflate (RFC 7692), byte by byte."""

import json
import zlib

import pytest

from support.backend import answer, echo
from support.client import BINARY, CONTINUATION, TEXT, RawClient
from support.management import member
from support.promise import promise
from support.sockhook import endpoint

OFFER = {"Sec-WebSocket-Extensions": "permessage-deflate; client_max_window_bits"}
TAIL = b"\x00\x00\xff\xff"
RSV1 = 4


class Deflate:
    """The client's two windows. Without takeover each message starts anew."""

    def __init__(self, takeover=False):
        self.takeover = takeover
        self.reset()

    def reset(self):
        self.deflater = zlib.compressobj(wbits=-15)
        self.inflater = zlib.decompressobj(wbits=-15)

    def pack(self, payload):
        packed = self.deflater.compress(payload) + self.deflater.flush(zlib.Z_SYNC_FLUSH)
        if not self.takeover:
            self.reset()
        assert packed.endswith(TAIL)
        return packed[:-4]

    def unpack(self, packed):
        payload = self.inflater.decompress(packed + TAIL)
        if not self.takeover:
            self.reset()
        return payload


def read_data(client):
    """The next frame as (opcode, is it compressed, payload on the wire)."""
    first, second = client.read_exactly(2)
    length = second & 0x7F
    if length >= 126:
        length = int.from_bytes(client.read_exactly(2 if length == 126 else 8), "big")
    return first & 0x0F, bool(first & 0x40), client.read_exactly(length)


@pytest.fixture
def compressing(start, backend):
    """Starts a node whose endpoint compresses as told; its backend echoes."""
    backend.on("/message", echo)

    def start_with(settings=None, **endpoint_settings):
        chat = endpoint(compression=settings or {"min_size": "1B"}, **endpoint_settings)
        return start({"endpoints": [chat]})

    return start_with


@promise("5.1", "permessage-deflate (RFC 7692): without takeover both ways by default")
def test_messages_are_compressed_both_ways(compressing, backend):
    client = compressing().connect(headers=OFFER)
    assert client.response["sec-websocket-extensions"] == (
        "permessage-deflate; server_no_context_takeover; client_no_context_takeover"
    )
    deflate = Deflate()
    for text in (b"x" * 5000, b"again " * 500, b"x" * 5000):
        client.frame(TEXT, deflate.pack(text), rsv=RSV1)
        opcode, is_compressed, packed = read_data(client)
        assert (opcode, is_compressed) == (TEXT, True) and len(packed) < len(text) / 10
        assert deflate.unpack(packed) == text
    assert [event.body for event in backend.seen(type="message")][0] == b"x" * 5000


def test_plain_and_fragmented_messages_are_taken_too(compressing):
    client = compressing({"min_size": "1MiB"}).connect(headers=OFFER)
    client.text("plain")
    assert read_data(client) == (TEXT, False, b"plain")
    packed = Deflate().pack(b"in three pieces")
    client.frame(BINARY, packed[:4], rsv=RSV1, fin=False)
    client.frame(CONTINUATION, packed[4:6], fin=False)
    client.frame(CONTINUATION, packed[6:])
    assert read_data(client) == (BINARY, False, b"in three pieces")


def test_small_messages_are_sent_as_they_are(compressing):
    client = compressing({"min_size": "100B"}).connect(headers=OFFER)
    client.text("x" * 99)
    assert read_data(client)[1] is False
    client.text("x" * 100)
    assert read_data(client)[1] is True


@promise("5.1", "takeover by option")
def test_takeover_keeps_the_windows(compressing):
    client = compressing({"min_size": "1B", "takeover": True}).connect(headers=OFFER)
    assert "no_context_takeover" not in client.response["sec-websocket-extensions"]
    deflate = Deflate(takeover=True)
    text = json.dumps({"event": "tick", "symbol": "ABCD", "price": 123.45}).encode()
    sizes = []
    for _ in range(3):
        client.frame(TEXT, deflate.pack(text), rsv=RSV1)
        _, is_compressed, packed = read_data(client)
        assert is_compressed and deflate.unpack(packed) == text
        sizes.append(len(packed))
    assert sizes[1] < sizes[0] / 3 and sizes[2] < sizes[0] / 3


@pytest.mark.parametrize("bits", [9, 12, 15])
def test_the_window_is_as_small_as_the_client_wants(compressing, bits):
    offer = {"Sec-WebSocket-Extensions": f"permessage-deflate; server_max_window_bits={bits}"}
    client = compressing().connect(headers=offer)
    agreed = client.response["sec-websocket-extensions"]
    assert f"server_max_window_bits={bits}" in agreed or bits == 15
    text = bytes(range(64)) * 400
    client.binary(text)
    packed = read_data(client)[2]
    assert zlib.decompressobj(wbits=-bits).decompress(packed + TAIL) == text


def test_clients_without_the_extension_get_plain_frames(compressing):
    client = compressing().connect()
    assert client.response["sec-websocket-extensions"] is None
    client.text("x" * 5000)
    assert client.read_text() == "x" * 5000


@promise("5.1", "so that one compressed copy serves a fan-out")
def test_a_fan_out_reaches_everybody_in_its_own_form(compressing, backend):
    node = compressing()
    clients = [node.connect(headers=OFFER if i % 2 else {}) for i in range(20)]
    text = "fan out " * 500
    answered = node.manage("POST", "/v1/messages", text)
    assert answered.json()["delivered"] == 20
    for i, client in enumerate(clients):
        _, is_compressed, payload = read_data(client)
        assert is_compressed == bool(i % 2)
        assert (Deflate().unpack(payload) if is_compressed else payload) == text.encode()


def test_first_frames_and_held_pushes_are_compressed(compressing, backend):
    backend.on("/connect", answer(200, "welcome " * 200))
    client = compressing().connect(headers=OFFER)
    _, is_compressed, packed = read_data(client)
    assert is_compressed and Deflate().unpack(packed) == b"welcome " * 200


@promise("5.1", "inflating stops at `message_size`")
def test_a_bomb_is_1009(compressing, backend):
    node = compressing(limits={"message_size": "64KiB"})
    client = node.connect(headers=OFFER)
    before = node.rss()
    bomb = zlib.compressobj(9, wbits=-15)
    packed = b"".join(bomb.compress(b"\0" * 1_000_000) for _ in range(60))
    packed += bomb.flush(zlib.Z_SYNC_FLUSH)
    assert len(packed) < 64 * 1024
    client.frame(BINARY, packed[:-4], rsv=RSV1)
    assert client.read_close_code() == 1009
    assert not backend.seen(type="message")
    assert node.rss() - before < 8 * 1024 * 1024


def test_broken_data_is_1007_and_rsv1_without_agreement_1002(compressing):
    node = compressing()
    client = node.connect(headers=OFFER)
    client.frame(TEXT, b"\xff\xff\xff\xff", rsv=RSV1)
    assert client.read_close_code() == 1007
    plain = node.connect()
    plain.frame(TEXT, Deflate().pack(b"x"), rsv=RSV1)
    assert plain.read_close_code() == 1002
