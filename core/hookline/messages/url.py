"""URLs: split into parts, checked, and sent as written.

A URL of valid ASCII characters is sent byte for byte, so that a presigned query stays valid. Other characters are
percent-encoded as in the WHATWG URL standard. Control characters before the fragment, and backslashes before the query,
are refused: some parsers read a backslash as a slash, so two programs could see two different hosts.
"""

from __future__ import annotations

import inspect
import ipaddress
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple
from urllib.parse import quote, unquote, urlencode

from ..errors import InvalidURL, shown

_CONTROL = re.compile(r"[\x00-\x1f\x7f]").search
_LINE_BREAK = re.compile(r"[\t\n\r]").search
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):").match
# Splits any text into scheme, authority, path, query and fragment (RFC 3986, appendix B, but a scheme must be a valid one).
split_reference = re.compile(r"(?s)(?:([A-Za-z][A-Za-z0-9+.-]*):)?(?://([^/?#]*))?([^?#]*)(\?[^#]*)?(#.*)?").fullmatch
# Does a URL have fewer than two slashes after its scheme? Without a base URL they may be left out, as in the WHATWG URL
# standard for its special schemes.
lacks_slashes = re.compile(r"(?i)(https?|wss?):/?(?!/)").match
_PORT = re.compile(r"0*([0-9]{1,5})").fullmatch
# All ASCII characters except those that the WHATWG URL standard calls forbidden domain code points.
_HOST = re.compile(r"[a-z0-9._!\"$&'()*+,;=`{}~-]+").fullmatch
_MAX_HOST = 255  # RFC 1035, section 2.3.4
_MAX_LABEL = 63
# Does the last label look like a number? Then the host is an IPv4 address, or invalid.
_ENDS_IN_NUMBER = re.compile(r"(?:.*\.)?(?:[0-9]+|0x[0-9a-f]*)\.?").fullmatch
_IPV4_PART = re.compile(r"0x[0-9a-f]*|0[0-7]*|[1-9][0-9]*").fullmatch  # hexadecimal, octal or decimal
# The name of an interface has at most 15 characters (IFNAMSIZ of net/if.h); no label between its dots may be empty, which
# the IDNA codec of the socket module requires.
_ZONE = re.compile(r"(?=.{1,15}\Z)[A-Za-z0-9_~-]+(?:\.[A-Za-z0-9_~-]+)*").fullmatch
_STRAY_SURROGATE = re.compile("[\ud800-\udc7f\udd00-\udfff]").sub
_OTHER_ESCAPE = re.compile("%(?!25)[0-9A-Fa-f]{2}").search
_JOINERS = "\u200c\u200d"
# The characters that stay as they are, beside letters, digits and -._~
_PATH_KEPT = "!$%&'()*+,/:;=@[]|"
_QUERY_KEPT = _PATH_KEPT + "?\\^`{}"
_FRAGMENT_KEPT = _QUERY_KEPT.replace("`", "#")
_ASCII = "".join(map(chr, range(128)))
# A URL that needs no change: a lower-case host, an ASCII target, no dot segments, no userinfo, no fragment.
_CLEAN = re.compile(
    r"([a-z][a-z0-9+.-]*)://([a-z0-9_](?:[a-z0-9_.-]*[a-z0-9_])?)(?::([0-9]{1,5}))?"
    r"(/(?:[!$&'()*+,:;=@\w~/-]|%(?!2[eE])|(?<!/)\.)*)?(\?[!$%&'()*+,:;=@\w~./?-]*)?",
    re.ASCII,
).fullmatch


class SplitURL(NamedTuple):
    """The parts of an absolute URL.

    url: the whole URL without userinfo. scheme: in lower case. host: as `canonical_host` returns it. port: None if the URL
    has none. target: path and query, as they are sent; at least "/". userinfo: what stands before the @, in ASCII;
    None if there is no @. fragment: with its #; "" if there is none.
    """

    url: str
    scheme: str
    host: str
    port: int | None
    target: str
    userinfo: str | None
    fragment: str


def split_url(url: str) -> SplitURL:
    """Split an absolute URL into its parts, normalised and percent-encoded for sending.

    Raises: InvalidURL. Its message says what is wrong, but shows nothing that may be part of a password.
    """
    match = _CLEAN(url)
    if match is not None:
        scheme, host, port, path, query = match.groups()
        number = int(port) if port else None
        if (
            (number is None or number < 65536)
            and len(host) <= _MAX_HOST
            and "xn--" not in host
            and (_ENDS_IN_NUMBER(host) is None or _ipv4(host) == host)
        ):
            return SplitURL(url, scheme, host, number, (path or "/") + (query or ""), None, "")
    return _split_slowly(url)


