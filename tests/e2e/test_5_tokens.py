"""Section 5.2: tokens at the handshake.

test_5_keys.py has what becomes of keys, tests/clients/jose.test.mjs all algorithms and forgeries.
"""

import base64
import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from support.backend import answer, when
from support.client import handshake_bytes
from support.cluster import TAKEN_OVER
from support.http1 import read_response
from support.issuer import Issuer, base64url, bearing, jwks, jwt, token
from support.promise import promise
from support.sockhook import ROUTES, endpoint
from support.waiting import eventually

ANYWHERE = ["header", "query:access_token", "cookie:session", "protocol"]


@pytest.fixture
def auth(tmp_path):
    """Makes an endpoint's `auth` whose one key is called `first`."""

    def make(kid="first", **more):
        file = tmp_path / f"{kid}.json"
        file.write_text(jwks(kid))
        return jwt(jwks_file=str(file), **more)

    return make


def claims_of(request):
    text = request["sockhook-claims"]
    return json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))


# Where tokens stand


PLACES = {
    "header": {"headers": lambda t: {"Authorization": f"Bearer {t}"}},
    "query": {"target": lambda t: f"/chat?a=%2F1&access_token={t}&b"},
    "cookie": {"headers": lambda t: {"Cookie": f"theme=dark; session={t}"}},
    "protocol": {"protocols": lambda t: ["chat.v1", f"bearer.{t}"]},
}


@promise("5.2", "`from: [header, query:access_token, cookie:NAME, protocol]`")
@pytest.mark.parametrize("place", PLACES.values(), ids=PLACES)
def test_a_token_in_each_place(start, backend, auth, place):
    node = start(auth=auth(**{"from": ANYWHERE}))
    node.connect(**{name: make(token("first")) for name, make in place.items()})
    request = backend.one(path="/connect")
    assert request["ce-userid"] == "alice"
    assert claims_of(request)["sub"] == "alice"


@promise("5.2", "`from: [header, query:access_token, cookie:NAME, protocol]`")
@pytest.mark.parametrize("place", PLACES.values(), ids=PLACES)
def test_a_place_that_is_not_asked_is_not_read(start, backend, auth, place):
    name = next(name for name, other in PLACES.items() if other is place)
    others = [source for source in ANYWHERE if not source.startswith(name)]
    node = start(auth=auth(**{"from": others}))
    how = {key: make(token("first")) for key, make in place.items()}
    assert node.refused(**how).status == 401
    assert not backend.seen()


@promise("5.2", "A token in the query is removed before anything is logged or passed on.")
def test_a_token_in_the_query_is_seen_by_nobody(start, backend, auth):
    node = start(
        {
            "endpoints": [
                endpoint(auth=auth(**{"from": ["query:access_token"]})),
                endpoint("aws", "/aws", format="lambda", auth=auth(**{"from": ["query:jwt"]})),
            ]
        }
    )
    backend.on("/message", answer(503))
    good, bad = token("first"), token("first", exp=1)
    with node.connect(f"/chat?room=1&access_token={good}&x=%41") as client:
        client.text("makes a line in the log")
        client.read_text()
    assert node.refused(f"/chat?access_token={bad}").status == 401
    assert node.refused(f"/aws?jwt={bad}&a=1").status == 401
    assert node.refused(f"/nowhere?access_token={bad}").status == 404
    assert node.refused(f"/aws?a=1&jwt={good}").status == 502, "the backend is no Lambda"
    backend.wait(1, path="/disconnect")
    connects = backend.seen(path="/connect")
    assert connects[0].target == "/connect?room=1&x=%41"
    assert connects[1].json()["queryStringParameters"] == {"a": "1"}
    sent = b"".join(
        request.target.encode() + repr(request.headers).encode() + request.body
        for request in backend.seen()
    )
    written = node.log_text() + node.errors() + node.ask_admin("/metrics").text
    for secret in (good, bad, good.split(".")[2]):
        assert secret.encode() not in sent
        assert secret not in written


@promise("5.2", "(an offered `bearer.TOKEN`, hidden from `$connect`, never chosen)")
def test_a_token_among_the_subprotocols_is_hidden_and_never_chosen(start, backend, auth):
    shown = token("first")
    node = start(auth=auth(**{"from": ["protocol"]}), protocols=["chat.v1", f"bearer.{shown}"])
    client = node.connect(protocols=[f"bearer.{shown}", "chat.v2", "chat.v1"])
    assert client.subprotocol == "chat.v1"
    assert backend.one(path="/connect")["sec-websocket-protocol"] == "chat.v2, chat.v1"
    assert node.connect(protocols=[f"bearer.{shown}"]).subprotocol is None
    assert backend.seen(path="/connect")[-1]["sec-websocket-protocol"] is None
    backend.on("/connect", answer(200, headers={"Sec-WebSocket-Protocol": f"bearer.{shown}"}))
    assert node.refused(protocols=[f"bearer.{shown}", "chat.v1"]).status == 502
    assert shown not in node.log_text()


