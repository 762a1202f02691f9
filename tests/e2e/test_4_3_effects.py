"""Contract 4.3: what the headers of an answer do to the connection."""

import json
import time

import pytest

from support.backend import answer
from support.promise import promise
from support.waiting import eventually


def groups_of(node, connection):
    return sorted(node.manage("GET", f"/v1/connections/{connection}").json()["groups"])


def answered(client, backend, headers, status=200, body="done"):
    """One message answered with these headers (and a frame, so that it is known to be handled)."""
    backend.on("/message", answer(status, body, headers))
    client.text("x")
    assert client.read_text() == body
    return backend.seen(path="/message")[-1]


@promise("4.3", "opaque, kept with the connection (up to 4 KiB) and sent back byte for byte on")
@pytest.mark.parametrize(
    "state",
    ["simple", '{"a": [1, "x,y"], "b": "c; d=\\"e\\""}', "a%20b=c&d", "x" * 4096, "tab\there"],
)
def test_the_state_is_sent_back_byte_for_byte(client, node, backend, state):
    answered(client, backend, {"Sockhook-State": state})
    assert answered(client, backend, {})["sockhook-state"] == state
    assert answered(client, backend, {})["sockhook-state"] == state
    client.leave()
    assert backend.one(type="disconnect")["sockhook-state"] == state


@promise("4.3", "opaque, kept with the connection (up to 4 KiB) and sent back byte for byte on")
def test_bytes_beyond_ascii_in_the_state(client, backend):
    answered(client, backend, {"Sockhook-State": "é€".encode()})
    assert answered(client, backend, {})["sockhook-state"].encode("latin-1") == "é€".encode()


@promise("4.3", "opaque, kept with the connection (up to 4 KiB) and sent back byte for byte on")
def test_an_empty_state_removes_it(client, backend):
    answered(client, backend, {"Sockhook-State": "s"})
    assert answered(client, backend, {"Sockhook-State": ""})["sockhook-state"] == "s"
    assert "sockhook-state" not in answered(client, backend, {})


@promise("4.3", "names the user (connect only; wins over a token's subject)")
def test_the_user_is_named_on_connect_only(node, backend):
    backend.on("/connect", answer(200, headers={"Sockhook-User": "ann"}))
    client = node.connect()
    connection = backend.newest()
    assert node.manage("GET", f"/v1/connections/{connection}").json()["user"] == "ann"
    answered(client, backend, {"Sockhook-User": "bob"})
    assert node.manage("GET", f"/v1/connections/{connection}").json()["user"] == "ann"
    assert node.manage("GET", "/v1/users/bob").json()["online"] is False


@promise("4.3", "group membership; split at commas, then percent-decoded")
def test_join_and_leave(client, node, backend):
    connection = backend.newest()
    answered(client, backend, {"Sockhook-Join": "a, b,c , with%2Ccomma,caf%C3%A9"})
    assert groups_of(node, connection) == sorted(["a", "b", "c", "with,comma", "café"])
    answered(client, backend, {"Sockhook-Leave": "b,with%2Ccomma, never-joined"})
    assert groups_of(node, connection) == sorted(["a", "c", "café"])
    answered(
        client, backend, [("Sockhook-Join", "x"), ("Sockhook-Join", "y"), ("Sockhook-Leave", "a")]
    )
    assert groups_of(node, connection) == sorted(["c", "café", "x", "y"])


@promise("4.3", "closes behind what is queued; later pushes are 410")
def test_close_comes_behind_what_is_queued(client, node, backend):
    connection = backend.newest()
    node.push(connection, "before")
    backend.on("/message", answer(200, "the answer", {"Sockhook-Close": "4001 that is all"}))
    client.text("x")
    assert client.read_text() == "before"
    assert client.read_text() == "the answer"
    assert client.read_close(answer=False) == (4001, "that is all")
    assert node.push(connection, "after").status == 410


CODES = [
    1000,
    1001,
    1002,
    1003,
    1007,
    1008,
    1009,
    1010,
    1011,
    1012,
    1013,
    1014,
    3000,
    3999,
    4000,
    4999,
]
BAD_CODES = [
    "999",
    "1004",
    "1005",
    "1006",
    "1015",
    "1016",
    "2999",
    "5000",
    "65536",
    "abc",
    "-1",
    "4001x",
    "",
    "4 001",
]


@promise("4.3", "Close codes: 1000-1003, 1007-1014, 3000-4999, reason up to 123 bytes.")
@pytest.mark.parametrize("code", CODES)
def test_close_codes_that_may_be_used(client, backend, code):
    backend.on("/message", answer(200, headers={"Sockhook-Close": str(code)}))
    client.text("x")
    assert client.read_close() == (code, "")


@promise("4.3", "Close codes: 1000-1003, 1007-1014, 3000-4999, reason up to 123 bytes.")
def test_a_reason_of_123_bytes(client, backend):
    backend.on("/message", answer(200, headers={"Sockhook-Close": "4000 " + "r" * 123}))
    client.text("x")
    assert client.read_close() == (4000, "r" * 123)


MALFORMED = {f"close {code!r}": {"Sockhook-Close": code} for code in BAD_CODES} | {
    "a long reason": {"Sockhook-Close": "4000 " + "r" * 124},
    "a reason that is no UTF-8": {"Sockhook-Close": b"4000 \xff"},
    "a long group": {"Sockhook-Join": "g" * 129},
    "a group with a control character": {"Sockhook-Join": "a%0Ab"},
    "a group that is no UTF-8": {"Sockhook-Join": "%FF"},
    "a group with half an escape": {"Sockhook-Join": "a%2"},
    "a long state": {"Sockhook-State": "s" * 4097},
}


