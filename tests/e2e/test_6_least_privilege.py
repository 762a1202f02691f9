"""Contract 6: what a token or a key is limited to, held against every operation of both APIs."""

import json

import pytest
from support.backend import answer
from support.management import bearer, ids, member, problem
from support.promise import promise
from support.sigv4 import Signer
from support.sockhook import endpoint
from support.waiting import eventually

OPERATIONS = ("send", "read", "manage")
AUTH = {
    "tokens": [
        *({"token": f"only-{operation}", "operations": [operation]} for operation in OPERATIONS),
        {"token": "chat-only", "endpoints": ["chat"]},
        {"token": "chat-sender", "endpoints": ["chat"], "operations": ["send"]},
        "all",
    ],
    "sigv4": [
        *(
            {"access_key_id": f"only-{operation}", "secret_access_key": "s", "operations": [operation]}
            for operation in OPERATIONS
        ),
        {"access_key_id": "chat-only", "secret_access_key": "s", "endpoints": ["chat"]},
    ],
}
CONFIG = {
    "management": {"auth": AUTH},
    "endpoints": [endpoint(), endpoint("other", "/other")],
}
GONE = "A" * 30


@pytest.fixture
def node(start):
    return start(CONFIG)


@pytest.fixture(params=["token", "sigv4"])
def call(request, node):
    """call(who, method, path, body): by a bearer token, or a signature."""

    def by_token(who, method, path, body=None):
        return node.manage(method, path, body, bearer(who))

    def by_signature(who, method, path, body=None):
        signer = Signer("%s:%d" % node.management, who, "s")
        headers = {"Host": signer.host, **signer.headers(method, path, body or b"")}
        return node.manage(method, path, body, headers)

    return by_token if request.param == "token" else by_signature


@pytest.fixture
def pair(node, backend):
    """Members of the group `g` and connections of the user `u`, one on each endpoint."""
    backend.on("/connect", answer(200, headers={"Sockhook-Join": "g", "Sockhook-User": "u"}))
    return member(node, backend), member(node, backend, "/other")


def needed(method, path):
    """The operation that a call belongs to, as the contract says it."""
    if method == "GET":
        return "read"
    is_send = path.endswith("/messages") or "@connections" in path
    return "send" if method == "POST" and is_send else "manage"


def described(node):
    """(method, path) of each operation in the OpenAPI document that needs a permission."""
    paths = json.loads(node.manage("GET", "/v1/openapi.json").body)["paths"]
    found = [(method.upper(), path) for path, methods in paths.items() for method in methods]
    return [
        (method, path)
        for method, path in found
        if method in ("GET", "POST", "PUT", "DELETE") and path not in ("/v1/batch", "/v1/openapi.json")
    ]


def is_forbidden(response, path):
    if "@connections" in path:
        return (response.status, response["x-amzn-errortype"]) == (403, "ForbiddenException")
    return response.status == 403 and response.json()["code"] == "forbidden"


@promise("6", "`send` covers POST of messages, `read` GET, `manage` the rest")
def test_every_operation_needs_its_permission(node, call):
    described_ones = described(node)
    assert len(described_ones) >= 21, "the document has all operations of both APIs"
    for method, pattern in described_ones:
        path = pattern.format(id=GONE, group="g", user="u", stage="prod")
        body = "x" if method == "POST" else None
        for operation in OPERATIONS:
            response = call(f"only-{operation}", method, path, body)
            what = f"{operation}: {method} {path}: {response.status}"
            assert is_forbidden(response, path) == (needed(method, path) != operation), what
            assert response.status in (200, 202, 204, 403, 410), what


@promise("6", "`send` covers POST of messages, `read` GET, `manage` the rest")
def test_each_line_of_a_batch_needs_its_permission(node):
    lines = [
        {"method": "POST", "path": "/v1/messages", "text": "x"},
        {"method": "GET", "path": "/v1/groups/g"},
        {"method": "DELETE", "path": f"/v1/connections/{GONE}"},
    ]
    body = "".join(json.dumps(line) + "\n" for line in lines)
    headers = {"Content-Type": "application/x-ndjson"}
    for number, operation in enumerate(OPERATIONS):
        response = node.manage("POST", "/v1/batch", body, {**headers, **bearer(f"only-{operation}")})
        found = [json.loads(line)["status"] for line in response.text.splitlines()]
        assert [status == 403 for status in found] == [line != number for line in range(3)], found


@promise("6", "Authentication: configured `management.auth` is always enforced, on both APIs")
def test_nobody_calls_anything_without_credentials(node):
    for method, pattern in [*described(node), ("POST", "/v1/batch")]:
        path = pattern.format(id=GONE, group="g", user="u", stage="prod")
        body = "x" if method == "POST" else None
        assert node.manage(method, path, body).status in (401, 403), (method, path)
        assert node.manage(method, path, body, bearer("none")).status in (401, 403), (method, path)
    assert node.manage("GET", "/v1/no/such/path").status == 401, "who may not call learns no paths"


