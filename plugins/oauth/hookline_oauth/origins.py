"""Where credentials may go: the origin that the user asked for, over TLS."""

from __future__ import annotations

from hookline import HttpRequest

from .errors import InsecureTransport


def is_at_first_origin(request: HttpRequest) -> bool:
    """Has this call never left the origin that it began with? A chain that returns has left it."""
    if not request.unverifiable:
        return True
    key = request.where.origin.key
    return all(earlier.request.where.origin.key == key for earlier in request.history)


def check_transport(url: str, secret: str, request: HttpRequest | None = None) -> None:
    """Refuse to send a secret without TLS. oauthlib's variable for tests, OAUTHLIB_INSECURE_TRANSPORT, allows it.

    secret: what would be sent, in words.

    Raises: InsecureTransport.
    """
    if url.lower().startswith(("https:", "wss:")):
        return
    from oauthlib.oauth2 import is_secure_transport

    if not is_secure_transport(url):
        raise InsecureTransport(
            f"{url.partition('?')[0]} is not https: whoever is on the way could read {secret}, and use it. Use an https"
            " URL; for a server on this machine set the environment variable OAUTHLIB_INSECURE_TRANSPORT=1",
            request=request,
        )
