"""Config files for the tests: a dict is merged over a small default and written as YAML."""

import json
import re

PLAIN = re.compile(r"(?!(true|false|null|yes|no|~)$)[A-Za-z][A-Za-z0-9_./-]*|[0-9]+[a-zA-Z%]+")


def merge(base, changes):
    """`changes` over `base`, maps deeply; a value of None removes the key."""
    if not isinstance(base, dict) or not isinstance(changes, dict):
        return changes
    merged = dict(base)
    for key, value in changes.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = merge(merged.get(key), value)
    return merged


def scalar(value):
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str) and PLAIN.fullmatch(value):
        return value  # off, 250ms, 1MiB: as people write them
    return json.dumps(value, ensure_ascii=False)  # quoted strings, numbers, [], {}


def to_yaml(value, indent=""):
    """Block YAML of dicts, lists and scalars."""
    if isinstance(value, dict) and value:
        return "".join(
            entry(indent + scalar(key) + ":", item, indent) for key, item in value.items()
        )
    if isinstance(value, list) and value:
        return "".join(entry(indent + "-", item, indent) for item in value)
    raise TypeError(value)


def entry(head, value, indent):
    if isinstance(value, (dict, list)) and value:
        return head + "\n" + to_yaml(value, indent + "  ")
    return f"{head} {scalar(value)}\n"
