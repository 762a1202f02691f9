"""Contract 9 for those who cannot send a signal: POST /drain and `sockhook drain`, as preStop hooks
use them."""

import signal
import subprocess
import threading
import time

import pytest

from support.backend import answer, hang, later, when
from support.client import RawClient
from support.http1 import http
from support.ports import free_port
from support.promise import promise
from support.sockhook import BINARY, run_binary
from support.waiting import eventually

TOKEN = "admin-token-of-the-tests"
BEARER = [("Authorization", f"Bearer {TOKEN}")]


def draining(delay="0s", period="100ms", **admin):
    return {
        "drain": {"delay": delay, "period": period},
        "listen": {"admin": {"token": TOKEN, **admin}},
    }


def ask_to_drain(node, headers=BEARER):
    return http(node.admin, "POST", "/drain", headers=headers)


def progress(node):
    return node.ask_admin("/drain").json()


def phase(node):
    return progress(node)["phase"]


def listening(node):
    try:
        RawClient.to(node.public, timeout=1).close()
        return True
    except OSError:
        return False


def drain_command(node, *arguments, **how):
    return run_binary("drain", "--config", node.config_file, *arguments, **how)


@promise("6", "The admin listener is read-only without an admin token")
def test_without_a_configured_token_nobody_can_drain(start):
    node = start()
    for headers in [[], BEARER, [("Authorization", "Bearer ")]]:
        refused = ask_to_drain(node, headers)
        assert refused.status == 403
        assert refused["Content-Type"] == "application/problem+json"
        assert refused.json()["code"] == "forbidden"
        assert "listen.admin.token" in refused.json()["detail"]
    done = drain_command(node)
    assert done.returncode == 1 and "listen.admin.token" in done.stderr
    assert progress(node) == {"phase": "serving", "connections": 0, "disconnects": 0}
    assert node.ask_admin("/readyz").status == 200


@promise("2", "admin:      {address: \"127.0.0.1:7082\", token: }")
def test_a_drain_needs_the_token(start):
    node = start(draining())
    for headers in [[], [("Authorization", "Bearer wrong")], [("Authorization", TOKEN)], BEARER * 2]:
        refused = ask_to_drain(node, headers)
        assert refused.status == 401
        assert refused["WWW-Authenticate"] == "Bearer"
    assert phase(node) == "serving"
    assert node.ask_admin("/drain", "DELETE").status == 405
    assert ask_to_drain(node).status == 202


@promise("9", "On SIGTERM `/readyz` is 503 at once; after `drain.delay` the public listener closes")
def test_a_requested_drain_is_like_one_by_a_signal(start, backend):
    node = start(draining("300ms", "300ms"))
    clients = [node.connect() for _ in range(5)]
    begun = ask_to_drain(node)
    assert begun.status == 202
    assert begun.json() == {"phase": "waiting", "connections": 5, "disconnects": 0}
    assert node.ask_admin("/readyz").status == 503
    assert listening(node), "within drain.delay new clients still come in"
    for client in clients:
        assert client.read_close() == (1012, "service restart")
    eventually(lambda: phase(node) == "drained", 3)
    assert not listening(node)
    assert len(backend.seen(type="disconnect")) == 5
    assert progress(node) == {"phase": "drained", "connections": 0, "disconnects": 0}


@promise("9", "management and admin serve to the end")
def test_a_drained_process_stays_until_its_signal(start):
    node = start(draining("100ms"))
    ask_to_drain(node)
    eventually(lambda: phase(node) == "drained", 3)
    time.sleep(0.3)
    assert node.process.poll() is None
    assert node.ask_admin("/metrics").status == 200
    assert node.manage("GET", "/v1/connections").json()["connections"] == []
    assert node.ask_admin("/readyz").json()["draining"] is True
    assert ask_to_drain(node).json()["phase"] == "drained"
    began = time.monotonic()
    assert node.terminate() == 0
    assert time.monotonic() - began < 1, "a second delay"


