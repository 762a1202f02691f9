"""Contract 4 and docs/backends.md: a backend that is slow, busy or failing is spared."""

import threading
import time
from email.utils import formatdate

import pytest

from support.backend import answer, hang, in_turn, later, reset, when
from support.promise import promise
from support.waiting import eventually, never

ONE_WORKER = {"node": {"workers": 1}}
BUSY = "Endpoint request timed out"
FAILED = "Internal server error"
CLOSED, HALF_OPEN, OPEN = 0, 1, 2
# Where the breaker stays open for longer than a drain: nothing is owed.
LONG = {"routes": {"$connect": "/connect", "$default": "/message"}}


def breaker(**settings):
    return {"breaker": {"failures": "50%", "of": 4, "open": "400ms", **settings}}


def ask(client, text="x"):
    client.text(text)
    return client.read_text()


def message_of(client):
    client.text("x")
    return client.read_json()["message"]


def state(node):
    return node.metric("sockhook_backend_breaker_state", backend="app")


def results(node, result):
    return node.metric("sockhook_webhooks_total", result=result)


def trip(backend, client, script=None):
    """Has the breaker open: two of four messages fail."""
    backend.on("/message", script or answer(503))
    assert [message_of(client) for _ in range(2)] == [FAILED] * 2


# The breaker


@promise("5.1", "`Internal server error`: backend failure")
def test_an_open_breaker_ends_messages_at_once(start, backend):
    node = start(app=breaker(open="20s"), **LONG)
    client = node.connect()
    trip(backend, client)
    count = len(backend.seen(path="/message"))
    backend.on("/message", answer(200, "fine"))
    assert [message_of(client) for _ in range(5)] == [FAILED] * 5
    assert len(backend.seen(path="/message")) == count, "nothing was sent"
    assert state(node) == OPEN and results(node, "breaker_open") == 5
    assert node.metric("sockhook_backend_breaker_openings_total", backend="app") == 1
    assert [line["backend"] for line in node.log(msg="breaker open")] == ["app"]


@promise("3.1", "Backend unreachable 502, timed out 504")
@pytest.mark.slow
def test_an_open_breaker_refuses_connect_with_503_and_retry_after(start, backend):
    node = start(app=breaker(open="4s"))
    client = node.connect()
    trip(backend, client)
    refusal = node.refused()
    assert refusal.status == 503
    assert 1 <= int(refusal["retry-after"]) <= 4
    assert len(backend.seen(path="/connect")) == 1
    assert node.metric("sockhook_handshakes_total", result="backend_busy") == 1
    assert not backend.seen(type="disconnect"), "it cannot have reached the backend"


@pytest.mark.parametrize(
    "failure",
    [reset(), hang(), answer(502), answer(504), "away"],
    ids=["reset", "timeout", "502", "504", "away"],
)
def test_what_opens_the_breaker(start, backend, failure):
    node = start(ONE_WORKER, app={**breaker(open="20s"), "timeout": "400ms"}, **LONG)
    client = node.connect()
    if failure == "away":
        backend.stop(reset=True)
    else:
        backend.on("/message", failure)
    for _ in range(2):
        assert message_of(client) in (FAILED, BUSY)
    assert state(node) == OPEN


def test_what_does_not_open_the_breaker(start, backend):
    node = start(app=breaker())
    client = node.connect()
    for status in (500, 404, 429, 302, 501):
        backend.on("/message", answer(status))
        for _ in range(4):
            client.text("x")
            client.read_text()
    assert state(node) == CLOSED


def test_one_probe_at_a_time_and_one_success_closes(start, backend):
    node = start(app=breaker())
    clients = [node.connect() for _ in range(6)]
    trip(backend, clients[0])
    go = threading.Event()
    backend.on("/message", when(go, answer(200, "back")))
    count = len(backend.seen(path="/message"))
    time.sleep(0.5)  # it shows nothing until somebody asks
    prober = clients[3]
    prober.text("x")
    backend.wait(count + 1, path="/message")
    assert state(node) == HALF_OPEN
    others = [client for client in clients if client is not prober]
    assert [message_of(client) for client in others] == [FAILED] * 5
    assert len(backend.seen(path="/message")) == count + 1
    go.set()
    assert prober.read_text() == "back"
    assert [ask(client) for client in clients] == ["back"] * 6
    assert state(node) == CLOSED and len(node.log(msg="breaker closed")) == 1


