"""One chat, three backends: the same conversation must work with each of them."""

import json
from pathlib import Path

import pytest
from support.client import Refused
from support.sockhook import run_binary
from support.waiting import eventually

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
SOURCES = {"chat-python": "app.py", "chat-node": "app.mjs", "chat-go": "main.go"}


@pytest.fixture(params=SOURCES)
def chat(request, run_example):
    if request.param == "chat-go":
        binary = str(request.getfixturevalue("go_chat"))
        return run_example("chat-go", binary, "-listen", "127.0.0.1:{port}", "-sockhook", "{management}")
    interpreter = {"chat-python": "/usr/bin/python3", "chat-node": "node"}[request.param]
    return run_example(request.param, interpreter, SOURCES[request.param])


def enter(chat, name, room="lobby"):
    """A client in a room. It sees itself join, and is welcomed when the webhook has been answered."""
    client = chat.node.connect(f"/chat?name={name}")
    client.json({"action": "join", "room": room})
    client.members = expect(client, type="joined", name=name, room=room)["members"]
    expect(client, type="welcome", room=room)
    return client


def expect(client, **fields):
    got = client.read_json()
    assert {name: got.get(name) for name in fields} == fields, got
    return got


def test_two_clients_join_talk_and_leave(chat):
    ann = enter(chat, "Ann")
    assert ann.members == ["Ann"]
    bob = enter(chat, "Bob")
    assert sorted(bob.members) == ["Ann", "Bob"]
    assert sorted(expect(ann, type="joined", name="Bob")["members"]) == ["Ann", "Bob"]

    ann.json({"action": "send", "text": "hello, Bob"})
    for client in (ann, bob):
        expect(client, type="message", name="Ann", text="hello, Bob")

    bob.json({"action": "leave"})
    expect(bob, type="left", name="Bob")
    expect(ann, type="left", name="Bob", members=["Ann"])
    ann.json({"action": "send", "text": "anybody here?"})
    expect(ann, type="message", text="anybody here?")
    assert bob.quiet()


def test_who_tells_who_is_in_the_room(chat):
    ann = enter(chat, "Ann", "kitchen")
    enter(chat, "Bob", "garden")
    ann.json({"action": "who"})
    expect(ann, type="members", members=["Ann"])


def test_a_new_room_is_entered_by_leaving_the_old_one(chat):
    ann, bob = enter(chat, "Ann", "one"), enter(chat, "Bob", "one")
    expect(ann, type="joined", name="Bob")
    bob.json({"action": "join", "room": "two"})
    expect(ann, type="left", name="Bob", members=["Ann"])
    expect(bob, type="joined", name="Bob", room="two", members=["Bob"])


def test_a_client_that_vanishes_is_seen_to_leave(chat):
    ann, bob = enter(chat, "Ann"), enter(chat, "Bob")
    expect(ann, type="joined", name="Bob")
    bob.close()
    expect(ann, type="left", name="Bob", members=["Ann"])


def test_names_and_rooms_of_any_script_survive_the_way(chat):
    zoe = chat.node.connect("/chat?name=Zo%C3%AB%20%E4%BD%A0%2C%20%25%26")
    zoe.json({"action": "join", "room": "Küche / 50 %"})
    expect(zoe, type="joined", name="Zoë 你, %&", room="Küche / 50 %", members=["Zoë 你, %&"])


def test_the_backend_is_killed_and_started_again_in_the_middle_of_a_chat(chat):
    ann, bob = enter(chat, "Ann"), enter(chat, "Bob")
    expect(ann, type="joined", name="Bob")

    chat.kill_backend()
    ann.json({"action": "send", "text": "is anybody there?"})
    assert ann.read_json()["message"] == "Internal server error"  # said, so the page can send it again

    chat.start_backend()
    def delivered():
        ann.json({"action": "send", "text": "is anybody there?"})
        return ann.read_json().get("text") == "is anybody there?"
    eventually(delivered, 15)
    expect(bob, type="message", name="Ann", text="is anybody there?")  # the name and the room are still known
    bob.json({"action": "who"})
    assert sorted(expect(bob, type="members")["members"]) == ["Ann", "Bob"]


def test_a_client_that_leaves_while_the_backend_is_away_is_reported_when_it_is_back(chat):
    ann, bob = enter(chat, "Ann"), enter(chat, "Bob")
    expect(ann, type="joined", name="Bob")
    chat.kill_backend()
    bob.close()
    chat.start_backend()
    expect(ann, type="left", name="Bob", members=["Ann"])


def test_any_program_can_push_to_a_room(chat):
    ann = enter(chat, "Ann")
    body = json.dumps({"type": "message", "name": "curl", "text": "hello from the shell"})
    answer = chat.node.manage("POST", "/v1/groups/lobby/messages", body)
    assert (answer.status, json.loads(answer.body)["delivered"]) == (200, 1)
    expect(ann, type="message", name="curl")


def test_the_page_comes_through_the_proxy_and_the_webhooks_do_not(chat):
    page = chat.node.get("/")
    assert page.status == 200 and b"Sockhook chat" in page.body
    assert page["content-type"].startswith("text/html")
    assert chat.node.get("/hooks/send").status == 404
    with pytest.raises(Refused) as refused:
        chat.node.connect("/elsewhere")
    assert refused.value.response.status == 404


@pytest.mark.parametrize("folder", [*SOURCES, "lambda"])
def test_the_config_is_valid(folder):
    checked = run_binary("check", "--config", EXAMPLES / folder / "sockhook.yaml")
    assert (checked.returncode, checked.stderr) == (0, "")


@pytest.mark.parametrize("folder", SOURCES)
def test_the_backend_stays_under_100_lines(folder):
    assert len((EXAMPLES / folder / SOURCES[folder]).read_text().splitlines()) < 100
