"""Contract 3.4: every accepted connection ends with exactly one $disconnect."""

import threading
import time

import pytest

from support.backend import answer, by_byte, hang, in_turn, later, raw_then_close, reset, when
from support.promise import promise
from support.waiting import eventually, never


def no_disconnect_for(node, backend, connections):
    """Another connection comes and goes, and its $disconnect is the only one."""
    backend.on("/connect", answer(200))
    node.connect().leave()
    last = backend.newest()
    backend.wait(1, type="disconnect", connection=last)
    time.sleep(0.1)
    assert not [r for r in backend.seen(type="disconnect") if r["ce-connectionid"] in connections]


# Exactly once, and for whom


@promise("3.4", "Sent exactly once in normal running")
def test_disconnect_is_sent_exactly_once(node, backend):
    clients = [node.connect() for _ in range(40)]
    for number, client in enumerate(clients):
        [client.leave, client.reset, client.close][number % 3]()
    backend.wait(40, type="disconnect")
    time.sleep(0.2)
    accepted = [r["ce-connectionid"] for r in backend.seen(type="connect")]
    ended = [r["ce-connectionid"] for r in backend.seen(type="disconnect")]
    assert sorted(accepted) == sorted(ended) and len(set(ended)) == 40


@promise("3.4", "for every `$connect` that may have reached the backend and was not refused by")
@pytest.mark.parametrize("status", [300, 302, 307, 400, 401, 403, 404, 408, 429, 499])
def test_a_refusal_is_followed_by_no_disconnect(node, backend, status):
    backend.on("/connect", answer(status))
    assert node.refused().status == status
    no_disconnect_for(node, backend, {backend.newest()})