def test_a_failed_probe_opens_it_again(start, backend):
    node = start(app=breaker(open="100ms"))
    client = node.connect()
    trip(backend, client)
    count = len(backend.seen(path="/message"))

    def probed():
        client.text("x")
        client.read_text()
        return len(backend.seen(path="/message")) > count

    eventually(probed)
    assert node.metric("sockhook_backend_breaker_openings_total") == 2
    assert results(node, "breaker_open") > 0


@promise("3.4", "for every `$connect` that may have reached the backend and was not refused by")
@pytest.mark.slow
def test_disconnects_wait_for_the_breaker_and_all_arrive(start, backend):
    node = start(app=breaker(open="3s"))
    clients = [node.connect() for _ in range(20)]
    wanted = {r["ce-connectionid"] for r in backend.seen(type="connect")}
    trip(backend, clients[0])
    for client in clients:
        client.leave()
    eventually(lambda: node.metric("sockhook_disconnect_backlog") == 20)
    assert not backend.seen(type="disconnect")
    eventually(lambda: node.metric("sockhook_disconnect_backlog") == 0, 20)
    ends = [r["ce-connectionid"] for r in backend.seen(type="disconnect")]
    assert sorted(ends) == sorted(wanted), "each of them, once"
    assert state(node) == CLOSED, "a $disconnect was the probe"


def test_plain_requests_neither_open_the_breaker_nor_are_refused(start, backend):
    node = start({"passthrough": {"backend": "app"}}, app=breaker(open="20s"), **LONG)
    client = node.connect()
    backend.on("/page", answer(503))
    assert [node.get("/page").status for _ in range(8)] == [503] * 8
    assert state(node) == CLOSED
    trip(backend, client)
    backend.on("/page", answer(200, "page"))
    assert node.get("/page").text == "page"


# The longest wait


@pytest.fixture
def busy(start, backend):
    """A node whose only connection to the backend is taken until `busy.done` is set."""
    node = start(
        {**ONE_WORKER, "passthrough": {"backend": "app"}},
        app={"max_connections": 1, "queue_timeout": "300ms"},
    )
    node.done = threading.Event()
    waiting = node.connect()
    holder = node.connect()
    backend.on("/message", when(node.done, answer(200, "done")))
    holder.text("x")
    backend.wait(1, path="/message")
    node.holder, node.waiting = holder, waiting
    yield node
    node.done.set()


@promise("5.1", "`Endpoint request timed out`")
def test_a_message_waits_no_longer_than_queue_timeout(busy, backend):
    began = time.monotonic()
    assert message_of(busy.waiting) == BUSY
    assert 0.25 < time.monotonic() - began < 5
    assert results(busy, "queue_timed_out") == 1
    assert len(backend.seen(path="/message")) == 1, "it was never sent"
    busy.done.set()
    assert busy.holder.read_text() == "done"
    assert ask(busy.waiting) == "done"


def test_connect_and_plain_requests_wait_no_longer_either(busy, backend):
    refusal = busy.refused()
    assert (refusal.status, refusal["retry-after"]) == (503, "1")
    plain = busy.get("/page")
    assert plain.status == 503 and int(plain["retry-after"]) > 0
    assert len(backend.seen(path="/connect")) == 2 and not backend.seen(path="/page")
    assert busy.metric("sockhook_handshakes_total", result="backend_busy") == 1
    assert busy.metric("sockhook_passthrough_requests_total", result="queue_timed_out") == 1


@promise("3.4", "Sent exactly once in normal running")
def test_a_disconnect_waits_for_longer_and_arrives_once(busy, backend):
    busy.waiting.leave()
    never(lambda: backend.seen(type="disconnect"), 0.5)
    busy.done.set()
    backend.wait(1, type="disconnect")
    eventually(lambda: busy.metric("sockhook_disconnect_backlog") == 0)
    assert len(backend.seen(type="disconnect")) == 1


# Fairness


def test_a_greedy_connection_takes_turns_with_the_others(start, backend):
    node = start(ONE_WORKER, app={"max_connections": 1}, in_flight=16)
    greedy, *others = [node.connect() for _ in range(4)]
    ids = [r["ce-connectionid"] for r in backend.seen(type="connect")]
    go = threading.Event()
    backend.on("/message", when(go, answer(200, "done")))
    for _ in range(16):
        greedy.text("x")
    eventually(lambda: node.metric("sockhook_webhooks_queued") == 15)
    for client in others:
        client.text("y")
    eventually(lambda: node.metric("sockhook_webhooks_queued") == 18)
    go.set()
    backend.wait(19, path="/message")
    order = [ids.index(r["ce-connectionid"]) for r in backend.seen(path="/message")]
    # One runs; then the greedy one's next, since it came first, and one of each of the others.
    assert order[:5] == [0, 0, 1, 2, 3] and order[5:] == [0] * 14


