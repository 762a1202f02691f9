// The CloudEvents SDK parses our webhooks, strictly.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { HTTP } from "cloudevents";
import { chatConfig, eventually, Sockhook, startBackend } from "./support.mjs";

let backend, node;

before(async () => {
  backend = await startBackend(({ url }) =>
    url.startsWith("/connect") ? { headers: { "Sockhook-User": "ann", "Sockhook-State": "seen=1" } } : {},
  );
  node = await Sockhook.start(
    chatConfig(backend, { select: "$request.body.action" }, { node: { id: "gw-1" } }),
  );
});

after(async () => {
  await node.stop();
  await backend.stop();
});

// The request as the SDK understands it; it throws when an attribute breaks the specification.
function parse({ headers, body }) {
  const event = HTTP.toEvent({ headers, body: headers["content-type"]?.includes("octet-stream") ? body : body.toString() });
  assert.equal(event.validate(), true);
  return event;
}

async function events(converse) {
  const from = backend.requests.length;
  const socket = await node.connect("/chat?room=1");
  await converse(socket);
  socket.close(1000, "all said");
  await eventually(() => backend.requests.slice(from).some(({ headers }) => headers["ce-type"] === "io.sockhook.disconnect"));
  return backend.requests.slice(from).map(parse);
}

test("connect, messages and disconnect are valid CloudEvents with ids in sequence", async () => {
  const [connect, json, text, binary, disconnect] = await events((socket) => {
    socket.send('{"action": "anything", "number": 7}');
    socket.send("just text");
    socket.send(Buffer.of(1, 2, 255));
  });
  const id = connect.connectionid;
  assert.match(id, /^[A-Za-z0-9_-]{1,64}$/);
  assert.deepEqual(
    [connect, json, text, binary, disconnect].map((event) => [event.type, event.id]),
    [
      ["io.sockhook.connect", `${id}-0`],
      ["io.sockhook.message", `${id}-1`],
      ["io.sockhook.message", `${id}-2`],
      ["io.sockhook.message", `${id}-3`],
      ["io.sockhook.disconnect", `${id}-end`],
    ],
  );
  for (const event of [connect, json, text, binary, disconnect]) {
    assert.equal(event.specversion, "1.0");
    assert.equal(event.source, "/nodes/gw-1/endpoints/chat");
    assert.equal(event.endpoint, "chat");
    assert.match(event.time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    assert.ok(Math.abs(Date.parse(event.time) - Date.now()) < 60000);
  }
  assert.equal(connect.userid, undefined);
  assert.deepEqual([json, text, binary, disconnect].map((event) => event.userid), ["ann", "ann", "ann", "ann"]);
  assert.deepEqual([json, text, binary].map((event) => event.routekey), ["$default", "$default", "$default"]);
});

test("the data is what the client sent, in its own type", async () => {
  const [, json, text, binary] = await events((socket) => {
    socket.send('{"action": "anything", "number": 7}');
    socket.send("just text");
    socket.send(Buffer.of(1, 2, 255));
  });
  assert.equal(json.datacontenttype, "application/json");
  assert.deepEqual(json.data, { action: "anything", number: 7 });
  assert.equal(text.datacontenttype, "text/plain; charset=utf-8");
  assert.equal(text.data, "just text");
  assert.equal(binary.datacontenttype, "application/octet-stream");
  assert.deepEqual([...binary.data], [1, 2, 255]);
});

test("a disconnect says how it ended", async () => {
  const [, disconnect] = await events(() => {});
  assert.deepEqual([disconnect.closecode, disconnect.closereason, disconnect.closedby].map(String), ["1000", "all%20said", "client"]);
});
