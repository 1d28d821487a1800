"""The methods of OAuth1 and OAuth2 objects that the plugins call, so that a client without OAuth imports nothing more.

The two base classes have the names of the classes that users call, because core's errors list what a plugin takes by name.
"""

from __future__ import annotations

from collections.abc import Awaitable

from hookline import HttpRequest, HttpResponse


class OAuth1:
    """A value of `auth=` that signs requests."""

    __slots__ = ()

    def apply(self, request: HttpRequest) -> None:
        """Sign a request that is about to be sent, if its origin may get the signature."""
        raise NotImplementedError


class OAuth2:
    """A value of `auth=` that places a bearer token in requests."""

    __slots__ = ()

    def apply(self, request: HttpRequest) -> Awaitable[None] | None:
        """Place the token in a request that is about to be sent, if its origin may get it; return what to await first."""
        raise NotImplementedError

    def can_answer(self, response: HttpResponse) -> bool:
        """Say whether `answer` has an answer to this 401."""
        raise NotImplementedError

    async def answer(self, response: HttpResponse) -> HttpRequest:
        """Return the request to send next."""
        raise NotImplementedError
