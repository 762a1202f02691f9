// The client library that most of Node.js uses, against the real binary.

import assert from "node:assert/strict";
import { once } from "node:events";
import { after, before, test } from "node:test";
import { chatConfig, eventually, Sockhook, startBackend } from "./support.mjs";

let backend, node;

before(async () => {
  backend = await startBackend(({ url, headers, body }) => {
    if (url.startsWith("/connect")) return connect(new URL(url, "http://backend").searchParams);
    if (body.toString() === "close me") return { headers: { "Sockhook-Close": "4001 as you wish" } };
    if (url === "/message") return { headers: { "Content-Type": headers["content-type"] }, body };
  });
  const config = chatConfig(backend);
  const [chat] = config.endpoints;
  config.endpoints.push(
    { ...chat, name: "compressed", path: "/compressed", compression: { min_size: "1B" } },
    { ...chat, name: "windows", path: "/windows", compression: { min_size: "1B", takeover: true } },
  );
  node = await Sockhook.start(config);
});

function connect(query) {
  if (query.has("refuse")) return { status: 401, headers: { "WWW-Authenticate": "Bearer" }, body: "who are you?" };
  const headers = { "Set-Cookie": "session=42; HttpOnly" };
  if (query.has("protocol")) headers["Sec-WebSocket-Protocol"] = query.get("protocol");
  return { headers, body: query.get("greeting") ?? "" };
}

after(async () => {
  await node.stop();
  await backend.stop();
});

test("text and binary come back as what they were", async () => {
  const socket = await node.connect("/chat");
  socket.send("grüße");
  assert.equal(await socket.next(), "grüße");
  socket.send(Buffer.from([0, 255, 128]));
  assert.deepEqual(await socket.next(), Buffer.from([0, 255, 128]));
  socket.close();
});

test("the backend greets, chooses the subprotocol and sets a cookie", async () => {
  const socket = await node.connect("/chat?protocol=chat.v2&greeting=welcome", ["chat.v1", "chat.v2"]);
  assert.equal(socket.protocol, "chat.v2");
  assert.deepEqual(socket.response.headers["set-cookie"], ["session=42; HttpOnly"]);
  assert.equal(await socket.next(), "welcome");
  socket.close();
});

test("a refusal reaches the client as the backend wrote it", async () => {
  const { status, headers, body } = await node.refused("/chat?refuse");
  assert.deepEqual([status, headers["www-authenticate"], body], [401, "Bearer", "who are you?"]);
});

test("an offer of permessage-deflate is declined", async () => {
  const socket = await node.connect("/chat", [], { perMessageDeflate: true });
  assert.equal(socket.extensions, "");
  socket.close();
});

for (const path of ["/compressed", "/windows"]) {
  test(`permessage-deflate carries text and binary, large and small, on ${path}`, async () => {
    const socket = await node.connect(path, [], { perMessageDeflate: { threshold: 0 } });
    assert.match(socket.extensions, /permessage-deflate/);
    const large = "grüße ".repeat(20000);
    for (const message of [large, "x", large, Buffer.alloc(100000, 7), "", large]) {
      socket.send(message);
      if (message !== "") assert.deepEqual(await socket.next(), message); // an empty answer sends nothing
    }
    socket.close();
  });
}

test("a thousand messages come back in order", async () => {
  const socket = await node.connect("/chat");
  for (let i = 0; i < 1000; i++) socket.send(`message ${i}`);
  for (let i = 0; i < 1000; i++) assert.equal(await socket.next(), `message ${i}`);
  socket.close();
});

test("a message in fragments is one message", async () => {
  const socket = await node.connect("/chat");
  socket.send("one ", { fin: false });
  socket.ping("between");
  socket.send("message", { fin: true });
  const [payload] = await once(socket, "pong");
  assert.equal(payload.toString(), "between");
  assert.equal(await socket.next(), "one message");
  socket.close();
});

test("a message of exactly the limit passes, one byte more closes with 1009", async () => {
  const socket = await node.connect("/chat");
  socket.send("x".repeat(2 ** 20));
  assert.equal((await socket.next()).length, 2 ** 20);
  socket.send("x".repeat(2 ** 20 + 1));
  assert.equal((await socket.closed).code, 1009);
});

test("the client's close code and reason reach $disconnect, and come back", async () => {
  const socket = await node.connect("/chat");
  const before = backend.seen("disconnect").length;
  socket.close(4000, "done here");
  assert.deepEqual(await socket.closed, { code: 4000, reason: "" });
  const { headers } = await eventually(() => backend.seen("disconnect")[before]);
  assert.deepEqual([headers["ce-closecode"], headers["ce-closereason"], headers["ce-closedby"]], ["4000", "done%20here", "client"]);
});

test("the backend's close reaches the client", async () => {
  const socket = await node.connect("/chat");
  socket.send("close me");
  assert.deepEqual(await socket.closed, { code: 4001, reason: "as you wish" });
});

test("a client that vanishes is a $disconnect with 1006", async () => {
  const socket = await node.connect("/chat");
  const before = backend.seen("disconnect").length;
  socket.terminate();
  const { headers } = await eventually(() => backend.seen("disconnect")[before]);
  assert.equal(headers["ce-closecode"], "1006");
});
