"""Contract 2, `endpoints`: which endpoint a path is, what is absent, origins."""

import time

import pytest

from support.backend import answer
from support.promise import promise
from support.sockhook import endpoint
from support.waiting import eventually


@promise("2", "default: derived from the path")
def test_names_are_derived_from_paths(start, backend):
    paths = ["/chat", "/room/*", "/a/b"]
    node = start(
        {
            "endpoints": [
                {key: value for key, value in endpoint(path=path).items() if key != "name"}
                for path in paths
            ]
        }
    )
    for target in ("/chat", "/room/1", "/a/b"):
        node.connect(target)
    names = [r["ce-endpoint"] for r in backend.seen(path="/connect")]
    assert names[0] == "chat" and "room" in names[1] and len(set(names)) == 3


@promise("2", "exact, or /room/* for everything below /room/; first match wins; case-sensitive")
def test_which_endpoint_a_path_matches(start, backend):
    node = start(
        {
            "endpoints": [
                endpoint("special", "/room/special"),
                endpoint("rooms", "/room/*"),
                endpoint("late", "/room/late"),
                endpoint("exact", "/chat"),
            ]
        }
    )
    for target, name in [
        ("/room/special", "special"),
        ("/room/1", "rooms"),
        ("/room/1/2?x=/chat", "rooms"),
        ("/room/late", "rooms"),
        ("/chat", "exact"),
        ("/chat?x", "exact"),
        ("/%63hat", "exact"),
    ]:
        node.connect(target)
        assert backend.seen(path="/connect")[-1]["ce-endpoint"] == name, target
    for target in ("/room", "/Room/1", "/CHAT", "/chat/", "/chatty", "/"):
        assert node.refused(target).status == 404, target


@promise("2", "exact, or /room/* for everything below /room/; first match wins; case-sensitive")
@pytest.mark.parametrize(
    "target",
    [
        "/room/./x",
        "/room/../chat",
        "/room/..",
        "/room/.",
        "/room//x",
        "//chat",
        "/room/a%2Fb",
        "/room/a%2fb",
        "/room/%00",
        "/room/%2e%2e/chat",
        "/room/%2E/x",
        "/room/%zz",
        "/room/%",
    ],
)
def test_paths_that_are_400(start, backend, target):
    node = start({"endpoints": [endpoint("rooms", "/room/*"), endpoint()]})
    assert node.refused(target).status == 400
    assert not backend.seen()


@promise("2", "absent: accepted")
def test_without_a_connect_route_handshakes_are_accepted(start, backend):
    client = start(routes={"$default": "/message"}).connect()
    client.text("x")
    assert backend.wait(1)[0]["ce-type"] == "io.sockhook.message"


@promise("2", "absent: not sent")
def test_without_a_disconnect_route_none_is_sent(start, backend):
    node = start(routes={"$connect": "/connect", "$default": "/message"})
    node.connect().leave()
    eventually(lambda: node.metric("sockhook_connections") == 0)
    time.sleep(0.1)
    assert [r.path for r in backend.seen()] == ["/connect"]
    assert node.metric("sockhook_disconnect_backlog") == 0


@promise("2", "absent: Forbidden frame")
def test_without_a_default_route_a_message_is_forbidden(start, backend):
    client = start(routes={"$connect": "/connect"}).connect()
    client.text("x")
    frame = client.read_json()
    assert (frame["message"], frame["connectionId"]) == ("Forbidden", backend.newest())


ORIGINS = ["https://example.com", "https://*.example.org", "http://local:3000"]


@promise("2", 'e.g. ["https://example.com", "https://*.example.com"]; empty: any; else 403')
@pytest.mark.parametrize(
    "origin, fine",
    [
        ("https://example.com", True),
        ("https://EXAMPLE.com", True),
        ("https://example.com:443", True),
        (None, True),
        ("https://a.example.org", True),
        ("https://a.b.example.org", True),
        ("http://local:3000", True),
        ("http://example.com", False),
        ("https://example.com:8443", False),
        ("https://example.org", False),
        ("https://evil-example.org", False),
        ("https://example.com.evil", False),
        ("https://a.example.org.evil", False),
        ("http://local", False),
        ("http://local:3001", False),
        ("null", False),
        ("", False),
        ("https://.example.org", False),
    ],
)
def test_origins(start, backend, origin, fine):
    node = start(origins=ORIGINS)
    headers = {} if origin is None else {"Origin": origin}
    if fine:
        assert node.connect(headers=headers).response.status == 101
    else:
        assert node.refused(headers=headers).status == 403
        assert not backend.seen(), "the backend was asked"


@promise("2", "origins: `*` is one or more labels, ports must match, `null` only if listed, a")
def test_a_null_origin_passes_when_listed(start):
    assert start(origins=["null"]).connect(headers={"Origin": "null"}).in_sync()


@promise("2", "empty: any; else 403")
def test_without_origins_any_passes(node):
    assert node.connect(headers={"Origin": "https://anything.example"}).in_sync()


@promise("2", "frame | close (1011) for backend failures and time-outs")
def test_two_endpoints_have_settings_of_their_own(start, backend):
    backend.on("/message", answer(500))
    node = start(
        {
            "endpoints": [
                endpoint("frames", "/frames"),
                endpoint("closes", "/closes", errors="close"),
            ]
        }
    )
    frames, closes = node.connect("/frames"), node.connect("/closes")
    frames.text("x")
    closes.text("x")
    assert frames.read_json()["message"] == "Internal server error"
    assert closes.read_close_code() == 1011
