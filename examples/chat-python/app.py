"""A chat behind Sockhook: a plain HTTP application with no state and no sockets.

Who is in a room is a Sockhook group; a connection's name and room come back with every webhook in
Sockhook-State. Kill this process and start it again in the middle of a chat: nobody notices.

    python3 app.py      PORT=3000, SOCKHOOK=http://127.0.0.1:7081 (the management API)
"""

import json
import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit
from urllib.request import Request, urlopen

SOCKHOOK = os.environ.get("SOCKHOOK", "http://127.0.0.1:7081")
PAGE = Path(__file__).resolve().parents[1] / "chat-page" / "index.html"


def sockhook(method, path, message=None):
    body = None if message is None else json.dumps(message).encode()
    request = Request(SOCKHOOK + path, body, {"Content-Type": "application/json"}, method=method)
    with urlopen(request, timeout=5) as answer:
        return json.loads(answer.read() or "null")


def group(room):
    return "/v1/groups/" + quote(room, safe="")


def members(room):
    page = sockhook("GET", group(room) + "/connections?limit=1000")
    return sorted(unquote(connection["user"]) for connection in page["connections"])


def tell(room, /, **message):
    sockhook("POST", group(room) + "/messages", message)


class Chat(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"  # keep-alive
    disable_nagle_algorithm = True

    # Each hook gets the connection's id, its state and the message; it returns its answer and the new state.

    def connect(self, me, state, query):
        return None, {"name": query.get("name", "somebody")[:40]}

    def join(self, me, state, message):
        self.leave(me, state, message)  # one room at a time
        room = message.get("room", "lobby")
        sockhook("PUT", f"{group(room)}/connections/{me}")
        tell(room, type="joined", name=state["name"], room=room, members=members(room))
        return {"type": "welcome", "room": room}, {"name": state["name"], "room": room}

    def send(self, me, state, message):
        if "room" in state:
            tell(state["room"], type="message", name=state["name"], text=message.get("text", ""))
        return None, state

    def who(self, me, state, message):
        return {"type": "members", "members": members(state["room"]) if "room" in state else []}, state

    def leave(self, me, state, message):
        if "room" in state:
            sockhook("DELETE", f"{group(state['room'])}/connections/{me}")
        self.disconnect(me, state, message)
        return {"type": "left", "name": state["name"], "members": []}, {"name": state["name"]}

    def disconnect(self, me, state, message):  # Sockhook has taken it out of the group already
        if "room" in state:
            tell(state["room"], type="left", name=state["name"], members=members(state["room"]))
        return None, {}

    HOOKS = {f"/hooks/{hook.__name__}": hook for hook in (connect, join, send, who, leave, disconnect)}

    def do_POST(self):
        url = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        message = json.loads(body) if body else dict(parse_qsl(url.query))
        state = dict(parse_qsl(self.headers.get("Sockhook-State", "")))
        answer, state = self.HOOKS[url.path](self, self.headers["ce-connectionid"], state, message)
        user = {"Sockhook-User": quote(state["name"])} if url.path == "/hooks/connect" else {}
        self.answer(json.dumps(answer).encode() if answer else b"", {"Sockhook-State": urlencode(state), **user})

    def do_GET(self):
        self.answer(PAGE.read_bytes(), {"Content-Type": "text/html; charset=utf-8"})

    def answer(self, body, headers):
        self.send_response(200)
        for name, value in {**headers, "Content-Length": len(body)}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


if __name__ == "__main__":
    ThreadingHTTPServer(("127.0.0.1", int(os.environ.get("PORT", 3000))), Chat).serve_forever()
