"""What several tests of the management API ask for."""


def member(node, backend, target="/chat", **how):
    """An open WebSocket; its id is `client.id`."""
    client = node.connect(target, **how)
    client.id = backend.newest()
    return client


def problem(response, status, code):
    """Asserts that the response is this problem (RFC 9457)."""
    assert response.status == status, (response.status, response.body)
    assert response["content-type"] == "application/problem+json"
    value = response.json()
    assert (value["type"], value["status"], value["code"]) == ("about:blank", status, code)
    assert value["title"]


def ids(response):
    """The connection ids of a listing."""
    assert response.status == 200
    return [connection["id"] for connection in response.json()["connections"]]


def bearer(token):
    return {"Authorization": f"Bearer {token}"}
