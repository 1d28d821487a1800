"""What users give as a URL: a reference, resolved against the client's `base_url`, with the client's params behind it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote_plus

from ..errors import InvalidURL
from .url import encode_pairs, lacks_slashes, pairs

# RFC 3986, appendix B; a scheme only where it is one.
# Compiled by `re` itself, when a client with a base_url first asks.
_REFERENCE = (
    r"(?s)(?:(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*):)?(?://(?P<authority>[^/?#]*))?(?P<path>[^?#]*)(?P<query>\?[^#]*)?"
    r"(?P<fragment>#.*)?"
)


def resolve(base: str, reference: str) -> str:
    """The URL that a reference means where `base` stands, byte for byte as both are written (RFC 3986, section 5.2.2).

    One that begins with two slashes names another host and no scheme. It is refused: a path that is put together as
    "/" + name would leave the host of the base when the name begins with a slash.

    Raises: InvalidURL.
    """
    ours, given = re.fullmatch(_REFERENCE, base.strip(" ")), re.fullmatch(_REFERENCE, reference.strip(" "))
    assert ours is not None  # the expression matches any text
    assert given is not None
    if ours["scheme"] is None or ours["authority"] is None:
        raise InvalidURL("not an absolute URL, scheme://host/path")
    if given["scheme"] is not None:
        if lacks_slashes(reference.strip(" ")):
            raise InvalidURL("a URL without // behind its scheme is relative for some readers only; write http://host")
        return reference
    if given["authority"] is not None:
        raise InvalidURL("a URL that begins with // leaves the host of base_url; write its scheme too")
    path, query = given["path"], given["query"]
    if not path:
        path, query = ours["path"], ours["query"] if query is None else query
    elif not path.startswith("/"):
        path = f"{ours['path'].rpartition('/')[0]}/{path}"  # dot segments go when the whole is taken apart
    return f"{ours['scheme']}://{ours['authority']}{path}{query or ''}{given['fragment'] or ''}"


def joined_params(own: Any, given: Any) -> Any:
    """The params of a client with those of a call behind them. A name that the call gives, None included, replaces it.

    Raises: TypeError.
    """
    if not own or not given:
        return given or own or ()
    own, given = (
        params.decode("utf-8", "surrogateescape") if isinstance(params, bytes) else params for params in (own, given)
    )
    if not isinstance(given, (str, Mapping)):
        given = list(given)  # it is read twice
    ours = own if isinstance(own, str) else encode_pairs(pairs(own))
    added = given if isinstance(given, str) else encode_pairs(pairs(given))
    replaced = names(given)
    kept = [part for part in ours.split("&") if unquote_plus(part.partition("=")[0]) not in replaced]
    return "&".join([*kept, *([added] if added else [])])


def names(params: Any) -> set[str]:
    """The names in the params of a call, those with the value None included."""
    if isinstance(params, str):
        return {unquote_plus(part.partition("=")[0]) for part in params.split("&")}
    items = params.items() if isinstance(params, Mapping) else params
    return {name for name, _ in pairs((name, "") for name, _ in items)}
