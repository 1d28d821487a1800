"""URLs: taken apart, checked, and put on the wire as written.

What is clean ASCII goes out byte for byte, so that a presigned query stays valid. The rest is percent-encoded as the WHATWG
URL standard does, or refused: control characters before the fragment, backslashes before the query (some parsers read them
as slashes, so that two programs would see two hosts).
"""

from __future__ import annotations

import inspect
import ipaddress
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple
from urllib.parse import quote_plus, unquote

from ..errors import InvalidURL, shown

_CONTROL = re.compile(r"[\x00-\x1f\x7f]").search
_LINE_BREAK = re.compile(r"[\t\n\r]").search
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):").match
_PARTS = re.compile(r"(?s)([A-Za-z][A-Za-z0-9+.-]*)://([^/?#]*)([^?#]*)(\?[^#]*)?(#.*)?").fullmatch
# The slashes before the host may be left out where no base is, as the WHATWG URL standard has it for its special schemes.
lacks_slashes = re.compile(r"(?i)(https?|wss?):/?(?!/)").match
_PORT = re.compile(r"0*([0-9]{1,5})").fullmatch
# All ASCII but what that standard calls forbidden domain code points.
_HOST = re.compile(r"[a-z0-9._!\"$&'()*+,;=`{}~-]+").fullmatch
_MAX_HOST = 255  # RFC 1035, section 2.3.4
_MAX_LABEL = 63
# Does the last label look like a number? Then the host is an IPv4 address, or none at all.
_NUMBER = re.compile(r"(?:.*\.)?(?:[0-9]+|0x[0-9a-f]*)\.?").fullmatch
_IPV4_PART = re.compile(r"0x([0-9a-f]*)|(0[0-7]*)|([1-9][0-9]*)").fullmatch
# The name of an interface has at most 15 characters (IFNAMSIZ of net/if.h); between dots there is something, as the
# IDNA codec of the socket module wants it.
_ZONE = re.compile(r"(?=.{1,15}\Z)[A-Za-z0-9_~-]+(?:\.[A-Za-z0-9_~-]+)*").fullmatch
_STRAY_SURROGATE = re.compile("[\ud800-\udc7f\udd00-\udfff]").sub
_OTHER_ESCAPE = re.compile("%(?!25)[0-9A-Fa-f]{2}").search
_JOINERS = "\u200c\u200d"
_PATH_KEPT = "!$%&'()*+,-./0123456789:;=@ABCDEFGHIJKLMNOPQRSTUVWXYZ[]_abcdefghijklmnopqrstuvwxyz|~"
_QUERY_KEPT = _PATH_KEPT + "?\\^`{}"
_FRAGMENT_KEPT = _QUERY_KEPT.replace("`", "#")
_ASCII = "".join(map(chr, range(128)))
# What needs no look at all: a lower-case host, an ASCII target, no dot segments, no userinfo, no fragment.
_CLEAN = re.compile(
    r"([a-z][a-z0-9+.-]*)://([a-z0-9_](?:[a-z0-9_.-]*[a-z0-9_])?)(?::([0-9]{1,5}))?"
    r"(/(?:[!$&'()*+,:;=@\w~/-]|%(?!2[eE])|(?<!/)\.)*)?(\?[!$%&'()*+,:;=@\w~./?-]*)?",
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
    """Take an absolute URL apart. The host comes back as `canonical_host` writes it.

    Raises: InvalidURL, saying what is wrong. It shows nothing that may be part of a password.
    """
    match = _CLEAN(url)
    if match is not None:
        scheme, host, port, path, query = match.groups()
        number = int(port) if port else None
        if (
            (number is None or number < 65536)
            and len(host) <= _MAX_HOST
            and "xn--" not in host
            and (_NUMBER(host) is None or _ipv4(host) == host)
        ):
            return SplitURL(url, scheme, host, number, (path or "/") + (query or ""), None, "")
    return _split_slowly(url)


def _split_slowly(url: str) -> SplitURL:
    url = url.strip(" ")
    place, _, fragment = url.partition("#")
    found = _CONTROL(place) or _LINE_BREAK(fragment)
    if found is not None:
        raise InvalidURL(f"the URL has the control character {found[0]!r} at {url.index(found[0])}")
    short = lacks_slashes(url)
    match = _PARTS(url if short is None else f"{short[1]}://{url[short.end() :]}")
    if match is None:
        raise InvalidURL(
            f"not an absolute URL{_harmless(url)}; it needs a scheme, as in http://host/path, or HttpClient(base_url=...)"
        )
    scheme, authority, path, query, fragment = match.groups()
    if "\\" in authority or "\\" in path:
        raise InvalidURL(f"a backslash before the query of the URL{_harmless(url)}")
    userinfo, at, hostport = authority.rpartition("@")
    try:
        host, port = split_host(hostport)
    except InvalidURL:
        if "@" not in url:
            raise
        # The message of split_host would show the rest of a password that holds a / ? # or @.
        host, port = "", None
    if not host:
        raise InvalidURL(
            "the URL has no valid host and port before its path; a / ? or # in a password has to be percent-encoded"
        )
    scheme = scheme.lower()
    path = remove_dot_segments(percent_encoded(path, _PATH_KEPT))
    written = query or ""
    query = percent_encoded(written, _QUERY_KEPT)
    if query != written:
        query = query.replace("'", "%27")  # browsers encode it always; a query of clean ASCII goes out as written
    fragment = percent_encoded(fragment or "", _FRAGMENT_KEPT)
    authority = written_host(host) + (f":{port}" if port is not None else "")
    whole = f"{scheme}://{authority}{path}{query}{fragment}"
    userinfo = percent_encoded(userinfo, _ASCII)
    return SplitURL(whole, scheme, host, port, (path or "/") + query, userinfo if at else None, fragment)


def _harmless(url: str) -> str:
    """What a message may show of a URL that could not be taken apart: nothing where a part of it may be a password."""
    return "" if "@" in url or ":" in url else f": {shown(url.partition('?')[0].partition('#')[0], 120)}"


def scheme_of(url: str) -> str | None:
    """The scheme that a URL begins with, in lower case; None where it has none."""
    match = _SCHEME(url.lstrip(" "))
    return None if match is None else match[1].lower()


def unserved(url: str, scheme: str, served: Iterable[str]) -> str:
    """What to say of a URL whose scheme is not among those that are served."""
    has_slashes = url.lstrip(" ")[len(scheme) :].startswith("://")
    # In name:password@host the scheme is a name, which may be a token.
    named = f" {shown(scheme)}" if has_slashes or "@" not in url else " of this URL"
    hint = "" if has_slashes else "; a host with a port needs a scheme too, as in http://host:port/path"
    return f"no installed plugin serves the scheme{named}; there are {', '.join(sorted(served))}{hint}"


def split_host(hostport: str) -> tuple[str, int | None]:
    """Split and check `host[:port]`; the host comes back as `canonical_host` writes it.

    Raises: InvalidURL.
    """
    if hostport.startswith("["):
        host, _, rest = hostport[1:].partition("]")
        if not hostport[1 + len(host) :].startswith("]") or (rest and not rest.startswith(":")):
            raise InvalidURL("an IPv6 address in a URL stands in brackets, with nothing but a port behind it")
        if _OTHER_ESCAPE(host):  # some would undo it: [::%31] is ::1 or an interface
            raise InvalidURL("before the zone of an IPv6 address in a URL stands %25")
        host = _ipv6(host.replace("%25", "%", 1))
        port = rest[1:]
    else:
        host, _, port = hostport.partition(":")
        host = _name(unquote(host))
    if not port:
        return host, None
    match = _PORT(port)
    if match is None or int(match[1]) > 65535:
        # What stands there is not shown: in http://name:password/ it is a password.
        raise InvalidURL("not a port in the URL behind the colon after its host; expected 0 to 65535")
    return host, int(match[1])


def canonical_host(host: str) -> str:
    """A host as the WHATWG URL standard writes it, so that two spellings of one host are equal.

    A name is in lower case and its labels are A-labels (UTS 46, as browsers do); an IPv4 address is four decimal numbers,
    whether it was written in one number, in octal or in hexadecimal; an IPv6 address is in its short form, without brackets.
    The dot at the end of a name stays.

    Raises: InvalidURL.
    """
    if host.startswith("[") and host.endswith("]"):
        return _ipv6(host[1:-1])
    return _ipv6(host) if ":" in host else _name(host)


def _name(host: str) -> str:
    """Raises: InvalidURL."""
    if not host:
        raise InvalidURL("the URL has no host")
    written = host
    if len(host) <= _MAX_HOST:  # punycode takes quadratic time
        host = host.lower() if host.isascii() else host
        if not host.isascii() or "xn--" in host:
            host = _ascii_name(host)
    if len(host) > _MAX_HOST or not _HOST(host):
        raise InvalidURL(f"not a host name: {shown(written)}")
    if not _NUMBER(host):
        return host
    address = _ipv4(host)
    if address is None:
        raise InvalidURL(f"the host {shown(host)} ends in a number, and is no IPv4 address")
    return address


def _ascii_name(host: str) -> str:
    """A name in A-labels: UTS 46, section 4, without its rules for hyphens and STD3, as the WHATWG URL standard asks for it.

    `idna.encode` follows IDNA 2008, which has no symbols.

    Raises: InvalidURL.
    """
    from unicodedata import bidirectional

    import idna  # both here, because few hosts need them: 10 ms

    problem = ""
    try:
        labels = [_unicode_label(label, idna) for label in idna.uts46_remap(host, std3_rules=False).split(".")]
        is_bidi = any(bidirectional(character) in ("R", "AL", "AN") for label in labels for character in label)
        for label in filter(None, labels):
            idna.check_initial_combiner(label)
            if is_bidi:
                idna.check_bidi(label, check_ltr=True)
            for at, character in enumerate(label):
                if character in _JOINERS and not idna.valid_contextj(label, at):
                    raise idna.InvalidCodepointContext(f"a joiner at {at} of a label that has no place for it")
        return ".".join(label if label.isascii() else _ascii_label(label) for label in labels)
    except UnicodeError as error:  # IDNAError is one
        problem = str(error)
    raise InvalidURL(f"the host {shown(host)} has no IDNA form: {shown(problem, 120)}")


def _unicode_label(label: str, idna: Any) -> str:
    """A label that was mapped already, without its punycode.

    Raises: UnicodeError.
    """
    if not label.startswith("xn--"):
        return label
    decoded = label[4:].encode("ascii").decode("punycode")
    if decoded.isascii() or idna.uts46_remap(decoded, std3_rules=False) != decoded or _ascii_label(decoded) != label:
        raise UnicodeError("a label that begins with xn-- and is no A-label")
    return decoded


def _ascii_label(label: str) -> str:
    """Raises: UnicodeError."""
    encoded = "xn--" + label.encode("punycode").decode("ascii")
    if len(encoded) > _MAX_LABEL:
        raise UnicodeError("a label of more than 63 characters")
    return encoded


def _ipv4(host: str) -> str | None:
    """An IPv4 address in four decimal numbers; None for what is none. The last number fills all bytes that are left."""
    numbers: list[int] = []
    for part in host.removesuffix(".").split("."):
        match = _IPV4_PART(part)
        if match is None or len(numbers) == 4:
            return None
        hexadecimal, octal, decimal = match.groups()
        if hexadecimal is not None:
            numbers.append(int(hexadecimal or "0", 16))
        else:
            numbers.append(int(decimal) if octal is None else int(octal, 8))
    *first, last = numbers
    size = 4 - len(first)
    if last >= 256**size or any(number > 255 for number in first):
        return None
    return ".".join(map(str, [*first, *last.to_bytes(size, "big")]))


def _ipv6(host: str) -> str:
    """An IPv6 address in its short form (RFC 5952, section 4), but for IPv4 in its end, which is hexadecimal too.

    Raises: InvalidURL.
    """
    written, percent, zone = host.partition("%")
    try:
        address = ipaddress.IPv6Address(written)
    except ValueError:
        address = None
    if address is None or (percent and not _ZONE(zone)):  # ipaddress takes any zone, line ends too
        raise InvalidURL(f"not an IPv6 address in the URL: {shown(host)}")
    mapped = address.ipv4_mapped  # Python 3.13 writes it as ::ffff:127.0.0.1
    short = str(address) if mapped is None else f"::ffff:{int(mapped) >> 16:x}:{int(mapped) & 0xFFFF:x}"
    return f"{short}{percent}{zone}"


def written_host(host: str) -> str:
    """A host as it stands in a URL: IPv6 in brackets, the percent sign before its zone encoded (RFC 6874, section 2)."""
    return f"[{host.replace('%', '%25')}]" if ":" in host else host


def percent_encoded(text: str, kept: str) -> str:
    """Percent-encode, as UTF-8, what is not in `kept`. Escapes that are there stay as they are."""
    if all(character in kept for character in text):
        return text
    return "".join(c if c in kept else "".join(f"%{byte:02X}" for byte in octets(c)) for c in text)


def octets(text: str) -> bytes:
    """Text in UTF-8. A surrogate that stands for a byte (PEP 383) is that byte; any other becomes U+FFFD, as in browsers."""
    return _STRAY_SURROGATE("\ufffd", text).encode("utf-8", "surrogateescape")


def remove_dot_segments(path: str) -> str:
    """RFC 3986, section 5.2.4. An escaped dot is a dot, as the WHATWG URL standard has it."""
    if "/." not in path and "/%2" not in path:
        return path
    kept: list[str] = []
    segments = path.split("/")
    for index, segment in enumerate(segments):
        dots = segment.replace("%2e", ".").replace("%2E", ".")
        if dots == "..":
            if len(kept) > 1:
                kept.pop()
        elif dots != ".":
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
        params = params.decode("utf-8", "surrogateescape")
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
    return quote_plus(octets(text))
