"""Check a HAR file against HAR 1.2 (http://www.softwareishard.com/blog/har-12-spec/): its members, their types, dates."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

NUMBER = (int, float)
NAMED = [{"name": str, "value": str, "comment?": str}]
COOKIES = [
    {"name": str, "value": str, "path?": str, "domain?": str, "expires?": str, "httpOnly?": bool, "secure?": bool}
]
MESSAGE = {
    "httpVersion": str,
    "cookies": COOKIES,
    "headers": NAMED,
    "headersSize": int,
    "bodySize": int,
    "comment?": str,
}
# A name that ends with ? is optional. Names that begin with _ are allowed everywhere.
HAR: dict[str, Any] = {
    "log": {
        "version": str,
        "creator": {"name": str, "version": str, "comment?": str},
        "browser?": {"name": str, "version": str},
        "pages?": [dict],
        "comment?": str,
        "entries": [
            {
                "pageref?": str,
                "startedDateTime": datetime,
                "time": NUMBER,
                "request": {
                    **MESSAGE,
                    "method": str,
                    "url": str,
                    "queryString": NAMED,
                    "postData?": {"mimeType": str, "params": [{"name": str}], "text": str, "comment?": str},
                },
                "response": {
                    **MESSAGE,
                    "status": int,
                    "statusText": str,
                    "content": {"size": int, "compression?": int, "mimeType": str, "text?": str, "encoding?": str},
                    "redirectURL": str,
                },
                "cache": {"beforeRequest?": dict, "afterRequest?": dict},
                "timings": {
                    "blocked?": NUMBER, "dns?": NUMBER, "connect?": NUMBER, "send": NUMBER, "wait": NUMBER,
                    "receive": NUMBER, "ssl?": NUMBER,
                },
                "serverIPAddress?": str,
                "connection?": str,
                "comment?": str,
            }
        ],
    }
}  # fmt: skip


def har_problems(value: Any, wanted: Any = HAR, where: str = "") -> Iterator[str]:
    """Yield a text for each violation of HAR 1.2; nothing for a valid file."""
    if isinstance(wanted, dict):
        if not isinstance(value, dict):
            yield f"{where} is no object"
            return
        known = {name.removesuffix("?"): each for name, each in wanted.items()}
        yield from (f"{where}.{name} is missing" for name in wanted if not name.endswith("?") and name not in value)
        yield from (f"{where}.{name} is unknown" for name in value if name not in known and not name.startswith("_"))
        for name in known.keys() & value.keys():
            yield from har_problems(value[name], known[name], f"{where}.{name}")
    elif isinstance(wanted, list):
        for number, each in enumerate(value if isinstance(value, list) else [None]):
            yield from har_problems(each, wanted[0], f"{where}[{number}]")
    elif wanted is datetime:
        if datetime.fromisoformat(value).tzinfo is None:
            yield f"{where} has no time zone"
    elif not isinstance(value, wanted) or (isinstance(value, bool) and wanted is not bool):
        yield f"{where} is {value!r}"
