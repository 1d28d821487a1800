"""The proxy of a request of Scrapy: `request.meta["proxy"]`, with the credentials of Proxy-Authorization."""

from __future__ import annotations

import base64
import binascii
from urllib.parse import quote

from scrapy.exceptions import NotSupported


def proxy_url(proxy: str, authorization: bytes | None) -> str:
    """Return the URL of a proxy with its credentials.

    proxy: as Scrapy's middleware leaves it: without credentials, perhaps without a scheme, which is http then.
    authorization: the field Proxy-Authorization that it has made of them; None = there are none.

    Raises: NotSupported, for credentials of another scheme than Basic.
    """
    scheme, separator, rest = proxy.partition("://")
    if not separator:
        scheme, rest = "http", proxy.removeprefix("//")
    if authorization is None:
        return f"{scheme}://{rest}"
    kind, _, token = authorization.strip().partition(b" ")
    try:
        if kind.lower() != b"basic":
            raise ValueError("another scheme")
        user, _, password = base64.b64decode(token.strip(), validate=True).partition(b":")
    except (ValueError, binascii.Error):
        raise NotSupported(
            "Proxy-Authorization must be of the scheme Basic: Hookline sends no others to a proxy"
        ) from None
    return f"{scheme}://{quote(user, safe='')}:{quote(password, safe='')}@{rest.rpartition('@')[2]}"
