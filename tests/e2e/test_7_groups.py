"""Contract 7: groups, users and presence, on one node with several event loops."""

import threading

import pytest

from support.backend import answer
from support.client import TEXT
from support.promise import promise
from support.sockhook import endpoint
from support.waiting import eventually


@pytest.fixture
def join(backend):
    """Makes $connect join and name what its query says: /chat?join=a,b&user=u."""

    def connect(request):
        fields = dict(pair.split("=") for pair in request.target.split("?")[1].split("&"))
        names = {"join": "Sockhook-Join", "user": "Sockhook-User"}
        return answer(200, headers=[(names[key], value) for key, value in fields.items()])

    backend.on("/connect", connect)


def count(node, group):
    return node.manage("GET", f"/v1/groups/{group}").json()["count"]


@promise("7", "A connection may be in many groups; a group exists while it has members")
def test_a_connection_in_many_groups(node, backend, join):
    many = [f"g{n}" for n in range(100)]
    client = node.connect("/chat?join=" + ",".join(many))
    assert sorted(
        node.manage("GET", f"/v1/connections/{backend.newest()}").json()["groups"]
    ) == sorted(many)
    for group in many[::10]:
        assert node.manage("POST", f"/v1/groups/{group}/messages", group).json()["delivered"] == 1
        assert client.read_text() == group
    client.leave()
    eventually(lambda: all(count(node, group) == 0 for group in many[::10]))


@promise("7", "group and user names are one name space for all endpoints.")
def test_groups_span_endpoints(start, backend, join):
    node = start({"endpoints": [endpoint(), endpoint("other", "/other")]})
    clients = [node.connect("/chat?join=g&user=ann"), node.connect("/other?join=g&user=ann")]
    assert count(node, "g") == 2
    assert node.manage("POST", "/v1/groups/g/messages", "hi").json()["delivered"] == 2
    assert node.manage("POST", "/v1/users/ann/messages", "ann").json()["delivered"] == 2
    for client in clients:
        assert [client.read_text(), client.read_text()] == ["hi", "ann"]


@promise("7", "A send to a group or user reaches every member connection exactly once, `exclude`")
def test_every_member_gets_everything_once_and_in_one_order(node, backend, join):
    clients = [node.connect("/chat?join=g&user=u") for _ in range(20)]
    with node.management_connection() as publisher:
        for number in range(100):
            path = "/v1/groups/g/messages" if number % 2 else "/v1/users/u/messages"
            assert publisher.request("POST", path, str(number)).json() == {
                "delivered": 20,
                "failed": 0,
                "unknown": [],
            }
    for client in clients:
        assert [client.read_text() for _ in range(100)] == [str(n) for n in range(100)]
        assert client.quiet(0.01)


@promise("7", "A send to a group or user reaches every member connection exactly once, `exclude`")
def test_several_publishers_each_keep_their_order(node, backend, join):
    clients = [node.connect("/chat?join=g") for _ in range(6)]

    def publish(name):
        with node.management_connection() as connection:
            for number in range(50):
                connection.request("POST", "/v1/groups/g/messages", f"{name}{number}")

    publishers = [threading.Thread(target=publish, args=(name,)) for name in "abc"]
    for publisher in publishers:
        publisher.start()
    for publisher in publishers:
        publisher.join()
    for client in clients:
        got = [client.read_text() for _ in range(150)]
        for name in "abc":
            assert [text for text in got if text[0] == name] == [f"{name}{n}" for n in range(50)]


@promise("7", "A send to a group or user reaches every member connection exactly once, `exclude`")
def test_members_that_come_and_go_get_whole_messages_once(node, backend, join):
    stop = threading.Event()
    delivered = []

    def churn():
        while not stop.is_set():
            node.connect("/chat?join=g").close()

    staying = node.connect("/chat?join=g")
    threads = [threading.Thread(target=churn) for _ in range(2)]
    for thread in threads:
        thread.start()
    for number in range(200):
        delivered.append(node.manage("POST", "/v1/groups/g/messages", str(number)).json())
    stop.set()
    for thread in threads:
        thread.join()
    assert [staying.read_text() for _ in range(200)] == [str(n) for n in range(200)]
    assert all(d["delivered"] >= 1 and d["unknown"] == [] for d in delivered)
    eventually(lambda: count(node, "g") == 1)


@promise("7", "Membership and users are cluster-wide; effects, the management API and verified")
def test_effects_and_the_management_api_set_membership(node, backend, join):
    client = node.connect("/chat?join=a")
    connection = backend.newest()
    assert node.manage("PUT", f"/v1/groups/b/connections/{connection}").status == 204
    backend.on("/message", answer(200, "ok", {"Sockhook-Join": "c", "Sockhook-Leave": "a"}))
    client.text("x")
    assert client.read_text() == "ok"
    assert sorted(node.manage("GET", f"/v1/connections/{connection}").json()["groups"]) == [
        "b",
        "c",
    ]


@promise("7", "Presence is what `GET` answers, on any node: true within 2 s after a change")
@pytest.mark.parametrize("end", ["leave", "close", "reset"])
def test_presence_follows_the_client(node, backend, join, end):
    def online():
        return node.manage("GET", "/v1/users/ann").json()["online"]

    assert online() is False
    client = node.connect("/chat?join=g&user=ann")
    eventually(online, 2)
    getattr(client, end)()
    eventually(lambda: not online(), 2)
    eventually(lambda: count(node, "g") == 0, 2)


@pytest.mark.slow
def test_one_body_to_thousands_of_members(start, backend, join):
    """A send of one body to many connections is one frame: time and memory say so."""
    node = start()
    clients = [node.connect("/chat?join=g") for _ in range(1500)]
    before = node.rss()
    body = "x" * 100_000
    assert (
        node.manage("POST", "/v1/groups/g/messages", body, timeout=30).json()["delivered"] == 1500
    )
    assert node.rss() - before < 100 << 20, "the body was copied for each member"
    for client in clients:
        got = client.read()
        assert (got.opcode, len(got.payload)) == (TEXT, 100_000)
        client.close()