UNCERTAIN = {
    "a time-out": (hang(), 504),
    "a late answer": (
        by_byte(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n" + b"x" * 90, 0.02),
        504,
    ),
    "a reset": (reset(), 502),
    "a close": (raw_then_close(), 502),
    "500": (answer(500), 500),
    "503": (answer(503), 503),
    "a malformed answer": (raw_then_close(b"nonsense\r\n\r\n"), 502),
    "a subprotocol that was not offered": (
        answer(200, headers={"Sec-WebSocket-Protocol": "z"}),
        502,
    ),
    "a body that is no text": (answer(200, b"\xff"), 502),
}


@promise("3.4", "a time-out, a reset, a 5xx (a balancer's, perhaps), a malformed answer and a")
@pytest.mark.parametrize("what", UNCERTAIN)
def test_a_connect_with_an_uncertain_end_is_followed_by_disconnect(start, backend, what):
    script, status = UNCERTAIN[what]
    node = start(app={"timeout": "300ms"})
    backend.on("/connect", script)
    assert node.refused().status == status
    assert backend.ending() == (1006, None, "proxy")


@promise("3.4", "a time-out, a reset, a 5xx (a balancer's, perhaps), a malformed answer and a")
@pytest.mark.parametrize("after", [answer(200), answer(500)], ids=["accepted", "failed"])
def test_a_client_gone_meanwhile_is_followed_by_disconnect(node, backend, after):
    go = threading.Event()
    backend.on("/connect", when(go, after))
    client = node.begin()
    backend.wait(1, path="/connect")
    client.reset()
    time.sleep(0.05)
    go.set()
    code, _, by = backend.ending()
    assert code == 1006 and by in ("client", "proxy")


@promise("3.4", "for every `$connect` that may have reached the backend and was not refused by")
def test_a_connect_that_cannot_have_reached_the_backend_needs_no_disconnect(start, backend):
    node = start()
    backend.stop()
    assert node.refused().status == 502
    backend.start()
    client = eventually(lambda: try_connect(node))
    client.leave()
    backend.wait(1, type="disconnect")
    time.sleep(0.4)
    assert len(backend.seen(type="disconnect")) == 1


def try_connect(node):
    client = node.begin()
    try:
        return client.finish()
    except AssertionError:
        client.close()
        return None


@promise("3.4", "for every `$connect` that may have reached the backend and was not refused by")
def test_disconnect_comes_after_connect_was_answered(node, backend):
    """The $disconnect of a client that left while $connect ran never overtakes it."""
    go = threading.Event()
    backend.on("/connect", when(go, answer(200)))
    client = node.begin()
    backend.wait(1, path="/connect")
    client.reset()
    never(lambda: backend.seen(type="disconnect"), 0.2)
    go.set()
    backend.one(type="disconnect")


# Retries


@promise("3.4", "also when the backend was away (2xx, and 4xx except 408, 425 and 429, end the")
@pytest.mark.parametrize(
    "failure",
    [answer(500), answer(503), answer(408), answer(425), answer(429), reset(), raw_then_close()],
    ids=["500", "503", "408", "425", "429", "reset", "closed"],
)
def test_a_failed_disconnect_is_sent_again(node, backend, failure):
    backend.on("/disconnect", in_turn(failure, failure, answer(200)))
    node.connect().leave(4001, "bye")
    tries = backend.wait(3, type="disconnect")
    time.sleep(0.3)
    assert len(backend.seen(type="disconnect")) == 3
    for name in ("ce-id", "ce-time", "ce-closecode", "ce-closereason", "ce-closedby"):
        assert len({r[name] for r in tries}) == 1, f"{name} changed over the retries"


@promise("3.4", "also when the backend was away (2xx, and 4xx except 408, 425 and 429, end the")
@pytest.mark.parametrize("status", [200, 204, 400, 404, 410])
def test_these_answers_end_the_retries(node, backend, status):
    backend.on("/disconnect", answer(status))
    node.connect().leave()
    backend.wait(1, type="disconnect")
    time.sleep(0.6)
    assert len(backend.seen(type="disconnect")) == 1


@promise("3.4", "also when the backend was away (2xx, and 4xx except 408, 425 and 429, end the")
def test_disconnects_wait_for_a_backend_that_is_away(node, backend):
    clients = [node.connect() for _ in range(20)]
    wanted = {r["ce-connectionid"] for r in backend.seen(type="connect")}
    backend.stop(reset=True)
    for client in clients:
        client.leave(4000, "while away")
    eventually(lambda: node.metric("sockhook_disconnect_backlog") == 20)
    backend.start()
    backend.wait(20, type="disconnect", within=20)
    ends = backend.seen(type="disconnect")
    assert {r["ce-connectionid"] for r in ends} == wanted
    assert {(r["ce-closecode"], r["ce-closereason"]) for r in ends} == {("4000", "while%20away")}
    eventually(lambda: node.metric("sockhook_disconnect_backlog") == 0)
    assert len(backend.seen(type="disconnect")) == 20


@promise("3.4", "else 250 ms doubling to 30 s with full jitter, one probe at a time per backend")
@pytest.mark.slow
def test_retries_back_off(node, backend):
    node.expected_errors = "given up"  # the next try may be later than the drain waits
    backend.on("/disconnect", answer(503))
    node.connect().leave()
    time.sleep(4)
    tries = backend.seen(type="disconnect")
    # With full jitter the waits are at most 0.25, 0.5, 1, 2 s: several tries, and no storm.
    assert 3 <= len(tries) <= 16


@promise("3.4", "else 250 ms doubling to 30 s with full jitter, one probe at a time per backend")
def test_one_probe_at_a_time_after_an_outage(node, backend):
    clients = [node.connect() for _ in range(30)]
    backend.stop(reset=True)
    for client in clients:
        client.leave()
    eventually(lambda: node.metric("sockhook_disconnect_backlog") == 30)
    backend.on("/disconnect", later(0.1, answer(503)))
    backend.most_running = 0
    backend.start()
    backend.wait(3, type="disconnect", within=20)
    assert (
        backend.most_running <= node.config["node"]["workers"]
    ), "a backend that comes back is flooded"
    backend.on("/disconnect", answer(200))
    eventually(
        lambda: len({r["ce-connectionid"] for r in backend.seen(type="disconnect")}) == 30, 20
    )
    eventually(lambda: node.metric("sockhook_disconnect_backlog") == 0)


@promise("3.4", "else 250 ms doubling to 30 s with full jitter, one probe at a time per backend")
def test_retries_end_after_disconnect_retry(start, backend):
    node = start(disconnect_retry="700ms")
    node.expected_errors = "given up"
    backend.on("/disconnect", answer(503))
    node.connect().leave()
    backend.wait(1, type="disconnect")
    eventually(lambda: node.metric("sockhook_disconnect_backlog") == 0)
    count = len(backend.seen(type="disconnect"))
    time.sleep(0.8)
    assert len(backend.seen(type="disconnect")) == count


@promise("3.4", "a drain waits its period + 5 s and logs what it gave up.")
@pytest.mark.slow
def test_a_drain_logs_what_it_gave_up(start, backend):
    node = start()
    client = node.connect()
    connection = backend.newest()
    backend.on("/disconnect", answer(503))
    client.leave()
    backend.wait(1, type="disconnect")
    node.expected_errors = connection
    began = time.monotonic()
    assert node.terminate() == 0
    assert 4.5 < time.monotonic() - began < 8
    assert [
        line
        for line in node.log()
        if connection in str(line) and line["level"] in ("warn", "warning", "error")
    ]
