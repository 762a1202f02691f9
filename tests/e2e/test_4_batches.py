"""Contract 4.6: messages that wait travel together, and each has its own answer."""

import base64
import hashlib
import hmac
import json
import threading
from collections import defaultdict

import pytest

from support.backend import Script, answer, hang, in_turn, later, reset, when
from support.management import member
from support.promise import promise
from support.sockhook import ROUTES, endpoint, run_binary
from support.waiting import eventually

TOGETHER = "Messages that wait when a request to the backend becomes possible travel together"
OWN_ANSWER = "each is treated as that event's own answer."
CONCERNED = "An event without an entry, or a failed request, is a backend failure for just the"


def batched(maximum=5, **route):
    return {**ROUTES, "$default": {"path": "/message", "batch": {"max": maximum}, **route}}


@pytest.fixture
def begin(start):
    """A node of one worker whose $default route has batches over one connection to the backend."""

    def begin(maximum=5, retry=None, config=None, app=None, **settings):
        routes = batched(maximum, **({"retry": retry} if retry else {}))
        config = {"node": {"workers": 1}, **(config or {})}
        return start(
            config=config, app={"max_connections": 1, **(app or {})}, routes=routes, **settings
        )

    return begin


def entries_by(handle):
    """Answers a batch by what `handle(event)` says of each event, the last one first."""

    def script(request):
        assert request["content-type"] == "application/cloudevents-batch+json"
        entries = [{"id": event["id"], **handle(event)} for event in request.json()]
        return answer(200, json.dumps(entries[::-1]), content_type="application/json")

    return script


def echo(event):
    return {"status": 200, "body": event["data"]}


def by_turns(*scripts):
    """As in_turn; some of them may be functions of the request."""
    choose = in_turn(*scripts)

    def script(request):
        chosen = choose(request)
        return chosen if isinstance(chosen, Script) else chosen(request)

    return script


def batches(backend):
    return [request.json() for request in backend.seen(path="/message")]


def said(backend):
    """What the clients said, batch by batch."""
    return [[event["data"] for event in batch] for batch in batches(backend)]


class Held:
    """A first message holds the only connection to the backend, until `release`."""

    def __init__(self, node, backend, client):
        self.node, self.backend, self.client = node, backend, client
        self.event = threading.Event()
        backend.on("/message", when(self.event, entries_by(echo)))
        client.text("first")
        backend.wait(1, path="/message")

    def wait_for(self, count):
        eventually(lambda: self.node.metric("sockhook_webhooks_queued") == count)

    def release(self, script):
        self.backend.on("/message", script)
        self.event.set()
        assert self.client.read_text() == "first"


@promise("4.6", TOGETHER)
def test_what_waits_travels_together(begin, backend):
    node = begin()
    clients = [node.connect() for _ in range(12)]
    held = Held(node, backend, clients[0])
    for number, client in enumerate(clients[1:]):
        client.text(f"m{number}")
        held.wait_for(number + 1)
    held.release(entries_by(echo))
    for number, client in enumerate(clients[1:]):
        assert client.read_text() == f"m{number}"
    sent = [f"m{number}" for number in range(11)]
    assert said(backend) == [["first"], sent[:5], sent[5:10], sent[10:]]
    assert node.metric("sockhook_webhooks_total", route="$default", result="ok") == 12
    assert node.metric("sockhook_webhook_batches_total", route="$default") == 4
    phase = {"route": "$default", "phase": "backend"}
    assert node.metric("sockhook_webhook_duration_seconds_count", **phase) == 12


@promise("4.6", "no lingering")
def test_who_need_not_wait_goes_alone(begin, backend):
    node = begin()
    backend.on("/message", entries_by(echo))
    first, second = node.connect(), node.connect()
    for client in (first, second, first):
        client.text("x")
        assert client.read_text() == "x"
    assert said(backend) == [["x"]] * 3


