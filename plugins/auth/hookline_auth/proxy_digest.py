"""Digest for a proxy, as an Auth."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .auth import Auth
from .digest import HTTPDigestAuth
from .proxy import Proxy

if TYPE_CHECKING:
    from .auth import Flow
    from .interfaces import Request


class ProxyDigest(Auth):
    """Answer the Digest challenges of a proxy to one request.

    target: the request target as it is sent to the proxy. is_asked: True = the proxy has sent a challenge already, and
    the flow begins with that response.
    """

    def __init__(self, digest: HTTPDigestAuth, proxy: Proxy, target: str, *, is_asked: bool = False) -> None:
        self._digest = digest
        self._proxy = proxy
        self._target = target
        self._is_asked = is_asked

    def flow(self, request: Request) -> Flow:
        """Answer in the fields for proxies."""
        from .digest_flow import PROXY, digest_flow  # imported here, because few clients meet a challenge

        return digest_flow(self._digest, request, PROXY, self._proxy.server, self._target, is_asked=self._is_asked)
