"""Contract 2: the configuration's grammar, and the settings of the whole node."""

import os
import re
import socket

import pytest

from support.client import handshake_bytes
from support.config import merge, to_yaml
from support.promise import promise
from support.ports import free_port
from support.sockhook import run_binary

MINIMAL = {
    "backends": {"app": {"url": "http://127.0.0.1:3000"}},
    "endpoints": [{"path": "/chat", "backend": "app"}],
}


@pytest.fixture
def accepted(tmp_path):
    """Whether `check` accepts the minimal config with these changes."""

    def run(changes, *arguments):
        file = tmp_path / "c.yaml"
        file.write_text(to_yaml(merge(MINIMAL, changes)))
        done = run_binary("check", "--config", file, *arguments)
        assert done.returncode in (0, 2), done.stderr
        return done.returncode == 0

    return run


def of_endpoint(**settings):
    return {"endpoints": [{"path": "/chat", "backend": "app", **settings}]}


@promise("2", "Durations are `250ms`, `29s`, `10m`, `2h`; sizes `32KiB`, `1MiB`.")
@pytest.mark.parametrize(
    "value, fine",
    [
        ("250ms", True),
        ("29s", True),
        ("10m", True),
        ("2h", True),
        ("29", False),
        ("1.5s", False),
        ("-1s", False),
        ("1d", False),
        ("s", False),
        ("1 s", False),
        ("1S", False),
        ("99999999999999999999h", False),
    ],
)
def test_durations(accepted, value, fine):
    assert accepted(of_endpoint(disconnect_retry=value)) == fine


@promise("2", "Durations are `250ms`, `29s`, `10m`, `2h`; sizes `32KiB`, `1MiB`.")
@pytest.mark.parametrize(
    "value, fine",
    [
        ("32KiB", True),
        ("1MiB", True),
        ("1KB", False),
        ("1mib", False),
        ("-1KiB", False),
        ("1.5MiB", False),
        ("KiB", False),
        ("99999999999999999999MiB", False),
    ],
)
def test_sizes(accepted, value, fine):
    assert accepted(of_endpoint(limits={"message_size": value})) == fine


@promise("2", "Needed: one endpoint, or `passthrough`.")
def test_an_endpoint_or_passthrough_is_needed(accepted):
    assert accepted({})
    assert not accepted({"endpoints": None})
    assert not accepted({"endpoints": []})
    assert accepted({"endpoints": None, "passthrough": {"backend": "app"}})


ALL_KEYS = """\
node: {id: gw-1, workers: 2}
listen:
  public: {address: "0.0.0.0:7080", trusted_proxies: [10.0.0.0/8, "::1/128"], proxy_protocol: false,
           header_size: 16KiB, handshake_timeout: 10s, handshakes_per_second: off, connections: 90%}
  management: {address: "127.0.0.1:7081", body_size: 16MiB}
  admin: {address: "127.0.0.1:7082", token: secret}
backends:
  app: {url: "http://127.0.0.1:3000", timeout: 29s, connect_timeout: 1s, max_connections: 256,
        answer_size: 1MiB, headers: {X-A: b}, health: {path: /health, interval: 5s}}
  more: {urls: ["http://127.0.0.1:3001/v1", "http://127.0.0.2:3001/v1"], health: off}
  local: {url: "http+unix://%2Frun%2Fapp.sock/prefix"}
endpoints:
  - name: chat
    path: /chat
    backend: app
    format: events
    select: $request.body.action
    routes:
      $connect: /hooks/connect
      $disconnect: /hooks/disconnect
      $default: /hooks/message
      sendMessage: /hooks/send
      other: {path: /x, backend: more, timeout: 2s, content_type: application/json,
              retry: {attempts: 2, on: [503, timeout, reset]}}
    protocols: [a, b]
    origins: ["https://example.com", "https://*.example.com", "null"]
    in_flight: 1
    errors: frame
    disconnect_retry: 24h
    limits: {message_size: 1MiB, frame_size: off, binary: true, connections: off,
             connections_per_ip: off, connections_per_user: 3,
             messages_per_second: {rate: 10, burst: 20, over: delay},
             send_queue: 1MiB, slow_client: drop, idle_timeout: off, max_duration: 2h,
             ping_interval: 25s, ping_timeout: 60s, fragments: 65536}
  - {path: "/room/*", backend: more, format: lambda, limits: aws, lambda: {stage: dev}}
  - {path: /mixed, backend: more, limits: {preset: aws, binary: true}}
lambda: {api_id: sockhook, stage: prod, stage_variables: {a: b}, domain_name: example.com}
passthrough: {backend: app}
management:
  auth: {tokens: [secret, {token: other, operations: [send, read, manage], endpoints: [chat]}]}
signing: {secrets: [whsec_a2tra2tra2tra2tra2tra2tra2tra2tr]}
drain: {delay: 5s, period: 20s}
ready: {memory: 90%}
log: {level: info, format: auto}
tracing: off
"""