@promise("4.6", "from many connections (at most `in_flight` of one connection, in order)")
@pytest.mark.parametrize("in_flight", [1, 3])
def test_at_most_in_flight_of_one_connection_in_order(begin, backend, in_flight):
    node = begin(100, in_flight=in_flight)
    holder, *clients = [node.connect() for _ in range(4)]
    held = Held(node, backend, holder)
    for number in range(7):
        for name, client in zip("abc", clients):
            client.text(f"{name}{number}")
    held.wait_for(3 * in_flight)
    held.release(entries_by(echo))
    for name, client in zip("abc", clients):
        assert [client.read_text() for _ in range(7)] == [f"{name}{n}" for n in range(7)]
    arrived = said(backend)[1:]
    assert len(arrived[0]) == 3 * in_flight
    for name in "abc":
        of_one = [[text for text in batch if text[0] == name] for batch in arrived]
        assert max(map(len, of_one)) == in_flight
        assert sum(of_one, []) == [f"{name}{n}" for n in range(7)]


@promise("4.6", "(structured events with the attributes of 4.1, `sockhookstate` and `traceparent`")
def test_events_have_their_attributes(begin, backend):
    node = begin(select="$request.body.action")
    backend.on(
        "/connect", answer(200, headers={"Sockhook-User": "ann", "Sockhook-State": 'a="é"'.encode()})
    )
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    traced = {"traceparent": f"00-{trace}-00f067aa0ba902b7-01", "tracestate": "a=b"}
    client = member(node, backend, headers=traced)
    backend.on("/message", entries_by(lambda event: {"status": 204}))
    client.text('{"action": "x", "n": [1, 2.50]}')
    client.text("héllo")
    client.binary(bytes([0, 1, 255]))
    request, text, binary = backend.wait(3, path="/message")
    [event] = request.json()
    span = event.pop("traceparent")
    assert span.split("-")[1] == trace and span.split("-")[3] == "01"
    assert len(event.pop("time")) == len("2026-11-20T09:30:04.567Z")
    assert event == {
        "specversion": "1.0",
        "type": "io.sockhook.message",
        "source": "/nodes/node-1/endpoints/chat",
        "id": f"{client.id}-1",
        "connectionid": client.id,
        "endpoint": "chat",
        "routekey": "$default",
        "userid": "ann",
        "sockhookstate": 'a="é"',
        "xforwardedfor": "127.0.0.1",
        "xforwardedproto": "http",
        "xforwardedhost": event["xforwardedhost"],
        "tracestate": "a=b",
        "datacontenttype": "application/json",
        "data": {"action": "x", "n": [1, 2.5]},
    }
    assert text.json()[0]["datacontenttype"] == "text/plain; charset=utf-8"
    assert text.json()[0]["data"] == "héllo"
    assert binary.json()[0]["datacontenttype"] == "application/octet-stream"
    assert base64.b64decode(binary.json()[0]["data_base64"]) == bytes([0, 1, 255])
    assert not [name for name, _ in request.headers if name.lower().startswith("ce-")]
    assert "traceparent" not in request


@promise("4.6", "(structured events with the attributes of 4.1, `sockhookstate` and `traceparent`")
@pytest.mark.parametrize("poison", ['["\\ud800"]', "1e999", "[" * 200 + "]" * 200])
def test_no_message_makes_a_batch_unreadable(begin, backend, poison):
    node = begin(select="$request.body.action")
    holder, bad, good = [node.connect() for _ in range(3)]
    held = Held(node, backend, holder)
    bad.text(poison)
    held.wait_for(1)
    good.text('{"a": 1}')
    held.wait_for(2)
    held.release(entries_by(lambda event: {"status": 200, "body": "taken"}))
    assert bad.read_text() == good.read_text() == "taken"
    first, second = batches(backend)[1]
    given = first.get("data_base64")
    # 200 levels are too deep for a route's selection: there it is text.
    assert first.get("data") == poison or base64.b64decode(given).decode() == poison
    assert second["data"] == {"a": 1}


