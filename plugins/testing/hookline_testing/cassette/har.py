"""Exchanges as entries of HAR 1.2 (http://www.softwareishard.com/blog/har-12-spec/), and back.

Members that begin with `_` are ours, as the format allows: `_encoding` of a request body, the content coding that `text` is
without, and the sizes of the pieces that a stream came in.
"""

from __future__ import annotations

import base64
import gzip
import json
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from .. import __version__

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

    def entry(self) -> dict[str, Any]:
        """As an entry of a HAR file."""
        kind = value_of(self.request_headers, "content-type")
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
        coding, decoded = without_coding(self.headers, self.body)
        text, encoding = as_text(decoded)
        content: dict[str, Any] = {
            "size": len(decoded),
            "mimeType": value_of(self.headers, "content-type"),
            "text": text,
        }
        if encoding:
            content["encoding"] = encoding
        if coding:
            content["compression"] = len(decoded) - len(self.body)
            content["_coding"] = coding
        elif len(self.sizes) > 1:
            content["_pieces"] = self.sizes
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
                "redirectURL": value_of(self.headers, "location"),
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
        headers = [(field["name"], field["value"]) for field in response["headers"]]
        body = as_bytes(content.get("text", ""), content.get("encoding"))
        body = with_coding(content.get("_coding"), body)
        return cls(
            request["method"],
            request["url"],
            [(field["name"], field["value"]) for field in request["headers"]],
            as_bytes(post.get("text", ""), post.get("_encoding")),
            response["status"],
            response["statusText"],
            headers,
            body,
            content.get("_pieces") or [len(body)],
            entry.get("startedDateTime", ""),
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
    return [{"name": name, "value": value} for name, value in pairs]


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
    if coding in ("gzip", "x-gzip") and body:
        try:
            return "gzip", gzip.decompress(body)
        except (OSError, EOFError, zlib.error):
            pass
    return "", body


def with_coding(coding: str | None, body: bytes) -> bytes:
    return gzip.compress(body, mtime=0) if coding == "gzip" else body
