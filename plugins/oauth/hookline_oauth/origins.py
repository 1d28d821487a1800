"""Where credentials may go: with requests that have no others, to the origin that the user asked for, over TLS."""

from __future__ import annotations

from hookline import HttpRequest, InvalidURL, split_url

from .errors import InsecureTransport


def shown(url: str) -> str:
    """A URL for a message: without userinfo, query and fragment. One that may have a password elsewhere is not shown."""
    try:
        place = split_url(url).url.partition("?")[0].partition("#")[0]
    except InvalidURL:
        return "the URL"
    return "the URL" if "@" in place else place


def query_of(url: str) -> str:
    """The query of a URL of any scheme."""
    return url.partition("#")[0].partition("?")[2]


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
            f"{shown(url)} is not https: whoever is on the way could read {secret}, and use it. Use an https"
            " URL; for a server on this machine set the environment variable OAUTHLIB_INSECURE_TRANSPORT=1",
            request=request,
        )
