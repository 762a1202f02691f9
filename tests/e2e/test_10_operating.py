"""Contract 10: health, metrics and logs of one node."""

import json
import re
import time

from support.backend import answer, hang, in_turn
from support.promise import promise
from support.sockhook import ROOT
from support.waiting import eventually

CONTRACTED = """
sockhook_connections sockhook_handshakes_total sockhook_closes_total sockhook_messages_total
sockhook_message_bytes_total sockhook_webhook_duration_seconds sockhook_webhooks_total
sockhook_webhooks_in_flight sockhook_webhooks_queued sockhook_webhook_retries_total
sockhook_pushes_total sockhook_disconnect_backlog sockhook_backplane_up
sockhook_backplane_loop_seconds sockhook_nodes sockhook_slow_clients_total
sockhook_loop_lag_seconds sockhook_config_reloads_total sockhook_build_info
""".split()


def exposition(node):
    """({family: type}, [(name, labels)]) of /metrics, after checking its grammar."""
    response = node.ask_admin("/metrics")
    assert response.status == 200 and response["content-type"].startswith("text/plain")
    types, helps, samples = {}, set(), []
    for line in response.text.splitlines():
        if line.startswith("# TYPE "):
            _, _, name, kind = line.split(" ")
            assert name not in types, f"{name} has two types"
            types[name] = kind
        elif line.startswith("# HELP "):
            helps.add(line.split(" ")[2])
        else:
            name, labels = re.fullmatch(
                r'([a-z_]+)((?:\{(?:\w+="(?:[^"\\\n]|\\[\\"n])*",?)*\})?) [-+0-9.eEInfNa]+', line
            ).groups()
            samples.append((name, tuple(sorted(re.findall(r'(\w+)="', labels)))))
    assert set(types) == helps
    return types, samples


def busy(start, backend):
    """A node on which everything that is counted has happened."""
    node = start(app={"timeout": "300ms"})
    backend.on(
        "/connect", in_turn(answer(200, headers={"Sockhook-Join": "g"}), answer(403), answer(200))
    )
    backend.on(
        "/message",
        in_turn(
            answer(200, "ok"), answer(500), answer(200, headers={"Sockhook-State": "x" * 5000})
        ),
    )
    backend.on("/disconnect", in_turn(answer(503), answer(200)))
    client = node.connect()
    connection = backend.newest()
    client.text("hello")
    client.read_text()
    client.text("hello")
    client.read_text()
    client.text("hello")
    node.refused()
    node.push(connection, "pushed")
    client.read_text()
    node.manage("POST", "/v1/groups/g/messages", "pushed")
    node.manage("POST", "/v1/messages", "pushed")
    client.leave(4001)
    backend.wait(2, type="disconnect")
    return node


# Health


@promise("10", "`GET /healthz` (the loops turn)")
def test_healthz(node):
    assert node.ask_admin("/healthz").status == 200
    assert node.ask_admin("/healthz", "HEAD").status == 200


@promise("10", '`GET /readyz` (`{"ready","draining","backplane":"up"|"down"|"none","memory"}`')
def test_readyz(node):
    response = node.ask_admin("/readyz")
    assert response.status == 200 and response["content-type"].startswith("application/json")
    seen = response.json()
    assert set(seen) >= {"ready", "draining", "backplane", "memory"}
    assert (seen["ready"], seen["draining"], seen["backplane"]) == (True, False, "none")


@promise("10", "503 while draining, over `ready.memory`, or without a required backplane)")
def test_readyz_while_draining(start):
    node = start({"drain": {"delay": "2s", "period": "100ms"}})
    client = node.connect()
    node.signal()
    response = eventually(lambda: (r := node.ask_admin("/readyz")).status == 503 and r)
    assert (response.json()["ready"], response.json()["draining"]) == (False, True)
    client.leave()


def test_unknown_pages_of_the_admin_listener(shared):
    assert shared.ask_admin("/nowhere").status == 404
    response = shared.ask_admin("/healthz", "POST")
    assert response.status == 405 and "GET" in response["allow"]


# Metrics


