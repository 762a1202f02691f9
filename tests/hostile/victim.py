"""victim.py HOST PORT PATH FILE [CA]: an ordinary client beside an attack.

Sends a message every 4 ms and waits for its echo, until stdin ends. For each round trip FILE gets
the time at which it began (of the monotonic clock, which all processes share), what it took, and how
much longer than 4 ms the pause before it was, in seconds. The last is what the machine makes a
process wait that wants nothing of the node. Any answer but the echo, or an end of the connection, ends it with an error.
"""

import select
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "e2e"))

from support.client import RawClient  # noqa: E402

PAUSE = 0.004
PATIENCE = 60  # the slowest round trip that is still counted, not taken for the end


def main():
    host, port, path, file, *authority = sys.argv[1:]
    tls = None
    if authority:
        import ssl

        tls = ssl.create_default_context(cafile=authority[0])
    client = RawClient.open((host, int(port)), path, tls=tls, timeout=PATIENCE)
    with open(file, "w", buffering=1) as out:
        number = 0
        ended = time.monotonic()
        while not select.select([sys.stdin], [], [], PAUSE)[0]:
            number += 1
            began = time.monotonic()
            overslept = began - ended - PAUSE
            client.text(f"{number}")
            assert client.read_text() == f"{number}"
            ended = time.monotonic()
            out.write(f"{began} {ended - began} {overslept}\n")
    client.leave()


if __name__ == "__main__":
    main()
