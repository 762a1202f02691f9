"""Contract 3.4: the $disconnect tells the truth about how the connection ended."""

from urllib.parse import unquote

import pytest

from support.backend import answer
from support.client import CLOSE, CONTINUATION, PING, TEXT, frame
from support.promise import promise


@promise("3.4", "client's close frame / without a code / vanished (FIN, RST) | its code / 1005 /")
@pytest.mark.parametrize(
    "code, reason", [(1000, "done"), (1001, ""), (3000, "x" * 123), (4999, "ünïcode €")]
)
def test_the_clients_close_frame(node, backend, code, reason):
    client = node.connect()
    assert client.leave(code, reason) == code
    got = backend.ending()
    assert (got[0], unquote(got[1] or ""), got[2]) == (code, reason, "client")


@promise("3.4", "client's close frame / without a code / vanished (FIN, RST) | its code / 1005 /")
def test_a_close_frame_without_a_code(node, backend):
    client = node.connect()
    client.send_close()
    answered = client.read()
    assert answered.opcode == CLOSE and answered.payload in (b"", b"\x03\xe8")
    assert backend.ending() == (1005, None, "client")


@promise("3.4", "client's close frame / without a code / vanished (FIN, RST) | its code / 1005 /")
@pytest.mark.parametrize("how", ["close", "reset", "half_close"])
def test_a_client_that_vanishes(node, backend, how):
    client = node.connect()
    getattr(client, how)()
    assert backend.ending() == (1006, None, "client")


@promise("3.4", "client's close frame / without a code / vanished (FIN, RST) | its code / 1005 /")
def test_a_client_that_vanishes_in_the_middle_of_a_frame(node, backend):
    client = node.connect()
    client.send(frame(TEXT, "whole") + frame(TEXT, "x" * 1000)[:100])
    client.close()
    assert backend.ending() == (1006, None, "client")
    assert backend.bodies(path="/message") == [b"whole"]


@promise("3.4", "management or an answer's `Sockhook-Close` (the first close wins; the code that")
def test_a_management_close(node, backend):
    client = node.connect()
    connection = backend.newest()
    assert (
        node.manage("DELETE", f"/v1/connections/{connection}?code=4005&reason=go%20away").status
        == 204
    )
    assert client.read_close() == (4005, "go away")
    code, reason, by = backend.ending(connection)
    assert (code, reason, by) == (4005, "go%20away", "backend")


@promise("3.4", "management or an answer's `Sockhook-Close` (the first close wins; the code that")
def test_an_answers_close(node, backend):
    backend.on("/message", answer(200, "last words", {"Sockhook-Close": "4001 enough"}))
    client = node.connect()
    client.text("x")
    assert client.read_text() == "last words"
    assert client.read_close() == (4001, "enough")
    assert backend.ending() == (4001, "enough", "backend")


@promise("3.4", "management or an answer's `Sockhook-Close` (the first close wins; the code that")
def test_the_first_close_wins(node, backend):
    client = node.connect()
    connection = backend.newest()
    assert node.manage("DELETE", f"/v1/connections/{connection}?code=4001").status == 204
    assert node.manage("DELETE", f"/v1/connections/{connection}?code=4002").status == 410
    client.send_close(4003)
    assert client.read_close(answer=False)[0] == 4001
    assert backend.ending(connection)[::2] == (4001, "backend")


@promise("3.4", "management or an answer's `Sockhook-Close` (the first close wins; the code that")
def test_a_client_that_vanishes_after_our_close_changes_nothing(node, backend):
    client = node.connect()
    connection = backend.newest()
    node.manage("DELETE", f"/v1/connections/{connection}?code=4001")
    client.reset()
    assert backend.ending(connection)[::2] == (4001, "backend")