@promise("5.2", "(an offered `bearer.TOKEN`, hidden from `$connect`, never chosen)")
def test_a_token_among_the_subprotocols_is_hidden_from_lambdas(start, backend, auth):
    node = start(format="lambda", auth=auth(**{"from": ["protocol"]}))
    backend.on("/connect", answer(200, '{"statusCode": 200}'))
    shown = token("first")
    node.connect(protocols=["chat.v1", f"bearer.{shown}"])
    event = backend.one(path="/connect")
    assert event.json()["headers"]["Sec-WebSocket-Protocol"] == "chat.v1"
    assert shown.encode() not in event.body


# Refusals


def challenge(response):
    assert response.status == 401
    return response["www-authenticate"]


@promise("5.2", "Missing or bad: 401 with")
@promise("5.2", "`WWW-Authenticate: Bearer`, before any backend call.")
def test_refusals_say_why_and_reach_no_backend(start, backend, auth):
    node = start(auth=auth(issuer="https://a", audience=["chat", "mail"]))
    good = {"iss": "https://a", "aud": "chat"}
    now = int(time.time())
    assert challenge(node.refused()) == "Bearer"
    assert challenge(node.refused(headers={"Authorization": "Basic YTpi"})) == "Bearer"
    for headers, why in (
        ({"Authorization": "Bearer nonsense"}, "the token is malformed"),
        ({"Authorization": f"Bearer {'a' * 9000}"}, "the token is malformed"),
        (bearing("first", **good, exp=now - 60), "the token has expired"),
        (bearing("first", **good, exp=None), "the token has expired"),
        (bearing("first", **good, nbf=now + 60), "the token is not valid yet"),
        (bearing("first", aud="chat"), "the issuer is not accepted"),
        (bearing("first", **good | {"aud": "files"}), "the audience is not accepted"),
        (bearing("second", **good), "the key is not known"),
        (bearing("first", **good, more="x" * 4096), "the claims are over 4 KiB"),
        (bearing("first", **good, sub="a\nb"), "the user has no valid name"),
        ([("Authorization", f"Bearer {token('first', **good)}")] * 2, "the token is malformed"),
    ):
        said = challenge(node.refused(headers=headers))
        assert said == f'Bearer error="invalid_token", error_description="{why}"'
    node.connect(headers=bearing("first", **good | {"aud": ["files", "mail"]}))
    assert len(backend.seen()) == 1
    assert node.metric("sockhook_handshakes_total", result="unauthorized") == 13


@promise("5.2", "`leeway: 30s`")
def test_clocks_may_differ_by_the_leeway(start, auth):
    now = int(time.time())
    node = start(auth=auth(leeway="10m"))
    node.connect(headers=bearing("first", exp=now - 300, nbf=now + 300))
    assert node.refused(headers=bearing("first", exp=now - 700)).status == 401
    assert node.refused(headers=bearing("first", nbf=now + 700)).status == 401


@promise("5.2", "`WWW-Authenticate: Bearer`, before any backend call.")
def test_a_connection_that_was_refused_may_try_again(start, auth):
    """Another handshake on the same HTTP connection, and a place for it."""
    node = start(auth=auth(), limits={"connections": 1})
    client = node.begin()
    assert read_response(client).status == 401
    client.send(handshake_bytes(headers=bearing("other")))
    assert read_response(client).status == 401
    client.send(handshake_bytes(headers=bearing("first"), key=client.key))
    client.finish()
    assert node.refused(headers=bearing("first")).status == 503
    assert node.refused().status == 401, "the token comes first"


@promise("5.2", "A list under `jwt` allows several issuers.")
def test_several_issuers(start, backend, auth):
    one = auth("first", issuer="https://a")["jwt"]
    two = auth("second", issuer=["https://b", "https://c"], user_claim="uid")["jwt"]
    two["from"] = ["query:token"]
    node = start(auth={"jwt": [one, two]})
    node.connect(headers=bearing("first", iss="https://a"))
    node.connect("/chat?token=" + token("second", iss="https://c", uid="bob"))
    assert [r["ce-userid"] for r in backend.seen(path="/connect")] == ["alice", "bob"]
    for headers in (
        bearing("second", iss="https://a"),
        bearing("first", iss="https://b"),
        bearing("second", iss="https://b", uid="bob"),  # not in its place
        bearing("first"),
    ):
        assert node.refused(headers=headers).status == 401
    assert len(backend.seen()) == 2


