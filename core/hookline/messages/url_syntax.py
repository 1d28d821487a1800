"""URLs that are not sent as they were written, and references that are resolved against a base URL.

Characters that are not ASCII are percent-encoded as in the WHATWG URL standard. Control characters before the fragment, and
backslashes before the query, are refused: some parsers read a backslash as a slash, so two programs could see two different
hosts.
"""

from __future__ import annotations

import re
from urllib.parse import quote

from ..errors import InvalidURL, shown
from .clean_url import SplitURL, written_host
from .host import split_host
from .params import utf8_octets

_CONTROL = re.compile(r"[\x00-\x1f\x7f]").search
_LINE_BREAK = re.compile(r"[\t\n\r]").search
# Splits any text into scheme, authority, path, query and fragment (RFC 3986, appendix B, but a scheme must be a valid one).
_split_reference = re.compile(r"(?s)(?:([A-Za-z][A-Za-z0-9+.-]*):)?(?://([^/?#]*))?([^?#]*)(\?[^#]*)?(#.*)?").fullmatch
# Does a URL have fewer than two slashes after its scheme? Without a base URL they may be left out, as in the WHATWG URL
# standard for its special schemes.
_lacks_slashes = re.compile(r"(?i)(https?|wss?):/?(?!/)").match
# The characters that stay as they are, beside letters, digits and -._~
_PATH_KEPT = "!$%&'()*+,/:;=@[]|"
_QUERY_KEPT = _PATH_KEPT + "?\\^`{}"
_FRAGMENT_KEPT = _QUERY_KEPT.replace("`", "#")
_ASCII = "".join(map(chr, range(128)))


def split_any_url(url: str) -> SplitURL:
    """Split a URL that may need percent-encoding, or is invalid."""
    url = url.strip(" ")
    before_fragment, _, fragment = url.partition("#")
    found = _CONTROL(before_fragment) or _LINE_BREAK(fragment)
    if found is not None:
        raise InvalidURL(f"the URL has the control character {found[0]!r} at {url.index(found[0])}")
    without_slashes = _lacks_slashes(url)
    match = _split_reference(
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


def percent_encoded(text: str, kept: str) -> str:
    """Percent-encode, as UTF-8, all characters but letters, digits, -._~ and those in `kept`."""
    return quote(utf8_octets(text), kept)


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


def resolve_reference(base: str, reference: str) -> str:
    """Resolve a URL reference against a base URL (RFC 3986, section 5.2.2). Both stay byte for byte as written.

    A reference that begins with two slashes is refused, since it names another host: otherwise a path that a program
    builds as "/" + name would leave the host of the base if the name begins with a slash.

    Raises: InvalidURL.
    """
    of_base, given = _split_reference(base.strip(" ")), _split_reference(reference.strip(" "))
    assert of_base is not None  # the expression matches any text
    assert given is not None
    base_scheme, base_authority, base_path, base_query, _ = of_base.groups()
    scheme, authority, path, query, fragment = given.groups()
    if base_scheme is None or base_authority is None:
        raise InvalidURL("not an absolute URL, scheme://host/path")
    if scheme is not None:
        if _lacks_slashes(reference.strip(" ")):
            raise InvalidURL("a URL without // after its scheme is ambiguous with base_url; write http://host")
        return reference
    if authority is not None:
        raise InvalidURL("a URL that begins with // leaves the host of base_url; write its scheme too")
    if not path:
        path, query = base_path, base_query if query is None else query
    elif not path.startswith("/"):
        path = f"{base_path.rpartition('/')[0]}/{path}"  # split_url removes the dot segments
    return f"{base_scheme}://{base_authority}{path}{query or ''}{fragment or ''}"
