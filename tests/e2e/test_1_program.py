"""Contract 1: the program, its commands, its exit status and the mistakes that it reports."""

import fcntl
import re
import signal
import subprocess
import threading
import time

import pytest

from support.backend import answer, echo
from support.promise import promise
from support.ports import is_free
from support.sockhook import BINARY, ROOT, Sockhook, run_binary
from support.waiting import eventually
from support.wire import Ended, Wire

GOOD = """\
backends:
  app:
    url: http://127.0.0.1:3000
endpoints:
  - path: /chat
    backend: app
"""
MISTAKE = re.compile(
    r"(?P<file>[^:\n]+):(?P<line>\d+):(?P<column>\d+): (?:(?P<path>[^: ]+): )?(?P<what>.+)"
)


@pytest.fixture
def check(tmp_path):
    """Runs `check` on a text: (exit status, [(line, column, key path, what)])."""

    def run(text, *arguments, env=None):
        file = tmp_path / "sockhook.yaml"
        file.write_text(text)
        done = run_binary("check", "--config", file, *arguments, env=env)
        output = done.stdout + done.stderr
        found = [m.groupdict() for m in map(MISTAKE.fullmatch, output.splitlines()) if m]
        assert all(m["file"] == str(file) for m in found), output
        assert (done.returncode == 2) == bool(found), output
        return done.returncode, [
            (int(m["line"]), int(m["column"]), m["path"], m["what"]) for m in found
        ]

    return run


# Commands


@promise("1", "sockhook run   [--config FILE | --backend URL]     serve")
def test_run_serves(node):
    assert node.ask_admin("/readyz").status == 200
    assert node.connect().in_sync()


@promise("1", "sockhook check --config FILE                       validate, print every mistake")
def test_check_says_nothing_is_wrong(check):
    assert check(GOOD) == (0, [])


@promise("1", "sockhook version")
def test_version():
    done = run_binary("version")
    assert done.returncode == 0
    assert re.match(r"sockhook \d+\.\d+\.\d+", done.stdout)


# Mistakes


@promise("1", "A mistake in the config is `FILE:LINE:COLUMN: key.path: what is wrong, and what is")
def test_a_mistake_names_file_line_column_path_and_what_is_allowed(check):
    status, found = check(GOOD + "    format: evnets\n")
    assert status == 2
    ((line, column, path, what),) = found
    assert (line, column) == (7, 13)
    assert re.fullmatch(r"endpoints[.\[]0\]?\.format", path), path
    assert "evnets" in what and "events" in what and "lambda" in what


@promise("1", "all mistakes in one run")
def test_all_mistakes_come_in_one_run(check):
    status, found = check("""\
node:
  workers: many
backends:
  app:
    url: nonsense
    timeout: 5
endpoints:
  - path: chat
    backend: missing
    format: soap
    in_flight: 0
    limits: {message_size: 1MB, send_queue: -1}
log: {level: loud}
""")
    assert status == 2
    assert {line for line, *_ in found} >= {2, 5, 6, 8, 9, 10, 11, 12, 13}
    assert len([line for line, *_ in found if line == 12]) == 2
    assert found == sorted(found), "mistakes come in the order of the file"


@promise("1", "unknown and duplicate keys, anchors, merge keys and a second document are")
@pytest.mark.parametrize(
    "text, line",
    [
        (GOOD + "bakcends: {}\n", 7),
        (GOOD + "    limitz: {}\n", 7),
        (GOOD + "drain: {delay: 1s, delay: 2s}\n", 7),
        (GOOD + "backends: {}\n", 7),
        (GOOD + "drain: &d {delay: 1s}\n", 7),
        (GOOD + "drain: &d {delay: 1s}\nready: *d\n", 7),
        (GOOD + "drain:\n  <<: {delay: 1s}\n", 8),
        (GOOD + "---\n" + GOOD, None),
        ("", None),
        ("\n# only a comment\n", None),
        ("just text\n", 1),
        ("- a\n- list\n", 1),
        (GOOD + "drain: {delay: 1s\n", None),
        (GOOD + "\tdrain: {}\n", None),
    ],
    ids=[
        "unknown at the top",
        "unknown below",
        "duplicate in flow",
        "duplicate at the top",
        "anchor",
        "alias",
        "merge key",
        "second document",
        "empty",
        "comment",
        "scalar",
        "list",
        "not closed",
        "tab",
    ],
)
def test_these_are_mistakes(check, text, line):
    status, found = check(text)
    assert status == 2 and found
    assert line is None or line in [each[0] for each in found]