@promise("10", "`GET /metrics`: Prometheus text, names `sockhook_*`, units in the name")
def test_metrics_are_well_formed_and_complete(start, backend):
    types, samples = exposition(busy(start, backend))
    assert set(CONTRACTED) <= set(types)
    assert all(name.startswith("sockhook_") for name in types)
    for name, kind in types.items():
        assert (kind == "counter") == name.endswith("_total"), name
    families = {
        (
            re.sub(r"_(bucket|sum|count)$", "", name)
            if re.sub(r"_(bucket|sum|count)$", "", name) in types
            else name
        )
        for name, _ in samples
    }
    assert families <= set(types)


@promise("10", "`GET /metrics`: Prometheus text, names `sockhook_*`, units in the name")
def test_the_page_of_metrics_lists_what_is_served(start, backend):
    types, _ = exposition(busy(start, backend))
    page = (ROOT / "docs" / "metrics.md").read_text()
    documented = set(re.findall(r"^\|\s*`(sockhook_[a-z_]+)", page, re.MULTILINE))
    assert documented == set(types)


LABELS = {
    "sockhook_connections": {"endpoint"},
    "sockhook_handshakes_total": {"endpoint", "result"},
    "sockhook_closes_total": {"endpoint", "code", "by"},
    "sockhook_messages_total": {"endpoint", "direction"},
    "sockhook_webhook_duration_seconds_count": {"endpoint", "route", "phase"},
    "sockhook_webhooks_total": {"endpoint", "route", "result"},
    "sockhook_pushes_total": {"target", "result", "path"},
}


@promise("10", "`sockhook_closes_total{endpoint,code,by}`, `sockhook_messages_total{endpoint")
def test_labels(start, backend):
    _, samples = exposition(busy(start, backend))
    for name, labels in LABELS.items():
        found = {have for each, have in samples if each == name}
        assert found == {tuple(sorted(labels))}, name


@promise("10", "At least: `sockhook_connections{endpoint}`, `sockhook_handshakes_total{endpoint")
def test_metrics_count(start, backend):
    node = start()
    backend.on("/message", answer(200, "answer"))
    client = node.connect()
    backend.on("/connect", answer(403))
    node.refused()
    assert node.metric("sockhook_connections", endpoint="chat") == 1
    assert node.metric("sockhook_handshakes_total", endpoint="chat") == 2
    client.text("hello")
    client.read_text()
    node.push(backend.seen()[0]["ce-connectionid"], "pushed")
    client.read_text()
    assert node.metric("sockhook_messages_total", endpoint="chat", direction="in") == 1
    assert node.metric("sockhook_messages_total", endpoint="chat", direction="out") == 2
    assert node.metric("sockhook_message_bytes_total") == len("hello" + "answer" + "pushed")
    assert node.metric("sockhook_pushes_total") == 1
    client.leave(4001)
    backend.wait(1, type="disconnect")
    eventually(
        lambda: node.metric("sockhook_closes_total", endpoint="chat", code="4001", by="client") == 1
    )
    assert node.metric("sockhook_connections") == 0
    assert (
        node.metric("sockhook_webhook_duration_seconds_count", route="$default", phase="backend")
        == 1
    )
    assert node.metric("sockhook_webhooks_total", route="$default") == 1
    assert (
        node.metric("sockhook_webhooks_in_flight") == 0
        and node.metric("sockhook_webhooks_queued") == 0
    )
    assert node.metric("sockhook_build_info") == 1


@promise("10", "At least: `sockhook_connections{endpoint}`, `sockhook_handshakes_total{endpoint")
def test_gauges_show_what_runs(start, backend):
    node = start(app={"max_connections": 1, "timeout": "5s"}, config={"node": {"workers": 1}})
    clients = [node.connect() for _ in range(3)]
    backend.on("/message", hang())
    for client in clients:
        client.text("x")
    eventually(
        lambda: node.metric("sockhook_webhooks_in_flight") + node.metric("sockhook_webhooks_queued")
        == 3
    )
    assert node.metric("sockhook_webhooks_queued") == 2