def test_live_traffic_goes_before_owed_disconnects(start, backend):
    node = start(ONE_WORKER, app={"max_connections": 1})
    leaving = [node.connect() for _ in range(8)]
    staying = [node.connect() for _ in range(3)]
    go = threading.Event()
    backend.on("/message", when(go, answer(200, "done")))
    staying[0].text("x")
    backend.wait(1, path="/message")
    for client in leaving:
        client.leave()
    eventually(lambda: node.metric("sockhook_disconnect_backlog") == 8)
    for client in staying[1:]:
        client.text("x")
    eventually(lambda: node.metric("sockhook_webhooks_queued") == 2 + 8)
    go.set()
    backend.wait(8, type="disconnect")
    kinds = [r["ce-type"].rsplit(".")[-1] for r in backend.seen()[11:]]
    assert kinds == ["message"] * 3 + ["disconnect"] * 8


# Retry-After


@promise("3.4", "also when the backend was away (2xx, and 4xx except 408, 425 and 429, end the")
@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.slow
def test_a_disconnect_is_sent_again_no_earlier_than_asked(start, backend, status):
    node = start()
    backend.on(
        "/disconnect", in_turn(answer(status, headers={"Retry-After": "2"}), answer(200))
    )
    node.connect().leave()
    first, second = backend.wait(2, type="disconnect")
    assert 1.9 < second.at - first.at < 6


def retrying(attempts=1, statuses=(429, 503), timeout="5s"):
    retry = {"attempts": attempts, "on": list(statuses)}
    return {
        "$connect": "/connect",
        "$default": {"path": "/message", "retry": retry, "timeout": timeout},
    }


@promise("4", "`retry` of a route turns on more: that many extra attempts on the listed statuses")
@pytest.mark.parametrize("status, form", [(503, "seconds"), (429, "date")])
def test_a_routes_retry_comes_no_earlier_than_asked(start, backend, status, form):
    node = start(routes=retrying())
    client = node.connect()
    not_before = time.time() + 1
    asked = "1"
    if form == "date":
        not_before = int(time.time()) + 2  # a date has no fractions
        asked = formatdate(not_before, usegmt=True)
    backend.on(
        "/message", in_turn(answer(status, headers={"Retry-After": asked}), answer(200, "then"))
    )
    assert ask(client) == "then"
    assert not_before - 0.05 < time.time() < not_before + 4
    assert len(backend.seen(path="/message")) == 2


@promise("4", "all within `timeout`, of which an attempt may use what is left divided by the")
def test_a_routes_retry_that_does_not_fit_into_the_timeout_is_none(start, backend):
    node = start(routes=retrying(attempts=3, timeout="2s"))
    client = node.connect()
    backend.on("/message", answer(429, headers={"Retry-After": "10"}))
    began = time.monotonic()
    assert message_of(client) == "Too Many Requests", "the answer counts"
    assert time.monotonic() - began < 1.5
    assert len(backend.seen(path="/message")) == 1


def test_a_breaker_stays_open_for_as_long_as_asked(start, backend):
    node = start(app=breaker(), **LONG)
    client = node.connect()
    trip(backend, client, answer(503, headers={"Retry-After": "60"}))
    refusal = node.refused()
    assert 50 <= int(refusal["retry-after"]) <= 60


# Several addresses


@promise("4.7", "The one with the fewest requests in flight")
@pytest.mark.slow
def test_a_slow_address_gets_fewer_requests(start, backend, spare_backend):
    """Each of the slow ones takes 20 times as long: the quick address answers the most."""
    backend.on("/message", later(0.4, answer(200, "slow")))
    spare_backend.on("/message", later(0.02, answer(200, "quick")))
    urls = {"url": None, "urls": [backend.url, spare_backend.url]}
    node = start(ONE_WORKER, app=urls, routes={"$default": "/message"})
    clients = [node.connect() for _ in range(8)]
    until = time.monotonic() + 1.5
    answers = []

    def chat(client):
        while time.monotonic() < until:
            answers.append(ask(client))

    threads = [threading.Thread(target=chat, args=(client,)) for client in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers.count("quick") > 2 * answers.count("slow") > 0