def _split_slowly(url: str) -> SplitURL:
    """Split a URL that may need percent-encoding, or is invalid."""
    url = url.strip(" ")
    before_fragment, _, fragment = url.partition("#")
    found = _CONTROL(before_fragment) or _LINE_BREAK(fragment)
    if found is not None:
        raise InvalidURL(f"the URL has the control character {found[0]!r} at {url.index(found[0])}")
    without_slashes = lacks_slashes(url)
    match = split_reference(
        url if without_slashes is None else f"{without_slashes[1]}://{url[without_slashes.end() :]}"
    )
    assert match is not None  # the expression matches any text
    scheme, authority, path, query, fragment = match.groups()
    if scheme is None or authority is None:
        raise InvalidURL(
            f"not an absolute URL{_shown_url(url)}; it needs a scheme, as in http://host/path, or HttpClient(base_url=...)"
        )
    if "\\" in authority or "\\" in path:
        raise InvalidURL(f"a backslash before the query of the URL{_shown_url(url)}")
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
        query = query.replace("'", "%27")  # as in browsers; a query that needs no other change is sent as written
    fragment = percent_encoded(fragment or "", _FRAGMENT_KEPT)
    authority = written_host(host) + (f":{port}" if port is not None else "")
    whole = f"{scheme}://{authority}{path}{query}{fragment}"
    userinfo = percent_encoded(userinfo, _ASCII)
    return SplitURL(whole, scheme, host, port, (path or "/") + query, userinfo if at else None, fragment)


def _shown_url(url: str) -> str:
    """Return what a message may show of an invalid URL: nothing if a part of it may be a password."""
    return "" if "@" in url or ":" in url else f": {shown(url.partition('?')[0].partition('#')[0], 120)}"


def scheme_of(url: str) -> str | None:
    """Return the scheme of a URL, in lower case; None if it has none."""
    match = _SCHEME(url.lstrip(" "))
    return None if match is None else match[1].lower()


def explain_unserved_scheme(url: str, scheme: str, served: Iterable[str]) -> str:
    """Return the error message for a URL whose scheme no plugin serves. served: the schemes of core and the plugins."""
    has_slashes = url.lstrip(" ")[len(scheme) :].startswith("://")
    # In name:password@host the scheme is a name, which may be a token.
    named = f" {shown(scheme)}" if has_slashes or "@" not in url else " of this URL"
    hint = "" if has_slashes else "; a host with a port needs a scheme too, as in http://host:port/path"
    return f"no installed plugin serves the scheme{named}; there are {', '.join(sorted(served))}{hint}"


def split_host(hostport: str) -> tuple[str, int | None]:
    """Split and check `host[:port]`; the host is returned as `canonical_host` writes it.

    Raises: InvalidURL.
    """
    if hostport.startswith("["):
        host, _, rest = hostport[1:].partition("]")
        if not hostport[1 + len(host) :].startswith("]") or (rest and not rest.startswith(":")):
            raise InvalidURL("an IPv6 address in a URL stands in brackets, with nothing but a port after them")
        if _OTHER_ESCAPE(host):  # parsers disagree: [::%31] is ::1, or names an interface
            raise InvalidURL("the zone of an IPv6 address in a URL begins with %25")
        host = _ipv6(host.replace("%25", "%", 1))
        port = rest[1:]
    else:
        host, _, port = hostport.partition(":")
        host = _host_name(unquote(host))
    if not port:
        return host, None
    match = _PORT(port)
    if match is None or int(match[1]) > 65535:
        # The message does not show it: in http://name:password/ it is a password.
        raise InvalidURL("not a port after the colon of the host in the URL; expected 0 to 65535")
    return host, int(match[1])


def canonical_host(host: str) -> str:
    """Normalise a host as the WHATWG URL standard does, so that all spellings of one host are equal.

    A name is in lower case and its labels are A-labels (UTS 46, as browsers do); an IPv4 address is four decimal numbers,
    even if it was written as one number, in octal or in hexadecimal; an IPv6 address is in its short form, without brackets.
    The dot at the end of a name stays.

    Raises: InvalidURL.
    """
    if host.startswith("[") and host.endswith("]"):
        return _ipv6(host[1:-1])
    return _ipv6(host) if ":" in host else _host_name(host)


def _host_name(host: str) -> str:
    """Normalise a host that is not an IPv6 address.

    Raises: InvalidURL.
    """
    if not host:
        raise InvalidURL("the URL has no host")
    written = host
    if len(host) <= _MAX_HOST:  # punycode takes quadratic time
        host = host.lower() if host.isascii() else host
        if not host.isascii() or "xn--" in host:
            host = _ascii_name(host)
    if len(host) > _MAX_HOST or not _HOST(host):
        raise InvalidURL(f"not a host name: {shown(written)}")
    return _ipv4(host) if _ENDS_IN_NUMBER(host) else host


