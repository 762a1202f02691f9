"""Section 5.2: where the keys of tokens come from, and what becomes of them when the issuer fails."""

import base64
import os
import threading
import time

import pytest
from support.backend import answer, by_byte, hang, raw, reset, when
from support.certificates import Authority
from support.client import RawClient, handshake_bytes
from support.http1 import read_response
from support.issuer import Issuer, bearing, jwks, jwt, publish
from support.promise import promise
from support.sockhook import endpoint, run_binary
from support.waiting import eventually


@pytest.fixture
def issuer():
    """One whose set has the key `first`."""
    served = Issuer("first")
    yield served
    served.relent()
    served.stop()
    assert not served.mistakes, served.mistakes


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "jwks.json"
    path.write_text(jwks("first"))
    return path


def connected(node):
    """A client that has not said anything yet."""
    client = RawClient.to(node.public)
    client.key = base64.b64encode(os.urandom(16)).decode()
    node.clients.append(client)
    return client


def is_let_in(node, kid):
    with node.begin(headers=bearing(kid)) as client:
        client.finish()
    return True


def answer_to(node, kid):
    """The status of a handshake that must be refused."""
    return node.refused(headers=bearing(kid)).status


def wait_until_read(node):
    eventually(lambda: node.metric("sockhook_keys") > 0, what="the keys are read")


def reads(node, result):
    return node.metric("sockhook_key_reads_total", result=result)


def lines(node, count, message):
    """The log lines of this kind, once there are so many."""
    eventually(lambda: len(node.log(msg=message)) >= count, what=f"{count} lines: {message}")
    return node.log(msg=message)


@promise("5.2", "`jwks_file` or `jwks_url`")
def test_keys_from_a_file(start, backend, file):
    node = start(auth=jwt(jwks_file=str(file)))
    node.connect(headers=bearing("first"))
    assert backend.one(path="/connect")["ce-userid"] == "alice"
    assert answer_to(node, "unknown") == 401
    assert len(backend.seen(path="/connect")) == 1
    assert node.metric("sockhook_keys", source=str(file)) == 1


@promise("5.2", "`jwks_file` or `jwks_url`")
def test_keys_of_a_file_that_is_replaced(start, file):
    node = start(auth=jwt(jwks_file=str(file)))
    publish(file, jwks("second", "third"))
    eventually(lambda: node.metric("sockhook_keys") == 2, what="the new set is read")
    assert is_let_in(node, "second")
    assert answer_to(node, "first") == 401


@promise("5.2", "`jwks_file` or `jwks_url`")
def test_a_token_of_a_new_key_has_the_file_read_at_once(start, file):
    node = start(auth=jwt(jwks_file=str(file)))
    publish(file, jwks("first", "second"))
    assert is_let_in(node, "second")


@promise("5.2", "`jwks_file` or `jwks_url`")
def test_keys_of_a_mounted_configmap(start, tmp_path):
    """..data -> ..1, jwks.json -> ..data/jwks.json: what Kubernetes turns is the inner link."""
    for name, kid in (("..1", "first"), ("..2", "second")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "jwks.json").write_text(jwks(kid))
    (tmp_path / "..data").symlink_to("..1")
    file = tmp_path / "jwks.json"
    file.symlink_to("..data/jwks.json")
    node = start(auth=jwt(jwks_file=str(file)))
    assert is_let_in(node, "first")
    (tmp_path / "..data_tmp").symlink_to("..2")
    os.rename(tmp_path / "..data_tmp", tmp_path / "..data")
    eventually(lambda: reads(node, "ok") == 1, what="the other file is read")
    assert is_let_in(node, "second")


@promise("5.2", "the last good set stays when it cannot be read")
@pytest.mark.slow
def test_a_file_that_becomes_rubbish_or_goes(start, file):
    node = start(auth=jwt(jwks_file=str(file)))
    publish(file, "not a set")
    eventually(lambda: reads(node, "failed") == 1, what="the rubbish is read")
    assert is_let_in(node, "first")
    file.unlink()
    eventually(lambda: reads(node, "failed") == 2, what="the file is missed")
    assert is_let_in(node, "first")
    failures = lines(node, 2, "keys of an issuer cannot be read")
    assert [line["error"] for line in failures] == [
        'is no JWK Set: {"keys": [...]}',
        "cannot be read: No such file or directory",
    ]
    publish(file, jwks("second"))
    eventually(lambda: reads(node, "ok") == 1, what="the new file is read")
    assert is_let_in(node, "second")


