"""Exchanges as entries of HAR 1.2 (http://www.softwareishard.com/blog/har-12-spec/), and back.

Members that begin with `_` are ours, as the format allows: `_encoding` of a request body or of the value of a field, the
content coding that `text` is without, the sizes of the pieces that a stream came in, and the trailers.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from .. import __version__
from .codings import decoded, encoded

Pairs = list[tuple[str, str]]


@dataclass(frozen=True)
class Recorded:
    """One exchange. sizes: of the pieces that the response's body came in. started: ISO 8601. milliseconds: in all."""

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
        """As an entry of a HAR file."""
        kind = readable(value_of(self.request_headers, "content-type"))
        request: dict[str, Any] = {
            "method": self.method,
            "url": self.url,
            "httpVersion": "HTTP/1.1",
            "cookies": [],
            "headers": named(self.request_headers),
            "queryString": named(parse_qsl(self.url.partition("?")[2], keep_blank_values=True)),
            "headersSize": -1,
            "bodySize": len(self.request_body),
        }
        if self.request_body:
            text, encoding = as_text(self.request_body)
            request["postData"] = {"mimeType": kind, "text": text, "params": []}
            if encoding:
                request["postData"]["_encoding"] = encoding
        coding, plain = without_coding(self.headers, self.body)
        text, encoding = as_text(plain)
        content: dict[str, Any] = {
            "size": len(plain),
            "mimeType": readable(value_of(self.headers, "content-type")),
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
            content["_trailers"] = named(self.trailers)
        return {
            "startedDateTime": self.started,
            "time": self.wait + self.receive,
            "request": request,
            "response": {
                "status": self.status,
                "statusText": self.reason,
                "httpVersion": "HTTP/1.1",
                "cookies": [],
                "headers": named(self.headers),
                "content": content,
                "redirectURL": readable(value_of(self.headers, "location")),
                "headersSize": -1,
                "bodySize": len(self.body),
            },
            "cache": {},
            "timings": {"send": 0, "wait": self.wait, "receive": self.receive},
        }

    @classmethod
    def from_entry(cls, entry: dict[str, Any]) -> Recorded:
        """Raises: KeyError, ValueError, for what is no entry."""
        request, response = entry["request"], entry["response"]
        post, content = request.get("postData", {}), response.get("content", {})
        headers = pairs_of(response["headers"])
        body = as_bytes(content.get("text", ""), content.get("encoding"))
        if content.get("_coding"):
            body = encoded(content["_coding"], body)
        return cls(
            request["method"],
            request["url"],
            pairs_of(request["headers"]),
            as_bytes(post.get("text", ""), post.get("_encoding")),
            response["status"],
            response["statusText"],
            headers,
            body,
            content.get("_pieces") or [len(body)],
            entry.get("startedDateTime", ""),
            trailers=pairs_of(content.get("_trailers", ())),
        )

    def pieces(self) -> Iterable[bytes]:
        """The body as it came."""
        start = 0
        for size in self.sizes:
            yield self.body[start : start + size]
            start += size
        if start < len(self.body):
            yield self.body[start:]


def read(path: Path) -> list[Recorded]:
    """The exchanges of a HAR file.

    Raises: ValueError, for a file that is none; OSError.
    """
    try:
        return [Recorded.from_entry(entry) for entry in json.loads(path.read_bytes())["log"]["entries"]]
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path} is no HAR file: {type(error).__name__}: {error}") from error


def write(path: Path, recorded: Iterable[Recorded]) -> None:
    """Write a HAR file, whole or not at all."""
    log = {
        "version": "1.2",
        "creator": {"name": "hookline-testing", "version": __version__},
        "entries": [each.entry() for each in recorded],
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    part.write_text(json.dumps({"log": log}, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    part.replace(path)


def named(pairs: Iterable[tuple[str, str]]) -> list[dict[str, str]]:
    """A list of HAR. A value that is no UTF-8 stands there as Latin-1, and says so."""
    found = []
    for name, value in pairs:
        text = readable(value)
        found.append({"name": name, "value": text} | ({} if text == value else {"_encoding": "latin-1"}))
    return found


def pairs_of(named: Iterable[dict[str, str]]) -> Pairs:
    """Raises: KeyError, ValueError."""
    return [
        (
            each["name"],
            each["value"].encode("latin-1").decode("utf-8", "surrogateescape")
            if each.get("_encoding") == "latin-1"
            else each["value"],
        )
        for each in named
    ]


def readable(value: str) -> str:
    """The text of a field; where its bytes are no UTF-8, as Latin-1, because JSON has no place for single bytes."""
    return (
        value.encode("utf-8", "surrogateescape").decode("latin-1")
        if any("\udc80" <= c <= "\udcff" for c in value)
        else value
    )


def value_of(fields: Pairs, name: str) -> str:
    """The first field of that name, "" when there is none."""
    return next((value for key, value in fields if key.lower() == name), "")


def as_text(data: bytes) -> tuple[str, str]:
    """Bytes for JSON: the text, and "base64" where they are no text."""
    try:
        return data.decode(), ""
    except UnicodeDecodeError:
        return base64.b64encode(data).decode(), "base64"


def as_bytes(text: str, encoding: str | None) -> bytes:
    return base64.b64decode(text) if encoding == "base64" else text.encode()


def without_coding(fields: Pairs, body: bytes) -> tuple[str, bytes]:
    """The coding that was undone, and the body: HAR has bodies decoded. One that we cannot undo stays."""
    coding = value_of(fields, "content-encoding").strip().lower()
    found = decoded(coding, body) if coding and body else None
    return ("", body) if found is None else (coding, found)