@promise("6", "a token limited to endpoints sees and reaches only their connections; else 403")
def test_connections_of_other_endpoints_cannot_be_addressed(node, call, pair):
    ours, theirs = pair
    calls = [
        ("POST", "/v1/connections/{}/messages", "x"),
        ("GET", "/v1/connections/{}", None),
        ("PUT", "/v1/groups/h/connections/{}", None),
        ("DELETE", "/v1/groups/g/connections/{}", None),
        ("POST", "/@connections/{}", "x"),
        ("GET", "/prod/@connections/{}", None),
        ("DELETE", "/prod/@connections/{}", None),
        ("DELETE", "/v1/connections/{}", None),
    ]
    for method, pattern, body in calls:
        path = pattern.format(theirs.id)
        assert is_forbidden(call("chat-only", method, path, body), path), (method, path)
    assert theirs.quiet() and theirs.in_sync()
    for method, pattern, body in calls[:-2]:
        assert call("chat-only", method, pattern.format(ours.id), body).status in (200, 204)
    assert [ours.read_text() for _ in range(2)] == ["x", "x"]
    group = node.manage("GET", "/v1/groups/g/connections", headers=bearer("all"))
    assert ids(group) == [theirs.id], "only ours has left the group"


@promise("6", "a token limited to endpoints sees and reaches only their connections; else 403")
def test_groups_users_and_lists_show_only_the_own_endpoints(node, call, pair):
    ours, theirs = pair
    for path in ("/v1/connections", "/v1/connections?user=u", "/v1/connections?group=g",
                 "/v1/groups/g/connections", "/v1/connections?endpoint=chat"):
        if "?" not in path:
            assert ids(call("chat-only", "GET", path)) == [ours.id]
        assert ids(node.manage("GET", path, headers=bearer("chat-only"))) == [ours.id], path
    assert call("chat-only", "GET", "/v1/groups/g").json()["count"] == 1
    assert call("chat-only", "GET", "/v1/users/u").json()["connections"] == [ours.id]
    others = node.manage("GET", "/v1/connections?endpoint=other", headers=bearer("chat-only"))
    problem(others, 403, "forbidden")
    ours.leave()
    eventually(lambda: call("chat-only", "GET", "/v1/groups/g").json()["count"] == 0)
    assert call("chat-only", "GET", "/v1/users/u").json()["online"] is False
    assert theirs.in_sync()


@promise("6", "a token limited to endpoints sees and reaches only their connections; else 403")
def test_sends_and_changes_reach_only_the_own_endpoints(node, call, pair):
    ours, theirs = pair
    for path in ("/v1/groups/g/messages", "/v1/users/u/messages", "/v1/messages"):
        assert call("chat-only", "POST", path, path).json()["delivered"] == 1
        assert ours.read_text() == path
    broadcast = node.manage("POST", "/v1/messages?endpoint=other", "x", bearer("chat-only"))
    problem(broadcast, 403, "forbidden")
    assert call("chat-only", "PUT", "/v1/groups/h/users/u").status == 204
    assert node.manage("GET", "/v1/groups/h", headers=bearer("all")).json()["count"] == 1
    assert call("chat-only", "DELETE", "/v1/groups/g/users/u").status == 204
    assert ids(node.manage("GET", "/v1/groups/g/connections", headers=bearer("all"))) == [theirs.id]
    assert call("chat-only", "DELETE", "/v1/users/u/connections").status == 204
    assert ours.read_close_code() == 1000
    assert theirs.quiet() and theirs.in_sync()


@promise("2", "tokens: \"secret\" or {token, operations: [send, read, manage], endpoints: []}")
def test_both_limits_hold_together(node, pair):
    ours, theirs = pair
    token = bearer("chat-sender")
    assert node.push(ours.id, "x", headers=token).status == 200
    problem(node.push(theirs.id, "x", headers=token), 403, "forbidden")
    problem(node.manage("GET", f"/v1/connections/{ours.id}", headers=token), 403, "forbidden")
    problem(node.manage("DELETE", f"/v1/connections/{ours.id}", headers=token), 403, "forbidden")


@promise("6", "Bearer tokens, SigV4 (A14; `{access_key_id, secret_access_key}`, with the same limits)")
def test_a_token_is_replaced_without_a_gap(start):
    """Both are valid while backends change over; then the old one is not."""

    def statuses(*tokens):
        node = start({"management": {"auth": {"tokens": list(tokens)}}})
        return {
            token: [
                node.manage("GET", path, headers=bearer(token)).status
                for path in ("/v1/connections", f"/@connections/{GONE}")
            ]
            for token in ("old", "new")
        }

    good, refused = [200, 410], [401, 403]
    assert statuses("old") == {"old": good, "new": refused}
    assert statuses("old", "new") == {"old": good, "new": good}
    assert statuses("new") == {"old": refused, "new": good}
