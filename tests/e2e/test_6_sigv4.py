"""Contract 6: signatures by AWS Signature Version 4, right ones and each way to get one wrong.

That the AWS SDKs' own signatures are accepted is tested in tests/clients.
"""

import pytest
from support.http1 import http
from support.management import bearer, member
from support.promise import promise
from support.sigv4 import Signer, sha256

KEYS = [
    {"access_key_id": "AKIDALL", "secret_access_key": "all/+secret"},
    {"access_key_id": "AKIDTWO", "secret_access_key": "old"},
    {"access_key_id": "AKIDTWO", "secret_access_key": "new"},
]


@pytest.fixture
def node(start):
    return start({"management": {"auth": {"tokens": ["bearer"], "sigv4": KEYS}}})


def signer(node, key="AKIDALL", secret="all/+secret", **how):
    return Signer("%s:%d" % node.management, key, secret, **how)


def call(node, method, target, body=b"", headers=()):
    return http(node.management, method, target, body or None, headers, host="%s:%d" % node.management)


def signed(node, method, path, body=b"", by=None, declared=None, **more):
    headers = (by or signer(node)).headers(method, path, body, declared, **more)
    return call(node, method, path, body, headers)


def is_refused(response, path):
    """In the dialect of the path."""
    if "@connections" in path:
        name = response["x-amzn-errortype"]
        return (response.status, name) == (403, "InvalidSignatureException")
    return (response.status, response.json()["code"]) == (401, "unauthorized")


def paths(client):
    """A POST of a message on either API."""
    return [f"/v1/connections/{client.id}/messages", f"/prod/@connections/{client.id}"]


@promise("6", "Bearer tokens, SigV4 (A14; `{access_key_id, secret_access_key}`, with the same limits)")
def test_signed_and_presigned_calls_are_let_in(node, client):
    for path in paths(client):
        assert signed(node, "POST", path, b"signed").status == 200
        assert client.read_text() == "signed"
        presigned = signer(node).presigned("POST", path, b"presigned")
        assert call(node, "POST", presigned, b"presigned").status == 200
        assert client.read_text() == "presigned"
        assert node.manage("POST", path, "token", bearer("bearer")).status == 200
        assert client.read_text() == "token"


@promise("6", "Bearer tokens, SigV4 (A14; `{access_key_id, secret_access_key}`, with the same limits)")
def test_the_path_is_encoded_once_more(node):
    for group in ("a%20b", "a%2Fb", "%C3%BC", "a+b", "a%2525"):
        assert signed(node, "POST", f"/v1/groups/{group}/messages", b"x").status == 200
        presigned = signer(node).presigned("GET", f"/v1/groups/{group}")
        assert call(node, "GET", presigned).status == 200


@promise("6", "Bearer tokens, SigV4 (A14; `{access_key_id, secret_access_key}`, with the same limits)")
def test_a_key_may_have_two_secrets_while_they_are_exchanged(node, client):
    for secret, fine in (("old", True), ("new", True), ("other", False), ("all/+secret", False)):
        for path in paths(client):
            response = signed(node, "POST", path, b"x", by=signer(node, "AKIDTWO", secret))
            assert response.status == 200 if fine else is_refused(response, path)


@promise("6", "Bearer tokens, SigV4 (A14; `{access_key_id, secret_access_key}`, with the same limits)")
def test_clocks_may_be_five_minutes_apart(node, client):
    for path in paths(client):
        for at, fine in ((-290, True), (290, True), (-330, False), (330, False), (-86_400, False)):
            response = signed(node, "POST", path, b"x", by=signer(node, at=at))
            assert response.status == 200 if fine else is_refused(response, path), at
        for at, expires, fine in ((-50, 60, True), (-90, 60, False), (330, 600, False)):
            presigned = signer(node, at=at).presigned("POST", path, b"x", expires)
            response = call(node, "POST", presigned, b"x")
            assert response.status == 200 if fine else is_refused(response, path), (at, expires)


