"""URLs: taken apart, checked, and put on the wire as written.

What is clean ASCII goes out byte for byte, so that a presigned query stays valid. The rest is percent-encoded as the WHATWG
URL standard does, or refused: control characters anywhere, backslashes before the query (some parsers read them as slashes,
so that two programs would see two hosts).
"""

from __future__ import annotations

import inspect
import ipaddress
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple
from urllib.parse import quote_plus, unquote

from .errors import InvalidURL, shown

_CONTROL = re.compile(r"[\x00-\x1f\x7f]").search
_PARTS = re.compile(r"(?s)([A-Za-z][A-Za-z0-9+.-]*)://([^/?#]*)([^?#]*)(\?[^#]*)?(#.*)?").fullmatch
_HOST = re.compile(r"[a-z0-9_](?:[a-z0-9_.-]*[a-z0-9_])?\.?").fullmatch
_ZONE = re.compile(r"[A-Za-z0-9._~-]*").fullmatch
_PATH_KEPT = "!$%&'()*+,-./0123456789:;=@ABCDEFGHIJKLMNOPQRSTUVWXYZ[]_abcdefghijklmnopqrstuvwxyz|~"
_QUERY_KEPT = _PATH_KEPT + "?\\^`{}"
# What needs no look at all: a lower-case host, an ASCII target, no dot segments, no userinfo, no fragment.
_CLEAN = re.compile(
    r"([a-z][a-z0-9+.-]*)://([a-z0-9_](?:[a-z0-9_.-]*[a-z0-9_])?)(?::([0-9]{1,5}))?(/(?:[!$%&'()*+,:;=@\w~/-]|(?<!/)\.)*)?"
    r"(\?[!$%&'()*+,:;=@\w~./?-]*)?",
    re.ASCII,
).fullmatch


class SplitURL(NamedTuple):
    """A URL in its parts. `url` is the whole without userinfo; `target` is what goes on the wire."""

    url: str
    scheme: str
    host: str
    port: int | None
    target: str
    userinfo: str | None
    fragment: str


def split_url(url: str) -> SplitURL:
    """Take an absolute URL apart.

    Raises: InvalidURL, naming what is wrong.
    """
    match = _CLEAN(url)
    if match is not None:
        scheme, host, port, path, query = match.groups()
        number = int(port) if port else None
        if (number is None or number < 65536) and len(host) <= 255:
            return SplitURL(url, scheme, host, number, (path or "/") + (query or ""), None, "")
    return _split_slowly(url)


def _split_slowly(url: str) -> SplitURL:
    url = url.strip(" ")
    found = _CONTROL(url)
    if found is not None:
        raise InvalidURL(f"the URL has the control character {found[0]!r} at {found.start()}")
    match = _PARTS(url)
    if match is None:
        hint = "" if "://" in url[:12] else "; it needs a scheme, as in http://host/path, or HttpClient(base_url=...)"
        raise InvalidURL(f"not an absolute URL: {_harmless(url)}{hint}")
    scheme, authority, path, query, fragment = match.groups()
    if "\\" in authority or "\\" in path:
        raise InvalidURL(f"a backslash before the query of the URL: {_harmless(url)}")
    userinfo, at, hostport = authority.rpartition("@")
    try:
        host, port = split_host(hostport)
    except InvalidURL:
        if not at and "@" in url:  # the message would show the beginning of a password
            raise InvalidURL(
                "the URL has no host and port before its path; a / ? or # in a password has to be percent-encoded"
            ) from None
        raise
    scheme = scheme.lower()
    path = remove_dot_segments(percent_encoded(path, _PATH_KEPT))
    query = percent_encoded(query or "", _QUERY_KEPT)
    fragment = percent_encoded(fragment or "", _QUERY_KEPT + "#")
    authority = written_host(host) + (f":{port}" if port is not None else "")
    whole = f"{scheme}://{authority}{path}{query}{fragment}"
    return SplitURL(whole, scheme, host, port, (path or "/") + query, userinfo if at else None, fragment)


def _harmless(url: str) -> str:
    """A URL for a message: without userinfo and query."""
    return shown(re.sub(r"(^|//)[^/?#]*@", r"\1…@", url.partition("?")[0]), 120)


def split_host(hostport: str) -> tuple[str, int | None]:
    """Split and check `host[:port]`; the host comes back in lower case, IDNA-encoded, IPv6 without brackets.

    Raises: InvalidURL.
    """
    if hostport.startswith("["):
        host, bracket, rest = hostport[1:].partition("]")
        try:
            address = ipaddress.IPv6Address(unquote(host))
            if not _ZONE(address.scope_id or ""):
                raise ValueError("the zone")  # ipaddress takes anything there, line ends too
            host = str(address)
        except ValueError as error:
            raise InvalidURL(f"not an IPv6 address in the URL: {shown(hostport)}") from error
        if not bracket or (rest and not rest.startswith(":")):
            raise InvalidURL(f"what stands after the IPv6 address in the URL is no port: {shown(hostport)}")
        port = rest[1:]
    else:
        host, _, port = hostport.partition(":")
        host = ascii_host(unquote(host))
    if not port:
        return host, None
    if not (port.isascii() and port.isdigit() and int(port) < 65536):
        raise InvalidURL(f"not a port in the URL: {shown(port)}; expected 0 to 65535")
    return host, int(port)


