"""Contract 6: tokens, what they allow, and what nobody may see."""

import pytest

from support.management import bearer, ids, member, problem
from support.promise import promise
from support.ports import free_port
from support.sockhook import endpoint, run_binary

SECRETS = {
    "management": {
        "auth": {
            "tokens": [
                "all-rights",
                {"token": "sender", "operations": ["send"]},
                {"token": "reader", "operations": ["read"]},
                {"token": "manager", "operations": ["manage"]},
                {
                    "token": "chat-only",
                    "operations": ["send", "read", "manage"],
                    "endpoints": ["chat"],
                },
            ]
        }
    },
    "endpoints": [endpoint(), endpoint("other", "/other")],
}


@promise("6", "Authentication: configured `management.auth` is always enforced, on both APIs")
@pytest.mark.parametrize(
    "headers",
    [
        {},
        bearer("wrong"),
        bearer(""),
        {"Authorization": "Basic YWxsLXJpZ2h0czo="},
        {"Authorization": "all-rights"},
        bearer("all-rightsx"),
        bearer("all-right"),
    ],
)
def test_without_a_valid_token_it_is_401(start, backend, headers):
    node = start(SECRETS)
    client = member(node, backend)
    response = node.manage("POST", f"/v1/connections/{client.id}/messages", "x", headers)
    problem(response, 401, response.json()["code"])
    assert response["www-authenticate"].startswith("Bearer")
    assert node.manage("POST", f"/@connections/{client.id}", "x", headers).status in (401, 403)
    assert node.manage("GET", "/v1/connections", headers=headers).status == 401
    assert client.quiet()


@promise("6", "`send` covers POST of messages, `read` GET, `manage` the rest")
def test_operations(start, backend):
    node = start(SECRETS)
    client = member(node, backend)
    calls = [
        ("send", "POST", f"/v1/connections/{client.id}/messages"),
        ("send", "POST", "/v1/groups/g/messages"),
        ("send", "POST", "/v1/users/u/messages"),
        ("send", "POST", "/v1/messages"),
        ("read", "GET", f"/v1/connections/{client.id}"),
        ("read", "GET", "/v1/connections"),
        ("read", "GET", "/v1/groups/g"),
        ("read", "GET", "/v1/users/u"),
        ("manage", "PUT", f"/v1/groups/g/connections/{client.id}"),
        ("manage", "DELETE", f"/v1/groups/g/connections/{client.id}"),
        ("manage", "PUT", "/v1/groups/g/users/u"),
        ("manage", "DELETE", "/v1/users/u/connections"),
        ("manage", "DELETE", f"/v1/connections/{client.id}"),
    ]
    for token, may in (
        ("sender", "send"),
        ("reader", "read"),
        ("manager", "manage"),
        ("all-rights", None),
    ):
        for operation, method, target in calls:
            if (
                method == "DELETE"
                and target == f"/v1/connections/{client.id}"
                and token != "reader"
            ):
                continue
            response = node.manage(method, target, "x" if method == "POST" else None, bearer(token))
            if may in (None, operation):
                assert response.status in (200, 202, 204), (token, method, target, response.status)
            else:
                problem(response, 403, "forbidden")


@promise("6", "a token limited to endpoints sees and reaches only their connections; else 403")
def test_a_token_of_one_endpoint(start, backend):
    node = start(SECRETS)
    ours, theirs = member(node, backend), member(node, backend, "/other")
    for client in (ours, theirs):
        node.manage("PUT", f"/v1/groups/g/connections/{client.id}", headers=bearer("all-rights"))
    token = bearer("chat-only")
    assert node.push(ours.id, "x", headers=token).status == 200
    problem(node.push(theirs.id, "x", headers=token), 403, "forbidden")
    problem(node.manage("GET", f"/v1/connections/{theirs.id}", headers=token), 403, "forbidden")
    problem(node.manage("DELETE", f"/v1/connections/{theirs.id}", headers=token), 403, "forbidden")
    response = node.manage("POST", f"/@connections/{theirs.id}", "x", token)
    assert (response.status, response["x-amzn-errortype"]) == (403, "ForbiddenException")
    assert ids(node.manage("GET", "/v1/connections", headers=token)) == [ours.id]
    assert ids(node.manage("GET", "/v1/groups/g/connections", headers=token)) == [ours.id]
    assert node.manage("POST", "/v1/groups/g/messages", "g", token).json()["delivered"] == 1
    assert node.manage("POST", "/v1/messages", "all", token).json()["delivered"] == 1
    assert [ours.read_text() for _ in range(3)] == ["x", "g", "all"]
    assert theirs.quiet()


@promise("6", "without it only a loopback address or unix socket is accepted, any other refuses")
@pytest.mark.parametrize(
    "host, fine", [("127.0.0.1", True), ("127.1.2.3", True), ("0.0.0.0", False)]
)
def test_without_auth_only_loopback_is_accepted(start, host, fine):
    node = start({"listen": {"management": {"address": f"{host}:{free_port()}"}}}, wait=False)
    if fine:
        node.wait_ready()
        assert node.manage("GET", "/v1/connections").status == 200
    else:
        assert node.wait_exit() in (1, 2)
        assert run_binary("check", "--config", node.config_file).returncode == 2
        node.forgive()
        open_node = start(
            {
                "listen": {"management": {"address": f"{host}:{free_port()}"}},
                "management": {"auth": {"tokens": ["t"]}},
            }
        )
        assert open_node.manage("GET", "/v1/connections", headers=bearer("t")).status == 200


@promise("6", "The admin listener is read-only without an admin token and shows no secrets")
def test_the_admin_listener_is_read_only_and_discreet(start, backend):
    node = start(
        {
            **SECRETS,
            "listen": {"admin": {"token": "admin-secret"}},
            "signing": {"secrets": ["whsec_c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0"]},
        },
        app={"headers": {"X-Api-Key": "key-of-the-backend"}},
    )
    client = member(
        node,
        backend,
        "/chat?access_token=token-of-the-client",
        headers={"Authorization": "Bearer token-in-the-head"},
    )
    client.text("payload of the client")
    node.push(client.id, "payload of the backend", headers=bearer("all-rights"))
    client.read_text()
    client.leave(4000)
    backend.wait(3)
    shown = "".join(
        node.ask_admin(target).text
        for target in ("/healthz", "/readyz", "/metrics", "/config", "/")
    )
    for method in ("POST", "PUT", "DELETE"):
        assert node.ask_admin("/reload", method).status in (401, 403, 404, 405)
    for secret in (
        "all-rights",
        "chat-only",
        "admin-secret",
        "c2VjcmV0",
        "key-of-the-backend",
        "token-in-the-head",
        "payload of",
    ):
        assert secret not in shown, secret
        assert secret not in node.log_text(), secret
