"""Contract 6: reading, closing and listing connections."""

import time
from datetime import datetime
from urllib.parse import quote

import pytest

from support.backend import answer
from support.management import ids, member, problem
from support.promise import promise
from support.sockhook import endpoint
from support.waiting import eventually


@promise("6", '`{"id","node","endpoint","user","groups":[],"connectedAt","lastActiveAt"')
def test_get_connection(start, backend):
    node = start(protocols=["chat.v1"], config={"node": {"id": "gw-9"}})
    backend.on("/connect", answer(200, headers={"Sockhook-User": "ann", "Sockhook-Join": "a,b"}))
    client = member(node, backend, headers={"User-Agent": "Browser/1"}, protocols=["chat.v1"])
    seen = node.manage("GET", f"/v1/connections/{client.id}").json()
    connected, active = seen.pop("connectedAt"), seen.pop("lastActiveAt")
    for at in (connected, active):
        assert abs(datetime.fromisoformat(at.replace("Z", "+00:00")).timestamp() - time.time()) < 60
    seen["groups"].sort()
    assert seen == {
        "id": client.id,
        "node": "gw-9",
        "endpoint": "chat",
        "user": "ann",
        "groups": ["a", "b"],
        "remoteAddress": "127.0.0.1",
        "userAgent": "Browser/1",
        "subprotocol": "chat.v1",
    }


@promise("6", '`{"id","node","endpoint","user","groups":[],"connectedAt","lastActiveAt"')
def test_absent_values_are_null(node, client):
    seen = node.manage("GET", f"/v1/connections/{client.id}").json()
    assert set(seen) == {
        "id",
        "node",
        "endpoint",
        "user",
        "groups",
        "connectedAt",
        "lastActiveAt",
        "remoteAddress",
        "userAgent",
        "subprotocol",
    }
    assert (
        seen["user"] is None
        and seen["userAgent"] is None
        and seen["subprotocol"] is None
        and seen["groups"] == []
    )


def test_last_active_moves_with_messages(node, client):
    def active():
        return node.manage("GET", f"/v1/connections/{client.id}").json()["lastActiveAt"]

    before = active()
    time.sleep(1.1)
    client.text("x")
    eventually(lambda: active() > before)


@promise("6", "204 when the close frame is queued: from then on 410 and in no group, user or list")
def test_delete(node, backend):
    backend.on("/connect", answer(200, headers={"Sockhook-User": "ann", "Sockhook-Join": "g"}))
    client = member(node, backend)
    response = node.manage(
        "DELETE", f"/v1/connections/{client.id}?code=4009&reason=gr%C3%BC%C3%9Fe%20und%20so"
    )
    assert (response.status, response.body) == (204, b"")
    problem(node.push(client.id, "x"), 410, "gone")
    problem(node.manage("GET", f"/v1/connections/{client.id}"), 410, "gone")
    problem(node.manage("DELETE", f"/v1/connections/{client.id}"), 410, "gone")
    assert node.manage("GET", "/v1/groups/g").json()["count"] == 0
    assert node.manage("GET", "/v1/users/ann").json() == {
        "user": "ann",
        "online": False,
        "connections": [],
    }
    assert ids(node.manage("GET", "/v1/connections")) == []
    assert client.read_close() == (4009, "grüße und so")


@promise("6", "`DELETE /v1/connections/{id}?code=&reason=`")
def test_delete_defaults_to_1000(node, client):
    assert node.manage("DELETE", f"/v1/connections/{client.id}").status == 204
    assert client.read_close() == (1000, "")


@promise("6", "`DELETE /v1/connections/{id}?code=&reason=`")
@pytest.mark.parametrize(
    "query",
    [
        "code=1005",
        "code=1006",
        "code=1015",
        "code=999",
        "code=5000",
        "code=x",
        "code=4000&reason=" + "x" * 124,
        "code=4000&reason=%FF",
    ],
)
def test_delete_with_a_bad_code_or_reason_is_400(node, client, query):
    response = node.manage("DELETE", f"/v1/connections/{client.id}?{query}")
    problem(response, 400, response.json()["code"])
    assert client.in_sync()


@promise("6", "204 when the close frame is queued: from then on 410 and in no group, user or list")
def test_what_was_queued_before_a_delete_is_delivered(node, client):
    for number in range(5):
        node.push(client.id, f"{number}")
    node.manage("DELETE", f"/v1/connections/{client.id}")
    assert [client.read_text() for _ in range(5)] == list("01234")
    assert client.read_close_code() == 1000


