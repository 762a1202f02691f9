// The AWS SDK for JavaScript against @connections, with nothing but its endpoint changed.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import {
  ApiGatewayManagementApiClient,
  DeleteConnectionCommand,
  GetConnectionCommand,
  GoneException,
  PayloadTooLargeException,
  PostToConnectionCommand,
} from "@aws-sdk/client-apigatewaymanagementapi";
import { chatConfig, eventually, Sockhook, startBackend } from "./support.mjs";

let backend, node, gateway;

before(async () => {
  backend = await startBackend();
  node = await Sockhook.start(chatConfig(backend, { limits: "aws" }));
  gateway = new ApiGatewayManagementApiClient({
    endpoint: `${node.management}/prod`,
    region: "us-east-1",
    credentials: { accessKeyId: "local", secretAccessKey: "local" },
  });
});

after(async () => {
  gateway.destroy();
  await node.stop();
  await backend.stop();
});

// A client and its connection id, as the backend learned it.
async function connected() {
  const before = backend.seen("connect").length;
  const socket = await node.connect("/chat", [], { headers: { "User-Agent": "a browser" } });
  return { socket, ConnectionId: backend.seen("connect")[before].headers["ce-connectionid"] };
}

test("PostToConnection sends a text frame", async () => {
  const { socket, ConnectionId } = await connected();
  const answer = await gateway.send(new PostToConnectionCommand({ ConnectionId, Data: "hello" }));
  assert.equal(answer.$metadata.httpStatusCode, 200);
  assert.equal(await socket.next(), "hello");
  socket.close();
});

test("PostToConnection sends what is no text as a binary frame", async () => {
  const { socket, ConnectionId } = await connected();
  await gateway.send(new PostToConnectionCommand({ ConnectionId, Data: Uint8Array.of(0xff, 0x00) }));
  assert.deepEqual(await socket.next(), Buffer.of(0xff, 0x00));
  socket.close();
});

test("GetConnection tells when, from where and with what", async () => {
  const { socket, ConnectionId } = await connected();
  const { ConnectedAt, LastActiveAt, Identity } = await gateway.send(new GetConnectionCommand({ ConnectionId }));
  assert.ok(Math.abs(Date.now() - ConnectedAt) < 60000, `connected at ${ConnectedAt}`);
  assert.ok(LastActiveAt >= ConnectedAt);
  assert.deepEqual(Identity, { SourceIp: "127.0.0.1", UserAgent: "a browser" });
  socket.close();
});

test("DeleteConnection closes with 1000, and the id is gone", async () => {
  const { socket, ConnectionId } = await connected();
  const answer = await gateway.send(new DeleteConnectionCommand({ ConnectionId }));
  assert.equal(answer.$metadata.httpStatusCode, 204);
  assert.equal((await socket.closed).code, 1000);
  await assert.rejects(gateway.send(new PostToConnectionCommand({ ConnectionId, Data: "too late" })), GoneException);
});

test("every command on a connection that left throws GoneException", async () => {
  const { socket, ConnectionId } = await connected();
  const before = backend.seen("disconnect").length;
  socket.close();
  await eventually(() => backend.seen("disconnect").length > before);
  for (const command of [
    new PostToConnectionCommand({ ConnectionId, Data: "anybody?" }),
    new GetConnectionCommand({ ConnectionId }),
    new DeleteConnectionCommand({ ConnectionId }),
  ]) {
    await assert.rejects(gateway.send(command), (error) => error instanceof GoneException && error.$metadata.httpStatusCode === 410);
  }
});

test("a payload over 128 KiB throws PayloadTooLargeException, one of 128 KiB passes", async () => {
  const { socket, ConnectionId } = await connected();
  await gateway.send(new PostToConnectionCommand({ ConnectionId, Data: "x".repeat(128 * 1024) }));
  assert.equal((await socket.next()).length, 128 * 1024);
  await assert.rejects(
    gateway.send(new PostToConnectionCommand({ ConnectionId, Data: "x".repeat(128 * 1024 + 1) })),
    (error) => error instanceof PayloadTooLargeException && error.$metadata.httpStatusCode === 413,
  );
  socket.close();
});

test("a malformed id is a BadRequestException", async () => {
  await assert.rejects(gateway.send(new PostToConnectionCommand({ ConnectionId: "no id!", Data: "x" })), { name: "BadRequestException" });
});
