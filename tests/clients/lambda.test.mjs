// A handler written for AWS Lambda (AWS's simple chat: connect, disconnect, sendmessage, default) answering
// through `format: lambda`. Lambda itself is the five lines that call it.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { ApiGatewayManagementApiClient, DeleteConnectionCommand, GetConnectionCommand, PostToConnectionCommand } from "@aws-sdk/client-apigatewaymanagementapi";
import { chatConfig, eventually, Sockhook, startBackend } from "./support.mjs";

const FUNCTION = "/2015-03-31/functions/function/invocations"; // of the runtime interface emulator

let backend, node, gateway;
const table = new Set();
const events = [];

async function handler(event) {
  events.push(event);
  const { connectionId, routeKey, authorizer } = event.requestContext;
  switch (routeKey) {
    case "$connect":
      if (event.queryStringParameters?.token === "wrong") return { statusCode: 403, body: "Forbidden" };
      table.add(connectionId);
      await sleep(5); // connectedAt stays that of the handshake
      return { statusCode: 200, headers: { "Sec-WebSocket-Protocol": event.headers["Sec-WebSocket-Protocol"], "Sockhook-User": "ann", "Sockhook-State": "tab-1" } };
    case "$disconnect":
      table.delete(connectionId);
      return { statusCode: 200 };
    case "sendmessage":
      for (const id of table) await gateway.send(new PostToConnectionCommand({ ConnectionId: id, Data: JSON.parse(event.body).data }));
      return { statusCode: 200 };
    case "whoami":
      return { statusCode: 200, body: JSON.stringify(authorizer) };
    case "$default": {
      const info = await gateway.send(new GetConnectionCommand({ ConnectionId: connectionId }));
      return { statusCode: 200, body: `Use the sendmessage route. You are ${info.Identity.SourceIp}.` };
    }
    case "kick":
      await gateway.send(new DeleteConnectionCommand({ ConnectionId: connectionId }));
      return { statusCode: 200 };
    default:
      throw new Error("no such route");
  }
}

before(async () => {
  backend = await startBackend(async ({ url, body }) => {
    assert.equal(url, FUNCTION);
    const headers = { "Content-Type": "application/json" };
    return handler(JSON.parse(body)).then(
      (result) => ({ headers, body: JSON.stringify(result) }),
      (error) => ({ headers, body: JSON.stringify({ errorMessage: error.message, errorType: "Error" }) }),
    );
  });
  const routes = Object.fromEntries(["$connect", "$disconnect", "$default", "sendmessage", "whoami", "kick", "broken"].map((key) => [key, FUNCTION]));
  node = await Sockhook.start(chatConfig(backend, { format: "lambda", path: "/prod", select: "$request.body.action", routes }));
  gateway = new ApiGatewayManagementApiClient({ endpoint: `${node.management}/prod`, region: "us-east-1", credentials: { accessKeyId: "local", secretAccessKey: "local" } });
});

after(async () => {
  gateway.destroy();
  await node.stop();
  await backend.stop();
});

test("a message reaches every connection of the table", async () => {
  const sockets = [await node.connect("/prod"), await node.connect("/prod")];
  sockets[0].send(JSON.stringify({ action: "sendmessage", data: "hello" }));
  for (const socket of sockets) assert.equal(await socket.next(), "hello");
  for (const socket of sockets) socket.close();
  await eventually(() => table.size === 0);
});

test("an unknown action reaches $default, whose answer comes back", async () => {
  const socket = await node.connect("/prod");
  socket.send("what now?");
  assert.equal(await socket.next(), "Use the sendmessage route. You are 127.0.0.1.");
  socket.close();
});

test("statusCode of $connect decides", async () => {
  const { status } = await node.refused("/prod?token=wrong");
  assert.equal(status, 403);
});

test("the event has the shape that API Gateway gives it", async () => {
  const socket = await node.connect("/prod?a=1&a=2", ["chat.v1"], { headers: { "User-Agent": "a browser" } });
  assert.equal(socket.protocol, "chat.v1");
  socket.send('{"action": "whoami"}');
  assert.deepEqual(JSON.parse(await socket.next()), { principalId: "ann", state: "tab-1" });
  socket.close(1000);
  const id = events.findLast((event) => event.requestContext.eventType === "CONNECT").requestContext.connectionId;
  const own = await eventually(() => {
    const found = events.filter((event) => event.requestContext.connectionId === id);
    return found.length === 3 && found;
  });
  assert.deepEqual(own.map((event) => event.requestContext.eventType), ["CONNECT", "MESSAGE", "DISCONNECT"]);
  const [connect, message, disconnect] = own;
  assert.deepEqual(Object.keys(connect).sort(), ["headers", "isBase64Encoded", "multiValueHeaders", "multiValueQueryStringParameters", "queryStringParameters", "requestContext"]);
  assert.deepEqual(connect.queryStringParameters, { a: "2" });
  assert.deepEqual(connect.multiValueQueryStringParameters, { a: ["1", "2"] });
  assert.deepEqual(connect.requestContext.identity, { userAgent: "a browser", sourceIp: "127.0.0.1" });
  assert.deepEqual(Object.keys(message).sort(), ["body", "isBase64Encoded", "requestContext"]);
  assert.deepEqual([message.body, message.isBase64Encoded, message.requestContext.routeKey], ['{"action": "whoami"}', false, "whoami"]);
  assert.equal(typeof message.requestContext.messageId, "string");
  assert.equal(message.requestContext.connectedAt, connect.requestContext.connectedAt);
  assert.deepEqual(Object.keys(disconnect).sort(), ["headers", "isBase64Encoded", "multiValueHeaders", "requestContext"]);
  assert.equal(disconnect.requestContext.disconnectStatusCode, 1000);
});

test("an error of the function is an Internal server error, and the socket stays open", async () => {
  const socket = await node.connect("/prod");
  socket.send('{"action": "broken"}');
  assert.match(await socket.next(), /^\{"message": "Internal server error", "connectionId":"[^"]+", "requestId":"[^"]+"\}$/);
  socket.send("still there?");
  assert.match(await socket.next(), /^Use the sendmessage route/);
  socket.close();
});

test("binary arrives as base64", async () => {
  const socket = await node.connect("/prod");
  const before = events.length;
  socket.send(Buffer.of(0, 255));
  await socket.next();
  const { body, isBase64Encoded } = events[before];
  assert.deepEqual([body, isBase64Encoded], ["AP8=", true]);
  socket.close();
});

test("a handler may close its own connection", async () => {
  const socket = await node.connect("/prod");
  socket.send('{"action": "kick"}');
  assert.equal((await socket.closed).code, 1000);
});
