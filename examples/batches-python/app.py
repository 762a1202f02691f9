"""Readings of many sensors behind Sockhook: one transaction for each batch, not for each message.

Sensors send {"celsius": 21.5}. What came while the last batch was being written comes together as the
next one, so the slower the disk, the larger the batches. The event's id is the key of its row: if the
route had a `retry`, an event that came twice would be written once.

    python3 app.py      PORT=3000, TABLE_FILE=readings.db
"""

import json
import os
import sqlite3
from http.server import BaseHTTPRequestHandler, HTTPServer

TABLE = sqlite3.connect(os.environ.get("TABLE_FILE", "readings.db"))
TABLE.execute("CREATE TABLE IF NOT EXISTS readings (id TEXT PRIMARY KEY, sensor TEXT, time TEXT, celsius REAL)")


def row_of(event):
    """A client may send anything: what is no reading is refused, and the others of its batch are not."""
    message = event.get("data")
    celsius = message.get("celsius") if isinstance(message, dict) else None
    if not isinstance(celsius, (int, float)):
        return None
    return event["id"], event["connectionid"], event["time"], celsius


def write(events):
    """An answer for each event, which Sockhook gives to the client that sent it."""
    rows = {event["id"]: row_of(event) for event in events}
    with TABLE:  # one transaction
        TABLE.executemany("INSERT OR IGNORE INTO readings VALUES (?, ?, ?, ?)", filter(None, rows.values()))
    return [{"id": id, "status": 204} if row else {"id": id, "status": 400, "body": "no reading"}
            for id, row in rows.items()]


class Readings(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"  # keep-alive
    disable_nagle_algorithm = True

    def do_POST(self):
        events = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        body = json.dumps(write(events)).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


if __name__ == "__main__":
    HTTPServer(("127.0.0.1", int(os.environ.get("PORT", 3000))), Readings).serve_forever()
