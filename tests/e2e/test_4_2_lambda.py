"""Contract 4.2: API Gateway's proxy event, so that a handler written for Lambda runs unchanged."""

import base64
import json
import re
import time

import pytest

from support.backend import answer, hang
from support.promise import promise

INVOCATIONS = "/2015-03-31/functions/function/invocations"
FAILURE = "Internal server error"
ALWAYS = {
    "routeKey",
    "eventType",
    "extendedRequestId",
    "requestTime",
    "messageDirection",
    "stage",
    "connectedAt",
    "requestTimeEpoch",
    "identity",
    "requestId",
    "domainName",
    "connectionId",
    "apiId",
}


def result(status=200, body=None, **more):
    """A Lambda proxy result, as the runtime interface emulator passes it on."""
    value = {"statusCode": status, **({} if body is None else {"body": body}), **more}
    return answer(200, json.dumps(value), content_type="application/json")


@pytest.fixture
def lambda_node(start, backend):
    backend.on("/connect", result()).on("/message", result()).on("/disconnect", result())
    return start(format="lambda")


def life(node, backend, message="hello", **how):
    client = node.connect(**how)
    client.text(message)
    client.leave(4001, "bye")
    return [request.json() for request in backend.wait(3)]


@promise("4.2", "The JSON event of an API Gateway WebSocket API with Lambda proxy integration")
def test_the_connect_event(lambda_node, backend):
    lambda_node.connect(
        "/chat?token=a%20b&x=1&x=2",
        headers=[
            ("Origin", "https://example.com"),
            ("X-Two", "1"),
            ("X-Two", "2"),
            ("User-Agent", "Browser/1"),
        ],
    )
    request = backend.one(path="/connect")
    event = request.json()
    assert request["content-type"].startswith("application/json")
    assert set(event) == {
        "headers",
        "multiValueHeaders",
        "queryStringParameters",
        "multiValueQueryStringParameters",
        "requestContext",
        "isBase64Encoded",
    }
    assert event["isBase64Encoded"] is False
    assert event["queryStringParameters"] == {"token": "a b", "x": "2"}
    assert event["multiValueQueryStringParameters"] == {"token": ["a b"], "x": ["1", "2"]}
    assert event["headers"]["Origin"] == "https://example.com"
    assert event["headers"]["X-Two"] == "2" and event["multiValueHeaders"]["X-Two"] == ["1", "2"]
    assert event["headers"]["Host"] == "test.example"
    assert event["headers"]["X-Forwarded-For"] == "127.0.0.1"
    assert event["headers"]["X-Forwarded-Proto"] == "http"
    assert event["headers"]["X-Forwarded-Port"]
    assert re.fullmatch(r"Root=1-[0-9a-f]{8}-[0-9a-f]{24}.*", event["headers"]["X-Amzn-Trace-Id"])
    assert set(event["headers"]) == set(event["multiValueHeaders"])
    context = event["requestContext"]
    assert set(context) == ALWAYS
    assert (context["routeKey"], context["eventType"]) == ("$connect", "CONNECT")
    assert context["identity"] == {"userAgent": "Browser/1", "sourceIp": "127.0.0.1"}


@promise("4.2", "The JSON event of an API Gateway WebSocket API with Lambda proxy integration")
def test_without_a_query_its_keys_are_absent(lambda_node, backend):
    lambda_node.connect()
    assert set(backend.one(path="/connect").json()) == {
        "headers",
        "multiValueHeaders",
        "requestContext",
        "isBase64Encoded",
    }


@promise("4.2", "The JSON event of an API Gateway WebSocket API with Lambda proxy integration")
def test_the_message_event(lambda_node, backend):
    _, event, _ = life(lambda_node, backend, 'text with "quotes" and ü')
    assert set(event) == {"requestContext", "body", "isBase64Encoded"}
    assert event["body"] == 'text with "quotes" and ü' and event["isBase64Encoded"] is False
    context = event["requestContext"]
    assert set(context) == ALWAYS | {"messageId"}
    assert (context["routeKey"], context["eventType"], context["messageDirection"]) == (
        "$default",
        "MESSAGE",
        "IN",
    )


