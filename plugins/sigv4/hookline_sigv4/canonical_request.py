"""Write a request in the form that is signed: plain functions from text to text.

Source of the rules: AWS Identity and Access Management User Guide, "Create a signed AWS API request". They leave open which
encoding of a URL the signature is about: a server decodes the URL that it gets, encodes it again, and compares. So the URL is
encoded here once, as AWS writes it, and is both sent and signed like that.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import quote, unquote_to_bytes

Fields = Iterable[tuple[str, str]]

_is_plain_path = re.compile(r"[A-Za-z0-9/_.~-]*").fullmatch
_is_plain_query = re.compile(
    r"[A-Za-z0-9_.~-]+(?:=[A-Za-z0-9_.~-]*)?(?:&[A-Za-z0-9_.~-]+(?:=[A-Za-z0-9_.~-]*)?)*"
).fullmatch


def encode(text: str) -> str:
    """Percent-encode text, which may be encoded already: all but letters, digits and -._~ as upper-case hexadecimal."""
    return quote(unquote_to_bytes(text), safe="")


def encode_path(path: str) -> str:
    """Encode the segments of a path. An encoded slash stays encoded, and so part of its segment."""
    if _is_plain_path(path):
        return path
    return "/".join(map(encode, path.split("/")))


def encode_query(query: str) -> str:
    """Encode a query in its own order. A plus sign, which forms write for a space, becomes %20; empty pairs are left out."""
    if not query or _is_plain_query(query):
        return query
    encoded: list[str] = []
    for pair in query.replace("+", " ").split("&"):
        name, equals, value = pair.partition("=")
        if pair:
            encoded.append(f"{encode(name)}{equals}{encode(value)}")
    return "&".join(encoded)


def canonical_path(path: str, *, is_normalized: bool, is_encoded_twice: bool) -> str:
    """Return the canonical URI of an encoded path.

    is_normalized: without empty segments and dot segments. is_encoded_twice: encode it once more. S3 wants neither.
    """
    if is_normalized:
        path = normalize_path(path)
    if is_encoded_twice:
        path = path.replace("%", "%25")  # every other character is one that stays
    return path or "/"


def normalize_path(path: str) -> str:
    """Remove empty segments and dot segments (RFC 3986, section 5.2.4; the former is a rule of AWS)."""
    if "//" not in path and "/." not in path:
        return path
    kept: list[str] = []
    for segment in path.split("/"):
        if segment == "..":
            del kept[-1:]
        elif segment and segment != ".":
            kept.append(segment)
    return "/" + "/".join(kept) + ("/" if kept and path.endswith("/") else "")


def canonical_query(query: str) -> str:
    """Return an encoded query sorted by names, then by values; a name without a value gets an equals sign."""
    if "&" not in query:
        return query if not query or "=" in query else f"{query}="
    pairs = sorted((name, value) for name, _, value in (pair.partition("=") for pair in query.split("&")))
    return "&".join(f"{name}={value}" for name, value in pairs)


def canonical_fields(fields: Fields) -> tuple[str, str]:
    """Return the canonical header fields, a line for each name, and the list of their names.

    Several fields of a name are joined with commas in their order. White space at the ends of a value is removed, and each
    other run of it is one space.
    """
    values: dict[str, str] = {}
    for name, value in fields:
        low = name.lower()
        trimmed = " ".join(value.split())
        values[low] = f"{values[low]},{trimmed}" if low in values else trimmed
    names = sorted(values)
    return "".join([f"{name}:{values[name]}\n" for name in names]), ";".join(names)


def canonical_request(method: str, path: str, query: str, fields: str, names: str, payload: str) -> bytes:
    """Return the canonical request. All arguments are canonical; payload: the hexadecimal digest, or a word in its place."""
    text = f"{method}\n{path}\n{query}\n{fields}\n{names}\n{payload}"
    return text.encode("utf-8", "surrogateescape")  # field values are sent like this


def split_target(target: str) -> tuple[str, str, str]:
    """Split a request target into what stands before the path, the path, and the query.

    The first is "" but for the absolute form, which a proxy gets (RFC 9112, section 3.2.2).
    """
    whole, _, query = target.partition("?")
    if whole.startswith("/"):
        return "", whole, query
    scheme, separator, rest = whole.partition("://")
    authority, slash, path = rest.partition("/")
    return f"{scheme}{separator}{authority}", slash + path, query
