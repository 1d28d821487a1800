"""Cookies as JSON, with all their attributes."""

import math
from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from .cookie import Cookie

FORMAT = "hookline-cookies"
VERSION = 1

_TYPES: dict[str, tuple[type, ...]] = {
    "name": (str,),
    "value": (str,),
    "domain": (str,),
    "path": (str,),
    "host_only": (bool,),
    "secure": (bool,),
    "http_only": (bool,),
    "same_site": (str, type(None)),
    "expires": (int, float, type(None)),
}


def dump(cookies: Iterable[Cookie]) -> str:
    """Return the text of a JSON file, in ASCII, with the cookies in the order given."""
    import json

    content = {"format": FORMAT, "version": VERSION, "cookies": [asdict(cookie) for cookie in cookies]}
    return json.dumps(content, indent=1) + "\n"


def parse(text: str) -> list[Cookie]:
    """Return the cookies of a JSON file.

    Raises:
        ValueError: dump() did not write this file. The message says where it differs, without any of its text.
    """
    import json

    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        raise ValueError("not JSON") from None
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise ValueError(f'JSON, but without "format": "{FORMAT}"')
    if content.get("version") != VERSION:
        raise ValueError(f"written by a later version; this one reads version {VERSION}")
    records = content.get("cookies")
    if not isinstance(records, list):
        raise ValueError('"cookies" is not a list')
    return [_cookie(number, record) for number, record in enumerate(records, start=1)]


def _cookie(number: int, record: Any) -> Cookie:
    if not isinstance(record, dict) or record.keys() != _TYPES.keys():
        raise ValueError(f"cookie {number} does not have exactly the fields {', '.join(_TYPES)}")
    for field, types in _TYPES.items():
        # A bool is an int in Python, but not in this file.
        if not isinstance(record[field], types) or (isinstance(record[field], bool) and bool not in types):
            raise ValueError(f"cookie {number}: {field} has the wrong type")
    expires = record["expires"]
    if expires is not None and not (-1e15 < expires < 1e15 and math.isfinite(expires)):
        raise ValueError(f"cookie {number}: expires is not a number of seconds since 1970")
    if record["same_site"] not in (None, "Strict", "Lax", "None"):
        raise ValueError(f"cookie {number}: same_site is not Strict, Lax, None or null")
    return Cookie(**record)
