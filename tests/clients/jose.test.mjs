// Tokens minted by an independent library, npm `jose`: every algorithm, and every forgery.

import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { base64url, CompactEncrypt, CompactSign, exportJWK, exportSPKI, generateKeyPair, SignJWT, UnsecuredJWT } from "jose";
import { chatConfig, eventually, Sockhook, startBackend } from "./support.mjs";

const SECRET = "a secret of sixty-four bytes, as long as HS512 asks for: 0123456";
const HMAC = ["HS256", "HS384", "HS512"];
const RSA = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"];
const ALGORITHMS = [...HMAC, ...RSA, "ES256", "ES384", "EdDSA"];
const ISSUER = "https://login.example.com";
const AUDIENCE = "chat";

let backend, issuer, node, directory;
const signers = {}; // by algorithm: what jose signs with
const texts = {}; // what stands under `keys`

async function makeKeys(algorithm) {
  if (algorithm.startsWith("HS")) {
    signers[algorithm] = new TextEncoder().encode(SECRET);
    texts[algorithm] = SECRET;
    return { kty: "oct", k: base64url.encode(SECRET), kid: algorithm, alg: algorithm };
  }
  const { privateKey, publicKey } = await generateKeyPair(algorithm);
  signers[algorithm] = privateKey;
  texts[algorithm] = await exportSPKI(publicKey);
  return { ...(await exportJWK(publicKey)), kid: algorithm, alg: algorithm, use: "sig" };
}

before(async () => {
  const jwks = JSON.stringify({ keys: await Promise.all(ALGORITHMS.map(makeKeys)) });
  directory = mkdtempSync(join(tmpdir(), "sockhook-jose-"));
  const jwks_file = join(directory, "jwks.json");
  writeFileSync(jwks_file, jwks);
  issuer = await startBackend(() => ({ headers: { "Content-Type": "application/jwk-set+json" }, body: jwks }));
  backend = await startBackend();
  const config = chatConfig(backend);
  const [chat] = config.endpoints;
  const asking = (name, rules) => ({
    ...chat,
    name,
    path: `/${name}`,
    auth: { jwt: { issuer: ISSUER, audience: AUDIENCE, ...rules } },
  });
  config.endpoints = [
    ...ALGORITHMS.map((name) => asking(name, { keys: [texts[name]], algorithms: [name] })),
    asking("all", { jwks_file, algorithms: ALGORITHMS }),
    asking("url", { jwks_url: `${issuer.url}/jwks.json`, algorithms: ALGORITHMS }),
    asking("confused", { keys: [texts.RS256], algorithms: ["RS256", ...HMAC] }),
  ];
  node = await Sockhook.start(config);
});

after(async () => {
  await node.stop();
  await backend.stop();
  await issuer.stop();
  rmSync(directory, { recursive: true });
});

const now = () => Math.floor(Date.now() / 1000);

function claims(more = {}) {
  return { sub: "ada", iss: ISSUER, aud: AUDIENCE, exp: now() + 600, ...more };
}

function mint(algorithm, { payload = claims(), header = {}, key = signers[algorithm] } = {}) {
  return new SignJWT(payload).setProtectedHeader({ alg: algorithm, kid: algorithm, ...header }).sign(key);
}

const show = (token) => ({ headers: { Authorization: `Bearer ${token}` } });

async function isLetIn(path, token) {
  const seen = backend.requests.length;
  const socket = await node.connect(path, [], show(token));
  const connect = backend.requests.slice(seen).find((request) => request.url === "/connect");
  assert.equal(connect.headers["ce-userid"], "ada");
  socket.terminate();
}

async function isRefused(path, token, why) {
  const asked = backend.seen("connect").length;
  const { status, headers } = await node.refused(path, show(token));
  assert.equal(status, 401);
  assert.match(headers["www-authenticate"], /^Bearer error="invalid_token", error_description="[^"]+"$/);
  if (why) assert.ok(headers["www-authenticate"].includes(why), headers["www-authenticate"]);
  assert.equal(backend.seen("connect").length, asked, "the backend is not asked");
}

for (const algorithm of ALGORITHMS) {
  test(`${algorithm}: what jose signs is let in`, async () => {
    const token = await mint(algorithm);
    await isLetIn(`/${algorithm}`, token);
    await isLetIn("/all", token);
    await isLetIn("/all", await mint(algorithm, { header: { kid: undefined } }));
  });

  test(`${algorithm}: another key's signature is refused`, async () => {
    const key = algorithm.startsWith("HS")
      ? new TextEncoder().encode(SECRET.toUpperCase())
      : (await generateKeyPair(algorithm)).privateKey;
    const forged = await mint(algorithm, { key });
    await isRefused(`/${algorithm}`, forged, "the signature is wrong");
    await isRefused("/all", forged, "the signature is wrong");
  });

  test(`${algorithm}: is refused where only others are allowed`, async () => {
    const token = await mint(algorithm);
    for (const other of ALGORITHMS) {
      if (other !== algorithm) await isRefused(`/${other}`, token, "the algorithm is not allowed");
    }
  });

  test(`${algorithm}: a changed claim, header or signature is refused`, async () => {
    const [head, body, signature] = (await mint(algorithm)).split(".");
    const root = base64url.encode(JSON.stringify(claims({ sub: "root" })));
    await isRefused("/all", `${head}.${root}.${signature}`, "the signature is wrong");
    const flipped = (signature[5] === "A" ? "B" : "A") + signature.slice(6);
    await isRefused("/all", `${head}.${body}.${signature.slice(0, 5)}${flipped}`, "the signature is wrong");
    for (const alg of ALGORITHMS) {
      if (alg === algorithm) continue;
      const other = base64url.encode(JSON.stringify({ alg, kid: algorithm }));
      await isRefused("/all", `${other}.${body}.${signature}`);
    }
  });
}

