// What the client tests stand on: the real binary (SOCKHOOK_BINARY, default build/sockhook), a
// backend in this process, and helpers that wait.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { createServer as createTcpServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import WebSocket from "ws";

export const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const BINARY = process.env.SOCKHOOK_BINARY ?? join(ROOT, "build", "sockhook");
const PATIENCE_MS = 10000;

export async function freePort() {
  const server = createTcpServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  await new Promise((closed) => server.close(closed));
  return port;
}

// Polls until condition() is truthy, and returns that.
export async function eventually(condition, what = condition) {
  const deadline = Date.now() + PATIENCE_MS;
  for (;;) {
    const value = await condition();
    if (value) return value;
    if (Date.now() > deadline) throw new Error(`not within ${PATIENCE_MS} ms: ${what}`);
    await sleep(20);
  }
}

// True when a GET is answered 200 soon.
export const isUp = (url) => fetch(url, { signal: AbortSignal.timeout(2000) }).then((answer) => answer.ok, () => false);

// An HTTP backend. handle(request) gets {method, url, headers, body} and returns {status, headers, body};
// `requests` remembers them all.
export async function startBackend(handle = () => ({})) {
  const requests = [];
  const server = createServer(async (incoming, response) => {
    const request = { method: incoming.method, url: incoming.url, headers: incoming.headers, body: await buffer(incoming) };
    requests.push(request);
    const { status = 200, headers = {}, body = "" } = (await handle(request)) ?? {};
    response.writeHead(status, headers).end(body);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    requests,
    url: `http://127.0.0.1:${server.address().port}`,
    seen: (type) => requests.filter((request) => request.headers["ce-type"] === `io.sockhook.${type}`),
    async stop() {
      server.closeAllConnections();
      await new Promise((closed) => server.close(closed));
    },
  };
}

// A running node. `config` is an object (JSON is YAML) or a function from the ports to YAML text.
export class Sockhook {
  static async start(config, ports) {
    const node = new Sockhook();
    node.directory = mkdtempSync(join(tmpdir(), "sockhook-clients-"));
    node.ports = ports ?? { public: await freePort(), management: await freePort(), admin: await freePort() };
    node.file = join(node.directory, "sockhook.yaml");
    const listen = Object.fromEntries(Object.entries(node.ports).map(([name, port]) => [name, { address: `127.0.0.1:${port}` }]));
    const usual = { listen, drain: { delay: "0s", period: "100ms" }, log: { format: "json" } };
    writeFileSync(node.file, typeof config === "function" ? config(node.ports) : JSON.stringify({ ...usual, ...config }));
    await node.run();
    return node;
  }

  async run() {
    this.output = "";
    this.process = spawn(BINARY, ["run", "--config", this.file], { stdio: ["ignore", "pipe", "pipe"] });
    for (const stream of [this.process.stdout, this.process.stderr]) stream.on("data", (data) => (this.output += data));
    this.exited = once(this.process, "exit");
    await eventually(async () => {
      if (this.process.exitCode !== null) throw new Error(`sockhook exited with ${this.process.exitCode}: ${this.output}`);
      return isUp(`http://127.0.0.1:${this.ports.admin}/readyz`);
    }, "the node is ready");
  }

  get management() {
    return `http://127.0.0.1:${this.ports.management}`;
  }

  url(path) {
    return `${this.origin ?? `ws://127.0.0.1:${this.ports.public}`}${path}`;
  }

  // An open WebSocket whose frames can be awaited one by one: next() gives text as a string, binary as a Buffer.
  async connect(path, protocols = [], options = {}) {
    const socket = new WebSocket(this.url(path), protocols, options);
    const frames = [];
    const waiting = [];
    socket.on("message", (data, isBinary) => {
      const frame = isBinary ? data : data.toString();
      if (waiting.length) waiting.shift()(frame);
      else frames.push(frame);
    });
    socket.next = () =>
      frames.length
        ? Promise.resolve(frames.shift())
        : Promise.race([
            new Promise((arrived) => waiting.push(arrived)),
            sleep(PATIENCE_MS, undefined, { ref: false }).then(() => Promise.reject(new Error("no frame came"))),
          ]);
    socket.closed = new Promise((closed) => socket.on("close", (code, reason) => closed({ code, reason: reason.toString() })));
    socket.on("upgrade", (response) => (socket.response = response));
    await once(socket, "open");
    return socket;
  }

  // The response of a handshake that must be refused: {status, headers, body}.
  async refused(path, options) {
    const socket = new WebSocket(this.url(path), [], options);
    socket.on("error", () => {}); // "closed before the connection was established", from terminate()
    const [, response] = await once(socket, "unexpected-response");
    const body = (await buffer(response)).toString();
    socket.terminate();
    return { status: response.statusCode, headers: response.headers, body };
  }

  // Drains and ends the process, which run() may start again; anything but exit status 0 is a failure.
  async end() {
    this.process.kill("SIGTERM");
    const timer = setTimeout(() => this.process.kill("SIGKILL"), PATIENCE_MS);
    const [code, signal] = await this.exited;
    clearTimeout(timer);
    if (code !== 0) throw new Error(`sockhook ended with ${code ?? signal}: ${this.output}`);
  }

  async stop() {
    await this.end();
    rmSync(this.directory, { recursive: true });
  }
}

// A config with one endpoint, /chat, before this backend.
export function chatConfig(backend, endpoint = {}, rest = {}) {
  return {
    backends: { app: { url: backend.url } },
    endpoints: [
      {
        name: "chat",
        path: "/chat",
        backend: "app",
        routes: { $connect: "/connect", $disconnect: "/disconnect", $default: "/message" },
        ...endpoint,
      },
    ],
    ...rest,
  };
}

// The config of an example with its ports and its backend's replaced.
export function exampleConfig(folder, backendPort) {
  const text = readFileSync(join(ROOT, "examples", folder, "sockhook.yaml"), "utf8");
  return (ports) =>
    text
      .replaceAll("127.0.0.1:7080", `127.0.0.1:${ports.public}`)
      .replaceAll("127.0.0.1:7081", `127.0.0.1:${ports.management}`)
      .replaceAll("127.0.0.1:3000", `127.0.0.1:${backendPort}`)
      .replace("listen:\n", `listen:\n  admin: {address: "127.0.0.1:${ports.admin}"}\n`)
      .concat("drain: {delay: 0s, period: 100ms}\n");
}
