"""Contract 6: batches, order and idempotency keys."""

import base64
import json
import threading


from support.http1 import request_bytes
from support.management import member, problem
from support.promise import promise

# Batch


def batch(node, *lines, timeout=30):
    body = "\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines)
    response = node.manage(
        "POST", "/v1/batch", body, {"Content-Type": "application/x-ndjson"}, timeout=timeout
    )
    assert response.status == 200, response.body
    return [json.loads(line) for line in response.text.splitlines()]


@promise("6", 'NDJSON lines `{"method","path","text" or "base64","idempotencyKey"}` answered by')
def test_a_batch(node, client):
    answers = batch(
        node,
        {"method": "POST", "path": f"/v1/connections/{client.id}/messages", "text": "text ü"},
        {
            "method": "POST",
            "path": f"/v1/connections/{client.id}/messages",
            "base64": base64.b64encode(b"\0\xff").decode(),
        },
        {"method": "PUT", "path": f"/v1/groups/g/connections/{client.id}"},
        {"method": "POST", "path": "/v1/groups/g/messages", "text": "to the group"},
        {
            "method": "POST",
            "path": "/v1/groups/g/messages",
            "text": "to nobody",
            "exclude": [client.id],
        },
        {"method": "GET", "path": f"/v1/connections/{client.id}"},
        {"method": "POST", "path": f"/v1/connections/{'A' * 30}/messages", "text": "x"},
        {"method": "DELETE", "path": f"/v1/connections/{client.id}?code=4000"},
    )
    assert [a["status"] for a in answers] == [200, 200, 204, 200, 200, 200, 410, 204]
    assert answers[0]["body"] == {}
    assert answers[3]["body"] == {"delivered": 1, "failed": 0, "unknown": []}
    assert answers[4]["body"]["delivered"] == 0
    assert answers[5]["body"]["id"] == client.id
    assert answers[6]["body"]["code"] == "gone"
    assert client.read_text() == "text ü"
    assert client.read_binary() == b"\0\xff"
    assert client.read_text() == "to the group"
    assert client.read_close_code() == 4000


@promise("6", "a broken line is a 400 line; thousands in one request")
def test_a_broken_line_is_a_400_line(node, client):
    good = {"method": "POST", "path": f"/v1/connections/{client.id}/messages", "text": "x"}
    answers = batch(
        node,
        good,
        "{broken",
        "[]",
        '"x"',
        {"method": "POST"},
        {**good, "base64": "AA=="},
        {**good, "text": 5},
        {"method": "POST", "path": good["path"], "base64": "%%%"},
        {**good, "path": "/v1/batch"},
        good,
    )
    assert [a["status"] for a in answers][:8] == [200] + [400] * 7
    assert answers[8]["status"] in (400, 404, 405)
    assert answers[9]["status"] == 200
    assert [client.read_text(), client.read_text()] == ["x", "x"] and client.quiet()


@promise("6", "a broken line is a 400 line; thousands in one request")
def test_thousands_of_lines_in_one_request(node, client):
    path = f"/v1/connections/{client.id}/messages"
    received = []
    reader = threading.Thread(
        target=lambda: received.extend(client.read_text() for _ in range(5000))
    )
    reader.start()
    answers = batch(node, *[{"method": "POST", "path": path, "text": str(n)} for n in range(5000)])
    reader.join(20)
    assert [a["status"] for a in answers] == [200] * 5000
    assert received == [str(n) for n in range(5000)]


@promise("6", "One management connection's sends to one target arrive in order, over nodes too.")
def test_sends_of_one_connection_arrive_in_order(node, backend):
    clients = [member(node, backend) for _ in range(4)]  # on both workers
    with node.management_connection() as connection:
        for number in range(200):
            connection.send(
                b"".join(
                    request_bytes("POST", f"/v1/connections/{c.id}/messages", body=b"%d" % number)
                    for c in clients
                )
            )
        for _ in range(800):
            assert connection.response().status == 200
    for client in clients:
        assert [client.read_text() for _ in range(200)] == [str(n) for n in range(200)]


# Idempotency keys


KEY = {"Idempotency-Key": "key-1"}


@promise("6", "`Idempotency-Key` on a send: answers 200 (with nothing `unknown`), 202, 410 and")
def test_a_repeated_key_sends_once(node, client):
    first = node.push(client.id, "once", headers=KEY)
    again = node.push(client.id, "once", headers=KEY)
    assert (first.status, first.body) == (again.status, again.body) == (200, b"{}")
    node.push(client.id, "end")
    assert [client.read_text(), client.read_text()] == ["once", "end"]


@promise("6", "`Idempotency-Key` on a send: answers 200 (with nothing `unknown`), 202, 410 and")
def test_keys_of_groups_and_batches(node, trio):
    for _ in range(2):
        assert node.manage("POST", "/v1/groups/g/messages", "hi", KEY).json()["delivered"] == 3
    line = {
        "method": "POST",
        "path": "/v1/groups/g/messages",
        "text": "line",
        "idempotencyKey": "key-2",
    }
    assert [a["status"] for a in batch(node, line, line)] == [200, 200]
    node.manage("POST", "/v1/groups/g/messages", "end")
    for client in trio:
        assert [client.read_text() for _ in range(3)] == ["hi", "line", "end"]


@promise("6", "`Idempotency-Key` on a send: answers 200 (with nothing `unknown`), 202, 410 and")
def test_errors_that_are_remembered_and_errors_that_are_not(node, client):
    dead = "A" * 30
    for _ in range(2):
        assert node.push(dead, "x", headers=KEY).status == 410
    other = {"Idempotency-Key": "key-2"}
    assert node.push(client.id, b"\xff", headers=other).status == 400
    assert node.push(client.id, "fine", headers=other).status == 200
    assert client.read_text() == "fine"


@promise("6", "the same key with another path or (as far as it was read) body is 422.")
def test_a_key_used_for_something_else_is_422(node, trio):
    assert node.push(trio[0].id, "once", headers=KEY).status == 200
    for response in (
        node.push(trio[0].id, "other", headers=KEY),
        node.push(trio[1].id, "once", headers=KEY),
        node.manage("POST", "/v1/groups/g/messages", "once", KEY),
    ):
        problem(response, 422, response.json()["code"])
    assert trio[1].quiet()


@promise("6", "a repeat while the first runs waits for it")
def test_concurrent_repeats_send_once(node, client):
    statuses = []
    threads = [
        threading.Thread(
            target=lambda: statuses.append(node.push(client.id, "once", headers=KEY).status)
        )
        for _ in range(10)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == [200] * 10
    assert client.read_text() == "once"
    assert client.quiet()
