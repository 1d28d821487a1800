"""What a response says of a file or a directory, and the names of directories."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from hookline import HttpResponse

_CHECKSUMS = ("ETag", "Content-MD5", "Digest", "Repr-Digest", "Last-Modified")


def describe(path: str, response: HttpResponse, size: int | None) -> dict[str, Any]:
    """Return what `info` returns."""
    info: dict[str, Any] = {"name": path, "size": size, "url": response.url}
    mimetype = mimetype_of(response)
    if mimetype is not None:
        info["mimetype"] = mimetype
    if response.headers.get("Accept-Ranges", "").strip().lower() == "none":
        info["partial"] = False
    info.update({name: response.headers[name] for name in _CHECKSUMS if name in response.headers})
    info["type"] = "file"
    if is_directory(path, response):
        info.update(name=unslashed(path), type="directory", size=None)
    return info


def mimetype_of(response: HttpResponse) -> str | None:
    value = response.headers.get("Content-Type")
    return value.partition(";")[0].strip().lower() if value else None


def is_directory(path: str, response: HttpResponse) -> bool:
    """Say whether a response is the index of a directory: an HTML page whose URL is the one asked for, with a slash."""
    found = urlsplit(response.url)
    return (
        response.status_code < 300
        and found.path.endswith("/")
        and found.path.rstrip("/") == urlsplit(path).path.rstrip("/")
        and not found.query
        and mimetype_of(response) == "text/html"
    )


def slashed(path: str) -> str:
    return path if path.endswith("/") else path + "/"


def unslashed(path: str) -> str:
    """Return the name of a directory: its URL without the slashes at its end, those after the scheme excepted."""
    scheme, separator, rest = path.partition("://")
    return scheme + separator + rest.rstrip("/")
