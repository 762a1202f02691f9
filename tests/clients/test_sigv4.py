"""AWS' own signers against `management.auth.sigv4`: boto3, and botocore for presigned requests."""

import boto3
import pytest
from botocore.auth import SigV4Auth, SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import ClientError
from support.http1 import http
from support.sockhook import Sockhook, endpoint

KEYS = [
    {"access_key_id": "AKIDALL", "secret_access_key": "all/+secret"},
    {"access_key_id": "AKIDREAD", "secret_access_key": "old", "operations": ["read"]},
    {"access_key_id": "AKIDREAD", "secret_access_key": "new", "operations": ["read"]},
]


@pytest.fixture
def node(tmp_path, backend):
    running = Sockhook(tmp_path, {"backends": {"app": {"url": backend.url}}, "endpoints": [endpoint()],
                                  "management": {"auth": {"tokens": ["bearer"], "sigv4": KEYS}}})
    yield running
    running.stop_and_check()


@pytest.fixture
def connection(node, backend):
    client = node.connect("/chat")
    client.id = backend.one(type="connect")["ce-connectionid"]
    return client


def gateway(node, key, secret):
    return boto3.client("apigatewaymanagementapi", endpoint_url="http://%s:%d/prod" % node.management,
                        region_name="eu-west-1", aws_access_key_id=key, aws_secret_access_key=secret,
                        config=Config(retries={"max_attempts": 1}))


def error_of(call, **arguments):
    with pytest.raises(ClientError) as failure:
        call(**arguments)
    response = failure.value.response
    return response["Error"]["Code"], response["ResponseMetadata"]["HTTPStatusCode"]


def test_sdk_calls_are_verified(node, connection):
    mine = gateway(node, "AKIDALL", "all/+secret")
    mine.post_to_connection(ConnectionId=connection.id, Data=b"hello")
    assert connection.read_text() == "hello"
    mine.post_to_connection(ConnectionId=connection.id, Data=b"")
    assert connection.read_text() == ""
    assert mine.get_connection(ConnectionId=connection.id)["Identity"]["SourceIp"] == "127.0.0.1"


def test_wrong_keys_are_refused_by_name(node, connection):
    send = dict(ConnectionId=connection.id, Data=b"x")
    assert error_of(gateway(node, "AKIDALL", "wrong").post_to_connection, **send) == ("InvalidSignatureException", 403)
    assert error_of(gateway(node, "AKIDNONE", "x").post_to_connection, **send) == ("UnrecognizedClientException", 403)
    unsigned = node.manage("POST", f"/@connections/{connection.id}", "x")
    assert unsigned.status == 403 and unsigned["x-amzn-errortype"] == "MissingAuthenticationTokenException"
    assert connection.quiet()


def test_a_key_may_be_limited_and_have_two_secrets(node, connection):
    for secret in ("old", "new"):
        reader = gateway(node, "AKIDREAD", secret)
        assert reader.get_connection(ConnectionId=connection.id)["ConnectedAt"]
        assert error_of(reader.post_to_connection, ConnectionId=connection.id, Data=b"x") == ("ForbiddenException", 403)


def url(node, path):
    return "http://%s:%d%s" % (*node.management, path)


def test_other_paths_queries_and_presigned_requests_are_verified(node, connection):
    host = "%s:%d" % node.management
    credentials = Credentials("AKIDALL", "all/+secret")
    request = AWSRequest("POST", url(node, "/v1/groups/a%2Fb%20c/messages?wait=none&exclude=x%2By"), data=b"body")
    SigV4Auth(credentials, "execute-api", "us-east-1").add_auth(request)
    path = request.url.removeprefix(url(node, ""))
    assert http(node.management, "POST", path, "body", dict(request.headers), host=host).status == 202
    assert http(node.management, "POST", path, "other", dict(request.headers), host=host).status == 401

    presigned = AWSRequest("GET", url(node, f"/v1/connections/{connection.id}"))
    SigV4QueryAuth(credentials, "execute-api", "us-east-1", expires=60).add_auth(presigned)
    path = presigned.url.removeprefix(url(node, ""))
    assert http(node.management, "GET", path, host=host).json()["id"] == connection.id
    assert http(node.management, "GET", path + "0", host=host).status == 401
    assert http(node.management, "DELETE", path, host=host).status == 401
