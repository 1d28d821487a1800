"""What is sent: a command line as method, URL, fields and body."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..arguments.items import Items, check_file, is_item, parse_items, read_bytes
from ..arguments.parser import nearest
from ..running import UsageError

if TYPE_CHECKING:
    import argparse

# The client reads http:/host and http:host as http://host, so these have a scheme too.
_HAS_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://|(?i:https?|wss?):").match
_LOCAL_PORT = re.compile(r":(\d*)(?=[/?#]|$)")
# The registered methods (RFC 9110, section 16.1.1) that people write in lower case; in capitals every word is a method.
METHODS = frozenset(
    {"get", "head", "post", "put", "delete", "patch", "options", "trace", "connect"}
    | {"propfind", "proppatch", "mkcol", "copy", "move", "lock", "unlock"}
)
JSON_ACCEPT = "application/json, */*;q=0.5"
FORM_TYPE = "application/x-www-form-urlencoded"


class RequestPlan:
    """One request.

    headers: values of None remove a field. params: for the query. body: the keywords of the client for it, `json`, `data` or
    `files`; none = no body.
    """

    def __init__(
        self,
        method: str,
        url: str,
        headers: list[tuple[str, str | None]],
        params: list[tuple[str, str]],
    ) -> None:
        self.method = method
        self.url = url
        self.headers = headers
        self.params = params
        self.body: dict[str, Any] = {}

    @property
    def keywords(self) -> dict[str, Any]:
        """All of it as keywords of `client.request`, but method and URL."""
        given = {"headers": self.headers, "params": self.params}
        return {**{name: value for name, value in given.items() if value}, **self.body}

    def has_field(self, name: str) -> bool:
        """Say whether a field is set or removed."""
        return any(each.lower() == name.lower() for each, _ in self.headers)

    def set_default(self, name: str, value: str) -> None:
        """Set a field, unless the user has set or removed it."""
        if not self.has_field(name):
            self.headers.append((name, value))


def make_plan(given: argparse.Namespace) -> RequestPlan:
    """Return the request that a command line asks for.

    Raises: UsageError.
    """
    method, url, words = split_words(given.words)
    items = parse_items(words)
    plan = RequestPlan(
        "", with_scheme(url), [parse_header(line) for line in given.header] + items.headers, items.params
    )
    add_body(plan, given, items)
    if given.method and method:
        raise UsageError(f"two methods are given: {given.method} and {method}; leave out one")
    plan.method = (given.method or method or ("HEAD" if given.head else "POST" if plan.body else "GET")).upper()
    return plan


def split_words(words: list[str]) -> tuple[str, str, list[str]]:
    """Split the words into the method, "" if there is none, the URL, and the items.

    Raises: UsageError.
    """
    if not words:
        raise UsageError("a URL is missing: hookline [METHOD] URL [ITEM ...] (hookline --help)")
    first = words[0]
    is_method = first.isalpha() and (first.isupper() or first.lower() in METHODS)
    if is_method and len(words) == 1:
        raise UsageError(f"a URL is missing behind {first} (hookline --help)")
    if not is_method:
        check_second_word(words)
        return "", first, words[1:]
    return first, words[1], words[2:]


def check_second_word(words: list[str]) -> None:
    """Check that the word behind the URL is no second URL, as when a method was mistyped.

    Raises: UsageError.
    """
    if len(words) > 1 and words[0].isalpha() and (_HAS_SCHEME(words[1]) or not is_item(words[1])):
        hint = nearest(words[0].upper(), sorted(map(str.upper, METHODS)))
        raise UsageError(f"{words[0]!r} is no method that is known in lower case{hint}")


def with_scheme(url: str) -> str:
    """Return a URL, with http:// added if it has no scheme, and localhost if it begins with a port: `:8000/path`."""
    port = _LOCAL_PORT.match(url)
    if port is not None:
        return f"http://localhost{':' + port[1] if port[1] else ''}{url[port.end() :]}"
    return url if _HAS_SCHEME(url) else f"http://{url}"


