"""Section 2: TLS on the listeners and to backends."""

import http.client
import json
import shutil
import ssl
import subprocess

import pytest
from support.backend import FakeBackend, answer, echo
from support.certificates import Authority
from support.client import handshake_bytes
from support.http1 import read_response
from support.promise import promise
from support.sockhook import run_binary
from support.waiting import eventually
from support.wire import Ended, Wire


def is_refused_by_tls(address, context, name="localhost"):
    """The server does not want this client. With TLS 1.3 it says so behind the handshake."""
    try:
        with Wire.to(address, tls=context, name=name) as wire:
            wire.send(handshake_bytes())
            wire.read_some()
    except (ssl.SSLError, ConnectionResetError, Ended):
        return True
    return False


@promise("2", "tls: {certificate: , key: , client_ca: , certificates: []}")
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_clients_speak_tls(secure, backend, authority, version):
    backend.on("/message", echo)
    context = authority.client()
    context.minimum_version = context.maximum_version = version
    client = secure.connect(tls=context)
    assert backend.one(path="/connect")["x-forwarded-proto"] == "https"
    client.text("hello")
    assert client.read_text() == "hello"
    client.text("x" * 100_000)
    assert client.read_text() == "x" * 100_000
    assert secure.push(backend.newest(), "pushed").status == 200
    assert client.read_text() == "pushed"


@promise("2", "tls: {certificate: , key: , client_ca: , certificates: []}")
@pytest.mark.filterwarnings("ignore:ssl.TLSVersion")
def test_older_versions_and_other_protocols_are_refused(secure, authority):
    old = authority.client()
    old.minimum_version = ssl.TLSVersion.TLSv1
    old.maximum_version = ssl.TLSVersion.TLSv1_1
    old.set_ciphers("ALL:@SECLEVEL=0")
    assert is_refused_by_tls(secure.public, old)
    other = authority.client()
    other.set_alpn_protocols(["h2"])
    assert is_refused_by_tls(secure.public, other)
    both = authority.client()
    both.set_alpn_protocols(["h2", "http/1.1"])
    assert secure.connect(tls=both).sock.selected_alpn_protocol() == "http/1.1"


@promise("2", "certificates: more of {certificate, key}, chosen by SNI")
def test_the_certificate_is_chosen_by_the_name_that_is_asked_for(start, authority, server_files):
    shop = authority.issue("shop", ["DNS:shop.example", "DNS:*.shop.example"])
    node = start(listen={"tls": server_files.settings(certificates=[shop.settings()])})
    for name, subject in [
        ("localhost", "localhost"),
        ("shop.example", "shop"),
        ("eu.shop.example", "shop"),
    ]:
        client = node.connect(tls=authority.client(), name=name)
        assert (("commonName", subject),) in client.sock.getpeercert()["subject"]
    assert is_refused_by_tls(node.public, authority.client(), "other.example")


@promise("5.2", "`client_ca` requires a client certificate; its subject goes along in `sockhook-client-subject`")
def test_the_subject_of_a_clients_certificate_goes_along(start, backend, authority, server_files):
    node = start(listen={"tls": server_files.settings(client_ca=authority.file)})
    own = authority.issue("Jürgen, M", ())
    node.connect(
        tls=authority.client(own), headers={"Sockhook-Client-Subject": "CN=admin,O=Sockhook"}
    )
    subject = backend.one(path="/connect")["sockhook-client-subject"]
    assert subject == "CN=J\\C3\\BCrgen\\, M,O=Sockhook"
    node.clients[-1].text("hello")
    assert "sockhook-client-subject" not in backend.one(path="/message")


@promise("5.2", "`client_ca` requires a client certificate; its subject goes along in `sockhook-client-subject`")
def test_a_client_without_a_certificate_is_refused(
    start, backend, authority, server_files, tmp_path
):
    node = start(listen={"tls": server_files.settings(client_ca=authority.file)})
    assert is_refused_by_tls(node.public, authority.client())
    stranger = Authority(tmp_path / "other", "Other Authority").issue("stranger", ())
    assert is_refused_by_tls(node.public, authority.client(stranger))
    assert not backend.seen()
    eventually(lambda: len(node.log(msg="TLS with a client failed")) == 2)
    errors = {line["error"] for line in node.log(msg="TLS with a client failed")}
    assert errors == {
        "the client has shown no certificate",
        "the client's certificate is signed by an unknown authority",
    }


