"""Contract 4.1: which route a message takes."""

from urllib.parse import unquote

import pytest

from support.client import BINARY, frame
from support.promise import promise

ROUTES = {"$connect": "/connect", "$disconnect": "/disconnect", "$default": "/message"}


def routed(start, backend, select, *keys):
    """A function from a text message to the path that it reached."""
    node = start(
        select=select, routes={**ROUTES, **{key: f"/key{n}" for n, key in enumerate(keys)}}
    )
    client = node.connect()

    def reach(message):
        before = len(backend.seen())
        client.send(message) if isinstance(message, bytes) else client.text(message)
        request = backend.wait(before + 1)[before]
        assert unquote(request["ce-routekey"]) == (
            keys[int(request.path[4:])] if request.path.startswith("/key") else "$default"
        )
        return keys[int(request.path[4:])] if request.path.startswith("/key") else "$default"

    return reach


@promise("2", "selection expression of A3; absent: every message goes to $default")
def test_without_select_everything_goes_to_default(start, backend):
    node = start(routes={**ROUTES, "sendMessage": "/send"})
    client = node.connect()
    client.json({"action": "sendMessage"})
    assert backend.wait(2)[1].path == "/message"


@promise("4.1", "Selection: values are strings, numbers and booleans as written; objects, arrays")
def test_values_are_as_written(start, backend):
    reach = routed(
        start,
        backend,
        "$request.body.action",
        "say",
        "1",
        "1.0",
        "1e3",
        "-0",
        "true",
        "false",
        "null",
        "{}",
        "[]",
        "[1]",
        "ü",
    )
    for text, key in [
        ('"say"', "say"),
        ("1", "1"),
        ("1.0", "1.0"),
        ("1e3", "1e3"),
        ("-0", "-0"),
        ("true", "true"),
        ("false", "false"),
        ("null", "$default"),
        ("{}", "$default"),
        ("[]", "$default"),
        ("[1]", "$default"),
        ('"1"', "1"),
        ('"null"', "null"),
        ("1.00", "$default"),
        ('"Say"', "$default"),
        ('"say "', "$default"),
        ('"ü"', "ü"),
        ('"\\u00fc"', "ü"),
        ('"s\\u0061y"', "say"),
    ]:
        assert reach(f'{{"action": {text}}}') == key, text


@promise("4.1", "keys are compared after unescaping, the last duplicate wins, as the backend's")
def test_keys_are_unescaped_and_the_last_duplicate_wins(start, backend):
    reach = routed(start, backend, "$request.body.action", "a", "b")
    assert reach('{"\\u0061ction": "a"}') == "a"
    assert reach('{"action": "a", "action": "b"}') == "b"
    assert reach('{"action": "b", "\\u0061ction": "a"}') == "a"
    assert reach('{"action": "a", "action": null}') == "$default"
    assert reach('{"action": "a", "action": {"x": 1}}') == "$default"


@promise("4.1", "text that is not JSON, nested too deeply, and binary go to `$default`")
def test_what_cannot_be_selected_goes_to_default(start, backend):
    reach = routed(start, backend, "$request.body.action", "a")
    assert reach("a") == "$default"
    assert reach("") == "$default"
    assert reach('{"action": "a"') == "$default"
    assert reach('{"action": "a"} x') == "$default"
    assert reach('{"action": "a", "x": nope}') == "$default"
    assert reach('{"action": "a", "x": 01}') == "$default"
    assert reach('["action", "a"]') == "$default"
    assert reach('"a"') == "$default"
    assert reach(frame(BINARY, '{"action": "a"}')) == "$default"
    assert reach('{"action": "a", "deep": ' + "[" * 100000 + "]" * 100000 + "}") == "$default"
    assert reach('{"action": "a"}') == "a"


@promise("4.1", "a value that begins with `$` never matches a route.")
@pytest.mark.parametrize("value", ["$connect", "$disconnect", "$default", "$custom"])
def test_a_value_that_begins_with_a_dollar_never_matches(start, backend, value):
    node = start(select="$request.body.action", routes=ROUTES)
    client = node.connect()
    client.json({"action": value})
    request = backend.wait(2)[1]
    assert (request.path, request["ce-routekey"], request["ce-type"]) == (
        "/message",
        "$default",
        "io.sockhook.message",
    )


@promise("2", "selection expression of A3; absent: every message goes to $default")
def test_an_expression_of_several_variables_and_text(start, backend):
    reach = routed(
        start, backend, "${request.body.service}/${request.body.action}", "chat/join", "chat/", "/"
    )
    assert reach('{"service": "chat", "action": "join"}') == "chat/join"
    assert reach('{"service": "chat"}') == "chat/"
    assert reach("{}") == "/"
    assert reach('{"service": "chat/join", "action": ""}') == "$default"


@promise("2", "selection expression of A3; absent: every message goes to $default")
def test_a_nested_path(start, backend):
    reach = routed(start, backend, "$request.body.a.b.c", "deep")
    assert reach('{"a": {"b": {"c": "deep"}}}') == "deep"
    assert reach('{"a": {"b": "deep"}}') == "$default"
    assert reach('{"a": {"b": {"c": "x"}}, "c": "deep"}') == "$default"


@promise("2", "selection expression of A3; absent: every message goes to $default")
def test_a_missing_path_is_an_empty_string(start, backend):
    reach = routed(start, backend, "${request.body.action}-${request.body.nope}", "join-")
    assert reach('{"action": "join"}') == "join-"


@promise("2", "selection expression of A3; absent: every message goes to $default")
def test_selection_is_a_single_pass(start, backend):
    reach = routed(start, backend, "${request.body.action}", "x")
    assert reach('{"action": "${request.body.other}", "other": "x"}') == "$default"


def test_json_with_utf8_and_escapes_reaches_the_backend_byte_for_byte(start, backend):
    text = '  {"action":"caf\\u00e9", "x": "\\ud83d\\ude00 é", "n": 1.50}\n'
    start(select="$request.body.action").connect().text(text)
    assert backend.one(path="/message").body == text.encode()