@promise("2", "auth: {}")
def test_endpoints_without_tokens_ask_for_none(start, backend, auth):
    node = start({"endpoints": [endpoint(auth=auth()), endpoint("open", "/open")]})
    assert node.refused("/chat").status == 401
    node.connect("/open", headers={"Authorization": "Bearer whatever"})
    request = backend.one(path="/connect")
    assert request["authorization"] == "Bearer whatever"
    assert request["ce-userid"] is None and request["sockhook-claims"] is None


# What a token says


@promise("5.2", "Claims (up to 4 KiB) go to `$connect` as JSON, base64url")
def test_claims_go_to_connect_and_cannot_be_forged(start, backend, auth):
    node = start(auth=auth(user_claim="email"))
    forged = {"Sockhook-Claims": base64url(b'{"sub":"root"}'), "ce-userid": "root"}
    shown = bearing("first", email="a@b.example", roles=["x", 1], deep={"a": None})
    client = node.connect(headers={**shown, **forged})
    request = backend.one(path="/connect")
    said = claims_of(request)
    assert (said["email"], said["roles"], said["deep"]) == ("a@b.example", ["x", 1], {"a": None})
    assert request["ce-userid"] == "a@b.example"
    client.text("hello")
    message = backend.wait(1, path="/message")[0]
    assert message["sockhook-claims"] is None and message["ce-userid"] == "a@b.example"


@promise("4.3", "names the user (connect only; wins over a token's subject)")
@promise("7", "effects, the management API and verified tokens set them.")
def test_user_and_groups_of_a_token(start, backend, auth):
    node = start(auth=auth(groups_claim="rooms"))
    backend.on("/connect", answer(200, headers={"Sockhook-User": "bob", "Sockhook-Leave": "b"}))
    node.connect(headers=bearing("first", rooms=["a", "b", "c\n"]))
    assert backend.one(path="/connect")["ce-userid"] == "alice"
    about = node.manage("GET", f"/v1/connections/{backend.newest()}").json()
    assert (about["user"], about["groups"]) == ("bob", ["a"])
    assert node.manage("GET", "/v1/users/alice").json()["online"] is False
    backend.on("/connect", answer(200))
    node.connect(headers=bearing("first", rooms="a"))
    assert node.manage("GET", "/v1/users/alice").json()["online"] is True
    assert node.manage("GET", "/v1/groups/a").json()["count"] == 2


@promise("2", "connections_per_user: off")
def test_users_of_tokens_are_counted(start, backend, auth):
    routes = {"$disconnect": "/disconnect"}
    limits = {"connections_per_user": 1}
    node = start(
        {
            "endpoints": [
                endpoint(auth=auth(), limits=limits),
                endpoint("bare", "/bare", routes=routes, auth=auth(), limits=limits),
            ]
        }
    )
    node.connect(headers=bearing("first"))
    assert node.refused(headers=bearing("first")).status == 429
    backend.one(path="/disconnect")
    node.connect(headers=bearing("first", sub="bob"))
    node.connect("/bare", headers=bearing("first"))
    assert node.refused("/bare", headers=bearing("first")).status == 429
    assert len(backend.seen(path="/disconnect")) == 1, "nobody was asked, nobody is told"


@promise("4.2", "carries `principalId` (user), `state` and a token's claims as flat strings")
def test_claims_are_flat_strings_in_every_lambda_event(start, backend, auth):
    backend.on("/connect", answer(200, '{"statusCode": 200, "headers": {"Sockhook-State": "s"}}'))
    node = start(format="lambda", auth=auth())
    shown = bearing("first", n=42, ok=True, no=None, tree={"a": [1]}, principalId="x", state="y")
    with node.connect(headers=shown) as client:
        client.text("hello")
        backend.wait(1, path="/message")
    backend.wait(1, path="/disconnect")
    flat = {"sub": "alice", "n": "42", "ok": "true", "no": "null", "tree": '{"a":[1]}'}
    states = ({}, {"state": "s"}, {"state": "s"})
    for path, state in zip(("/connect", "/message", "/disconnect"), states):
        event = backend.one(path=path).json()
        said = event["requestContext"]["authorizer"]
        assert int(said.pop("exp")) > time.time()
        assert said == {**flat, "principalId": "alice", **state}


