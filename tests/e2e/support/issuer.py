"""An issuer of tokens: a JWK Set of secrets, in a file or behind a URL, and tokens signed with them.

Which algorithm signs does not matter to where keys come from, so it is HS256, which Python has.
"""

import base64
import hashlib
import hmac
import json
import os
import time

from .backend import FakeBackend, answer

PATH = "/jwks.json"


def base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def secret_of(kid):
    return hashlib.sha256(f"the secret called {kid}".encode()).digest()


def jwks(*kids):
    """The text of a set with these keys."""
    keys = [{"kty": "oct", "kid": kid, "k": base64url(secret_of(kid))} for kid in kids]
    return json.dumps({"keys": keys})


def token(kid, **claims):
    """Signed by the key called `kid`, good for an hour."""
    header = {"alg": "HS256", "kid": kid}
    claims = {"sub": "alice", "exp": int(time.time()) + 3600, **claims}
    text = ".".join(base64url(json.dumps(part).encode()) for part in (header, claims))
    signature = hmac.new(secret_of(kid), text.encode(), hashlib.sha256).digest()
    return f"{text}.{base64url(signature)}"


def bearing(kid, **claims):
    """The headers of a handshake with such a token."""
    return {"Authorization": f"Bearer {token(kid, **claims)}"}


def jwt(**source):
    """An endpoint's `auth`; the source is keys, jwks_file or jwks_url."""
    return {"jwt": {"algorithms": ["HS256"], **source}}


def publish(file, text):
    """Replaces a file in one step."""
    fresh = file.with_name(file.name + ".new")
    fresh.write_text(text)
    os.rename(fresh, file)


class Issuer(FakeBackend):
    """Serves a JWK Set, or whatever else a test wants, at PATH."""

    def __init__(self, *kids, tls=None):
        super().__init__(tls=tls)
        self.publish(*kids)

    @property
    def jwks_url(self):
        return self.url.replace("127.0.0.1", "localhost") + PATH

    def publish(self, *kids):
        self.serve(answer(200, jwks(*kids), content_type="application/jwk-set+json"))

    def serve(self, script):
        self.on(PATH, script)

    def fetches(self):
        return len(self.seen(path=PATH))
