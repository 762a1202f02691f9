"""Calls handler(event, context) for each event that Sockhook POSTs in `format: lambda`.

    python3 shim.py      PORT=3000, MANAGEMENT_URL=http://127.0.0.1:7081/prod
"""

import json
import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

# What Lambda's own environment would hold. Sockhook asks for no signature on loopback.
for name, value in {"AWS_DEFAULT_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local",
                    "MANAGEMENT_URL": "http://127.0.0.1:7081/prod"}.items():
    os.environ.setdefault(name, value)

from handler import handler  # noqa: E402


class Shim(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_POST(self):
        event = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        answer = json.dumps(handler(event, None)).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)


ThreadingHTTPServer(("127.0.0.1", int(os.environ.get("PORT", 3000))), Shim).serve_forever()
