"""Parameters of URLs, and forms: names and values, and how they are encoded."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import quote, unquote_plus, urlencode


def as_params(value: Any) -> Any:
    """Check the type of `params=`. An iterator becomes a list, so that it can be read more than once.

    Raises: TypeError.
    """
    if value is None or isinstance(value, (str, bytes, Mapping)):
        return value
    if not isinstance(value, Iterable):
        raise TypeError(f"params= takes a mapping, pairs or a str, not {type(value).__name__}")
    return list(value) if isinstance(value, Iterator) else value


def with_params(url: str, params: Any) -> str:
    """Append parameters to the query of a URL, which stays as written.

    params: a mapping, or pairs; a list or tuple as a value stands for several values, and None leaves the name out. A str
    is appended unchanged, except that # is encoded, since it would end the query.
    """
    if isinstance(params, bytes):
        params = params.decode("utf-8", "surrogateescape")
    query = params.replace("#", "%23") if isinstance(params, str) else encode_query(pairs(params))
    if not query:
        return url
    url, mark, fragment = url.partition("#")
    joint = "" if url.endswith(("?", "&")) else "&" if "?" in url else "?"
    return f"{url}{joint}{query}{mark}{fragment}"


def pairs(source: Mapping[Any, Any] | Iterable[tuple[Any, Any]]) -> list[tuple[str, str]]:
    """Convert a mapping or pairs to pairs of str: one for each item of a list as a value, none for a value of None.

    Bytes that are not UTF-8 become surrogates (PEP 383), which are encoded to the same bytes again.

    Raises: TypeError.
    """
    items: Iterable[Any] = source.items() if isinstance(source, Mapping) else source
    found: list[tuple[str, str]] = []
    for item in items:
        if not isinstance(item, (tuple, list)) or len(item) != 2:
            raise TypeError(f"expected pairs of a name and a value, got {type(item).__name__}")
        name, value = item
        several = value if isinstance(value, (list, tuple, set, frozenset)) else (value,)
        found += [(_text(name), _text(each)) for each in several if each is not None]
    return found


def _text(value: Any) -> str:
    """Convert a name or a value to str.

    Raises: TypeError.
    """
    if isinstance(value, str):
        return value
    if isinstance(value, (bytes, bytearray, memoryview)):
        return bytes(value).decode("utf-8", "surrogateescape")
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return str(value)
    if hasattr(value, "read"):
        raise TypeError("a file cannot be the value of a form field or parameter; use files=")
    if isinstance(value, Mapping) or inspect.isawaitable(value) or isinstance(value, Iterator):
        raise TypeError(
            f"the value of a form field or parameter must be a text, or a list of texts, got {type(value).__name__}"
        )
    return str(value)


def encode_query(items: Iterable[tuple[str, str]]) -> str:
    """Encode pairs for the query of a URL (RFC 3986): all but letters, digits and -._~ is percent-encoded, a space as %20.

    Each server reads it so. A plus sign for a space is a rule of forms, and signatures of requests forbid it (AWS Signature
    Version 4).
    """
    return urlencode([(utf8_octets(name), utf8_octets(value)) for name, value in items], quote_via=quote, safe="")


def encode_pairs(items: Iterable[tuple[str, str]]) -> str:
    """Encode pairs as application/x-www-form-urlencoded."""
    return urlencode([(utf8_octets(name), utf8_octets(value)) for name, value in items])


def join_params(own: Any, given: Any) -> Any:
    """Join the params of a client and of a call. A name in the params of the call replaces that of the client, even if
    its value is None.

    own: of the client. given: of the call. Each is what `as_params` accepts; an empty one is left out.

    Raises: TypeError.
    """
    if not own or not given:
        return given or own or ()
    own, given = (
        params.decode("utf-8", "surrogateescape") if isinstance(params, bytes) else params for params in (own, given)
    )
    if not isinstance(given, (str, Mapping)):
        given = list(given)  # it is read twice below
    ours = own if isinstance(own, str) else encode_query(pairs(own))
    added = given if isinstance(given, str) else encode_query(pairs(given))
    replaced = param_names(given)
    kept = [part for part in ours.split("&") if unquote_plus(part.partition("=")[0]) not in replaced]
    return "&".join([*kept, *([added] if added else [])])


def param_names(params: Any) -> set[str]:
    """Return the names in params, including those with the value None."""
    if isinstance(params, str):
        return {unquote_plus(part.partition("=")[0]) for part in params.split("&")}
    items = params.items() if isinstance(params, Mapping) else params
    return {name for name, _ in pairs((name, "") for name, _ in items)}


def utf8_octets(text: str) -> bytes:
    """Encode text as UTF-8. A surrogate that stands for a byte (PEP 383) becomes that byte, any other U+FFFD, as in browsers."""
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError:
        return re.sub("[\ud800-\udc7f\udd00-\udfff]", "\ufffd", text).encode("utf-8", "surrogateescape")
