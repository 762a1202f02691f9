// The same library over TLS, with a client certificate.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { chatConfig, Sockhook, startBackend } from "./support.mjs";

let backend, node, directory, own;

// A key and a certificate that signs itself: its own authority.
function makeCertificate(name, ...more) {
  const [key, certificate] = ["key", "crt"].map((kind) => join(directory, `${name}.${kind}`));
  const curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-x509", "-days", "2"];
  execFileSync("openssl", ["req", ...curve, "-subj", `/CN=${name}`, "-keyout", key, "-out", certificate, ...more], { stdio: "ignore" });
  return { key, certificate };
}

before(async () => {
  directory = mkdtempSync(join(tmpdir(), "sockhook-wss-"));
  const server = makeCertificate("localhost", "-addext", "subjectAltName=DNS:localhost");
  const client = makeCertificate("Ann");
  own = { ca: readFileSync(server.certificate), cert: readFileSync(client.certificate), key: readFileSync(client.key) };
  backend = await startBackend(({ url, headers, body }) => {
    if (url === "/message") return { headers: { "Content-Type": headers["content-type"] }, body };
  });
  node = await Sockhook.start(({ public: port, management, admin }) =>
    JSON.stringify({
      ...chatConfig(backend),
      listen: {
        public: { address: `127.0.0.1:${port}`, tls: { ...server, client_ca: client.certificate } },
        management: { address: `127.0.0.1:${management}` },
        admin: { address: `127.0.0.1:${admin}` },
      },
      drain: { delay: "0s", period: "100ms" },
    }),
  );
  node.origin = `wss://localhost:${node.ports.public}`;
});

after(async () => {
  await node.stop();
  await backend.stop();
  rmSync(directory, { recursive: true });
});

test("messages of any size come back, and the backend knows the client", async () => {
  const socket = await node.connect("/chat", [], own);
  assert.equal(backend.requests[0].headers["sockhook-client-subject"], "CN=Ann");
  for (const size of [1, 16384, 16385, 120000]) {
    const message = Buffer.alloc(size, size % 251);
    socket.send(message);
    assert.deepEqual(await socket.next(), message);
  }
  socket.close(1000);
  assert.equal((await socket.closed).code, 1000);
});

test("many clients at once", async () => {
  const sockets = await Promise.all(Array.from({ length: 50 }, () => node.connect("/chat", [], own)));
  for (const [i, socket] of sockets.entries()) socket.send(`from ${i}`);
  for (const [i, socket] of sockets.entries()) assert.equal(await socket.next(), `from ${i}`);
  for (const socket of sockets) socket.close();
});

test("without the certificate there is no handshake", async () => {
  await assert.rejects(node.connect("/chat", [], { ca: own.ca }));
});
