"""Hosts in URLs: checked, and written in one form, as in the WHATWG URL standard."""

from __future__ import annotations

import ipaddress
import re
from typing import Any
from urllib.parse import unquote

from ..errors import InvalidURL, shown
from .clean_url import MAX_HOST, ends_in_number

_PORT = re.compile(r"0*([0-9]{1,5})").fullmatch
# All ASCII characters except those that the WHATWG URL standard calls forbidden domain code points.
_HOST = re.compile(r"[a-z0-9._!\"$&'()*+,;=`{}~-]+").fullmatch
_MAX_LABEL = 63
_IPV4_PART = re.compile(r"0x[0-9a-f]*|0[0-7]*|[1-9][0-9]*").fullmatch  # hexadecimal, octal or decimal
# The name of an interface has at most 15 characters (IFNAMSIZ of net/if.h); no label between its dots may be empty, which
# the IDNA codec of the socket module requires.
_ZONE = re.compile(r"(?=.{1,15}\Z)[A-Za-z0-9_~-]+(?:\.[A-Za-z0-9_~-]+)*").fullmatch
_OTHER_ESCAPE = re.compile("%(?!25)[0-9A-Fa-f]{2}").search
_JOINERS = "\u200c\u200d"


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

    Example: docs/requests.md#hosts
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
    if len(host) <= MAX_HOST:  # punycode takes quadratic time
        host = host.lower() if host.isascii() else host
        if not host.isascii() or "xn--" in host:
            host = _ascii_name(host)
    if len(host) > MAX_HOST or not _HOST(host):
        raise InvalidURL(f"not a host name: {shown(written)}")
    return _ipv4(host) if ends_in_number(host) else host


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
