"""boto3 against @connections, with nothing but its endpoint changed."""

import datetime

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from support.waiting import eventually


@pytest.fixture
def gateway(node):
    return boto3.client("apigatewaymanagementapi", endpoint_url="http://%s:%d/prod" % node.management,
                        region_name="us-east-1", aws_access_key_id="local", aws_secret_access_key="local",
                        config=Config(retries={"max_attempts": 1}))


@pytest.fixture
def client(node):
    return node.connect("/chat", headers=[("User-Agent", "a browser")])


@pytest.fixture
def connection(client, backend):
    return backend.one(type="connect")["ce-connectionid"]


def test_post_to_connection_sends_text_and_binary(gateway, client, connection):
    answer = gateway.post_to_connection(ConnectionId=connection, Data=b"hello")
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 200
    assert client.read_text() == "hello"
    gateway.post_to_connection(ConnectionId=connection, Data=b"\xff\x00")
    assert client.read_binary() == b"\xff\x00"


def test_get_connection_tells_when_from_where_and_with_what(gateway, connection):
    answer = gateway.get_connection(ConnectionId=connection)
    age = datetime.datetime.now(datetime.timezone.utc) - answer["ConnectedAt"]
    assert datetime.timedelta(0) <= age < datetime.timedelta(minutes=1)
    assert answer["LastActiveAt"] >= answer["ConnectedAt"]
    assert answer["Identity"] == {"SourceIp": "127.0.0.1", "UserAgent": "a browser"}


def test_delete_connection_closes_with_1000_and_the_id_is_gone(gateway, client, connection):
    assert gateway.delete_connection(ConnectionId=connection)["ResponseMetadata"]["HTTPStatusCode"] == 204
    assert client.read_close_code() == 1000
    with pytest.raises(gateway.exceptions.GoneException):
        gateway.post_to_connection(ConnectionId=connection, Data=b"too late")


def test_a_connection_that_left_is_a_gone_exception(gateway, client, connection, backend):
    client.leave()
    eventually(lambda: backend.seen(type="disconnect"))
    for call in (gateway.get_connection, gateway.delete_connection):
        with pytest.raises(gateway.exceptions.GoneException) as gone:
            call(ConnectionId=connection)
        assert gone.value.response["ResponseMetadata"]["HTTPStatusCode"] == 410


def test_a_payload_over_the_limit_is_a_payload_too_large_exception(gateway, connection):
    with pytest.raises(gateway.exceptions.PayloadTooLargeException):
        gateway.post_to_connection(ConnectionId=connection, Data=b"x" * (2**20 + 1))


def test_a_malformed_id_is_a_bad_request_exception(gateway, connection):
    with pytest.raises(ClientError) as bad:
        gateway.get_connection(ConnectionId="no id!")
    assert bad.value.response["Error"]["Code"] == "BadRequestException"
