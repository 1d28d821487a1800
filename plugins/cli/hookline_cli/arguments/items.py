"""Request items, as in HTTPie: `Header:Value`, `q==1`, `field=x`, `n:=1`, `file@path`, `@file` and the forms with a file."""

# Without `from __future__ import annotations`, with which NamedTuple would compile the text of each one: 0.1 ms a class.

import sys
from pathlib import Path
from typing import Any, NamedTuple

from ..running import UsageError

# The longest first, since several may begin at one place.
SEPARATORS = (":=@", "==@", ":=", "==", "=@", ":@", "=", "@", ":", ";")
EXPLANATION = """\
  Name:Value   a header field; 'Name:' removes a default, 'Name;' is empty
  name==value  a parameter of the URL
  name=value   a field of the JSON object, or of the form with --form
  name:=json   a field of the JSON object that is not text: 1, true, null, [1, 2]
  obj[key]=x   a member of an object in it; list[]=x adds an item
  name@path    a file of a form; path;type=text/csv states its type
  @path        the file as the body; @- is standard input
  =@ :=@ ==@ :@  the same with the value from a file
  \\:           a separator that belongs to the name"""


class Item(NamedTuple):
    """One item, split at its separator. The name is without escapes of separators."""

    name: str
    separator: str
    value: str


class Items:
    """What all items say.

    headers: values of None remove a field. fields: names with values for JSON; those of forms are str. files: the name of
    the field, the path and the type, None = guessed. body: the path of the body, None = none.
    """

    def __init__(self) -> None:
        self.headers: list[tuple[str, str | None]] = []
        self.params: list[tuple[str, str]] = []
        self.fields: list[tuple[str, Any]] = []
        self.files: list[tuple[str, str, str | None]] = []
        self.body: str | None = None

    def as_json(self) -> Any:
        """Return the fields as one JSON value. Raises: UsageError."""
        from .json_keys import set_value

        value: Any = None
        for name, given in self.fields:
            value = set_value(value, name, given)
        return value

    def as_form(self) -> list[tuple[str, str]]:
        """Return the fields as pairs of text. Raises: UsageError, for objects and lists."""
        for name, value in self.fields:
            if isinstance(value, dict | list):
                raise UsageError(f"{name}:= has an object or a list, which a form cannot carry; leave out --form")
        import json

        return [(name, value if isinstance(value, str) else json.dumps(value)) for name, value in self.fields]


def is_item(word: str) -> bool:
    """Say whether a word has a separator."""
    return split_item(word) is not None


def split_item(word: str) -> Item | None:
    r"""Split a word at its first separator; None if it has none. A `\` before a character of a separator escapes it."""
    name: list[str] = []
    position = 0
    while position < len(word):
        if word[position] == "\\" and word[position + 1 : position + 2] in set(":=@;"):
            name.append(word[position + 1])
            position += 2
            continue
        separator = next((each for each in SEPARATORS if word.startswith(each, position)), None)
        if separator is not None and (separator != ";" or position == len(word) - 1):
            return Item("".join(name), separator, word[position + len(separator) :])
        name.append(word[position])
        position += 1
    return None


def parse_items(words: list[str]) -> Items:
    """Parse all items.

    Raises: UsageError.
    """
    items = Items()
    for word in words:
        item = split_item(word)
        if item is None:
            raise UsageError(
                f"{word!r} is no item: expected Name:Value, name==value, name=value, name:=json or name@path"
            )
        add_item(items, item, word)
    return items


def add_item(items: Items, item: Item, word: str) -> None:
    """Add one item. word: as it was written, for messages.

    Raises: UsageError.
    """
    name, separator, value = item
    if not name and separator != "@":
        raise UsageError(f"{word!r}: a name is missing before {separator}")
    if separator.endswith("@") and separator != "@":
        value = read_text(value, word).rstrip("\n") if separator == ":@" else read_text(value, word)
        separator = separator.removesuffix("@")
    if separator == ":":
        items.headers.append((name, value.strip() or None))
    elif separator == ";":
        items.headers.append((name, ""))
    elif separator == "==":
        items.params.append((name, value))
    elif separator == "=":
        items.fields.append((name, value))
    elif separator == ":=":
        items.fields.append((name, parse_json(value, word)))
    elif name:
        path, _, kind = value.partition(";type=")
        items.files.append((name, check_file(path, word), kind or None))
    else:
        items.body = value if value == "-" else check_file(value, word)


def parse_json(text: str, word: str) -> Any:
    """Parse the value of `:=`.

    Raises: UsageError.
    """
    import json

    try:
        return json.loads(text)
    except ValueError as error:
        raise UsageError(f"{word!r}: the value is no JSON ({error}); name=value sends text") from error


def check_file(path: str, word: str) -> str:
    """Return the path of a file that can be read.

    Raises: UsageError.
    """
    expanded = str(Path(path).expanduser())
    try:
        with open(expanded, "rb"):
            return expanded
    except OSError as error:
        raise UsageError(f"{word!r}: cannot read {path}: {error.strerror or error}") from error


def read_bytes(path: str, word: str) -> bytes:
    """Return the content of a file, of standard input for -.

    Raises: UsageError.
    """
    if path == "-":
        return sys.stdin.buffer.read()
    return Path(check_file(path, word)).read_bytes()


def read_text(path: str, word: str) -> str:
    """Return the content of a text file in UTF-8, of standard input for -.

    Raises: UsageError.
    """
    try:
        return read_bytes(path, word).decode()
    except UnicodeDecodeError as error:
        raise UsageError(f"{word!r}: {path} is not UTF-8; name@path sends a file as it is") from error
