"""The methods of SigV4 objects that the plugin calls, so that a client that signs nothing imports nothing more.

The base class has the name of the class that users call, because core's errors list what a plugin takes by name.
"""

from __future__ import annotations

from collections.abc import Awaitable

from hookline import HttpRequest, HttpResponse


class SigV4:
    """A value of `auth=` that signs requests."""

    __slots__ = ()

    def apply(self, request: HttpRequest) -> Awaitable[None] | None:
        """Sign a request that is about to be sent, if its origin may get the signature; return what to await first."""
        raise NotImplementedError

    def learn_clock(self, response: HttpResponse) -> bool:
        """Set the clock by the response if that shows that ours is wrong; True if the request can be sent again."""
        raise NotImplementedError
