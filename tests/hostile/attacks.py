"""attacks.py NAME HOST PORT [CA] [OPTION=NUMBER...]: one attack, until stdin ends.

Prints a line when it is under way, and one at its end: how much of it there was.
"""

import json
import os
import sys

import attacks_on_frames  # noqa: F401
import attacks_on_handshakes  # noqa: F401
from attacker import ATTACKS, Attacker


def main():
    name, host, port, *rest = sys.argv[1:]
    options = dict(word.split("=") for word in rest if "=" in word)
    authority = next((word for word in rest if "=" not in word), None)
    os.nice(19)
    attacker = Attacker((host, int(port)), authority)
    ended = ATTACKS[name](attacker, **{key: int(value) for key, value in options.items()})
    print(json.dumps({"done": attacker.done, "ended": ended}), flush=True)


if __name__ == "__main__":
    main()
