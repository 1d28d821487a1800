"""Keys of JSON items: `name`, `list[]`, `object[key]`, `list[0][key]`, as in HTTPie; `[key]` begins at the top."""

from __future__ import annotations

import re
from typing import Any

from ..running import UsageError

_STEP = re.compile(r"\[((?:\\.|[^\]\\])*)\]")
MAX_INDEX = 10_000  # items of a list; a larger index is a slip


def parse_key(key: str) -> list[str | int | None]:
    r"""Return the steps of a key: str for a member, int for an item of a list, None for a new item.

    A bracket that belongs to a name is written `\[`; a name of digits in brackets is `[\1]`.

    Raises: UsageError.
    """
    name = re.match(r"(?:\\.|[^\[\\])*", key)
    assert name is not None  # it matches the empty string
    steps: list[str | int | None] = [unescape(name[0])] if name[0] else []
    position = name.end()
    while position < len(key):
        step = _STEP.match(key, position)
        if step is None:
            raise UsageError(f"the key {key!r} has a [ without ]; write \\[ for a bracket in a name")
        text = step[1]
        steps.append(None if not text else int(text) if text.isdigit() else unescape(text))
        position = step.end()
    return steps or [""]


def unescape(text: str) -> str:
    r"""Return a name without its escapes: `\[`, `\]`, `\\`, and `\` before a digit."""
    return re.sub(r"\\([\[\]\\0-9])", r"\1", text)


def set_value(root: Any, key: str, value: Any) -> Any:
    """Set the value at a key of a JSON object, and return the object; root: None = nothing is there yet.

    Raises: UsageError, where the key does not fit what earlier items have made.
    """
    steps = parse_key(key)
    holder: list[Any] = [root]
    place: Any = holder
    where: Any = 0
    for step in steps:
        kind: type[Any] = dict if isinstance(step, str) else list
        if place[where] is None:
            place[where] = kind()
        inner = place[where]
        if not isinstance(inner, kind):
            raise UsageError(f"{key}: an earlier item has made it {in_words(inner)}, not {in_words(kind())}")
        place, where = inner, step
        if isinstance(place, list):
            where = extend(place, step, key)
        else:
            place.setdefault(where, None)
    place[where] = value
    return holder[0]


def extend(items: list[Any], step: Any, key: str) -> int:
    """Make room in a list for an item, and return its index; step: None = behind the last.

    Raises: UsageError.
    """
    index = len(items) if step is None else int(step)
    if index > MAX_INDEX:
        raise UsageError(f"{key}: the index is above {MAX_INDEX}")
    items.extend([None] * (index + 1 - len(items)))
    return index


def in_words(value: Any) -> str:
    """Return what a JSON value is."""
    return "an object" if isinstance(value, dict) else "a list" if isinstance(value, list) else "a plain value"
