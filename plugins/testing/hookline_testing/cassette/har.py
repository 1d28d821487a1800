"""Recorded exchanges, and their form in HAR 1.2 (http://www.softwareishard.com/blog/har-12-spec/).

Members that begin with `_` are our own, as the format allows: `_encoding` of a request body or of the value of a field,
`_coding` for the content coding that was removed from `text`, `_pieces` for the sizes of the pieces of a stream, and
`_trailers`.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from .content_coding import decode, encode

Pairs = list[tuple[str, str]]


@dataclass(frozen=True)
class RecordedExchange:
    """One exchange.

    request_body, body: the bytes as they were sent, without transfer coding. sizes: of the pieces in which the body came.
    started: ISO 8601. wait, receive: milliseconds until the head of the response, and from there to its end.
    """

    method: str
    url: str
    request_headers: Pairs
    request_body: bytes
    status: int
    reason: str
    headers: Pairs
    body: bytes
    sizes: list[int]
    started: str = ""
    wait: float = 0.0
    receive: float = 0.0
    trailers: Pairs = field(default_factory=list)

    def entry(self) -> dict[str, Any]:
        """Return the entry of a HAR file."""
        kind = readable(first_value(self.request_headers, "content-type"))
        request: dict[str, Any] = {
            "method": self.method,
            "url": self.url,
            "httpVersion": "HTTP/1.1",
            "cookies": [],
            "headers": to_har(self.request_headers),
            "queryString": to_har(parse_qsl(self.url.partition("?")[2], keep_blank_values=True)),
            "headersSize": -1,
            "bodySize": len(self.request_body),
        }
        if self.request_body:
            text, encoding = as_text(self.request_body)
            request["postData"] = {"mimeType": kind, "text": text, "params": []}
            if encoding:
                request["postData"]["_encoding"] = encoding
        coding, plain = decode_body(self.headers, self.body)
        text, encoding = as_text(plain)
        content: dict[str, Any] = {
            "size": len(plain),
            "mimeType": readable(first_value(self.headers, "content-type")),
            "text": text,
        }
        if encoding:
            content["encoding"] = encoding
        if coding:
            content["compression"] = len(plain) - len(self.body)
            content["_coding"] = coding
        elif len(self.sizes) > 1:
            content["_pieces"] = self.sizes
        if self.trailers:
            content["_trailers"] = to_har(self.trailers)
        return {
            "startedDateTime": self.started,
            "time": self.wait + self.receive,
            "request": request,
            "response": {
                "status": self.status,
                "statusText": self.reason,
                "httpVersion": "HTTP/1.1",
                "cookies": [],
                "headers": to_har(self.headers),
                "content": content,
                "redirectURL": readable(first_value(self.headers, "location")),
                "headersSize": -1,
                "bodySize": len(self.body),
            },
            "cache": {},
            "timings": {"send": 0, "wait": self.wait, "receive": self.receive},
        }

    @classmethod
    def from_entry(cls, entry: dict[str, Any]) -> RecordedExchange:
        """Parse an entry of a HAR file.

        Raises: KeyError, ValueError, for an entry that is not valid.
        """
        request, response = entry["request"], entry["response"]
        post, content = request.get("postData", {}), response.get("content", {})
        headers = from_har(response["headers"])
        body = as_bytes(content.get("text", ""), content.get("encoding"))
        if content.get("_coding"):
            body = encode(content["_coding"], body)
        return cls(
            request["method"],
            request["url"],
            from_har(request["headers"]),
            as_bytes(post.get("text", ""), post.get("_encoding")),
            response["status"],
            response["statusText"],
            headers,
            body,
            content.get("_pieces") or [len(body)],
            entry.get("startedDateTime", ""),
            trailers=from_har(content.get("_trailers", ())),
        )

    def pieces(self) -> Iterable[bytes]:
        """Yield the body in the pieces in which it came."""
        start = 0
        for size in self.sizes:
            yield self.body[start : start + size]
            start += size
        if start < len(self.body):
            yield self.body[start:]


def read_har(path: Path) -> list[RecordedExchange]:
    """Return the exchanges of a HAR file.

    Raises: ValueError, for another file; OSError.
    """
    try:
        return [RecordedExchange.from_entry(entry) for entry in json.loads(path.read_bytes())["log"]["entries"]]
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path} is not a HAR file: {type(error).__name__}: {error}") from error


def write_har(path: Path, recorded: Iterable[RecordedExchange]) -> None:
    """Write a HAR file. If that fails, an existing file stays as it was."""
    log = {
        "version": "1.2",
        "creator": {"name": "hookline-testing", "version": version("hookline-testing")},
        "entries": [each.entry() for each in recorded],
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    part.write_text(json.dumps({"log": log}, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    part.replace(path)


def to_har(pairs: Iterable[tuple[str, str]]) -> list[dict[str, str]]:
    """Return fields or parameters as a list of HAR. A value that is not UTF-8 is marked and written as Latin-1."""
    found = []
    for name, value in pairs:
        text = readable(value)
        found.append({"name": name, "value": text} | ({} if text == value else {"_encoding": "latin-1"}))
    return found


def from_har(items: Iterable[dict[str, str]]) -> Pairs:
    """Parse a list of HAR.

    Raises: KeyError, ValueError.
    """
    return [
        (
            each["name"],
            each["value"].encode("latin-1").decode("utf-8", "surrogateescape")
            if each.get("_encoding") == "latin-1"
            else each["value"],
        )
        for each in items
    ]


def readable(value: str) -> str:
    """Return the text of a field for JSON, which cannot carry bytes: if it is not UTF-8, decoded as Latin-1."""
    return (
        value.encode("utf-8", "surrogateescape").decode("latin-1")
        if any("\udc80" <= c <= "\udcff" for c in value)
        else value
    )


def first_value(fields: Pairs, name: str) -> str:
    """Return the value of the first field of that name, ignoring case; "" if there is none."""
    return next((value for key, value in fields if key.lower() == name), "")


def as_text(data: bytes) -> tuple[str, str]:
    """Return bytes as text for JSON, and its encoding: "" for UTF-8, "base64" for other bytes."""
    try:
        return data.decode(), ""
    except UnicodeDecodeError:
        return base64.b64encode(data).decode(), "base64"


def as_bytes(text: str, encoding: str | None) -> bytes:
    """Return the bytes that `as_text` made this text of."""
    return base64.b64decode(text) if encoding == "base64" else text.encode()


def decode_body(fields: Pairs, body: bytes) -> tuple[str, bytes]:
    """Return the content coding that was decoded, "" = none, and the body. An unknown coding is left as it is."""
    coding = first_value(fields, "content-encoding").strip().lower()
    found = decode(coding, body) if coding and body else None
    return ("", body) if found is None else (coding, found)
