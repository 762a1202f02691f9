#!/usr/bin/env python3
"""Which test holds which sentence: prints docs/promises.md from the tests' @promise marks.

promises.py                     prints it
promises.py --write             writes docs/promises.md
promises.py --contract FILE     lists quotations that FILE does not contain word for word
"""

import argparse
import ast
import re
import sys
from pathlib import Path

TESTS = Path(__file__).resolve().parent
PAGE = TESTS.parents[1] / "docs" / "promises.md"
HEAD = """# Promises and their tests

Each sentence of the contract that can fail, and the end-to-end test that holds the binary to it.
Written by `tests/e2e/promises.py --write`; do not edit.

| section | promise | test |
|---|---|---|
"""


def promises():
    """(section, sentence, file, test) of every mark, sorted by section and place."""
    found = []
    files = [*TESTS.glob("test_*.py")]
    for folder in ("chaos", "drain"):
        files += TESTS.parent.glob(f"{folder}/test_*.py")
    for file in sorted(files, key=lambda file: file.name):
        module = ast.parse(file.read_text())
        names = constants(module)
        tests = [n for n in ast.walk(module) if isinstance(n, ast.FunctionDef)]
        for test in tests:
            for mark in test.decorator_list:
                if isinstance(mark, ast.Call) and getattr(mark.func, "id", "") == "promise":
                    section, sentence = (text_of(argument, names) for argument in mark.args)
                    found.append((section, sentence, file.name, test.name))
    return sorted(found, key=lambda row: [int(part) for part in row[0].split(".")])


def constants(module):
    """The texts that a module gives names to: sentences that several of its tests check."""
    given = [node for node in module.body if isinstance(node, ast.Assign)]
    return {node.targets[0].id: node.value for node in given if isinstance(node.targets[0], ast.Name)}


def text_of(argument, names):
    return ast.literal_eval(names[argument.id] if isinstance(argument, ast.Name) else argument)


def page():
    rows = [
        f"| {section} | {escape(sentence)} | `{file}::{test}` |\n"
        for section, sentence, file, test in promises()
    ]
    return HEAD + "".join(rows)


def escape(text):
    return text.replace("|", "\\|")


def plain(text):
    return re.sub(r"\s+", " ", text.replace("**", "").replace("`", ""))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--contract", type=Path)
    options = parser.parse_args()
    if options.write:
        PAGE.write_text(page())
    elif options.contract:
        contract = plain(options.contract.read_text())
        wrong = [row for row in promises() if plain(row[1]) not in contract]
        for section, sentence, file, test in wrong:
            print(f"{file}::{test}: not in the contract: {section} {sentence!r}")
        return 1 if wrong else 0
    else:
        sys.stdout.write(page())
    return 0


if __name__ == "__main__":
    sys.exit(main())