@promise("2", "Keys with their defaults; names (`gw-1`, `app`, `chat`), `passthrough` and")
def test_every_key_is_known(tmp_path):
    file = tmp_path / "c.yaml"
    file.write_text(ALL_KEYS)
    done = run_binary("check", "--config", file)
    assert done.returncode == 0, done.stderr + done.stdout


@promise("2", "Certificate and key files that are missing are mistakes (`check --no-files` skips")
def test_missing_files_are_mistakes(tmp_path):
    tls = {"certificate": "/nonexistent/c.pem", "key": "/nonexistent/k.pem"}
    file = tmp_path / "c.yaml"
    file.write_text(to_yaml(merge(MINIMAL, {"listen": {"public": {"tls": tls}}})))
    looked = run_binary("check", "--config", file)
    assert looked.returncode == 2
    assert "listen.public.tls.certificate" in looked.stderr
    assert "listen.public.tls.key" in looked.stderr
    assert "/nonexistent" not in run_binary("check", "--no-files", "--config", file).stderr


WRONG = {
    "a bad node id": {"node": {"id": "a b"}},
    "a long node id": {"node": {"id": "x" * 64}},
    "an empty node id": {"node": {"id": ""}},
    "no workers": {"node": {"workers": 0}},
    "a bad address": {"listen": {"public": {"address": "nowhere"}}},
    "a port out of range": {"listen": {"public": {"address": "127.0.0.1:70000"}}},
    "a bad network": {"listen": {"public": {"trusted_proxies": ["10.0.0.0/33"]}}},
    "more than all descriptors": {"listen": {"public": {"connections": "101%"}}},
    "a backend of another scheme": {"backends": {"app": {"url": "ftp://127.0.0.1"}}},
    "a backend without a url": {"backends": {"app": {"url": None, "timeout": "1s"}}},
    "a url and urls": {"backends": {"app": {"urls": ["http://127.0.0.1:1"]}}},
    "a backend with a query": {"backends": {"app": {"url": "http://127.0.0.1/?a=b"}}},
    "a header that is none": {"backends": {"app": {"headers": {"a b": "c"}}}},
    "a header with a line end": {"backends": {"app": {"headers": {"X-A": "b\r\nX-B: c"}}}},
    "an unknown backend": of_endpoint(backend="nobody"),
    "a path without a slash": of_endpoint(path="chat"),
    "a star in the middle": of_endpoint(path="/a/*/b"),
    "an unknown format": of_endpoint(format="xml"),
    "an unknown route of the lifecycle": of_endpoint(routes={"$connekt": "/x"}),
    "a route without a slash": of_endpoint(routes={"$default": "x"}),
    "a route on an unknown backend": of_endpoint(
        routes={"$default": {"path": "/x", "backend": "nobody"}}
    ),
    "a retry on an unknown event": of_endpoint(
        routes={"$default": {"path": "/x", "retry": {"attempts": 1, "on": ["luck"]}}}
    ),
    "a bad expression": of_endpoint(select="$request.header.x"),
    "an open brace": of_endpoint(select="${request.body.action"),
    "no in_flight": of_endpoint(in_flight=0),
    "an unknown way of errors": of_endpoint(errors="ignore"),
    "an unknown preset": of_endpoint(limits="azure"),
    "an unknown way of slow clients": of_endpoint(limits={"slow_client": "wait"}),
    "a bad origin": of_endpoint(origins=["example.com"]),
    "a subprotocol that is no token": of_endpoint(protocols=["a b"]),
    "a secret that is none": {"signing": {"secrets": ["secret"]}},
    "an unknown operation": {
        "management": {"auth": {"tokens": [{"token": "t", "operations": ["fly"]}]}}
    },
    "a token for an unknown endpoint": {
        "management": {"auth": {"tokens": [{"token": "t", "endpoints": ["nobody"]}]}}
    },
    "passthrough to an unknown backend": {"passthrough": {"backend": "nobody"}},
    "an unknown log level": {"log": {"level": "loud"}},
    "an unknown log format": {"log": {"format": "xml"}},
    "two endpoints of one name": {
        "endpoints": [
            {"name": "a", "path": "/a", "backend": "app"},
            {"name": "a", "path": "/b", "backend": "app"},
        ]
    },
}