@promise("1", "Exit codes: 0 fine, 1 failed while running, 2 config or usage.")
@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["serve"],
        ["run", "--nonsense"],
        ["run", "--config"],
        ["check"],
        ["run"],
        ["run", "--config", "/nonexistent.yaml"],
        ["check", "--config", "/nonexistent.yaml"],
        ["run", "--backend", "nonsense"],
        ["run", "--backend", "http://127.0.0.1:1", "--config", "x.yaml"],
    ],
)
def test_wrong_usage_exits_with_2(arguments, tmp_path):
    done = subprocess.run(
        [BINARY, *arguments], capture_output=True, text=True, timeout=20, cwd=tmp_path
    )
    assert done.returncode == 2
    assert done.stderr, "says nothing about it"


@promise("1", "Exit codes: 0 fine, 1 failed while running, 2 config or usage.")
def test_running_with_a_mistake_exits_with_2(tmp_path):
    file = tmp_path / "c.yaml"
    file.write_text(GOOD + "nonsense: 1\n")
    done = run_binary("run", "--config", file)
    assert done.returncode == 2
    assert f"{file}:7:1: nonsense: " in done.stderr + done.stdout


@promise("1", "Exit codes: 0 fine, 1 failed while running, 2 config or usage.")
def test_an_address_in_use_exits_with_1(start, node):
    second = start({"listen": {"management": node.config["listen"]["management"]}}, wait=False)
    second.expected_errors = ".*"
    assert second.wait_exit() == 1
    assert "address" in (second.log_text() + second.errors()).lower()
    second.forgive()


# The environment


@promise("1", "`${NAME}` and `${NAME:-default}` with NAME of `[A-Z_][A-Z0-9_]*` in a value come")
def test_values_come_from_the_environment(start, backend):
    node = start(
        app={
            "url": "http://${HOST_1}:${PORT}/${_PREFIX:-pre}",
            "headers": {
                "X-Set": "a${GREETING:-no}b",
                "X-Default": "${MISSING_THING:-the default}",
                "X-Empty-Default": "x${MISSING_THING:-}y",
            },
        },
        env={"HOST_1": "127.0.0.1", "PORT": str(backend.address[1]), "GREETING": "hello"},
    )
    node.connect()
    request = backend.one()
    assert request.target == "/pre/connect"
    assert (request["x-set"], request["x-default"], request["x-empty-default"]) == (
        "ahellob",
        "the default",
        "xy",
    )


@promise("1", "`${NAME}` and `${NAME:-default}` with NAME of `[A-Z_][A-Z0-9_]*` in a value come")
def test_an_unset_variable_is_a_mistake(check):
    status, found = check(GOOD.replace("127.0.0.1", "${SURELY_UNSET}"))
    assert status == 2
    ((line, _, path, what),) = found
    assert line == 3 and path == "backends.app.url" and "SURELY_UNSET" in what


@promise("1", "`${NAME}` and `${NAME:-default}` with NAME of `[A-Z_][A-Z0-9_]*` in a value come")
def test_the_environment_is_no_way_to_write_yaml(check):
    assert check(GOOD.replace("backend: app", "backend: ${B}"), env={"B": "app"})[0] == 0
    status, found = check(
        GOOD.replace("backend: app", "backend: ${B}"), env={"B": "app\n    format: lambda"}
    )
    assert status == 2 and "endpoints" in found[0][2]


@promise("1", "`$${` writes a literal `${`; any other `${` stays as it is.")
def test_literal_dollars(start, backend):
    node = start(
        app={
            "headers": {
                "X-A": "$${HOME}",
                "X-B": "${home}",
                "X-C": "${",
                "X-D": "$HOME ${1A}",
                "X-E": "$$x",
            }
        }
    )
    node.connect()
    request = backend.one()
    assert [request[f"x-{c}"] for c in "abcde"] == [
        "${HOME}",
        "${home}",
        "${",
        "$HOME ${1A}",
        "$$x",
    ]