@promise("10", "At least: `sockhook_connections{endpoint}`, `sockhook_handshakes_total{endpoint")
def test_a_client_cannot_make_labels(node, backend):
    for number in range(20):
        node.connect().leave(4100 + number)
        node.refused(f"/nowhere-{number}")
    backend.wait(20, type="disconnect")
    assert "nowhere" not in node.ask_admin("/metrics").text
    codes = {
        dict(labels).get("code")
        for (name, labels) in node.metrics()
        if name == "sockhook_closes_total"
    }
    assert len(codes) < 20 or codes >= {"4100"}  # codes are a closed set of at most 2000


# Logs


@promise("10", "Logs: one line per event on stdout with `time level msg connection request trace`")
def test_log_lines_are_json_with_the_known_fields(start, backend):
    node = busy(start, backend)
    lines = [
        json.loads(line) for line in node.log_text().splitlines()
    ]  # every line is one JSON object
    assert lines
    for line in lines:
        assert {"time", "level", "msg"} <= set(line), line
        assert re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", line["time"])
    assert not node.errors(), "stderr is for those who start it by hand"


@promise("10", "an access line per finished connection and failed webhook; no payloads, no tokens.")
def test_an_access_line_per_finished_connection(node, backend):
    client = node.connect(
        headers={"traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"}
    )
    connection = backend.newest()
    client.leave(4001, "bye")
    backend.wait(1, type="disconnect")
    line = eventually(
        lambda: [
            each
            for each in node.log(level="info", connection=connection)
            if each.get("code") == 4001 or "4001" in str(each)
        ]
    )[0]
    assert line[
        "trace"
    ] == "4bf92f3577b34da6a3ce929d0e0e4736" or "4bf92f3577b34da6a3ce929d0e0e4736" in str(line)
    assert (
        len([each for each in node.log(level="info", connection=connection) if "4001" in str(each)])
        == 1
    )


@promise("10", "an access line per finished connection and failed webhook; no payloads, no tokens.")
def test_a_line_per_failed_webhook(node, backend):
    client = node.connect()
    connection = backend.newest()
    backend.on("/message", answer(503))
    client.text("x")
    client.read_text()
    eventually(lambda: [each for each in node.log(request=f"{connection}-1") if "503" in str(each)])
    line, *more = [each for each in node.log(connection=connection) if each["level"] == "warn"]
    assert line["request"] == f"{connection}-1"
    assert not more, "one failure, one line"


@promise("10", "an access line per finished connection and failed webhook; no payloads, no tokens.")
def test_payloads_and_tokens_are_not_logged(start, backend):
    node = start({"log": {"level": "debug"}})
    backend.on(
        "/connect", answer(200, "PAYLOAD-1", {"Set-Cookie": "TOKEN-1", "Sockhook-State": "STATE-1"})
    )
    backend.on(
        "/message",
        in_turn(answer(500, "PAYLOAD-2"), answer(200, b"PAYLOAD-3\xff"), answer(200, "PAYLOAD-4")),
    )
    client = node.connect(
        "/chat?access_token=TOKEN-2",
        headers={"Authorization": "Bearer TOKEN-3", "Cookie": "TOKEN-4"},
    )
    client.read_text()
    for _ in range(3):
        client.text("PAYLOAD-5")
        client.read_text()
    node.push(backend.newest(), "PAYLOAD-6", headers={"Idempotency-Key": "k"})
    client.leave()
    backend.wait(1, type="disconnect")
    assert not re.findall(r"(?:PAYLOAD|TOKEN|STATE)-\d", node.log_text() + node.errors())


def test_a_hostile_client_cannot_write_log_lines(node, backend):
    node.connect(
        '/chat?x="}%0a{"level":"error"',
        headers={"User-Agent": 'a"}\\n{"level":"error","msg":"forged"}'},
    ).leave(4000, 'bye"}\n{"level":"error","msg":"forged"}')
    backend.wait(1, type="disconnect")
    time.sleep(0.05)
    for line in node.log_text().splitlines():
        assert json.loads(line)["level"] != "error"
