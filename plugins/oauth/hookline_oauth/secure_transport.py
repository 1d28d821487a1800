"""Refuse to send secrets without TLS."""

from __future__ import annotations

from hookline import HttpRequest, InvalidURL, split_url

from .errors import InsecureTransport


def shown(url: str) -> str:
    """Return a URL for a message, without userinfo, query and fragment; "the URL" if a password may stand elsewhere in it."""
    try:
        shortened = split_url(url).url.partition("?")[0].partition("#")[0]
    except InvalidURL:
        return "the URL"
    return "the URL" if "@" in shortened else shortened


def query_of(url: str) -> str:
    """Return the query of a URL of any scheme."""
    return url.partition("#")[0].partition("?")[2]


def check_secure(url: str, secret: str, request: HttpRequest | None = None) -> None:
    """Refuse a URL without TLS, unless oauthlib's environment variable for tests allows it: OAUTHLIB_INSECURE_TRANSPORT.

    secret: what would be sent, in words, for the message.

    Raises: InsecureTransport.
    """
    if url.lower().startswith(("https:", "wss:")):
        return
    from oauthlib.oauth2 import is_secure_transport

    if not is_secure_transport(url):
        raise InsecureTransport(
            f"{shown(url)} is not https: anyone on the network path could read {secret}, and use it. Use an"
            " https URL; for a server on this machine set the environment variable OAUTHLIB_INSECURE_TRANSPORT=1",
            request=request,
        )