@promise("1", "`$${` writes a literal `${`; any other `${` stays as it is.")
def test_a_selection_expression_is_no_variable(start, backend):
    node = start(select="${request.body.action}", routes={"$connect": "/connect", "go": "/go"})
    backend.on("/go", answer(200, "gone"))
    client = node.connect()
    client.json({"action": "go"})
    assert client.read_text() == "gone"


# --backend


@promise("1", "`--backend URL` alone: one endpoint `/*` in the events format, `$connect`")
def test_backend_alone(tmp_path, backend):
    with open("/tmp/sockhook-e2e-default-addresses.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # the default addresses exist once on a machine
        if not all(is_free(port) for port in (7080, 7081, 7082)):
            pytest.skip("the default addresses are taken")
        backend.on(
            "/hook",
            lambda request: (
                echo(request) if request["ce-type"].endswith("message") else answer(200)
            ),
        )
        node = Sockhook(
            tmp_path,
            {
                "listen": {
                    "public": {"address": "0.0.0.0:7080"},
                    "management": {"address": "127.0.0.1:7081"},
                    "admin": {"address": "127.0.0.1:7082"},
                }
            },
            arguments=["run", "--backend", backend.url + "/hook"],
        )
        try:
            client = node.connect("/any/path?x=1")
            client.text("hello")
            assert client.read_text() == "hello"
            connection = backend.seen()[0]["ce-connectionid"]
            assert node.push(connection, "pushed").status == 200
            assert client.read_text() == "pushed"
            client.leave()
            requests = backend.wait(3)
            assert {r.path for r in requests} == {"/hook"}
            assert [r["ce-type"] for r in requests] == [
                f"io.sockhook.{t}" for t in ("connect", "message", "disconnect")
            ]
        finally:
            node.stop_and_check()


# Signals


@promise("1", "SIGTERM and SIGINT drain (section 9), a second one stops at once.")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_sigterm_and_sigint_drain(node, backend, number):
    client = node.connect()
    node.signal(number)
    assert client.read_close() == (1012, "service restart")
    assert node.wait_exit() == 0
    assert backend.one(type="disconnect")["ce-closecode"] == "1012"


@promise("1", "SIGTERM and SIGINT drain (section 9), a second one stops at once.")
@pytest.mark.parametrize("second", [signal.SIGTERM, signal.SIGINT])
def test_a_second_signal_stops_at_once(start, backend, second):
    node = start({"drain": {"delay": "1m", "period": "1m"}})
    node.connect()
    node.signal(signal.SIGTERM)
    eventually(lambda: node.ask_admin("/readyz").status == 503)
    began = time.monotonic()
    node.signal(second)
    assert node.wait_exit(5) in (0, 1), "it crashed"
    assert time.monotonic() - began < 3
    node.forgive()


@promise("1", "SIGTERM and SIGINT drain (section 9), a second one stops at once.")
@pytest.mark.parametrize("attempt", range(5))
def test_a_second_signal_in_the_middle_of_work_is_no_crash(start, attempt):
    node = start({"drain": {"delay": "1m", "period": "1m"}}, routes={"$default": "/message"})

    def come_and_go():
        try:
            while True:
                node.connect().close()
        except (OSError, Ended):
            pass

    threads = [threading.Thread(target=come_and_go) for _ in range(4)]
    for thread in threads:
        thread.start()
    node.signal()
    eventually(lambda: node.metric("sockhook_closes_total") > 20)
    node.signal()
    for thread in threads:
        thread.join()
    assert node.wait_exit(5) in (0, 1), "it crashed"
    node.forgive()


@promise("1", "SIGTERM and SIGINT drain (section 9), a second one stops at once.")
@pytest.mark.parametrize("attempt", range(5))
def test_a_second_signal_at_the_very_end_changes_nothing(start, attempt):
    node = start({"drain": {"delay": "0s", "period": "100ms"}})
    node.signal()
    try:
        while True:
            Wire.to(node.admin).close()
    except OSError:  # the last listener is closed: it is about to exit
        node.signal()
    assert node.wait_exit() == 0


def test_the_example_config_is_valid():
    done = run_binary("check", "--no-files", "--config", ROOT / "conf" / "example.yaml")
    assert done.returncode == 0, done.stderr + done.stdout
