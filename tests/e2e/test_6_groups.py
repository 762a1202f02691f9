"""Contract 6: groups, users and broadcasts."""

from urllib.parse import quote

import pytest

from support.backend import answer
from support.management import ids, member, problem
from support.promise import promise
from support.sockhook import endpoint

# Groups


@promise("6", '200 `{"delivered":n,"failed":m,"unknown":["node",…]}`; `?wait=none` 202 `{}`')
def test_a_send_to_a_group(node, trio):
    response = node.manage("POST", "/v1/groups/g/messages", "hi")
    assert (response.status, response.json()) == (200, {"delivered": 3, "failed": 0, "unknown": []})
    assert [client.read_text() for client in trio] == ["hi"] * 3
    response = node.manage(
        "POST",
        "/v1/groups/g/messages?wait=none",
        b"\xff",
        {"Content-Type": "application/octet-stream"},
    )
    assert (response.status, response.json()) == (202, {})
    assert [client.read_binary() for client in trio] == [b"\xff"] * 3
    assert node.manage("POST", "/v1/groups/nobody/messages", "hi").json() == {
        "delivered": 0,
        "failed": 0,
        "unknown": [],
    }
    response = node.manage("POST", "/v1/groups/g/messages", b"\xff")
    problem(response, 400, response.json()["code"])


@promise("6", "`exclude` takes up to 1,000 ids")
def test_exclude(node, trio):
    response = node.manage(
        "POST", f"/v1/groups/g/messages?exclude={trio[0].id},{trio[2].id},{'A' * 30}", "hi"
    )
    assert response.json()["delivered"] == 1
    assert trio[1].read_text() == "hi"
    assert trio[0].quiet() and trio[2].quiet()


@promise("6", "(the request head may be 128 KiB; a batch line may carry `exclude: []`), unknown")
def test_exclude_takes_a_thousand_ids(node, trio):
    others = ",".join(f"{n:064}" for n in range(999))
    response = node.manage("POST", f"/v1/groups/g/messages?exclude={others},{trio[1].id}", "hi")
    assert (response.status, response.json()["delivered"]) == (200, 2)
    response = node.manage("POST", f"/v1/groups/g/messages?exclude={others},a,b", "hi")
    assert response.status == 400


@promise("6", "`PUT` / `DELETE /v1/groups/{g}/connections/{id}` | 204; 410")
def test_put_and_delete_of_members(node, client):
    for _ in range(2):
        assert node.manage("PUT", f"/v1/groups/g/connections/{client.id}").status == 204
    assert node.manage("GET", "/v1/groups/g").json() == {"group": "g", "count": 1}
    assert node.manage("GET", f"/v1/connections/{client.id}").json()["groups"] == ["g"]
    for _ in range(2):
        assert node.manage("DELETE", f"/v1/groups/g/connections/{client.id}").status == 204
    assert node.manage("GET", "/v1/groups/g").json() == {"group": "g", "count": 0}
    problem(node.manage("PUT", f"/v1/groups/g/connections/{'A' * 30}"), 410, "gone")
    problem(node.manage("DELETE", f"/v1/groups/g/connections/{'A' * 30}"), 410, "gone")
    assert node.manage("PUT", "/v1/groups/g/connections/a.b").status == 400


@promise("6", "`PUT` / `DELETE /v1/groups/{g}/users/{u}` | 204: the user's present connections")
def test_put_and_delete_of_a_users_connections(node, backend):
    backend.on(
        "/connect",
        lambda request: answer(200, headers={"Sockhook-User": request.target.split("=")[1]}),
    )
    ann = [member(node, backend, "/chat?u=ann") for _ in range(2)]
    member(node, backend, "/chat?u=bob")
    assert node.manage("PUT", "/v1/groups/g/users/ann").status == 204
    later = member(node, backend, "/chat?u=ann")
    assert sorted(ids(node.manage("GET", "/v1/groups/g/connections"))) == sorted(c.id for c in ann)
    node.manage("PUT", f"/v1/groups/g/connections/{later.id}")
    assert node.manage("DELETE", "/v1/groups/g/users/ann").status == 204
    assert node.manage("GET", "/v1/groups/g").json()["count"] == 0
    assert node.manage("PUT", "/v1/groups/g/users/nobody").status == 204


@promise("6", '`{"group","count"}` (0 where nobody is); members, paged as above')
def test_the_members_of_a_group(node, trio):
    assert node.manage("GET", "/v1/groups/g").json() == {"group": "g", "count": 3}
    assert node.manage("GET", "/v1/groups/nobody").json() == {"group": "nobody", "count": 0}
    first = node.manage("GET", "/v1/groups/g/connections?limit=2").json()
    second = node.manage(
        "GET", f"/v1/groups/g/connections?limit=2&cursor={quote(first['cursor'], safe='')}"
    ).json()
    found = [c["id"] for c in first["connections"] + second["connections"]]
    assert sorted(found) == sorted(c.id for c in trio)
    assert not second.get("cursor")


