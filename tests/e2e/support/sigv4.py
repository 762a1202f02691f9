"""AWS Signature Version 4 by hand, so that a test can get any part of it wrong."""

import hashlib
import hmac
import time
from urllib.parse import quote, urlencode

ALGORITHM = "AWS4-HMAC-SHA256"


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def stamp(at):
    return time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(at))


class Signer:
    """Signs requests of one key; `at`: what its clock says, in seconds from now."""

    def __init__(self, host, key, secret, at=0, service="execute-api", region="eu-west-1"):
        self.host = host
        self.key = key
        self.secret = secret
        self.time = stamp(time.time() + at)
        self.scope = [self.time[:8], region, service, "aws4_request"]

    def _signature(self, method, path, query, headers, payload_hash):
        names = ";".join(sorted(headers))
        canonical = "\n".join(
            [
                method,
                quote(path, safe="/-_.~"),  # once more: what is encoded already has a % in it
                query,
                *(f"{name}:{headers[name]}" for name in sorted(headers)),
                "",
                names,
                payload_hash,
            ]
        )
        text = "\n".join([ALGORITHM, self.time, "/".join(self.scope), sha256(canonical.encode())])
        key = f"AWS4{self.secret}".encode()
        for part in self.scope:
            key = hmac.digest(key, part.encode(), "sha256")
        return hmac.new(key, text.encode(), "sha256").hexdigest()

    def headers(self, method, path, body=b"", declared=None, **more):
        """Of a signed request; `declared` is its x-amz-content-sha256, `more` is signed too."""
        body = body.encode() if isinstance(body, str) else body
        signed = {"host": self.host, "x-amz-date": self.time, **more}
        if declared is not None:
            signed["x-amz-content-sha256"] = declared
        signature = self._signature(method, path, "", signed, declared or sha256(body))
        fields = {name: value for name, value in signed.items() if name != "host"}
        fields["Authorization"] = (
            f"{ALGORITHM} Credential={self.key}/{'/'.join(self.scope)}, "
            f"SignedHeaders={';'.join(sorted(signed))}, Signature={signature}"
        )
        return fields

    def presigned(self, method, path, body=b"", expires=60):
        """The target of a presigned request."""
        query = {
            "X-Amz-Algorithm": ALGORITHM,
            "X-Amz-Credential": f"{self.key}/{'/'.join(self.scope)}",
            "X-Amz-Date": self.time,
            "X-Amz-Expires": str(expires),
            "X-Amz-SignedHeaders": "host",
        }
        text = urlencode(sorted(query.items()), quote_via=quote, safe="-_.~")
        signature = self._signature(method, path, text, {"host": self.host}, sha256(body))
        return f"{path}?{text}&X-Amz-Signature={signature}"
