"""A crowd in a process of its own, for more sockets than one process may have."""

import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace


class CrowdProcess:
    """Opens one member for each (group, user), and answers its pings until stop()."""

    def __init__(self, node, members):
        self.process = subprocess.Popen(
            [sys.executable, "-m", "support.crowd_process"],
            cwd=Path(__file__).parents[1],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        print(json.dumps([node.public, members]), file=self.process.stdin, flush=True)

    def members(self):
        """All of them, once they are open: each has an id."""
        return [SimpleNamespace(id=each) for each in json.loads(self.process.stdout.readline())]

    def stop(self):
        self.process.stdin.close()
        self.process.wait(30)


def main():
    from .crowd import Crowd

    address, members = json.loads(sys.stdin.readline())
    node = SimpleNamespace(public=tuple(address))
    crowd = Crowd()
    joined = [crowd.join(node, [group], user, timeout=60) for group, user in members]
    print(json.dumps([member.id for member in joined]), flush=True)
    sys.stdin.read()  # until it is closed


if __name__ == "__main__":
    main()