@promise("2", "Keys with their defaults; names (`gw-1`, `app`, `chat`), `passthrough` and")
@pytest.mark.parametrize("what", WRONG)
def test_a_wrong_value_is_a_mistake(accepted, what):
    assert not accepted(WRONG[what])


# node


@promise("2", "default: random; [A-Za-z0-9._-]{1,63}")
def test_the_default_node_id_is_random(start, backend):
    for _ in range(2):
        start({"node": {"id": None}}).connect()
    ids = [
        re.fullmatch("/nodes/([A-Za-z0-9._-]{1,63})/endpoints/chat", r["ce-source"]).group(1)
        for r in backend.wait(2, type="connect")
    ]
    assert ids[0] != ids[1]


@promise("2", "default: the CPUs that the container may use (cgroup quota, then affinity)")
def test_workers_follow_the_affinity(start):
    threads = [
        len(os.listdir(f"/proc/{node.pid}/task"))
        for node in (
            start({"node": {"workers": None}}),
            start({"node": {"workers": len(os.sched_getaffinity(0))}}),
        )
    ]
    assert threads[0] == threads[1]
    one_cpu = start({"node": {"workers": None}}, cpus={min(os.sched_getaffinity(0))})
    one_worker = start({"node": {"workers": 1}})
    assert len(os.listdir(f"/proc/{one_cpu.pid}/task")) == len(
        os.listdir(f"/proc/{one_worker.pid}/task")
    )


# log, ready


@promise("2", "json, logfmt; auto is json when stdout is no terminal")
def test_log_formats(start):
    automatic = start({"log": {"format": "auto"}})
    assert automatic.log() and automatic.log_text().startswith("{")
    plain = start({"log": {"format": "logfmt"}})
    assert re.match(r"time=\S+ level=\w+ msg=", plain.log_text())


@promise("2", "log: {level: info, format: auto}")
def test_the_log_level(start):
    node = start({"log": {"level": "error"}})
    node.connect().leave()
    assert not [line for line in node.log() if line["level"] in ("debug", "info")]


def test_check_and_run_agree(start, tmp_path):
    node = start()
    assert run_binary("check", "--config", node.config_file).returncode == 0


def test_ipv6_addresses(start):
    if (
        not socket.has_ipv6
        or not os.path.exists("/proc/net/if_inet6")
        or not open("/proc/net/if_inet6").read()
    ):
        pytest.skip("no IPv6 here")
    port = free_port()
    node = start({"listen": {"public": {"address": f"[::1]:{port}"}}})
    with socket.create_connection(("::1", port)) as sock:
        sock.sendall(handshake_bytes())
        assert sock.recv(100).startswith(b"HTTP/1.1 101 ")
    assert node.process.poll() is None