@promise("4.2", "The JSON event of an API Gateway WebSocket API with Lambda proxy integration")
def test_the_disconnect_event(lambda_node, backend):
    _, _, event = life(lambda_node, backend)
    assert set(event) == {"headers", "multiValueHeaders", "requestContext", "isBase64Encoded"}
    assert set(event["headers"]) == {"Host", "x-api-key", "X-Forwarded-For", "x-restapi"}
    assert (
        event["headers"]["x-api-key"]
        == event["headers"]["X-Forwarded-For"]
        == event["headers"]["x-restapi"]
        == ""
    )
    assert event["multiValueHeaders"] == {name: [value] for name, value in event["headers"].items()}
    context = event["requestContext"]
    assert set(context) == ALWAYS | {"disconnectStatusCode", "disconnectReason"}
    assert (context["eventType"], context["disconnectStatusCode"], context["disconnectReason"]) == (
        "DISCONNECT",
        4001,
        "bye",
    )


@promise("4.2", "The JSON event of an API Gateway WebSocket API with Lambda proxy integration")
def test_types_and_formats_of_the_request_context(lambda_node, backend):
    events = life(lambda_node, backend)
    contexts = [event["requestContext"] for event in events]
    for context in contexts:
        assert re.fullmatch(
            r"\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d \+0000", context["requestTime"]
        )
        assert (
            isinstance(context["requestTimeEpoch"], int)
            and abs(context["requestTimeEpoch"] / 1000 - time.time()) < 60
        )
        assert (
            isinstance(context["connectedAt"], int)
            and context["connectedAt"] <= context["requestTimeEpoch"]
        )
        assert context["requestId"] == context["extendedRequestId"]
        assert context["apiId"] == "sockhook" and context["stage"] == "prod"
        assert context["domainName"]
    assert len({context["connectionId"] for context in contexts}) == 1
    assert len({context["connectedAt"] for context in contexts}) == 1
    assert len({context["requestId"] for context in contexts}) == 3


@promise("2", "lambda: {api_id: sockhook, stage: prod, stage_variables: {}, domain_name: }   #")
def test_the_lambda_settings(start, backend):
    backend.on("/connect", result())
    node = start(
        format="lambda",
        config={
            "lambda": {
                "api_id": "abc123",
                "stage": "dev",
                "stage_variables": {"table": "t1"},
                "domain_name": "ws.example.com",
            }
        },
    )
    node.connect()
    event = backend.one(path="/connect").json()
    context = event["requestContext"]
    assert (context["apiId"], context["stage"], context["domainName"]) == (
        "abc123",
        "dev",
        "ws.example.com",
    )
    assert event["stageVariables"] == {"table": "t1"}


@promise("2", "lambda: {api_id: sockhook, stage: prod, stage_variables: {}, domain_name: }   #")
def test_the_lambda_settings_of_an_endpoint(start, backend):
    backend.on("/connect", result())
    start(format="lambda", **{"lambda": {"stage": "beta"}}).connect()
    assert backend.one(path="/connect").json()["requestContext"]["stage"] == "beta"


@promise("4.2", "so that a handler written for Lambda runs unchanged behind the runtime interface")
def test_the_path_of_the_runtime_interface_emulator(start, backend):
    backend.on(INVOCATIONS, result(200, "hi from lambda"))
    node = start(
        format="lambda", routes=dict.fromkeys(["$connect", "$disconnect", "$default"], INVOCATIONS)
    )
    client = node.connect()
    client.text("x")
    assert client.read_text() == "hi from lambda"
    client.leave()
    assert [r.json()["requestContext"]["eventType"] for r in backend.wait(3)] == [
        "CONNECT",
        "MESSAGE",
        "DISCONNECT",
    ]


