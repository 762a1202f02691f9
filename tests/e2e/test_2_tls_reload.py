"""Sections 2 and 10: renewed certificates are taken up without touching an open socket."""

import http.client
import os
import shutil
import signal
import ssl

import pytest
from support.backend import FakeBackend, echo
from support.certificates import Authority, Certificate
from support.client import handshake_bytes
from support.http1 import read_response
from support.promise import promise
from support.waiting import eventually
from support.wire import Ended, Wire

RELOADS = "Reload (SIGHUP or file change): routes, backends, limits, tokens, secrets and certificates apply"


@pytest.fixture(scope="module")
def certificates(authority):
    """Three that clients can tell apart by the common name."""
    return {name: authority.issue(name) for name in ("old", "new", "newer")}


@pytest.fixture
def installed(tmp_path):
    """Puts certificates where a node reads them: a rename for each file, the certificate first."""

    def install(made, name="server"):
        for source, kind in ((made.certificate, "crt"), (made.key, "key")):
            shutil.copy(source, tmp_path / "fresh")
            os.replace(tmp_path / "fresh", tmp_path / f"{name}.{kind}")
        return Certificate(str(tmp_path / f"{name}.crt"), str(tmp_path / f"{name}.key"))

    return install


def common_name(sock):
    subject = sock.getpeercert()["subject"]
    return next(value for part in subject for key, value in part if key == "commonName")


def shown(address, authority, own=None, name="localhost"):
    """The common name of the certificate that a listener shows now."""
    with Wire.to(address, tls=authority.client(own), name=name) as wire:
        return common_name(wire.sock)


def hang_up(node):
    """SIGHUP, and the count of reloads that follows from it."""
    before = reloads(node)
    node.process.send_signal(signal.SIGHUP)
    eventually(lambda: reloads(node) != before)


def reloads(node):
    counts = [node.metric("sockhook_config_reloads_total", result=r) for r in ("ok", "refused")]
    return tuple(int(count) for count in counts)


@promise("10", RELOADS)
def test_sighup_takes_up_renewed_certificates(start, backend, authority, certificates, installed):
    backend.on("/message", echo)
    files = installed(certificates["old"])
    shop = installed(authority.issue("old shop", ["DNS:shop.example"]), "shop")
    node = start(listen={"tls": files.settings(certificates=[shop.settings()])})
    client = node.connect(tls=authority.client())
    assert common_name(client.sock) == "old"
    installed(certificates["new"])
    installed(authority.issue("new shop", ["DNS:shop.example"]), "shop")
    hang_up(node)
    assert reloads(node) == (1, 0)
    for _ in range(8):  # on each worker
        eventually(lambda: shown(node.public, authority) == "new")
    assert shown(node.public, authority, name="shop.example") == "new shop"
    client.text("still there")
    assert client.read_text() == "still there"
    assert node.log(msg="certificates reloaded")


@promise("10", RELOADS)
def test_a_changed_file_is_taken_up_by_itself(start, authority, certificates, installed, tmp_path):
    # As Kubernetes mounts a Secret: the files are links through ..data, which is swapped.
    for name in ("old", "new"):
        (tmp_path / name).mkdir()
        shutil.copy(certificates[name].certificate, tmp_path / name / "tls.crt")
        shutil.copy(certificates[name].key, tmp_path / name / "tls.key")
    (tmp_path / "..data").symlink_to("old")
    for file in ("tls.crt", "tls.key"):
        (tmp_path / file).symlink_to(f"..data/{file}")
    files = Certificate(str(tmp_path / "tls.crt"), str(tmp_path / "tls.key"))
    node = start(listen={"tls": files.settings()})
    assert shown(node.public, authority) == "old"
    (tmp_path / "..fresh").symlink_to("new")
    os.replace(tmp_path / "..fresh", tmp_path / "..data")
    eventually(lambda: shown(node.public, authority) == "new", 10)
    assert reloads(node) == (1, 0)


@promise("10", "a bad file is refused with its mistakes and the old one stays")
def test_what_cannot_be_used_is_refused_and_the_old_ones_stay(
    start, authority, certificates, installed
):
    files = installed(certificates["old"])
    node = start(listen={"tls": files.settings()})
    node.expected_errors = "certificates were not reloaded"
    shutil.copy(certificates["new"].certificate, files.certificate)  # half of a pair
    hang_up(node)
    assert reloads(node) == (0, 1)
    assert shown(node.public, authority) == "old"
    (line,) = node.log(msg="certificates were not reloaded: those of before stay")
    assert line["error"] == (
        f"listen.public.tls: the key {files.key} is not that of the certificate {files.certificate}"
    )
    shutil.copy(certificates["new"].key, files.key)
    eventually(lambda: shown(node.public, authority) == "new", 10)


