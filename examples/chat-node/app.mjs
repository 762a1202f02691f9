// A chat behind Sockhook: a plain HTTP application with no state and no sockets.
//
// Who is in a room is a Sockhook group; a connection's name and room come back with every webhook in
// Sockhook-State. Kill this process and start it again in the middle of a chat: nobody notices.
//
//     node app.mjs      PORT=3000, SOCKHOOK=http://127.0.0.1:7081 (the management API)

import { createServer } from "node:http";
import { readFile } from "node:fs/promises";
import { text } from "node:stream/consumers";

const { PORT = 3000, SOCKHOOK = "http://127.0.0.1:7081" } = process.env;
const PAGE = new URL("../chat-page/index.html", import.meta.url);

async function sockhook(method, path, message) {
  const answer = await fetch(SOCKHOOK + path, {
    method,
    headers: { "Content-Type": "application/json" },
    body: message && JSON.stringify(message),
    signal: AbortSignal.timeout(5000),
  });
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
  return answer.status === 204 ? null : answer.json();
}

const group = (room) => `/v1/groups/${encodeURIComponent(room)}`;

async function members(room) {
  const { connections } = await sockhook("GET", `${group(room)}/connections?limit=1000`);
  return connections.map(({ user }) => decodeURIComponent(user)).sort();
}

const tell = (room, message) => sockhook("POST", `${group(room)}/messages`, message);

async function farewell({ name, room }) {
  if (room) await tell(room, { type: "left", name, members: await members(room) });
}

// Each hook gets the connection's id, its state and the message; it returns its answer and the new state.
const hooks = {
  async connect(me, state, { name }) {
    return { state: { name: name?.slice(0, 40) || "somebody" } };
  },

  async join(me, state, { room = "lobby" }) {
    await hooks.leave(me, state); // one room at a time
    const { name } = state;
    await sockhook("PUT", `${group(room)}/connections/${me}`);
    await tell(room, { type: "joined", name, room, members: await members(room) });
    return { answer: { type: "welcome", room }, state: { name, room } };
  },

  async send(me, state, { text = "" }) {
    if (state.room) await tell(state.room, { type: "message", name: state.name, text });
    return { state };
  },

  async who(me, state) {
    return { answer: { type: "members", members: state.room ? await members(state.room) : [] }, state };
  },

  async leave(me, state) {
    if (state.room) await sockhook("DELETE", `${group(state.room)}/connections/${me}`);
    await farewell(state);
    return { answer: { type: "left", name: state.name, members: [] }, state: { name: state.name } };
  },

  async disconnect(me, state) {
    await farewell(state); // Sockhook has taken it out of the group already
    return { state: {} };
  },
};

async function webhook(request, response, url) {
  const hook = url.pathname.slice("/hooks/".length);
  const body = await text(request);
  const message = body ? JSON.parse(body) : Object.fromEntries(url.searchParams);
  const before = Object.fromEntries(new URLSearchParams(request.headers["sockhook-state"]));
  const { answer, state } = await hooks[hook](request.headers["ce-connectionid"], before, message);
  response.setHeader("Sockhook-State", new URLSearchParams(state).toString());
  if (hook === "connect") response.setHeader("Sockhook-User", encodeURIComponent(state.name));
  response.end(answer && JSON.stringify(answer));
}

createServer(async (request, response) => {
  try {
    const url = new URL(request.url, "http://backend");
    if (request.method === "POST") return await webhook(request, response, url);
    response.setHeader("Content-Type", "text/html; charset=utf-8").end(await readFile(PAGE));
  } catch (error) {
    console.error(error);
    response.writeHead(500).end();
  }
}).listen(PORT, "127.0.0.1");