@promise("4.6", OWN_ANSWER)
def test_each_entry_is_that_events_own_answer(begin, backend):
    node = begin(20)
    answers = {
        "text": {"status": 200, "body": "héllo", "headers": {"content-type": "text/html"}},
        "lines": {
            "status": 201,
            "body": "a\r\n\nb\n",
            "headers": {"Content-Type": "application/x-ndjson"},
        },
        "bytes": {
            "status": 200,
            "body_base64": base64.b64encode(b"\x00\xff").decode(),
            "headers": {"content-type": "application/octet-stream"},
        },
        "no text": {"status": 200, "body_base64": base64.b64encode(b"\xff").decode()},
        "nothing": {"status": 204},
        "refused": {"status": 404, "body": "no such room"},
        "too many": {"status": 429},
        "broken": {"status": 503, "body": "unseen"},
        "redirect": {"status": 302},
        "close": {"status": 200, "body": "bye", "headers": {"sockhook-close": "4001 enough"}},
        "effects": {
            "status": 200,
            "body": "done",
            "headers": {"Sockhook-Join": ["g1", "g2"], "Sockhook-State": "s"},
        },
    }
    holder = node.connect()
    clients = {name: member(node, backend) for name in answers}
    held = Held(node, backend, holder)
    for client, name in zip(clients.values(), answers):
        client.text(name)
    held.wait_for(len(answers))
    held.release(entries_by(lambda event: answers[event["data"]]))
    assert clients["text"].read_text() == "héllo"
    assert [clients["lines"].read_text() for _ in range(2)] == ["a", "b"]
    assert clients["bytes"].read_binary() == b"\x00\xff"
    assert clients["refused"].read_text() == "no such room"
    assert clients["too many"].read_json()["message"] == "Too Many Requests"
    for name in ("no text", "broken", "redirect"):
        error = clients[name].read_json()
        assert error["message"] == "Internal server error"
        assert error["requestId"] == f"{clients[name].id}-1"
    assert clients["close"].read_text() == "bye"
    assert clients["close"].read_close() == (4001, "enough")
    assert clients["effects"].read_text() == "done"
    member_of = node.manage("GET", f"/v1/connections/{clients['effects'].id}").json()
    assert sorted(member_of["groups"]) == ["g1", "g2"]
    assert clients["nothing"].quiet()
    assert len(batches(backend)) == 2
    backend.on("/message", entries_by(lambda event: {"status": 200, "body": "again"}))
    clients["effects"].text("x")
    assert clients["effects"].read_text() == "again"
    assert batches(backend)[-1][0]["sockhookstate"] == "s"
    counts = {"ok": 9, "rejected": 2, "failed": 2}
    for result, count in counts.items():
        assert node.metric("sockhook_webhooks_total", route="$default", result=result) == count


@promise("4.6", CONCERNED)
def test_an_event_without_a_usable_entry_fails_alone(begin, backend):
    node = begin(20)
    broken = {
        "none": [],
        "two": [{"status": 200, "body": "a"}, {"status": 200, "body": "b"}],
        "no status": [{"body": "a"}],
        "object": [{"status": 200, "body": {"a": 1}}],
        "two bodies": [{"status": 200, "body": "", "body_base64": ""}],
        "no base64": [{"status": 200, "body_base64": "?"}],
    }
    names = ["fine", *broken, "also fine"]

    def script(request):
        entries = [{"id": "nobody-1", "status": 200}, 7, {"status": 200}]
        for event in request.json():
            given = broken.get(event["data"], [{"status": 200, "body": "ok"}])
            entries += [{"id": event["id"], **entry} for entry in given]
        return answer(200, json.dumps(entries))

    holder, *clients = [member(node, backend) for _ in range(len(names) + 1)]
    held = Held(node, backend, holder)
    for client, name in zip(clients, names):
        client.text(name)
    held.wait_for(len(names))
    held.release(script)
    for client, name in zip(clients, names):
        if name in broken:
            assert client.read_json()["message"] == "Internal server error"
        else:
            assert client.read_text() == "ok"
    logged = eventually(
        lambda: len(lines := node.log(msg="webhook failed")) == len(broken) and lines
    )
    lines = {line["connection"]: line for line in logged}
    assert set(lines) == {client.id for client, name in zip(clients, names) if name in broken}
    assert len({line["batch"] for line in lines.values()}) == 1
    assert lines[clients[1].id]["why"] == "the answer has no entry for it"
    malformed = {"route": "$default", "result": "malformed"}
    assert node.metric("sockhook_webhooks_total", **malformed) == len(broken)