def ascii_host(host: str) -> str:
    """A host name in lower case, IDNA-encoded where it is not ASCII (UTS 46, as browsers do).

    Raises: InvalidURL.
    """
    if not host:
        raise InvalidURL("the URL has no host")
    if not host.isascii():
        import idna

        try:
            host = idna.encode(host, uts46=True).decode("ascii")
        except idna.IDNAError as error:
            raise InvalidURL(f"the host {shown(host)} has no IDNA form: {error}") from error
    host = host.lower()
    if not _HOST(host) or len(host) > 255:
        raise InvalidURL(f"not a host name: {shown(host)}")
    return host


def written_host(host: str) -> str:
    """A host as it stands in a URL: IPv6 in brackets, the percent sign before its zone encoded (RFC 6874, section 2)."""
    return f"[{host.replace('%', '%25')}]" if ":" in host else host


def percent_encoded(text: str, kept: str) -> str:
    """Percent-encode, as UTF-8, what is not in `kept`. Escapes that are there stay as they are."""
    if all(character in kept for character in text):
        return text
    return "".join(
        c if c in kept else "".join(f"%{byte:02X}" for byte in c.encode("utf-8", "surrogatepass")) for c in text
    )


def remove_dot_segments(path: str) -> str:
    """RFC 3986, section 5.2.4."""
    if "/." not in path:
        return path
    kept: list[str] = []
    segments = path.split("/")
    for index, segment in enumerate(segments):
        if segment == "..":
            if len(kept) > 1:
                kept.pop()
        elif segment != ".":
            kept.append(segment)
            continue
        if index == len(segments) - 1:
            kept.append("")
    return "/".join(kept) or "/"


def as_url(name: str, value: Any) -> str:
    """A URL as a user gives it, where it is no str but an object that is written as one. name: of the keyword.

    Raises: TypeError.
    """
    if isinstance(value, str):
        return value
    if value is None or isinstance(value, (int, float)) or hasattr(type(value), "__iter__"):
        raise TypeError(f"{name}= takes a str, not {type(value).__name__}")
    return str(value)


def as_params(value: Any) -> Any:
    """What a user gives as `params=`; the pairs of an iterator as a list, so that they can be read again.

    Raises: TypeError.
    """
    if value is None or isinstance(value, (str, bytes, Mapping)):
        return value
    if not isinstance(value, Iterable):
        raise TypeError(f"params= takes a mapping, pairs or a str, not {type(value).__name__}")
    return list(value) if isinstance(value, Iterator) else value


def with_params(url: str, params: Any) -> str:
    """The URL with parameters behind its own query, which stays as written.

    params: a mapping, or pairs; a list or tuple as a value stands for several; None leaves the name out; a str goes in as is,
    but for a # in it, which would end the query.
    """
    if isinstance(params, bytes):
        params = params.decode("utf-8")
    query = params.replace("#", "%23") if isinstance(params, str) else encode_pairs(pairs(params))
    if not query:
        return url
    url, mark, fragment = url.partition("#")
    joint = "" if url.endswith(("?", "&")) else "&" if "?" in url else "?"
    return f"{url}{joint}{query}{mark}{fragment}"


def pairs(source: Mapping[Any, Any] | Iterable[tuple[Any, Any]]) -> list[tuple[str, str]]:
    """Names and values of a mapping or of pairs, one pair for each member of a list; values of None are left out.

    Bytes that are no UTF-8 are kept as surrogates, which encode back to them.

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
    if isinstance(value, str):
        return value
    if isinstance(value, (bytes, bytearray, memoryview)):
        return bytes(value).decode("utf-8", "surrogateescape")
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return str(value)
    if hasattr(value, "read"):
        raise TypeError("a file is no value of a field or parameter; files= sends it")
    if isinstance(value, Mapping) or inspect.isawaitable(value) or isinstance(value, Iterator):
        raise TypeError(f"a field or parameter has a text as its value, or a list of them, not {type(value).__name__}")
    return str(value)


def encode_pairs(items: Iterable[tuple[str, str]]) -> str:
    """Pairs in application/x-www-form-urlencoded."""
    return "&".join(f"{_quoted(name)}={_quoted(value)}" for name, value in items)


def _quoted(text: str) -> str:
    if text.isascii() and text.isalnum():  # as most are
        return text
    return quote_plus(text, errors="surrogateescape")