@promise("4.3", "A malformed effect is logged, counted and ignored.")
@pytest.mark.parametrize("what", MALFORMED)
def test_a_malformed_effect_is_ignored(client, node, backend, what):
    connection = backend.newest()
    answered(client, backend, {"Sockhook-State": "kept"})
    before = node.metrics()
    answered(client, backend, MALFORMED[what])
    request = answered(client, backend, {})
    assert request["sockhook-state"] == "kept"
    assert groups_of(node, connection) == []
    assert client.in_sync()
    grown = {
        name
        for (name, labels), value in node.metrics().items()
        if value > before.get((name, labels), 0) and ("effect" in name or "effect" in str(labels))
    }
    assert grown, "it is not counted"
    eventually(lambda: node.log(connection=connection, level="warn"), what="it is logged")


@promise("4.3", "Group and user names: 1-128 bytes of UTF-8 without control characters.")
def test_names_of_up_to_128_bytes(client, node, backend):
    longest = "é" * 64
    answered(client, backend, {"Sockhook-Join": f"{longest},{'g' * 128},{'h' * 129}"})
    assert groups_of(node, backend.newest()) == sorted([longest, "g" * 128])


@promise("4.3", "Group and user names: 1-128 bytes of UTF-8 without control characters.")
@pytest.mark.parametrize(
    "name", ["u" * 129, b"\xff", b"a\tb"], ids=["too long", "no UTF-8", "a control character"]
)
def test_a_malformed_user_is_ignored(node, backend, name):
    backend.on("/connect", answer(200, headers={"Sockhook-User": name}))
    node.connect()
    assert node.manage("GET", f"/v1/connections/{backend.newest()}").json()["user"] is None


@promise("4.3", "Effects: headers of a 2xx or 4xx answer to a message, or of an accepting")
def test_effects_of_a_4xx_answer(client, node, backend):
    answered(client, backend, {"Sockhook-Join": "g", "Sockhook-State": "s"}, status=422)
    assert groups_of(node, backend.newest()) == ["g"]
    assert answered(client, backend, {})["sockhook-state"] == "s"


@promise("4.3", "Effects: headers of a 2xx or 4xx answer to a message, or of an accepting")
@pytest.mark.parametrize(
    "script",
    [
        answer(500, "x", {"Sockhook-Join": "g", "Sockhook-State": "s", "Sockhook-Close": "4000"}),
        answer(302, "x", {"Sockhook-Join": "g", "Sockhook-State": "s", "Sockhook-Close": "4000"}),
        answer(
            200, b"\xff", {"Sockhook-Join": "g", "Sockhook-State": "s", "Sockhook-Close": "4000"}
        ),
    ],
    ids=["500", "302", "no text"],
)
def test_a_failed_answer_has_no_effects(client, node, backend, script):
    backend.on("/message", script)
    client.text("x")
    assert client.read_json()["message"] == "Internal server error"
    assert groups_of(node, backend.newest()) == []
    assert "sockhook-state" not in answered(client, backend, {})


@promise("4.3", "Effects: headers of a 2xx or 4xx answer to a message, or of an accepting")
def test_a_refusing_connect_has_no_effects(node, backend):
    backend.on("/connect", answer(403, headers={"Sockhook-Join": "g", "Sockhook-User": "ann"}))
    node.refused()
    assert node.manage("GET", "/v1/groups/g").json()["count"] == 0
    assert node.manage("GET", "/v1/users/ann").json()["online"] is False


@promise("4.3", "Effects: headers of a 2xx or 4xx answer to a message, or of an accepting")
def test_effects_in_lambda_are_headers_of_the_result(start, backend):
    effects = {"Sockhook-Join": "g", "sockhook-state": "s", "SOCKHOOK-USER": "ann"}
    backend.on(
        "/connect",
        answer(
            200, json.dumps({"statusCode": 200, "headers": effects}), {"Sockhook-Join": "not-this"}
        ),
    )
    backend.on(
        "/message",
        answer(
            200,
            json.dumps({"statusCode": 200, "body": "bye", "headers": {"Sockhook-Close": "4007 x"}}),
        ),
    )
    node = start(format="lambda")
    client = node.connect()
    seen = node.manage("GET", f"/v1/connections/{backend.newest()}").json()
    assert (seen["groups"], seen["user"]) == (["g"], "ann")
    client.text("x")
    assert client.read_text() == "bye"
    assert client.read_close() == (4007, "x")


def test_effects_are_in_force_before_the_answers_frame(client, node, backend):
    """Whoever has read the answer may rely on the membership that came with it."""
    for number in range(20):
        answered(client, backend, {"Sockhook-Join": f"g{number}"})
        assert node.manage("POST", f"/v1/groups/g{number}/messages", "hi").json()["delivered"] == 1
        assert client.read_text() == "hi"


def test_the_answer_to_a_disconnect_has_no_effects(node, backend):
    backend.on(
        "/disconnect",
        answer(200, "nobody reads this", {"Sockhook-Join": "g", "Sockhook-Close": "4000"}),
    )
    node.connect().leave()
    backend.wait(1, type="disconnect")
    time.sleep(0.05)
    assert node.manage("GET", "/v1/groups/g").json()["count"] == 0