@promise("6", "`%2F` in a path segment is a slash in the name.")
def test_names_in_paths_are_percent_decoded(node, client):
    name = "room/1 ü,%"
    assert (
        node.manage("PUT", f"/v1/groups/{quote(name, safe='')}/connections/{client.id}").status
        == 204
    )
    assert node.manage("GET", f"/v1/groups/{quote(name, safe='')}").json() == {
        "group": name,
        "count": 1,
    }
    assert node.manage("GET", f"/v1/connections/{client.id}").json()["groups"] == [name]
    assert (
        node.manage("POST", f"/v1/groups/{quote(name, safe='')}/messages", "hi").json()["delivered"]
        == 1
    )


@promise("4.3", "Group and user names: 1-128 bytes of UTF-8 without control characters.")
@pytest.mark.parametrize("name", ["%00", "%0A", "%7F", "%FF", "x" * 129, ""])
def test_malformed_names_are_400(node, client, name):
    assert node.manage("PUT", f"/v1/groups/{name}/connections/{client.id}").status in (
        (400, 404) if not name else (400,)
    )
    assert node.manage("GET", f"/v1/users/{name}").status in ((400, 404) if not name else (400,))


# Users


@promise("6", "`POST /v1/users/{u}/messages` | like a group's")
def test_a_send_to_a_user(node, backend):
    backend.on(
        "/connect",
        lambda request: answer(200, headers={"Sockhook-User": request.target.split("=")[1]}),
    )
    ann = [member(node, backend, "/chat?u=ann") for _ in range(2)]
    bob = member(node, backend, "/chat?u=bob")
    assert node.manage("POST", "/v1/users/ann/messages", "hi").json() == {
        "delivered": 2,
        "failed": 0,
        "unknown": [],
    }
    assert [client.read_text() for client in ann] == ["hi", "hi"]
    assert (
        node.manage("POST", f"/v1/users/ann/messages?exclude={ann[0].id}", "you").json()[
            "delivered"
        ]
        == 1
    )
    assert ann[1].read_text() == "you"
    assert bob.quiet() and ann[0].quiet()
    assert node.manage("POST", "/v1/users/ann/messages?wait=none", "x").status == 202


@promise("6", '`{"user","online","connections":[ids]}`; 204')
def test_a_user_and_the_end_of_its_connections(node, backend):
    backend.on("/connect", answer(200, headers={"Sockhook-User": "ann"}))
    clients = [member(node, backend) for _ in range(2)]
    seen = node.manage("GET", "/v1/users/ann").json()
    assert (seen["user"], seen["online"], sorted(seen["connections"])) == (
        "ann",
        True,
        sorted(c.id for c in clients),
    )
    assert node.manage("GET", "/v1/users/nobody").json() == {
        "user": "nobody",
        "online": False,
        "connections": [],
    }
    assert node.manage("DELETE", "/v1/users/ann/connections?code=4003&reason=banned").status == 204
    assert [client.read_close() for client in clients] == [(4003, "banned")] * 2
    assert node.manage("GET", "/v1/users/ann").json()["online"] is False
    assert node.manage("DELETE", "/v1/users/nobody/connections").status == 204


# Broadcast


@promise("6", "`POST /v1/messages?endpoint=&exclude=` | broadcast, like a group's")
def test_broadcast(start, backend):
    node = start({"endpoints": [endpoint(), endpoint("other", "/other")]})
    a, b, c = member(node, backend), member(node, backend), member(node, backend, "/other")
    assert node.manage("POST", "/v1/messages", "all").json() == {
        "delivered": 3,
        "failed": 0,
        "unknown": [],
    }
    assert node.manage("POST", "/v1/messages?endpoint=chat", "chat").json()["delivered"] == 2
    assert (
        node.manage("POST", f"/v1/messages?endpoint=chat&exclude={a.id}", "b").json()["delivered"]
        == 1
    )
    assert node.manage("POST", "/v1/messages?wait=none", "end").status == 202
    assert [a.read_text() for _ in range(3)] == ["all", "chat", "end"]
    assert [b.read_text() for _ in range(4)] == ["all", "chat", "b", "end"]
    assert [c.read_text() for _ in range(2)] == ["all", "end"]
    assert node.manage("POST", "/v1/messages?endpoint=nobody", "x").status in (200, 400, 404)
