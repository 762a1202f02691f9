"""The handler written for Lambda, behind the shim."""

import sqlite3

import pytest
from support.waiting import eventually


@pytest.fixture
def simple_chat(run_example):
    return run_example("lambda", "/usr/bin/python3", "shim.py")


def connections(example):
    with sqlite3.connect(example.directory / "table.db") as database:
        return {row[0] for row in database.execute("SELECT id FROM connections")}


def test_a_message_reaches_everybody_by_post_to_connection(simple_chat):
    ann, bob = simple_chat.node.connect("/prod"), simple_chat.node.connect("/prod")
    assert len(connections(simple_chat)) == 2
    ann.json({"action": "sendmessage", "data": "hello"})
    assert (ann.read_text(), bob.read_text()) == ("hello", "hello")


def test_a_disconnected_client_leaves_the_table(simple_chat):
    ann = simple_chat.node.connect("/prod")
    ann.leave()
    eventually(lambda: not connections(simple_chat))


def test_a_stale_connection_is_gone_to_the_handler_and_removed(simple_chat):
    ann = simple_chat.node.connect("/prod")
    (alive,) = connections(simple_chat)
    stale = alive[:-4] + ("AAAA" if not alive.endswith("AAAA") else "BBBB")
    with sqlite3.connect(simple_chat.directory / "table.db") as database:
        database.execute("INSERT INTO connections VALUES (?)", [stale])
    ann.json({"action": "sendmessage", "data": "hello"})
    assert ann.read_text() == "hello"
    eventually(lambda: connections(simple_chat) == {alive})


def test_an_unknown_action_is_forbidden(simple_chat):
    ann = simple_chat.node.connect("/prod")
    ann.json({"action": "nonsense"})
    frame = ann.read_text()
    assert frame.startswith('{"message": "Forbidden", "connectionId":"')


def test_a_binary_message_is_refused_as_api_gateway_does(simple_chat):
    ann = simple_chat.node.connect("/prod")
    ann.binary(b"\x00")
    assert ann.read_close_code() == 1003
