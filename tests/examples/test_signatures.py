"""The functions of docs/signatures.md that verify webhooks, as the page shows them, held against real ones."""

import base64
import hashlib
import hmac
import json
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
from support.backend import FakeBackend
from support.sockhook import Sockhook, endpoint

PAGE = Path(__file__).resolve().parents[2] / "docs" / "signatures.md"
OLD, NEW, FOREIGN = ("whsec_" + base64.b64encode(key * 8).decode() for key in (b"old!", b"new!", b"who?"))

# Each reads a list of {"secrets", "headers", "body" in base64} and writes a list of what it finds.
PYTHON = """
import json, sys
print(json.dumps([is_genuine(c["secrets"], c["headers"], base64.b64decode(c["body"])) for c in json.load(sys.stdin)]))
"""
NODE = """
import { readFileSync } from "node:fs";
const cases = JSON.parse(readFileSync(0));
console.log(JSON.stringify(cases.map((c) => isGenuine(c.secrets, c.headers, Buffer.from(c.body, "base64")))));
"""
GO = """
package main

import (
	"encoding/json"
	"net/http"
	"os"
	"time"
)

func main() {
	var cases []struct {
		Secrets []string
		Headers map[string]string
		Body    []byte
	}
	if err := json.NewDecoder(os.Stdin).Decode(&cases); err != nil {
		panic(err)
	}
	found := []bool{}
	for _, c := range cases {
		headers := http.Header{}
		for name, value := range c.Headers {
			headers.Set(name, value)
		}
		found = append(found, IsGenuine(c.Secrets, headers, c.Body, 5*time.Minute))
	}
	json.NewEncoder(os.Stdout).Encode(found)
}
"""


def shown(language):
    (code,) = re.findall(rf"```{language}\n(.*?)```", PAGE.read_text(), re.S)
    return code


def python(directory):
    (directory / "verify.py").write_text(shown("python") + PYTHON)
    return [sys.executable, "verify.py"]


def node(directory):
    (directory / "verify.mjs").write_text(shown("js") + NODE)
    return ["node", "verify.mjs"]


def go(directory):
    (directory / "verify.go").write_text(shown("go").replace("package webhooks", "package main"))
    (directory / "main.go").write_text(GO)
    return ["go", "run", "main.go", "verify.go"]


@pytest.fixture(scope="module")
def webhooks(tmp_path_factory):
    """Real ones, signed with both secrets."""
    backend = FakeBackend()
    settings = {"backends": {"app": {"url": backend.url}}, "endpoints": [endpoint()], "signing": {"secrets": [NEW, OLD]}}
    proxy = Sockhook(tmp_path_factory.mktemp("signed"), settings)
    client = proxy.connect()
    client.text('{"text": "Grüße"}')
    client.binary(bytes(range(256)))
    client.leave()
    requests = backend.wait(4)
    proxy.stop_and_check()
    backend.stop()
    return [{"headers": {name: request[name] for name in ("webhook-id", "webhook-timestamp", "webhook-signature")},
             "body": request.body} for request in requests]


def signed(webhook, **changes):
    """The same with other headers, and a signature that fits them."""
    headers = {**webhook["headers"], **changes}
    text = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + webhook["body"]
    digest = hmac.digest(base64.b64decode(NEW.removeprefix("whsec_")), text, hashlib.sha256)
    return {**webhook, "headers": {**headers, "webhook-signature": "v1," + base64.b64encode(digest).decode()}}


def with_header(webhook, name, value):
    headers = {key: text for key, text in {**webhook["headers"], name: value}.items() if text is not None}
    return {**webhook, "headers": headers}


def cases(webhooks):
    """(what, webhook, secrets, whether it is genuine)."""
    message = webhooks[1]
    now = int(time.time())
    for number, webhook in enumerate(webhooks):
        for secrets in ([NEW], [OLD], [FOREIGN, OLD]):
            yield f"webhook {number}", webhook, secrets, True
        yield f"webhook {number} by a foreign secret", webhook, [FOREIGN], False
        yield f"webhook {number} by none", webhook, [], False
    yield "another body", {**message, "body": message["body"] + b" "}, [NEW], False
    yield "another id", with_header(message, "webhook-id", "another"), [NEW], False
    for header in message["headers"]:
        yield f"no {header}", with_header(message, header, None), [NEW], False
        yield f"an empty {header}", with_header(message, header, ""), [NEW], False
    signature = message["headers"]["webhook-signature"].split(" ")[0]
    for wrong in (signature[:-1], signature + "=", signature.replace("v1,", "v2,"), signature[3:], "v1,é"):
        yield f"the signature {wrong}", with_header(message, "webhook-signature", wrong), [NEW], False
    for age, fine in ((0, True), (240, True), (-240, True), (400, False), (-400, False), (10**9, False)):
        yield f"{age} s old", signed(message, **{"webhook-timestamp": str(now - age)}), [NEW], fine
    for wrong in ("soon", "-1", f"{now}.5", "9" * 30):
        yield f"the time {wrong}", signed(message, **{"webhook-timestamp": wrong}), [NEW], False


@pytest.mark.parametrize("language", [python, node, go], ids=lambda language: language.__name__)
def test_the_code_that_is_shown_accepts_ours_and_no_other(language, webhooks, tmp_path):
    asked = list(cases(webhooks))
    question = json.dumps([{**webhook, "body": base64.b64encode(webhook["body"]).decode(), "secrets": secrets}
                           for _, webhook, secrets, _ in asked])
    run = subprocess.run(language(tmp_path), cwd=tmp_path, input=question, capture_output=True, text=True, timeout=120)
    assert run.returncode == 0, run.stderr
    found = json.loads(run.stdout)
    wrong = [what for (what, _, _, genuine), answer in zip(asked, found, strict=True) if answer != genuine]
    assert not wrong