@promise("9", "On SIGTERM `/readyz` is 503 at once; after `drain.delay` the public listener closes")
def test_a_signal_goes_on_with_a_requested_drain(start, backend):
    """No second delay, no second period, and it is not the second signal."""
    node = start(draining("1500ms", "100ms"))
    go = threading.Event()
    backend.on("/message", when(go, answer(200, "the answer")))
    client = node.connect()
    client.text("x")
    backend.wait(1, path="/message")
    began = time.monotonic()
    ask_to_drain(node)
    time.sleep(1)
    node.signal()
    eventually(lambda: not listening(node), 3)
    assert time.monotonic() - began < 2.4, "a second delay"
    go.set()
    assert client.read_text() == "the answer"
    assert client.read_close() == (1012, "service restart")
    assert node.wait_exit() == 0


@promise("1", "SIGTERM and SIGINT drain (section 9), a second one stops at once.")
def test_the_second_signal_after_a_request_stops_at_once(start, backend):
    node = start(draining("0s", "20s"))
    backend.on("/message", hang())
    client = node.connect()
    client.text("x")
    backend.wait(1, path="/message")
    ask_to_drain(node)
    node.signal()
    eventually(lambda: phase(node) == "closing", 2)
    assert node.process.poll() is None, "that was the first one"
    node.signal(signal.SIGINT)
    assert node.wait_exit(2) == 0


@promise("9", "What is not done by `drain.period` + 5 s is handed to the backplane.")
@pytest.mark.slow
def test_a_requested_drain_gives_up_too(start, backend):
    node = start(draining(), app={"timeout": "60s"})
    backend.on("/message", hang())
    client = node.connect()
    client.text("x")
    backend.wait(1, path="/message")
    began = time.monotonic()
    done = drain_command(node, "--wait")
    assert done.returncode == 0, done.stderr
    assert 5 <= time.monotonic() - began < 8
    assert node.process.poll() is None
    client.close()


# The command


def test_the_command_begins_a_drain(start):
    node = start(draining("1s"))
    done = drain_command(node)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert phase(node) == "waiting"
    assert drain_command(node).returncode == 0, "again"


@pytest.mark.parametrize("address", ["0.0.0.0", "unix"])
def test_the_command_waits_until_the_node_has_drained(start, backend, tmp_path, address):
    """The order of a pod's end: the hook first, SIGTERM when it has returned."""
    where = f"unix:{tmp_path}/admin.sock" if address == "unix" else f"{address}:{free_port()}"
    node = start(draining("200ms", "300ms", address=where))
    backend.on("/disconnect", later(0.3, answer(200)))
    clients = [node.connect() for _ in range(5)]
    done = drain_command(node, "--wait")
    assert done.returncode == 0, done.stderr
    assert len(backend.seen(type="disconnect")) == 5
    assert {client.read_close() for client in clients} == {(1012, "service restart")}
    began = time.monotonic()
    assert node.terminate() == 0
    assert time.monotonic() - began < 1


def test_a_waiting_command_ends_with_the_process(start):
    node = start(draining("300ms"))
    command = subprocess.Popen([BINARY, "drain", "--wait", "--config", node.config_file])
    eventually(lambda: phase(node) == "waiting", 5)
    assert node.terminate() == 0
    assert command.wait(5) == 0


@promise("1", "Exit codes: 0 fine, 1 failed while running, 2 config or usage.")
def test_the_command_s_exit_codes(start, tmp_path):
    node = start(draining("0s"))
    token = {"ADMIN_TOKEN": "wrong-token-of-the-tests"}
    file = tmp_path / "other.yaml"
    file.write_text(node.config_file.read_text().replace(TOKEN, "${ADMIN_TOKEN}"))
    refused = run_binary("drain", "--config", file, env=token)
    assert refused.returncode == 1 and "401" in refused.stderr
    assert "wrong-token" not in refused.stderr
    assert run_binary("drain", "--config", file).returncode == 2, "the variable is not set"
    assert phase(node) == "serving"
    assert node.terminate() == 0
    unreached = drain_command(node)
    assert unreached.returncode == 1
    assert "cannot reach the admin listener" in unreached.stderr
    for usage in (["drain"], ["drain", "--backend", "x"], ["drain", "--config", "/none.yaml"]):
        assert run_binary(*usage).returncode == 2