@promise("4.2", "`requestContext.authorizer` carries `principalId` (user), `state` and a token's")
def test_the_authorizer_carries_user_and_state(lambda_node, backend):
    backend.on("/connect", result(headers={"Sockhook-User": "ann", "Sockhook-State": '{"n":1}'}))
    _, message, disconnect = life(lambda_node, backend)
    for event in (message, disconnect):
        assert event["requestContext"]["authorizer"] == {"principalId": "ann", "state": '{"n":1}'}


@promise("4.2", "Binary messages are base64 with `isBase64Encoded: true`.")
def test_binary_messages_are_base64(lambda_node, backend):
    payload = bytes(range(256))
    lambda_node.connect().binary(payload)
    event = backend.wait(1, path="/message")[0].json()
    assert event["isBase64Encoded"] is True and base64.b64decode(event["body"]) == payload


@promise("4.2", "on connect statusCode decides, on a message")
@pytest.mark.parametrize("status", [200, 204, 299])
def test_on_connect_a_2xx_accepts(lambda_node, backend, status):
    backend.on("/connect", result(status))
    assert lambda_node.connect().response.status == 101


@promise("4.2", "on connect statusCode decides, on a message")
@pytest.mark.parametrize("status", [302, 400, 401, 403, 500])
def test_on_connect_another_status_refuses(lambda_node, backend, status):
    backend.on(
        "/connect",
        result(
            status,
            "no entry",
            headers={"X-Why": "age", "Content-Type": "text/x"},
            multiValueHeaders={"Set-Cookie": ["a=1", "b=2"]},
        ),
    )
    response = lambda_node.refused()
    assert (response.status, response.text, response["x-why"]) == (status, "no entry", "age")
    assert response["content-type"] == "text/x"
    assert response.all("set-cookie") == ["a=1", "b=2"]
    backend.on(
        "/connect", result(status, base64.b64encode(b"\0\xff").decode(), isBase64Encoded=True)
    )
    assert lambda_node.refused().body == b"\0\xff"


@promise("4.2", "on connect statusCode decides, on a message")
def test_on_connect_the_answer_may_choose_protocol_and_cookies(lambda_node, backend):
    backend.on(
        "/connect",
        result(
            headers={"Sec-WebSocket-Protocol": "b"},
            multiValueHeaders={"Set-Cookie": ["a=1", "b=2"]},
        ),
    )
    client = lambda_node.connect(protocols=["a", "b"])
    assert client.subprotocol == "b" and client.response.all("set-cookie") == ["a=1", "b=2"]


@promise("4.2", "it is ignored and a non-empty body is sent;")
@pytest.mark.parametrize("status", [200, 400, 500])
def test_on_a_message_the_status_is_ignored_and_the_body_sent(lambda_node, backend, status):
    backend.on("/message", result(status, "the body"))
    client = lambda_node.connect()
    client.text("x")
    assert client.read_text() == "the body"
    backend.on("/message", result(status, ""))
    client.text("x")
    assert client.quiet()


@promise("4.2", "it is ignored and a non-empty body is sent;")
def test_a_base64_body_is_decoded(lambda_node, backend):
    backend.on(
        "/message", result(200, base64.b64encode(b"\0\xff\xfe").decode(), isBase64Encoded=True)
    )
    client = lambda_node.connect()
    client.text("x")
    assert client.read_binary() == b"\0\xff\xfe"


@promise("4.2", "(An HTTP status other than 2xx from the function's host on connect is treated as")
def test_another_http_status_on_connect(lambda_node, backend):
    for status in (403, 429, 503):
        backend.on("/connect", answer(status, "from the host", {"X-Why": "1"}))
        response = lambda_node.refused()
        assert (response.status, response.text, response["x-why"]) == (status, "from the host", "1")