@promise("2", "until TLS and the request head are complete: 408 if part of a head has come, else")
def test_a_tls_handshake_that_does_not_come_in_time(start, authority, server_files):
    node = start(listen={"tls": server_files.settings(), "handshake_timeout": "300ms"})
    with Wire.to(node.public) as wire:
        assert wire.ended()
    with Wire.to(node.public) as wire:
        wire.send(b"\x16\x03\x01\x02\x00\x01")  # the beginning of a ClientHello
        assert wire.ended()
    with Wire.to(node.public, tls=authority.client()) as wire:
        assert wire.ended()
    with Wire.to(node.public, tls=authority.client()) as wire:
        wire.send(b"GET /chat HTTP/1.1\r\nHost:")
        assert read_response(wire).status == 408
        assert wire.ended()


@promise("2", "tls: {certificate: , key: , client_ca: , certificates: []}")
def test_what_is_no_tls_is_closed(secure):
    with Wire.to(secure.public) as wire:
        wire.send(handshake_bytes())
        assert b"HTTP" not in wire.read_to_end()
    assert secure.connect(tls=secure.context).in_sync()


@promise("2", "v1 and v2; LOCAL means the peer's own address; with both, this comes first")
def test_a_proxy_header_stands_before_tls(start, backend, authority, server_files):
    node = start(listen={"tls": server_files.settings(), "proxy_protocol": True})
    with Wire.to(node.public) as wire:
        wire.send(b"PROXY TCP4 203.0.113.9 127.0.0.1 40000 443\r\n")
        wire.sock = authority.client().wrap_socket(wire.sock, server_hostname="localhost")
        wire.send(handshake_bytes())
        assert read_response(wire).status == 101
    connect = backend.one(path="/connect")
    assert connect["x-forwarded-for"] == "203.0.113.9"
    assert connect["x-forwarded-proto"] == "https"