@promise("5.2", "`jwks_file` or `jwks_url`")
def test_keys_from_a_url(start, backend, issuer):
    node = start(auth=jwt(jwks_url=issuer.jwks_url + "?tenant=hidden"))
    wait_until_read(node)
    node.connect(headers=bearing("first"))
    assert backend.one(path="/connect")["ce-userid"] == "alice"
    request = issuer.one(path="/jwks.json")
    assert (request.method, request.target) == ("GET", "/jwks.json?tenant=hidden")
    assert request["host"] == issuer.host.replace("127.0.0.1", "localhost")
    read = lines(node, 1, "keys of an issuer read")
    assert [(line["source"], line["keys"], line["ids"]) for line in read] == [
        (issuer.jwks_url, 1, "first")
    ]
    assert "hidden" not in node.log_text()
    assert node.metric("sockhook_keys", source=issuer.jwks_url) == 1


@promise("5.2", "`jwks_file` or `jwks_url`")
def test_keys_from_a_url_over_tls(start, tmp_path):
    authority = Authority(tmp_path / "authority")
    issuer = Issuer("first", tls=authority.server(authority.issue()))
    trusting = start(
        auth=jwt(jwks_url=issuer.jwks_url), env={"SSL_CERT_FILE": authority.file}
    )
    wait_until_read(trusting)
    assert is_let_in(trusting, "first")
    doubting = start(auth=jwt(jwks_url=issuer.jwks_url))
    eventually(lambda: reads(doubting, "failed") > 0, what="the issuer is refused")
    assert answer_to(doubting, "first") == 503
    issuer.stop()


@promise("5.2", "`jwks_file` or `jwks_url`")
def test_a_set_that_endpoints_share_is_fetched_once(start, issuer):
    auth = jwt(jwks_url=issuer.jwks_url)
    node = start({"endpoints": [endpoint(auth=auth), endpoint("other", "/other", auth=auth)]})
    wait_until_read(node)
    node.connect("/chat", headers=bearing("first"))
    node.connect("/other", headers=bearing("first"))
    assert issuer.fetches() == 1


@promise("5.2", "`jwks_file` or `jwks_url`")
def test_an_issuer_that_is_away_at_start(start, backend, issuer):
    issuer.stop()
    node = start(auth=jwt(jwks_url=issuer.jwks_url))
    response = node.refused(headers=bearing("first"))
    assert (response.status, response["retry-after"]) == (503, "5")
    assert node.metric("sockhook_handshakes_total", result="no_keys") == 1
    assert node.refused().status == 401, "no token: that can be said without keys"
    assert not backend.seen()
    issuer.start()
    wait_until_read(node)
    assert is_let_in(node, "first")


@promise("5.2", "`jwks_file` or `jwks_url`")
def test_the_first_clients_wait_for_the_first_fetch(start, issuer):
    published = threading.Event()
    issuer.serve(when(published, answer(200, jwks("first"))))
    node = start(auth=jwt(jwks_url=issuer.jwks_url))
    issuer.wait(1)
    clients = [node.begin(headers=bearing("first")) for _ in range(10)]
    published.set()
    for client in clients:
        client.finish()
    assert issuer.fetches() == 1


@promise("5.2", "the last good set stays when it cannot be read")
def test_an_issuer_that_goes_away(start, issuer):
    node = start(auth=jwt(jwks_url=issuer.jwks_url))
    wait_until_read(node)
    issuer.stop()
    assert answer_to(node, "second") == 401
    eventually(lambda: reads(node, "failed") > 0, what="the fetch has failed")
    assert is_let_in(node, "first")
    issuer.publish("second")
    issuer.start()
    eventually(lambda: reads(node, "ok") == 2, what="the set is read again")
    assert is_let_in(node, "second")