def parse_header(line: str) -> tuple[str, str | None]:
    """Parse the value of -H.

    Raises: UsageError.
    """
    name, colon, value = line.partition(":")
    if not colon or not name.strip():
        shown = line if len(line) < 30 else f"{line[:12]}…"  # a token that was given without its name is a secret
        raise UsageError(f"-H takes 'NAME: VALUE', got {shown!r}")
    return name.strip(), value.strip() or None


def add_body(plan: RequestPlan, given: argparse.Namespace, items: Items) -> None:
    """Add the body, its Content-Type, and Accept for JSON.

    Raises: UsageError, for several bodies.
    """
    sources = [("fields", items.fields or items.files), ("@FILE", items.body), ("-d", given.data), ("--raw", given.raw)]
    names = [name for name, source in sources if source not in (None, "", [])]
    if given.raw == "":
        names.append("--raw")
    if len(names) > 1:
        raise UsageError(f"two bodies are given, by {' and '.join(names)}; leave out one")
    if items.fields or items.files or given.body_kind == "multipart":
        add_fields(plan, given.body_kind, items)
    elif items.body is not None:
        from mimetypes import guess_type  # imported here, because most requests have no file

        kind = guess_type(items.body)[0]
        plan.body["data"] = read_bytes("-", "@-") if items.body == "-" else Path(items.body)
        set_content_type(plan, given.body_kind, kind)
    elif given.data:
        data = b"&".join(read_data(text) for text in given.data)
        plan.body["data"] = data
        set_content_type(plan, given.body_kind, "application/json" if is_json_container(data) else FORM_TYPE)
    elif given.raw is not None:
        plan.body["data"] = given.raw.encode("utf-8", "surrogateescape")
        set_content_type(plan, given.body_kind, None)
    if given.body_kind == "json":
        plan.set_default("Accept", JSON_ACCEPT)


def add_fields(plan: RequestPlan, kind: str | None, items: Items) -> None:
    """Add the fields as JSON, or with files and on request as a form.

    Raises: UsageError.
    """
    if items.files and kind == "json":
        raise UsageError("name@path is a part of a form; field=@path sends the content of a text file in JSON")
    if items.files or kind == "multipart":
        fields = [(name, (None, value)) for name, value in items.as_form()]
        plan.body["files"] = [*fields, *(file_part(*each) for each in items.files)]
    elif kind == "form":
        plan.body["data"] = items.as_form()
        plan.set_default("Content-Type", FORM_TYPE)
    else:
        plan.body["json"] = items.as_json()
        plan.set_default("Content-Type", "application/json")
        plan.set_default("Accept", JSON_ACCEPT)


def file_part(name: str, path: str, kind: str | None) -> tuple[str, tuple[Any, ...]]:
    """Return one file as an item of `files=`."""
    content = (os.path.basename(path), Path(path))
    return name, content if kind is None else (*content, kind)


def set_content_type(plan: RequestPlan, kind: str | None, default: str | None) -> None:
    """Set the Content-Type of a body that is given as text; None = none."""
    chosen = {"json": "application/json", "form": FORM_TYPE}.get(kind or "", default)
    if chosen is not None:
        plan.set_default("Content-Type", chosen)


def is_json_container(data: bytes) -> bool:
    """Say whether data is a JSON object or list, which is sent as JSON and never as a form."""
    if data[:1] not in (b"{", b"["):
        return False
    import json  # imported here and in other places of this package, because most requests have no JSON: 2 ms

    try:
        json.loads(data)
    except ValueError:
        return False
    return True


def read_data(text: str) -> bytes:
    """Return the body that `-d TEXT` gives: that of a file for @FILE, of standard input for @-, else the text.

    Raises: UsageError.
    """
    if not text.startswith("@"):
        return text.encode("utf-8", "surrogateescape")
    path = text[1:]
    if path != "-":
        check_file(path, f"-d {text}")
    return read_bytes(path, f"-d {text}")
