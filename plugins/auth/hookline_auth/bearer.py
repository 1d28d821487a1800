"""Bearer: a token with every request (RFC 6750)."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from inspect import isawaitable

from .errors import AuthError
from .flows import AsyncFlow, Auth, Flow, Request, set_field

# Wider than RFC 6750 section 2.1: tokens with "|" or ":" are in use. What matters is that one is a single visible word.
_TOKEN = re.compile(r"[\x21-\x7e]+")

TokenSource = Callable[[], str | Awaitable[str]]


class BearerAuth(Auth):
    """Send a bearer token with each request, without waiting for a challenge.

    token is the token, or a function, plain or async, that is called for each request and returns it. The function
    keeps its token as long as that is valid; nothing is remembered here, and a 401 is not answered.

    Raises:
        TypeError: token is neither a str nor callable.
        ValueError: the token is empty or more than one visible ASCII word.
    """

    wants_response = False

    def __init__(self, token: str | TokenSource) -> None:
        self._source: TokenSource | None = None
        self._value = ""
        if callable(token):
            self._source = token
        else:
            self._value = bearer_value(token)

    @property
    def is_async(self) -> bool:
        """Say whether the token comes from a function."""
        return self._source is not None

    def flow(self, request: Request) -> Flow:
        """Add the token.

        Raises:
            AuthError: the token comes from a function; async_flow calls it.
        """
        if self._source is not None:
            raise AuthError("the token comes from a function: run async_flow()")
        set_field(request, "Authorization", self._value)
        yield request

    async def async_flow(self, request: Request) -> AsyncFlow:
        """Ask for the token where it comes from a function, and add it."""
        value = self._value
        if self._source is not None:
            token = self._source()
            value = bearer_value(await token if isawaitable(token) else token)
        set_field(request, "Authorization", value)
        yield request

    def __repr__(self) -> str:
        return f"{type(self).__name__}(...)"


def bearer_value(token: str) -> str:
    """Return the value of Authorization; raises as BearerAuth does."""
    if not isinstance(token, str):
        raise TypeError(f"token: expected a str, got {type(token).__name__}")
    if not _TOKEN.fullmatch(token):
        raise ValueError("token: expected one word of visible ASCII characters (a line end from a file?)")
    return "Bearer " + token