BAD = {
    "rubbish": answer(200, "<html>Please sign in</html>"),
    "no keys": answer(200, '{"keys": []}'),
    "huge": answer(200, " " * 300_000 + jwks("second")),
    "redirect": answer(302, jwks("second"), headers={"Location": "/elsewhere"}),
    "error": answer(500, jwks("second")),
    "encoded": answer(200, jwks("second"), headers={"Content-Encoding": "gzip"}),
    "no HTTP": raw(b"SSH-2.0-OpenSSH_9.2\r\n\r\n"),
    "reset": reset(b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n{"),
}


@promise("5.2", "the last good set stays when it cannot be read")
@pytest.mark.parametrize("answer_of_issuer", BAD.values(), ids=BAD)
def test_answers_that_cannot_be_used(start, issuer, answer_of_issuer):
    node = start(auth=jwt(jwks_url=issuer.jwks_url))
    wait_until_read(node)
    issuer.serve(answer_of_issuer)
    assert answer_to(node, "second") == 401
    assert reads(node, "failed") >= 1
    assert is_let_in(node, "first")
    assert node.metric("sockhook_keys") == 1


DRIPPING = b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n" + b" " * 9999


@promise("5.2", "the last good set stays when it cannot be read")
@pytest.mark.slow
@pytest.mark.parametrize("script", [hang(), by_byte(DRIPPING, gap=0.01)], ids=["hang", "drip"])
def test_an_issuer_that_is_slow(start, issuer, script):
    node = start(auth=jwt(jwks_url=issuer.jwks_url))
    wait_until_read(node)
    issuer.serve(script)
    begun = time.monotonic()
    waiting = node.begin(headers=bearing("second"))
    assert is_let_in(node, "first"), "nobody else waits"
    assert read_response(waiting).status == 401
    assert time.monotonic() - begun > 1.5, "it waits for 2 s"
    assert reads(node, "failed") == 0, "and no longer"
    eventually(lambda: reads(node, "failed") == 1, what="the fetch has failed after 5 s")


@promise("5.2", "`jwks_file` or `jwks_url`")
def test_a_thousand_clients_with_a_new_key_cost_one_fetch(start, backend, issuer):
    node = start(auth=jwt(jwks_url=issuer.jwks_url))
    wait_until_read(node)
    rotated = threading.Event()
    issuer.serve(when(rotated, answer(200, jwks("second"))))
    clients = [connected(node) for _ in range(1000)]
    for client in clients:
        client.send(handshake_bytes(headers=bearing("second"), key=client.key))
    issuer.wait(2)
    assert not backend.seen(path="/connect")
    rotated.set()
    for client in clients:
        client.finish()
    assert issuer.fetches() == 2
    assert answer_to(node, "first") == 401, "the old key has gone"


@promise("5.2", "`jwks_file` or `jwks_url`")
def test_tokens_of_keys_that_never_existed_cost_one_fetch(start, issuer):
    node = start(auth=jwt(jwks_url=issuer.jwks_url))
    wait_until_read(node)
    for number in range(50):
        assert answer_to(node, f"made-up-{number}") == 401
    assert issuer.fetches() == 2
    assert is_let_in(node, "first")


@promise("5.2", "`jwks_file` or `jwks_url`")
def test_check_looks_at_files_and_urls(start, tmp_path, file):
    def check(auth, *options):
        node = start(auth=auth, wait=False)
        node.kill()
        return run_binary("check", *options, "--config", node.config_file)

    assert check(jwt(jwks_file=str(file))).returncode == 0
    assert check(jwt(jwks_url="https://issuer.invalid/jwks")).returncode == 0
    missing = check(jwt(jwks_file=str(tmp_path / "missing")))
    assert missing.returncode == 2
    assert "endpoints[0].auth.jwt.jwks_file: " in missing.stderr
    assert check(jwt(jwks_file=str(tmp_path / "missing")), "--no-files").returncode == 0
    file.write_text("rubbish")
    rubbish = check(jwt(jwks_file=str(file)))
    assert rubbish.returncode == 2
    assert f"endpoints[0].auth.jwt.jwks_file: {file} is no JWK Set" in rubbish.stderr
    for auth, complaint in (
        (jwt(jwks_url="ftp://issuer/jwks"), "jwks_url: is no URL of http or https"),
        (jwt(), "has no keys"),
        (jwt(keys=["s"], jwks_file=str(file)), "has keys from several places"),
        (jwt(keys=["-----BEGIN PUBLIC KEY-----"]), "keys[0]: is no key that can be read"),
        ({"jwt": {"algorithms": ["ES256"], "keys": ["s"]}}, "keys[0]: is a key that none of"),
    ):
        refused = check(auth)
        assert refused.returncode == 2
        assert complaint in refused.stderr
