"""Contract 4.4: Standard Webhooks signatures."""

import base64
import hashlib
import hmac
import time

from support.backend import answer, in_turn
from support.promise import promise

KEYS = [b"k" * 24, b"\x01\x02secret-number-two-\xff\xfe" + b"x" * 8]
SECRETS = ["whsec_" + base64.b64encode(key).decode() for key in KEYS]


def signature(key, request):
    signed = b".".join(
        [request["webhook-id"].encode(), request["webhook-timestamp"].encode(), request.body]
    )
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


@promise("4.4", "every webhook carries `webhook-id` (= ce-id), `webhook-timestamp` (of this try)")
def test_every_webhook_is_signed_with_every_secret(start, backend):
    node = start(config={"signing": {"secrets": SECRETS}})
    client = node.connect()
    client.binary(bytes(range(256)))
    client.leave()
    for request in backend.wait(3):
        assert request["webhook-id"] == request["ce-id"]
        assert abs(int(request["webhook-timestamp"]) - time.time()) < 30
        assert request["webhook-signature"].split(" ") == [signature(key, request) for key in KEYS]


@promise("4.4", "every webhook carries `webhook-id` (= ce-id), `webhook-timestamp` (of this try)")
def test_a_retry_has_a_timestamp_of_its_own(start, backend):
    node = start(config={"signing": {"secrets": SECRETS[:1]}})
    backend.on(
        "/disconnect", in_turn(answer(500), answer(500), answer(500), answer(500), answer(200))
    )
    node.connect().leave()
    tries = backend.wait(5, type="disconnect", within=20)
    assert len({r["webhook-id"] for r in tries}) == 1
    assert int(tries[-1]["webhook-timestamp"]) > int(tries[0]["webhook-timestamp"])
    for request in tries:
        assert request["webhook-signature"] == signature(KEYS[0], request)


@promise("4.4", "every webhook carries `webhook-id` (= ce-id), `webhook-timestamp` (of this try)")
def test_lambda_events_are_signed_too(start, backend):
    backend.on("/connect", answer(200, '{"statusCode": 200}'))
    start(format="lambda", config={"signing": {"secrets": SECRETS}}).connect()
    request = backend.one(path="/connect")
    assert request["webhook-signature"].split(" ") == [signature(key, request) for key in KEYS]


@promise("2", "Standard Webhooks; default: unsigned")
def test_without_secrets_nothing_is_signed(node, backend):
    node.connect()
    assert not [name for name, _ in backend.one().headers if name.lower().startswith("webhook-")]
