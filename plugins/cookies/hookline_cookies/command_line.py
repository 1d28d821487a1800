"""The options of this plugin on the command line, and its part of sessions: the jar."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def add_options(options: Any) -> None:
    """Add the options. `dest` is the keyword of the client."""
    options.add_argument(
        "--cookie", dest="cookies", type=pairs, secret=True, metavar="'NAME=VALUE; …'", help="cookies for this request"
    )


def pairs(text: str) -> dict[str, str]:
    """Return cookies as names and values. Raises: ValueError."""
    found = {}
    for pair in filter(None, map(str.strip, text.split(";"))):
        name, equals, value = pair.partition("=")
        if not equals:
            raise ValueError("expected 'NAME=VALUE; NAME=VALUE'")
        found[name.strip()] = value.strip()
    return found


def as_code(keyword: str, value: Any) -> tuple[str, ...] | None:
    """Return the value of `cookies=` as Python, and the imports that it needs; the cookies come from the environment."""
    if keyword != "cookies":
        return None
    return 'dict(pair.split("=", 1) for pair in os.environ["COOKIES"].split("; "))', "import os"


def export_state(client: Any, keywords: Mapping[str, Any]) -> str | None:
    """Return the jar of a client for a session."""
    from .json_format import dump

    return dump(client.cookies) if hasattr(client, "cookies") else None


def import_state(state: Any) -> dict[str, Any]:
    """Return the keyword of a client with the jar of a session. Raises: ValueError."""
    from .jar import CookieJar
    from .json_format import parse

    return {"cookies": CookieJar(parse(state))} if state else {}