BROKEN = {
    "HTTP 500": answer(500, '{"statusCode": 200, "body": "x"}'),
    "errorMessage": answer(200, '{"errorMessage": "boom", "errorType": "Error"}'),
    "X-Amz-Function-Error": answer(
        200, '{"statusCode": 200, "body": "x"}', {"X-Amz-Function-Error": "Unhandled"}
    ),
    "no JSON": answer(200, "Hello"),
    "a list": answer(200, "[]"),
    "a body that is no string": answer(200, '{"statusCode": 200, "body": {"a": 1}}'),
    "bad base64": answer(200, '{"statusCode": 200, "body": "%%%", "isBase64Encoded": true}'),
}


@promise("4.2", "`Internal server error` is for HTTP >= 500, `errorMessage`")
@pytest.mark.parametrize("what", BROKEN)
def test_a_failed_function_is_an_internal_server_error(lambda_node, backend, what):
    backend.on("/message", BROKEN[what])
    client = lambda_node.connect()
    client.text("x")
    assert client.read_json()["message"] == FAILURE
    backend.on("/message", result(200, "goes on"))
    client.text("x")
    assert client.read_text() == "goes on"


@promise("4.2", "`Internal server error` is for HTTP >= 500, `errorMessage`")
@pytest.mark.parametrize(
    "what",
    ["errorMessage", "X-Amz-Function-Error", "no JSON", "a list", "no status", "a bad status"],
)
def test_a_failed_function_on_connect_is_502(lambda_node, backend, what):
    backend.on(
        "/connect",
        {
            **BROKEN,
            "no status": answer(200, "{}"),
            "a bad status": answer(200, '{"statusCode": 9}'),
        }[what],
    )
    assert lambda_node.refused().status == 502


@promise("4.2", "Error frames have A9's bytes.")
def test_error_frames_have_the_known_bytes(start, backend):
    backend.on("/connect", result()).on("/message", hang())
    node = start(format="lambda", app={"timeout": "200ms"})
    client = node.connect()
    client.text("x")
    context = backend.wait(1, path="/message")[0].json()["requestContext"]
    assert (
        client.read_text()
        == '{"message": "Endpoint request timed out", "connectionId":"%s", "requestId":"%s"}'
        % (context["connectionId"], context["requestId"])
    )


@promise("4.2", "Close reasons as A2 observed.")
def test_close_reasons_as_api_gateway_gives_them(lambda_node, backend):
    client = lambda_node.connect()
    client.send_close()
    end = backend.wait(1, path="/disconnect")[0].json()["requestContext"]
    assert (end["disconnectStatusCode"], end["disconnectReason"]) == (
        1005,
        "Client-side close frame status not set",
    )
    lambda_node.connect().leave(1001)
    end = backend.wait(2, path="/disconnect")[1].json()["requestContext"]
    assert (end["disconnectStatusCode"], end["disconnectReason"]) == (1001, "")
    client = lambda_node.connect()
    lambda_node.manage("DELETE", f"/@connections/{backend.newest()}")
    assert client.read_close_code() == 1000
    end = backend.wait(3, path="/disconnect")[2].json()["requestContext"]
    assert (end["disconnectStatusCode"], end["disconnectReason"]) == (
        1000,
        "Connection Closed Normally",
    )


def test_route_keys_in_lambda(start, backend):
    backend.on("/connect", result()).on("/send", result(200, "sent"))
    node = start(
        format="lambda",
        select="$request.body.action",
        routes={"$connect": "/connect", "$disconnect": "/disconnect", "sendMessage": "/send"},
    )
    client = node.connect()
    client.json({"action": "sendMessage"})
    assert client.read_text() == "sent"
    assert backend.seen(path="/send")[0].json()["requestContext"]["routeKey"] == "sendMessage"
    client.json({"action": "unknown"})
    assert client.read_json()["message"] == "Forbidden"