VIOLATIONS = {
    "an unmasked frame": (frame(TEXT, "x", masked=False), 1002),
    "reserved bits": (frame(TEXT, "x", rsv=1), 1002),
    "a reserved opcode": (frame(3, "x"), 1002),
    "a reserved control opcode": (frame(0xB, "x"), 1002),
    "a continuation of nothing": (frame(CONTINUATION, "x"), 1002),
    "a new message inside another": (frame(TEXT, "a", fin=False) + frame(TEXT, "b"), 1002),
    "a fragmented ping": (frame(PING, "x", fin=False), 1002),
    "a long ping": (frame(PING, "x" * 126), 1002),
    "a length in too many bytes": (frame(TEXT, "x", length=(16, 1)), 1002),
    "a 64 bit length that fits in 16": (frame(TEXT, "x" * 200, length=(64, 200)), 1002),
    "a length over 2^63": (frame(TEXT, "", length=(64, 1 << 63)), 1002),
    "a close of one byte": (frame(CLOSE, b"\x03"), 1002),
    "a close code that may not be sent": (frame(CLOSE, b"\x03\xee"), 1002),
    "a close code out of range": (frame(CLOSE, b"\x00\x00"), 1002),
    "a close reason that is no UTF-8": (frame(CLOSE, b"\x03\xe8\xff\xff"), 1007),
    "text that is no UTF-8": (frame(TEXT, b"\xc3\x28"), 1007),
    "a surrogate": (frame(TEXT, b"\xed\xa0\x80"), 1007),
    "a cut character at the end": (frame(TEXT, b"abc\xe2\x82"), 1007),
    "bad UTF-8 in the first fragment": (frame(TEXT, b"\xff", fin=False), 1007),
}


@promise("3.4", "protocol error, limits, dead peer, drain, node lost | 1002 1003 1007 1008 1009")
@pytest.mark.parametrize("what", VIOLATIONS)
def test_a_protocol_error(node, backend, what):
    data, code = VIOLATIONS[what]
    client = node.connect()
    client.send(data)
    assert client.read_close(answer=False)[0] == code
    assert backend.ending()[::2] == (code, "proxy")
    assert not backend.seen(path="/message")


@promise("3.4", "protocol error, limits, dead peer, drain, node lost | 1002 1003 1007 1008 1009")
def test_messages_before_a_protocol_error_are_delivered(node, backend):
    client = node.connect()
    client.send(frame(TEXT, "good") + frame(3, "bad"))
    assert client.read_close_code() == 1002
    assert backend.ending()[::2] == (1002, "proxy")
    assert backend.bodies(path="/message") == [b"good"]


@promise("3.4", "protocol error, limits, dead peer, drain, node lost | 1002 1003 1007 1008 1009")
def test_a_dead_peer(start, backend):
    node = start(limits={"ping_interval": "100ms", "ping_timeout": "300ms"})
    client = node.connect()
    assert client.read_frame().opcode == PING
    code, _, by = backend.ending()
    assert (code, by) == (1006, "proxy")
    assert client.gone()


@promise("3.4", "protocol error, limits, dead peer, drain, node lost | 1002 1003 1007 1008 1009")
def test_a_drained_connection(node, backend):
    client = node.connect()
    node.signal()
    assert client.read_close() == (1012, "service restart")
    assert backend.ending() == (1012, "service%20restart", "proxy")


@promise("3.4", "never opened: `$connect` failed, or a DELETE or a user limit came in between |")
def test_a_user_limit_that_came_in_between(start, backend):
    node = start(limits={"connections_per_user": 1})
    backend.on("/connect", answer(200, headers={"Sockhook-User": "ann"}))
    with node.connect():
        assert node.refused().status == 429
        assert backend.ending() == (1006, None, "proxy")


def test_a_close_is_answered_and_the_connection_closed(node):
    client = node.connect()
    client.send_close(1000, "bye")
    assert client.read_close(answer=False)[0] == 1000
    assert client.gone()


def test_a_client_that_ignores_our_close_is_cut_off(node, backend):
    client = node.connect()
    connection = backend.newest()
    node.manage("DELETE", f"/v1/connections/{connection}")
    assert client.read_close(answer=False)[0] == 1000
    assert backend.ending(connection)[0] == 1000
    assert client.gone()