@promise("2", "tls: {certificate: , key: , client_ca: , certificates: []}")
def test_plain_requests_pass_through_tls(secure, backend):
    def double(request):
        return answer(200, request.body * 2)

    backend.on("/upload", double)
    body = bytes(range(256)) * 8192
    with Wire.to(secure.public, tls=secure.context) as wire:
        for _ in range(2):  # kept alive
            wire.send(b"POST /upload HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % len(body))
            wire.send(body)
            assert read_response(wire).body == body * 2
    assert backend.seen(path="/upload")[0]["x-forwarded-proto"] == "https"


@promise("2", "tls: {certificate: , key: , client_ca: , certificates: []}")
def test_a_client_that_does_not_take_its_frames_is_closed(start, backend, authority, server_files):
    node = start(listen={"tls": server_files.settings()}, limits={"send_queue": "64KiB"})
    client = node.connect(tls=authority.client(), receive_buffer=4096)
    connection = backend.newest()
    statuses = [node.push(connection, "x" * 60_000).status for _ in range(200)]
    assert statuses[0] == 200
    assert 429 in statuses and statuses[-1] == 410
    client.close()


@promise("9", "open sockets are closed with 1012 `service restart`")
def test_a_drain_closes_tls_connections_properly(secure):
    client = secure.connect(tls=secure.context)
    secure.signal()
    assert client.read_close() == (1012, "service restart")
    with pytest.raises(Ended) as end:
        client.read_some()
    assert not end.value.reset, "close_notify comes before FIN"
    secure.wait_exit()


@promise("2", "tls: {certificate: , key: , client_ca: , certificates: []}")
def test_sessions_are_resumed_on_any_worker(secure):
    session = None
    for attempt in range(6):
        sock = Wire.to(secure.public).sock
        wrapped = secure.context.wrap_socket(sock, server_hostname="localhost", session=session)
        with Wire(wrapped) as wire:
            wire.send(b"GET /healthy HTTP/1.1\r\nHost: a\r\n\r\n")
            assert read_response(wire).status == 200
            assert wrapped.session_reused == (attempt > 0)
            session = wrapped.session


@pytest.mark.skipif(not shutil.which("openssl"), reason="needs the openssl command")
@promise("2", "tls: {certificate: , key: , client_ca: , certificates: []}")
def test_s_client_upgrades(secure, authority):
    address = f"127.0.0.1:{secure.public[1]}"
    done = subprocess.run(
        ["openssl", "s_client", "-connect", address, "-CAfile", authority.file, "-quiet",
         "-verify_return_error", "-servername", "localhost", "-no_ign_eof"],
        input=handshake_bytes(), capture_output=True, timeout=20,
    )
    assert done.stdout.startswith(b"HTTP/1.1 101 ") or done.returncode == 0, done.stderr


@promise("2", 'management: {address: "127.0.0.1:7081", tls: , body_size: 16MiB}')
def test_the_management_api_speaks_tls(start, backend, authority, server_files):
    tls = server_files.settings(client_ca=authority.file)
    node = start({"listen": {"management": {"tls": tls}}})
    client = node.connect()

    def push(context):
        api = http.client.HTTPSConnection("localhost", node.management[1], context=context)
        api.request("POST", f"/v1/connections/{backend.newest()}/messages", "hello")
        return api.getresponse().status

    assert push(authority.client(authority.issue("app", ()))) == 200
    assert client.read_text() == "hello"
    with pytest.raises((ssl.SSLError, ConnectionResetError)):
        push(authority.client())


@promise("6", "with the same limits) or client certificates")
def test_a_certificate_is_enough_for_the_management_api(start, backend, authority, server_files):
    tls = server_files.settings(client_ca=authority.file)
    auth = {"tokens": [{"token": "reader", "operations": ["read"]}], "client_certificates": True}
    node = start({"listen": {"management": {"tls": tls}}, "management": {"auth": auth}})
    node.connect()
    context = authority.client(authority.issue("app", ()))

    def delete(headers):
        api = http.client.HTTPSConnection("localhost", node.management[1], context=context)
        api.request("DELETE", f"/v1/connections/{backend.newest()}", headers=headers)
        return api.getresponse().status

    assert delete({"Authorization": "Bearer wrong"}) == 401
    assert delete({"Authorization": "Bearer reader"}) == 403, "who brings a token is that token"
    assert delete({}) == 204


# ---- to backends ----


@pytest.fixture
def fakes():
    """Backends that outlive the nodes of a test."""
    made = []
    yield made
    for fake in made:
        fake.relent()
        fake.stop()
        assert not fake.mistakes, fake.mistakes


@pytest.fixture
def https(fakes, start, authority, server_files):
    """Makes a node before a backend that speaks https."""

    def make(tls, wants_certificates=False, app=None, files=server_files, **how):
        fakes.append(FakeBackend(tls=authority.server(files, wants_certificates)))
        app = {"url": fakes[-1].url, "tls": tls, **(app or {})}
        return start(app=app, **how), fakes[-1]

    return make


@promise("2", "tls: {ca: , certificate: , key: , server_name: }")
def test_a_backend_speaks_https(https, authority):
    node, fake = https({"ca": authority.file})
    fake.on("/message", echo)
    client = node.connect()
    for text in ("hello", "y" * 100_000):
        client.text(text)
        assert client.read_text() == text
    assert fake.connections <= 2, "connections are kept"


@promise("2", "tls: {ca: , certificate: , key: , server_name: }")
def test_a_backend_may_ask_for_a_certificate(https, authority):
    own = authority.issue("sockhook", ())
    node, fake = https({"ca": authority.file, **own.settings()}, wants_certificates=True)
    assert node.connect().in_sync()


@promise("2", "tls: {ca: , certificate: , key: , server_name: }")
def test_the_name_of_a_backend_can_be_given(https, authority):
    named = authority.issue("backend", ["DNS:backend.internal"])
    tls = {"ca": authority.file}
    node, _ = https({**tls, "server_name": "backend.internal"}, files=named)
    assert node.connect().in_sync()
    strict, _ = https(tls, files=named)
    assert strict.refused().status == 502
    lines = eventually(lambda: strict.log(msg="TLS to a backend failed"))
    assert {line["error"] for line in lines} == {"the certificate of 127.0.0.1 is for another name"}


@promise("2", "tls: {ca: , certificate: , key: , server_name: }")
def test_a_backend_that_is_not_trusted_is_not_asked(https, tmp_path):
    other = Authority(tmp_path / "other", "Other Authority")
    node, fake = https({"ca": other.file}, routes={"$connect": "/connect", "$default": "/message"})
    assert node.refused().status == 502
    assert not fake.seen()
    lines = eventually(lambda: node.log(msg="TLS to a backend failed"))
    errors = {line["error"] for line in lines}
    assert errors == {"the certificate of 127.0.0.1 is signed by an unknown authority"}


@promise("2", "tls: {ca: , certificate: , key: , server_name: }")
def test_health_checks_speak_tls_too(https, authority):
    node, fake = https({"ca": authority.file}, app={"health": {"interval": "50ms"}})
    fake.wait(3, path="/health")
    assert node.connect().in_sync()


# ---- files ----


@promise("2", "tls: {certificate: , key: , client_ca: , certificates: []}")
def test_check_finds_a_key_that_is_not_the_certificates(authority, server_files, tmp_path):
    other = authority.issue()
    config = {
        "listen": {"public": {"tls": {"certificate": server_files.certificate, "key": other.key}}},
        "backends": {"app": {"url": "http://127.0.0.1:1"}},
        "passthrough": {"backend": "app"},
    }
    file = tmp_path / "tls.yaml"
    file.write_text(json.dumps(config))
    why = f"the key {other.key} is not that of the certificate {server_files.certificate}"
    for command in ("check", "run"):
        done = run_binary(command, "--config", file)
        assert (done.returncode, done.stderr) == (2, f"{file}: listen.public.tls: {why}\n")
    assert run_binary("check", "--no-files", "--config", file).returncode == 0