@promise("6", "`$disconnect` after the close handshake or 5 s")
def test_disconnect_comes_after_the_close_handshake(node, backend, client):
    node.manage("DELETE", f"/v1/connections/{client.id}")
    assert client.read_close(answer=False)[0] == 1000
    time.sleep(0.2)
    assert not backend.seen(type="disconnect")
    client.send_close(1000)
    assert backend.wait(1, type="disconnect")[0]["ce-closecode"] == "1000"


@promise("6", "`$disconnect` after the close handshake or 5 s")
@pytest.mark.slow
def test_disconnect_comes_after_5_s_without_a_close_handshake(node, backend, client):
    began = time.monotonic()
    node.manage("DELETE", f"/v1/connections/{client.id}")
    backend.wait(1, type="disconnect")
    assert 3 < time.monotonic() - began < 8
    assert client.gone()


@promise("6", '`{"connections":[…],"cursor":"…"}` of the cluster; limit 100, at most 1000; no')
def test_listing_pages_through_every_connection_once(node, backend):
    clients = [member(node, backend) for _ in range(25)]
    for limit in (1, 7, 24, 25, 26):
        found, cursor, pages = [], "", 0
        while True:
            page = node.manage(
                "GET",
                f"/v1/connections?limit={limit}"
                + (f"&cursor={quote(cursor, safe='')}" if cursor else ""),
            ).json()
            assert len(page["connections"]) <= limit
            found += [c["id"] for c in page["connections"]]
            pages += 1
            cursor = page.get("cursor")
            if not cursor:
                break
        assert sorted(found) == sorted(c.id for c in clients), limit
        assert pages <= 25 // limit + 2


@promise("6", '`{"connections":[…],"cursor":"…"}` of the cluster; limit 100, at most 1000; no')
def test_connections_that_stay_are_listed_once_while_others_come_and_go(node, backend):
    staying = [member(node, backend) for _ in range(20)]
    going = [member(node, backend) for _ in range(20)]
    found, cursor = [], ""
    while cursor is not None:
        page = node.manage(
            "GET",
            "/v1/connections?limit=4" + (f"&cursor={quote(cursor, safe='')}" if cursor else ""),
        ).json()
        found += [c["id"] for c in page["connections"]]
        cursor = page.get("cursor")
        for _ in range(2):
            if going:
                going.pop().leave()
        node.connect()
    for client in staying:
        assert found.count(client.id) == 1


@promise("6", '`{"connections":[…],"cursor":"…"}` of the cluster; limit 100, at most 1000; no')
def test_the_limit_of_a_page(node, backend):
    for _ in range(105):
        node.connect()
    page = node.manage("GET", "/v1/connections").json()
    assert len(page["connections"]) == 100 and page["cursor"]
    page = node.manage("GET", "/v1/connections?limit=1000").json()
    assert len(page["connections"]) == 105 and not page.get("cursor")
    for bad in ("0", "-1", "x", "1001"):
        assert node.manage("GET", f"/v1/connections?limit={bad}").status == 400, bad
    assert node.manage("GET", "/v1/connections?cursor=nonsense!").status == 400


@promise("6", "`GET /v1/connections?endpoint=&user=&group=&limit=&cursor=`")
def test_listing_filters(start, backend):
    node = start({"endpoints": [endpoint(), endpoint("other", "/other")]})
    backend.on(
        "/connect",
        lambda request: answer(
            200,
            headers=[
                (name, value)
                for name, value in [
                    pair.split("=") for pair in request.target.split("?")[1].split("&")
                ]
            ],
        ),
    )
    a = member(node, backend, "/chat?Sockhook-User=ann&Sockhook-Join=g").id
    b = member(node, backend, "/other?Sockhook-User=ann&Sockhook-Join=h").id
    c = member(node, backend, "/chat?Sockhook-User=bob&Sockhook-Join=g").id
    for query, expected in [
        ("", {a, b, c}),
        ("?endpoint=chat", {a, c}),
        ("?user=ann", {a, b}),
        ("?group=g", {a, c}),
        ("?user=ann&group=g", {a}),
        ("?endpoint=other&user=bob", set()),
        ("?group=none", set()),
    ]:
        assert set(ids(node.manage("GET", f"/v1/connections{query}"))) == expected, query