@promise("4.2", "carries `principalId` (user), `state` and a token's claims as flat strings")
@pytest.mark.slow
def test_claims_are_told_for_a_node_that_died(cluster, backend, auth):
    nodes = cluster(2, format="lambda", auth=auth())
    backend.on("/connect", answer(200, '{"statusCode": 200}'))
    nodes[0].connect(headers=bearing("first", role="admin"))
    nodes[0].kill()
    event = backend.wait(1, within=TAKEN_OVER, path="/disconnect")[0].json()
    said = event["requestContext"]["authorizer"]
    assert (said["principalId"], said["role"]) == ("alice", "admin")


# Expiry


@promise("5.2", "`on_expiry: ignore | close` (1008 `token expired`).")
@pytest.mark.slow
def test_a_connection_ends_with_its_token(start, backend, auth):
    node = start(auth=auth(leeway="1s", on_expiry="close"))
    expiry = int(time.time()) + 2
    client = node.connect(headers=bearing("first", exp=expiry))
    assert client.read_close() == (1008, "token expired")
    assert time.time() > expiry + 0.5, "not before the leeway"
    assert backend.ending() == (1008, "token%20expired", "proxy")


@promise("5.2", "`on_expiry: ignore | close` (1008 `token expired`).")
@pytest.mark.slow
def test_a_connection_may_outlive_its_token(start, auth):
    node = start(auth=auth(leeway="0s"))
    expiry = int(time.time()) + 2
    client = node.connect(headers=bearing("first", exp=expiry))
    eventually(lambda: time.time() > expiry + 1)
    assert node.refused(headers=bearing("first", exp=expiry)).status == 401
    assert client.in_sync()


# Many at once


@promise("5.2", "`WWW-Authenticate: Bearer`, before any backend call.")
def test_a_reconnect_storm_needs_no_backend(start, backend, auth):
    routes = {name: path for name, path in ROUTES.items() if name == "$default"}
    node = start(routes=routes, auth=auth(groups_claim="rooms"))

    def join(number):
        shown = bearing("first", sub=f"user-{number}", rooms=["all"])
        return node.connect(headers=shown), node.refused(headers=bearing("second")).status

    with ThreadPoolExecutor(8) as pool:
        joined = list(pool.map(join, range(300)))
    assert {status for _, status in joined} == {401}
    assert node.manage("GET", "/v1/groups/all").json()["count"] == 300
    assert not backend.seen()


@promise("5.2", "`WWW-Authenticate: Bearer`, before any backend call.")
def test_a_slow_connect_holds_back_no_other_token(start, backend, auth):
    node = start(auth=auth())
    go_on = threading.Event()
    backend.on("/connect", when(go_on, answer(200)))
    waiting = node.begin(headers=bearing("first"))
    backend.wait(1, path="/connect")
    assert node.refused(headers=bearing("second")).status == 401
    go_on.set()
    waiting.finish()


# Handshakes that wait for keys


@pytest.fixture
def slow_issuer():
    """One that answers when `slow_issuer.go_on` is set."""
    issuer = Issuer()
    issuer.go_on = threading.Event()
    issuer.serve(when(issuer.go_on, answer(200, jwks("first"))))
    yield issuer
    issuer.go_on.set()
    issuer.relent()
    issuer.stop()


@promise("5.2", "`WWW-Authenticate: Bearer`, before any backend call.")
def test_a_client_that_leaves_while_it_waits_for_keys(start, backend, slow_issuer):
    node = start(auth=jwt(jwks_url=slow_issuer.jwks_url))
    slow_issuer.wait(1)
    gone, stays = (node.begin(headers=bearing("first")) for _ in range(2))
    gone.close()
    eventually(lambda: node.metric("sockhook_handshakes_total", result="client_gone") == 1)
    slow_issuer.go_on.set()
    stays.finish()
    assert len(backend.seen(path="/connect")) == 1


def refuses(node):
    try:
        node.begin().close()
    except OSError:
        return True


@promise("3.1", "While draining, handshakes that are under way are completed")
@pytest.mark.parametrize("answered", [True, False])
def test_a_drain_while_clients_wait_for_keys(start, backend, slow_issuer, answered):
    node = start(auth=jwt(jwks_url=slow_issuer.jwks_url))
    slow_issuer.wait(1)
    client = node.begin(headers=bearing("first"))
    assert client.silent(0.1)
    node.signal()
    eventually(lambda: refuses(node), what="the listeners have closed")
    if answered:
        slow_issuer.go_on.set()
        assert client.finish().read_close() == (1012, "service restart")
    else:
        assert read_response(client).status == 503
    assert node.wait_exit() == 0
    assert len(backend.seen(path="/connect")) == answered