@promise("10", RELOADS)
def test_a_new_authority_of_clients_is_taken_up(
    start, backend, authority, certificates, tmp_path
):
    other = Authority(tmp_path / "other", "Other Authority")
    ca = tmp_path / "clients.crt"
    shutil.copy(authority.file, ca)
    node = start(listen={"tls": certificates["old"].settings(client_ca=str(ca))})
    own, others = authority.issue("a", ()), other.issue("b", ())
    held = node.connect(tls=authority.client(own))
    session = resumable_session(node, authority.client(own))
    shutil.copy(other.file, ca)
    hang_up(node)
    eventually(lambda: is_let_in(node, authority.client(others)))
    assert not is_let_in(node, authority.client(own))
    assert not is_let_in(*session), "a ticket does not outlive the authority"
    assert held.in_sync()


def is_let_in(node, context, session=None):
    """With TLS 1.3 a server says behind the handshake that it does not want a client."""
    try:
        with connected(node, context, session) as wire:
            wire.send(handshake_bytes())
            return read_response(wire).status == 101
    except (ssl.SSLError, ConnectionResetError, Ended):
        return False


def connected(node, context, session=None):
    sock = Wire.to(node.public).sock
    return Wire(context.wrap_socket(sock, server_hostname="localhost", session=session))


def resumable_session(node, context):
    """What a client needs to come back: (node, context, session)."""
    with connected(node, context) as wire:
        wire.send(handshake_bytes())
        assert read_response(wire).status == 101  # a ticket has come with it
        return node, context, wire.sock.session


@promise("2", "tls: {certificate: , key: , client_ca: , certificates: []}")
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_sessions_are_resumed_across_workers_and_a_reload(
    start, authority, certificates, installed, version
):
    files = installed(certificates["old"])
    node = start({"node": {"workers": 4}}, listen={"tls": files.settings()})
    context = authority.client()
    context.minimum_version = context.maximum_version = version
    _, _, session = resumable_session(node, context)

    def resumed():
        """Each connect goes to the worker that the kernel chooses."""
        for _ in range(12):
            with connected(node, context, session) as wire:
                wire.send(handshake_bytes())
                assert read_response(wire).status == 101
                yield wire.sock.session_reused

    assert all(resumed())
    installed(certificates["new"])  # the same names
    hang_up(node)
    eventually(lambda: shown(node.public, authority) == "new")
    assert all(resumed())
    installed(authority.issue("other", ["DNS:localhost", "DNS:other.example"]))
    hang_up(node)
    for _ in range(8):
        eventually(lambda: shown(node.public, authority) == "other")
    assert not any(resumed())


@promise("10", RELOADS)
def test_the_management_listener_takes_them_up_too(start, authority, certificates, installed):
    files = installed(certificates["old"])
    node = start({"listen": {"management": {"tls": files.settings()}}})
    context = authority.client()
    kept = http.client.HTTPSConnection("localhost", node.management[1], context=context)

    def status():
        kept.request("GET", "/v1/groups/g")
        response = kept.getresponse()
        response.read()
        return response.status

    assert status() == 200
    before = kept.sock
    installed(certificates["new"])
    hang_up(node)
    assert shown(node.management, authority) == "new"
    assert status() == 200 and kept.sock is before


@promise("10", RELOADS)
def test_connections_to_a_backend_take_them_up_too(start, authority, certificates, tmp_path):
    """The authority that a backend's certificate must be of is another one now."""
    other = Authority(tmp_path / "other", "Other Authority")
    ca = tmp_path / "backends.crt"
    shutil.copy(authority.file, ca)
    fake = FakeBackend(tls=authority.server(certificates["old"]))
    renewed = FakeBackend(tls=other.server(other.issue()))
    try:
        fake.on("/message", echo)
        app = {"url": fake.url, "tls": {"ca": str(ca)}}
        backends = {"renewed": {"url": renewed.url, "tls": {"ca": str(ca)}}}
        routes = {"$default": "/message", "new": {"path": "/message", "backend": "renewed"}}
        renewed.on("/message", echo)
        node = start({"backends": backends}, app=app, routes=routes, select="$request.body.to")
        client = node.connect()
        client.text('{"to": "old"}')
        assert client.read_text() == '{"to": "old"}'
        client.text('{"to": "new"}')
        assert client.read_json()["message"] == "Internal server error"
        shutil.copy(other.file, ca)
        hang_up(node)

        def is_answered():
            client.text('{"to": "new"}')
            return client.read_text() == '{"to": "new"}'

        eventually(is_answered)
        client.text('{"to": "old"}')
        assert client.read_text() == '{"to": "old"}', "its connection is open"
    finally:
        for made in (fake, renewed):
            made.relent()
            made.stop()


def test_sighup_without_any_tls_does_no_harm(node, client):
    hang_up(node)
    assert reloads(node) == (1, 0)
    assert client.in_sync()