@promise("6", "Bearer tokens, SigV4 (A14; `{access_key_id, secret_access_key}`, with the same limits)")
def test_the_body_is_covered(node, client):
    for path in paths(client):
        for declared in (None, sha256(b"right")):
            headers = signer(node).headers("POST", path, b"right", declared)
            assert is_refused(call(node, "POST", path, b"wrong", headers), path)
            assert is_refused(call(node, "POST", path, b"", headers), path)
        assert is_refused(signed(node, "POST", path, b"x", declared="UNSIGNED-PAYLOAD"), path)
        presigned = signer(node).presigned("POST", path, b"right")
        assert is_refused(call(node, "POST", presigned, b"wrong"), path)
    assert client.quiet()


@promise("6", "BadRequestException, InvalidSignatureException, UnrecognizedClientException")
def test_signatures_of_something_else_are_refused(node, client):
    for path in paths(client):
        good = signer(node).headers("POST", path, b"x", **{"x-extra": "1"})

        def changed(name, old, new):
            assert old in good[name]
            return {**good, name: good[name].replace(old, new)}

        broken = {
            "another key": changed("Authorization", "AKIDALL", "AKIDTWO"),
            "another date": {**good, "x-amz-date": good["x-amz-date"].replace("T", "T0", 1)[:16]},
            "no date": {name: value for name, value in good.items() if name != "x-amz-date"},
            "a signed header changed": {**good, "x-extra": "2"},
            "a signed header gone": {n: v for n, v in good.items() if n != "x-extra"},
            "a service of AWS' own": signer(node, service="s3").headers("POST", path, b"x"),
            "host is not signed": changed("Authorization", "SignedHeaders=host;", "SignedHeaders="),
            "half a signature": {**good, "Authorization": good["Authorization"][:-32]},
            "no signature": {**good, "Authorization": good["Authorization"].split(", Sig")[0]},
            "another path": signer(node).headers("POST", path + "x", b"x"),
            "another method": signer(node).headers("DELETE", path, b"x"),
            "another host": Signer("elsewhere", "AKIDALL", "all/+secret").headers("POST", path, b"x"),
            "another query": signer(node).headers("POST", path, b"x"),
        }
        for what, headers in broken.items():
            target = path + "?exclude=y" if what == "another query" else path
            assert is_refused(call(node, "POST", target, b"x", headers), path), what
    assert client.quiet()


@promise("6", "BadRequestException, InvalidSignatureException, UnrecognizedClientException")
def test_presigned_targets_cannot_be_changed(node, client):
    path = f"/v1/connections/{client.id}"
    good = signer(node).presigned("GET", path)
    assert call(node, "GET", good).json()["id"] == client.id
    for wrong in (
        good.replace("X-Amz-Expires=60", "X-Amz-Expires=600"),
        good.replace("X-Amz-Expires=60", "X-Amz-Expires=604801"),
        good.replace("&X-Amz-Expires=60", ""),
        good.replace("AKIDALL", "AKIDTWO"),
        good + "0",
        good[:-1],
        good + "&code=4000",
        good.replace("X-Amz-SignedHeaders=host", "X-Amz-SignedHeaders=accept"),
    ):
        assert is_refused(call(node, "GET", wrong), path), wrong
    assert is_refused(call(node, "DELETE", good), path)
    assert client.in_sync()


@promise("6", "BadRequestException, InvalidSignatureException, UnrecognizedClientException")
def test_keys_that_nobody_knows(node, client):
    own, aws = paths(client)
    for by in (signer(node, "AKIDNONE"), signer(node, "akidall"), signer(node, "bearer", "bearer")):
        response = signed(node, "POST", aws, b"x", by=by)
        assert (response.status, response["x-amzn-errortype"]) == (403, "UnrecognizedClientException")
        response = signed(node, "POST", own, b"x", by=by)
        assert (response.status, response.json()["code"]) == (401, "unauthorized")
    assert client.quiet()


@promise("6", "nor do logs")
def test_secrets_stand_in_no_answer_and_no_log(node, client):
    path = paths(client)[0]
    response = signed(node, "POST", path, b"payload", by=signer(node, secret="wrong"))
    assert "Canonical String" in response.json()["detail"]
    presigned = signer(node).presigned("GET", f"/v1/connections/{client.id}")
    assert call(node, "GET", presigned).status == 200
    signature = presigned.rsplit("=", 1)[1]
    for secret in ("all/+secret", signature):
        assert secret not in response.text
        assert secret not in node.log_text()
