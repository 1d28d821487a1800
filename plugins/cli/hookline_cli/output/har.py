"""`--har`: all exchanges of one command as HAR 1.2 (http://www.softwareishard.com/blog/har-12-spec/), without credentials."""

from __future__ import annotations

import base64
import json
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from hookline import HttpResponse, __version__, hookimpl

from ..running import refusal
from .events import secret_fields
from .secrets import HIDDEN, SECRET_FIELDS, hide_password
from .trace import phases

MAX_TEXT = 1024 * 1024  # bytes of a body that are recorded
NAMES = {
    "queue": "blocked",
    "DNS": "dns",
    "connect": "connect",
    "TLS": "ssl",
    "send": "send",
    "first byte": "wait",
    "body": "receive",
}


class ExchangeRecorder:
    """A plugin that keeps all exchanges of a client: those of calls, follow-ups and sub-requests.

    exchanges: the time at which each began, in seconds since the epoch, and its response.
    """

    name = "exchange_recorder"

    def __init__(self) -> None:
        self.exchanges: list[tuple[float, HttpResponse]] = []

    @hookimpl(tryfirst=True)
    def pre_request(self, response: HttpResponse, cause: str) -> None:
        self.exchanges.append((datetime.now(UTC).timestamp(), response))


def write_har(
    path: str, exchanges: Sequence[tuple[float, HttpResponse]], bodies: Mapping[HttpResponse, bytes], show_secrets: bool
) -> None:
    """Write the exchanges to a file. bodies: of responses that were read as streams.

    Raises: OutputRefused.
    """
    entries = [entry(began, response, bodies, show_secrets) for began, response in exchanges]
    creator = {"name": "hookline", "version": __version__}
    text = json.dumps({"log": {"version": "1.2", "creator": creator, "entries": entries}}, indent=2)
    with refusal(f"cannot write {path}"):
        Path(path).write_text(text + "\n", encoding="utf-8")


def entry(
    began: float, response: HttpResponse, bodies: Mapping[HttpResponse, bytes], show_secrets: bool
) -> dict[str, Any]:
    """Return one exchange."""
    request = response.request
    secret = frozenset() if show_secrets else SECRET_FIELDS | secret_fields(request)
    url = request.url if show_secrets else hide_password(request.url)
    found = phases(response.timings)
    times = dict.fromkeys(NAMES.values(), -1.0)
    times.update(send=0.0, wait=0.0, receive=0.0)
    times.update({NAMES[name]: (end - begin) * 1000 for name, begin, end in found})
    body = request.body if isinstance(request.body, bytes) else b""
    content = bodies.get(response, b"") if response in bodies else response.content
    sent = [*request.headers.items(), *request.unredirected_headers.items()]
    posted = {"postData": post_data(request.get_header("content-type"), body)} if body else {}
    return {
        "startedDateTime": datetime.fromtimestamp(began, UTC).isoformat(),
        "time": found[-1].end * 1000 if found else 0,
        "request": {
            "method": request.method,
            "url": url,
            "httpVersion": request.version,
            "cookies": [],
            "headers": fields(sent, secret),
            "queryString": [
                {"name": name, "value": value} for name, value in parse_qsl(urlsplit(url).query, keep_blank_values=True)
            ],
            **posted,
            "headersSize": -1,
            "bodySize": len(body),
        },
        "response": {
            "status": response.status_code,
            "statusText": response.reason if response.status_code else "",
            "httpVersion": response.version if response.status_code else "",
            "cookies": [],
            "headers": fields(response.headers.items() if response.status_code else (), secret),
            "content": content_of(response, content),
            "redirectURL": response.headers.get("location", "") if response.status_code else "",
            "headersSize": len(response.raw_head) if response.status_code else -1,
            "bodySize": -1,
        },
        "cache": {},
        "timings": times,
    }


def fields(pairs: Any, secret: Collection[str]) -> list[dict[str, str]]:
    """Return fields, with the values of those that carry credentials hidden."""
    return [{"name": name, "value": HIDDEN if name.lower() in secret else value} for name, value in pairs]


def post_data(kind: str | None, body: bytes) -> dict[str, Any]:
    """Return the body of a request."""
    return {"mimeType": kind or "", "text": body[:MAX_TEXT].decode("utf-8", "replace")}


def content_of(response: HttpResponse, content: bytes) -> dict[str, Any]:
    """Return the body of a response: text as it is, anything else in Base64."""
    kind = response.headers.get("content-type", "") if response.status_code else ""
    found: dict[str, Any] = {"size": len(content), "mimeType": kind}
    if content:
        try:
            found["text"] = content[:MAX_TEXT].decode(response.encoding or "utf-8")
        except (UnicodeDecodeError, LookupError):
            found |= {"text": base64.b64encode(content[:MAX_TEXT]).decode(), "encoding": "base64"}
    return found
