// Two pages of a real browser chat through the demo: Chromium, the Python backend, the real binary.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { chromium } from "playwright-core";
import { eventually, exampleConfig, freePort, isUp, ROOT, Sockhook } from "./support.mjs";

const FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];
const CHROMIUM = process.env.CHROMIUM ?? "/usr/bin/chromium";

let browser, node, backend, backendPort;

before(async () => {
  backendPort = await freePort();
  node = await Sockhook.start(exampleConfig("chat-python", backendPort));
  await startBackend();
  browser = await chromium.launch({ executablePath: CHROMIUM, args: FLAGS });
});

after(async () => {
  await browser?.close();
  await node?.stop();
  await stopBackend();
});

async function startBackend() {
  backend = spawn("/usr/bin/python3", [join(ROOT, "examples", "chat-python", "app.py")], {
    env: { ...process.env, PORT: backendPort, SOCKHOOK: node.management },
    stdio: "ignore",
  });
  await eventually(() => isUp(`http://127.0.0.1:${backendPort}/`), "the backend listens");
}

async function stopBackend() {
  if (!backend) return;
  const exited = once(backend, "exit");
  backend.kill("SIGKILL");
  await exited;
}

// A tab of its own person, inside the room.
async function enter(name, room = "lobby", options = {}) {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  page.mistakes = [];
  page.on("pageerror", (error) => page.mistakes.push(error));
  await page.goto(node.url("/").replace("ws", "http"));
  await page.getByLabel("Your name").fill(name);
  await page.getByLabel("Room").fill(room);
  await page.getByRole("button", { name: "Join" }).click();
  await page.getByText("You joined").waitFor();
  return page;
}

async function say(page, text) {
  await page.getByPlaceholder("Message").fill(text);
  await page.getByRole("button", { name: "Send" }).click();
}

const heard = (page, text) => page.locator(".message:not(.waiting)", { hasText: text }).waitFor();
const members = (page) => page.locator("#members li").allTextContents();

async function leave(...pages) {
  for (const page of pages) {
    assert.deepEqual(page.mistakes, []);
    await page.context().close();
  }
}

// SCREENSHOTS=folder keeps a picture of each scene, for people.
async function picture(page, name) {
  if (process.env.SCREENSHOTS) await page.screenshot({ path: join(process.env.SCREENSHOTS, `${name}.png`) });
}

test("two people chat, and see who is there", async () => {
  const ann = await enter("Ann");
  const bob = await enter("Bob", "lobby", { colorScheme: "dark", viewport: { width: 400, height: 760 } });
  await ann.getByText("Bob joined").waitFor();
  assert.deepEqual((await members(ann)).sort(), ["Ann", "Bob"]);
  assert.deepEqual((await members(bob)).sort(), ["Ann", "Bob"]);

  await say(ann, "hello, Bob <b>&amp;</b>");
  await heard(bob, "hello, Bob <b>&amp;</b>");
  await heard(ann, "hello, Bob <b>&amp;</b>");
  await say(bob, "hello, Ann");
  await heard(ann, "hello, Ann");
  await picture(ann, "chat-light");
  await picture(bob, "chat-dark-narrow");

  await bob.getByRole("button", { name: "Leave" }).click();
  await ann.getByText("Bob left").waitFor();
  assert.deepEqual(await members(ann), ["Ann"]);
  await picture(bob, "entrance-dark-narrow");
  await leave(ann, bob);
});

test("what is typed while the backend is away arrives when it is back, in order", async () => {
  const ann = await enter("Ann", "restart");
  const bob = await enter("Bob", "restart");
  await stopBackend();
  await say(ann, "first, into the void");
  await say(ann, "second");
  await ann.getByText("Internal server error, trying again").waitFor();
  await picture(ann, "backend-away");
  await startBackend();
  await heard(bob, "second");
  assert.deepEqual(await bob.locator(".message").allTextContents(), ["Annfirst, into the void", "Annsecond"]);
  await heard(ann, "second");
  await ann.getByText("connected", { exact: true }).waitFor();
  await leave(ann, bob);
});

test("pages come back by themselves after a restart of the proxy", async () => {
  const ann = await enter("Ann", "reconnect");
  const bob = await enter("Bob", "reconnect");
  await node.end();
  await ann.getByText("connection lost").waitFor();
  await say(ann, "is anybody here?");
  await node.run();
  await heard(ann, "is anybody here?"); // typed without a connection, sent with the next one
  await eventually(async () => (await members(ann)).length === 2, "both are back");
  await say(ann, "welcome back");
  await heard(bob, "welcome back");
  await leave(ann, bob);
});

test("a closed tab leaves the room", async () => {
  const ann = await enter("Ann", "tabs");
  const bob = await enter("Bob", "tabs");
  await leave(bob);
  await ann.getByText("Bob left").waitFor();
  await leave(ann);
});
