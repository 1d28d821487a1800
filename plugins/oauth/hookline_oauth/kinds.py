"""What the plugins know of the values of `auth=` that are theirs: little, so that a client without OAuth loads no more.

The two have the names of what users make, because messages of core name them.
"""

from __future__ import annotations

from collections.abc import Awaitable

from hookline import HttpRequest, HttpResponse


class OAuth1:
    """A value of `auth=` that signs requests."""

    __slots__ = ()

    def apply(self, request: HttpRequest) -> None:
        """Sign a request that is about to be sent, where that may be."""
        raise NotImplementedError


class OAuth2:
    """A value of `auth=` that places a token in requests."""

    __slots__ = ()

    def apply(self, request: HttpRequest) -> Awaitable[None] | None:
        """Place the token in a request that is about to be sent, where that may be; gives something to await first."""
        raise NotImplementedError

    def can_answer(self, response: HttpResponse) -> bool:
        """Is there an answer to this 401?"""
        raise NotImplementedError

    async def answer(self, response: HttpResponse) -> HttpRequest:
        """The request to send instead."""
        raise NotImplementedError