def _ascii_name(host: str) -> str:
    """Convert a name to A-labels, as the WHATWG URL standard does: UTS 46, section 4, without its rules for hyphens and STD3.

    `idna.encode` is not used: it follows IDNA 2008, which allows no symbols.

    Raises: InvalidURL.
    """
    from unicodedata import bidirectional

    import idna  # both imported here, because few hosts need them: 10 ms

    try:
        labels = [_unicode_label(label, idna) for label in idna.uts46_remap(host, std3_rules=False).split(".")]
        is_bidi = any(bidirectional(character) in ("R", "AL", "AN") for label in labels for character in label)
        for label in filter(None, labels):
            idna.check_initial_combiner(label)
            if is_bidi:
                idna.check_bidi(label, check_ltr=True)
            for at, character in enumerate(label):
                if character in _JOINERS and not idna.valid_contextj(label, at):
                    raise idna.InvalidCodepointContext(f"a joiner that is not allowed at position {at} of a label")
        return ".".join(label if label.isascii() else _ascii_label(label) for label in labels)
    except UnicodeError as error:  # IDNAError is one
        raise InvalidURL(f"the host {shown(host)} has no IDNA form: {shown(str(error), 120)}") from None


def _unicode_label(label: str, idna: Any) -> str:
    """Decode a label that was mapped already, if it is an A-label.

    Raises: UnicodeError.
    """
    if not label.startswith("xn--"):
        return label
    decoded = label[4:].encode("ascii").decode("punycode")
    if decoded.isascii() or idna.uts46_remap(decoded, std3_rules=False) != decoded or _ascii_label(decoded) != label:
        raise UnicodeError("a label that begins with xn--, but is not an A-label")
    return decoded


def _ascii_label(label: str) -> str:
    """Convert a label to an A-label.

    Raises: UnicodeError, if it is too long.
    """
    encoded = "xn--" + label.encode("punycode").decode("ascii")
    if len(encoded) > _MAX_LABEL:
        raise UnicodeError("a label of more than 63 characters")
    return encoded


def _ipv4(host: str) -> str:
    """Write an IPv4 address as four decimal numbers. The last number fills all remaining bytes.

    Raises: InvalidURL.
    """
    parts = host.removesuffix(".").split(".")
    size = 5 - len(parts)  # of the last number, in bytes
    if size > 0 and all(map(_IPV4_PART, parts)):
        *first, last = (
            int(f"0{part[2:]}", 16) if part.startswith("0x") else int(part, 8 if part.startswith("0") else 10)
            for part in parts
        )
        if last < 256**size and all(number < 256 for number in first):
            return ".".join(map(str, [*first, *last.to_bytes(size, "big")]))
    raise InvalidURL(f"the host {shown(host)} ends in a number, but is not an IPv4 address")


def _ipv6(host: str) -> str:
    """Write an IPv6 address in its short form (RFC 5952, section 4), but an IPv4 address at its end in hexadecimal.

    Raises: InvalidURL.
    """
    written, percent, zone = host.partition("%")
    try:
        address = ipaddress.IPv6Address(written)
    except ValueError:
        address = None
    if address is None or (percent and not _ZONE(zone)):  # ipaddress accepts any zone, even line ends
        raise InvalidURL(f"not an IPv6 address in the URL: {shown(host)}")
    mapped = address.ipv4_mapped  # Python 3.13 writes it as ::ffff:127.0.0.1
    short = str(address) if mapped is None else f"::ffff:{int(mapped) >> 16:x}:{int(mapped) & 0xFFFF:x}"
    return f"{short}{percent}{zone}"


def written_host(host: str) -> str:
    """Write a host for a URL: IPv6 in brackets, with the percent sign before its zone encoded (RFC 6874, section 2)."""
    return f"[{host.replace('%', '%25')}]" if ":" in host else host


def percent_encoded(text: str, kept: str) -> str:
    """Percent-encode, as UTF-8, all characters but letters, digits, -._~ and those in `kept`."""
    return quote(utf8_octets(text), kept)


def utf8_octets(text: str) -> bytes:
    """Encode text as UTF-8. A surrogate that stands for a byte (PEP 383) becomes that byte, any other U+FFFD, as in browsers."""
    return _STRAY_SURROGATE("\ufffd", text).encode("utf-8", "surrogateescape")


def remove_dot_segments(path: str) -> str:
    """Remove . and .. from a path (RFC 3986, section 5.2.4). An escaped dot is a dot, as in the WHATWG URL standard."""
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
    """Convert a URL of the user, a str or an object whose str() is the URL, to str. name: the keyword, for messages.

    Raises: TypeError.
    """
    if isinstance(value, str):
        return value
    if value is None or isinstance(value, (int, float)) or hasattr(type(value), "__iter__"):
        raise TypeError(f"{name}= takes a str, not {type(value).__name__}")
    return str(value)


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