@promise("4.6", CONCERNED)
@pytest.mark.parametrize(
    "failure",
    [
        answer(500),
        answer(429, "[]"),
        answer(204),
        answer(200, "{}"),
        answer(200, b"[" + b" " * 5000 + b"]"),
        answer(200, "[]", headers={"Content-Encoding": "gzip"}),
        reset(b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n["),
    ],
    ids=["500", "429", "204", "object", "large", "encoded", "cut"],
)
def test_a_failed_request_fails_its_events_and_no_others(begin, backend, failure):
    node = begin(2, app={"answer_size": "4KiB"})
    holder, *clients = [node.connect() for _ in range(5)]
    held = Held(node, backend, holder)
    for number, client in enumerate(clients):
        client.text("x")
        held.wait_for(number + 1)
    held.release(by_turns(failure, entries_by(echo)))
    for client in clients[:2]:
        assert client.read_json()["message"] == "Internal server error"
    for client in clients[2:]:
        assert client.read_text() == "x"
    assert [len(batch) for batch in said(backend)] == [1, 2, 2]


@promise("4.6", CONCERNED)
def test_errors_close_closes_those_concerned(begin, backend):
    node = begin(errors="close")
    holder, lost, fine = [node.connect() for _ in range(3)]
    held = Held(node, backend, holder)
    lost.text("lost")
    held.wait_for(1)
    fine.text("fine")
    held.wait_for(2)

    def script(request):
        return answer(200, json.dumps([{"id": e["id"], **echo(e)} for e in request.json()[1:]]))

    held.release(script)
    assert lost.read_close()[0] == 1011
    assert fine.read_text() == "fine"


@promise("4.6", CONCERNED)
def test_an_event_whose_time_is_up_leaves_the_others_alone(begin, backend):
    node = begin(app={"timeout": "1500ms"})
    holder, old, young = [node.connect() for _ in range(3)]
    held = Held(node, backend, holder)
    old.text("old")
    held.wait_for(1)
    threading.Event().wait(0.8)
    young.text("young")
    held.wait_for(2)
    answered = threading.Event()
    held.release(when(answered, entries_by(echo)))
    assert old.read_json()["message"] == "Endpoint request timed out"
    answered.set()
    assert young.read_text() == "young"
    assert said(backend)[1] == ["old", "young"]
    backend.on("/message", entries_by(echo))
    old.text("next")
    assert old.read_text() == "next"


@promise("4.6", CONCERNED)
def test_without_a_backend_all_fail(begin, backend):
    node = begin()
    clients = [node.connect() for _ in range(3)]
    backend.stop()
    for client in clients:
        client.text("x")
    for client in clients:
        assert client.read_json()["message"] == "Internal server error"
    backend.start()
    backend.on("/message", entries_by(echo))
    for client in clients:
        client.text("again")
        assert client.read_text() == "again"


@promise("4.6", TOGETHER)
def test_a_retry_is_the_same_batch(begin, backend):
    node = begin(retry={"attempts": 2, "on": [503]})
    holder, *clients = [node.connect() for _ in range(4)]
    held = Held(node, backend, holder)
    for client in clients:
        client.text("x")
    held.wait_for(3)
    held.release(by_turns(answer(503), answer(503), entries_by(echo)))
    for client in clients:
        assert client.read_text() == "x"
    tries = [{event["id"]: event["time"] for event in batch} for batch in batches(backend)[1:]]
    assert len(tries) == 3 and len(tries[0]) == 3 and tries[0] == tries[1] == tries[2]


@promise("4.6", "a signed batch has a `webhook-id` of its own)")
def test_a_signed_batch(begin, backend):
    key = b"k" * 24
    secret = "whsec_" + base64.b64encode(key).decode()
    node = begin(config={"signing": {"secrets": [secret]}})
    backend.on("/message", entries_by(echo))
    client = node.connect()
    for _ in range(2):
        client.text("x")
        assert client.read_text() == "x"
    first, second = backend.seen(path="/message")
    assert first["webhook-id"] != second["webhook-id"]
    assert first["webhook-id"] not in [event["id"] for event in first.json()]
    for request in (first, second):
        signed = f"{request['webhook-id']}.{request['webhook-timestamp']}.".encode() + request.body
        mac = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
        assert request["webhook-signature"] == f"v1,{mac}"


@promise("3.3", "All messages received before a close are delivered, in order, then `$disconnect`.")
def test_who_leaves_while_its_event_travels(begin, backend):
    node = begin()
    holder, stays = node.connect(), node.connect()
    leaver = member(node, backend)
    held = Held(node, backend, holder)
    leaver.text("last words")
    leaver.text("and these")
    held.wait_for(1)
    leaver.close()
    stays.text("stays")
    held.wait_for(2)
    held.release(entries_by(echo))
    assert stays.read_text() == "stays"
    backend.wait(1, type="disconnect", connection=leaver.id)
    assert sorted(sum(said(backend), [])) == ["and these", "first", "last words", "stays"]
    order = [request.path for request in backend.seen() if request.path != "/connect"]
    assert order[-1] == "/disconnect"


@promise("4.6", TOGETHER)
@pytest.mark.slow
def test_many_connections_and_a_slow_backend(start, backend):
    node = start(
        config={"node": {"workers": 2}}, app={"max_connections": 2}, routes=batched(16), in_flight=2
    )
    clients = [member(node, backend) for _ in range(40)]

    def handle(event):
        return {"status": 200, "body": event["data"], "headers": {"sockhook-join": "all"}}

    backend.on("/message", lambda request: later(0.01, entries_by(handle)(request)))
    for number in range(10):
        for client in clients:
            client.text(str(number))
    for client in clients:
        # With in_flight 2 two batches may be answered in either order.
        assert sorted(client.read_text() for _ in range(10)) == sorted(map(str, range(10)))
    sizes = [len(batch) for batch in batches(backend)]
    assert sum(sizes) == 400 and max(sizes) <= 16
    assert len(sizes) < 200, "what waits travels together"
    arrived = defaultdict(list)
    for batch in batches(backend):
        for event in batch:
            arrived[event["connectionid"]].append(event["id"])
        of_one = [event["connectionid"] for event in batch]
        assert max(map(of_one.count, of_one)) <= 2
    assert {connection: sorted(ids) for connection, ids in arrived.items()} == {
        client.id: sorted(f"{client.id}-{n}" for n in range(1, 11)) for client in clients
    }
    assert node.manage("GET", "/v1/groups/all").json()["count"] == 40
    assert node.metric("sockhook_webhooks_queued") == 0
    assert node.metric("sockhook_webhooks_in_flight") == 0


@promise("4.6", "Batches (`batch: {max: N}` on a message route, events format)")
@pytest.mark.parametrize(
    "settings, mistake",
    [
        ({"routes": {"$connect": {"path": "/c", "batch": {"max": 2}}}}, "batches are for messages"),
        ({"routes": {"$disconnect": {"path": "/c", "batch": {"max": 2}}}}, "not for $disconnect"),
        ({"routes": batched(2), "format": "lambda"}, "batches are for format: events"),
        ({"routes": batched(0)}, "1 to 10000"),
    ],
)
def test_batches_elsewhere_are_mistakes(tmp_path, settings, mistake):
    config = {
        "backends": {"app": {"url": "http://127.0.0.1:1"}},
        "endpoints": [endpoint(**settings)],
    }
    file = tmp_path / "config.yaml"
    file.write_text(json.dumps(config))
    checked = run_binary("check", "--config", file)
    assert checked.returncode == 2 and mistake in checked.stdout + checked.stderr


@promise("4.6", "no lingering")
def test_a_batch_that_hangs_does_not_hold_up_others(start, backend):
    node = start(config={"node": {"workers": 1}}, app={"max_connections": 2}, routes=batched(5))
    first, second = node.connect(), node.connect()
    backend.on("/message", by_turns(hang(), entries_by(echo)))
    first.text("hangs")
    backend.wait(1, path="/message")
    second.text("goes")
    assert second.read_text() == "goes"
