"""URL references: the URL of a call is resolved against `base_url`, and the params of the client are joined with its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote_plus

from ..errors import InvalidURL
from .url import encode_query, lacks_slashes, pairs, split_reference


def resolve_reference(base: str, reference: str) -> str:
    """Resolve a URL reference against a base URL (RFC 3986, section 5.2.2). Both stay byte for byte as written.

    A reference that begins with two slashes is refused, since it names another host: otherwise a path that a program
    builds as "/" + name would leave the host of the base if the name begins with a slash.

    Raises: InvalidURL.
    """
    of_base, given = split_reference(base.strip(" ")), split_reference(reference.strip(" "))
    assert of_base is not None  # the expression matches any text
    assert given is not None
    base_scheme, base_authority, base_path, base_query, _ = of_base.groups()
    scheme, authority, path, query, fragment = given.groups()
    if base_scheme is None or base_authority is None:
        raise InvalidURL("not an absolute URL, scheme://host/path")
    if scheme is not None:
        if lacks_slashes(reference.strip(" ")):
            raise InvalidURL("a URL without // after its scheme is ambiguous with base_url; write http://host")
        return reference
    if authority is not None:
        raise InvalidURL("a URL that begins with // leaves the host of base_url; write its scheme too")
    if not path:
        path, query = base_path, base_query if query is None else query
    elif not path.startswith("/"):
        path = f"{base_path.rpartition('/')[0]}/{path}"  # split_url removes the dot segments
    return f"{base_scheme}://{base_authority}{path}{query or ''}{fragment or ''}"


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