test("none, however it is written", async () => {
  await isRefused("/all", new UnsecuredJWT(claims()).encode(), "the algorithm is not allowed");
  const [, body, signature] = (await mint("RS256")).split(".");
  for (const alg of ["none", "None", "NONE", "nOnE", ""]) {
    const head = base64url.encode(JSON.stringify({ alg }));
    await isRefused("/all", `${head}.${body}.`, "the algorithm is not allowed");
    await isRefused("/all", `${head}.${body}.${signature}`, "the algorithm is not allowed");
  }
  await isRefused("/all", `${base64url.encode("{}")}.${body}.`, "malformed");
});

test("a public key is never taken for a secret", async () => {
  await isLetIn("/confused", await mint("RS256"));
  for (const alg of HMAC) {
    for (const text of [texts.RS256, texts.RS256.trim(), `${texts.RS256}\n`]) {
      const forged = await mint(alg, { key: new TextEncoder().encode(text), header: { kid: "RS256" } });
      await isRefused("/confused", forged, "the key is not known");
      await isRefused("/all", forged, "the key is not known");
    }
  }
});

test("a key that the token brings along is not looked at", async () => {
  const { privateKey, publicKey } = await generateKeyPair("ES256");
  const jwk = await exportJWK(publicKey);
  const header = { jwk, jku: `${backend.url}/evil`, x5u: `${backend.url}/evil` };
  await isRefused("/all", await mint("ES256", { key: privateKey, header }), "the signature is wrong");
  assert.ok(!backend.requests.some((request) => request.url === "/evil"));
});

test("a wrong kid", async () => {
  await isRefused("/all", await mint("PS256", { header: { kid: "RS256" } }), "the key is not known");
  await isRefused("/all", await mint("ES256", { header: { kid: "nobody's" } }), "the key is not known");
  await isRefused("/all", await mint("HS256", { header: { kid: "../../etc/passwd" } }), "the key is not known");
});

test("time, issuer and audience", async () => {
  const refused = [
    [{ exp: now() - 31 }, "expired"],
    [{ exp: undefined }, "expired"],
    [{ exp: "tomorrow" }, "expired"],
    [{ nbf: now() + 60 }, "not valid yet"],
    [{ nbf: "yesterday" }, "not valid yet"],
    [{ iss: "https://evil.example.com" }, "issuer"],
    [{ iss: undefined }, "issuer"],
    [{ iss: [ISSUER] }, "issuer"],
    [{ aud: "other" }, "audience"],
    [{ aud: ["other", "another"] }, "audience"],
    [{ aud: undefined }, "audience"],
  ];
  for (const [more, why] of refused) {
    // By hand: jose signs no nonsense.
    const head = { alg: "HS256", kid: "HS256" };
    const text = new TextEncoder().encode(JSON.stringify(claims(more)));
    const token = await new CompactSign(text).setProtectedHeader(head).sign(signers.HS256);
    await isRefused("/all", token, why);
  }
  for (const more of [{ exp: now() - 15 }, { nbf: now() + 15 }, { aud: ["other", AUDIENCE] }]) {
    await isLetIn("/all", await mint("ES384", { payload: claims(more) }));
  }
});

test("truncated tokens", async () => {
  const token = await mint("EdDSA");
  for (let cut = 1; cut < token.length; cut += 7) await isRefused("/EdDSA", token.slice(0, -cut));
  const [head, body, signature] = token.split(".");
  for (const parts of [[head], [head, body], [head, body, ""], ["", body, signature], [head, "", signature]]) {
    await isRefused("/EdDSA", parts.join("."));
  }
  await isRefused("/EdDSA", `${token}.${token}`);
  await isRefused("/EdDSA", `${token}=`);
});

test("oversized tokens", async () => {
  await isLetIn("/all", await mint("HS256", { payload: claims({ more: "x".repeat(3900) }) }));
  await isRefused("/all", await mint("HS256", { payload: claims({ more: "x".repeat(4096) }) }), "over 4 KiB");
  await isRefused("/all", await mint("HS256", { payload: claims({ more: "x".repeat(7000) }) }), "malformed");
  const { status } = await node.refused("/all", show("x".repeat(20000)));
  assert.equal(status, 431);
});

test("encrypted tokens and critical extensions", async () => {
  const key = new TextEncoder().encode(SECRET.slice(0, 32));
  const text = new TextEncoder().encode(JSON.stringify(claims()));
  const encrypted = await new CompactEncrypt(text).setProtectedHeader({ alg: "dir", enc: "A256GCM" }).encrypt(key);
  await isRefused("/all", encrypted, "malformed");
  const unencoded = await new CompactSign(text)
    .setProtectedHeader({ alg: "HS256", kid: "HS256", b64: true, crit: ["b64"] })
    .sign(signers.HS256);
  await isRefused("/all", unencoded, "malformed");
});

test("with the JWKS down, known keys go on", async () => {
  await eventually(() => issuer.requests.length > 0, "the set is fetched");
  await isLetIn("/url", await mint("RS512"));
  await issuer.stop();
  await isLetIn("/url", await mint("PS384"));
  await isRefused("/url", await mint("PS384", { header: { kid: "rotated" } }), "the key is not known");
  await isLetIn("/url", await mint("ES256"));
});
