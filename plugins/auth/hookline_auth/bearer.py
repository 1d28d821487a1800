"""Bearer authentication: a token with every request (RFC 6750)."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from inspect import isawaitable
from typing import TYPE_CHECKING

from .auth import Auth
from .errors import AuthError
from .messages import set_field

if TYPE_CHECKING:
    from .auth import AsyncFlow, Flow
    from .interfaces import Request

# RFC 6750 section 2.1 allows fewer characters, but tokens with "|" or ":" are in use. One visible word cannot inject a field.
_TOKEN = re.compile(r"[\x21-\x7e]+")

TokenSource = Callable[[], str | Awaitable[str]]


class BearerAuth(Auth):
    """Send a bearer token with each request, without waiting for a challenge.

    token: the token, or a function, plain or async, that returns it. The function is called for each request: if tokens
    are valid for a while, it has to keep its token itself. A 401 is the caller's.

    Raises:
        TypeError: token is neither a str nor callable.
        ValueError: the token is empty, or not one word of visible ASCII characters.

    Example: docs/auth.md#authentication
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
    def token(self) -> str | None:
        """The token; None if it comes from a function."""
        return self._value.removeprefix("Bearer ") or None

    @property
    def is_async(self) -> bool:
        """Say whether the token comes from a function.

        Example::

            from hookline_auth import BearerAuth

            print(BearerAuth("a-token").token, BearerAuth(lambda: "a-token").is_async)
        """
        return self._source is not None

    def flow(self, request: Request) -> Flow:
        """Add the token.

        Raises:
            AuthError: the token comes from a function, which only async_flow calls.

        Example::

            from hookline import HttpClient
            from hookline_auth import BearerAuth

            request = HttpClient().build_request("GET", "http://127.0.0.1:8000/")
            for outgoing in BearerAuth("a-token").flow(request):
                print(outgoing.get_header("Authorization"))
        """
        if self._source is not None:
            raise AuthError("the token comes from a function: run async_flow()")
        set_field(request, "Authorization", self._value)
        yield request

    async def async_flow(self, request: Request) -> AsyncFlow:
        """Add the token; call the function for it if there is one.

        Example::

            from hookline import HttpClient
            from hookline_auth import BearerAuth

            request = HttpClient().build_request("GET", "http://127.0.0.1:8000/")
            async for outgoing in BearerAuth(lambda: "a-token").async_flow(request):
                print(outgoing.get_header("Authorization"))
        """
        value = self._value
        if self._source is not None:
            token = self._source()
            value = bearer_value(await token if isawaitable(token) else token)
        set_field(request, "Authorization", value)
        yield request

    def __repr__(self) -> str:
        return f"{type(self).__name__}(...)"


def bearer_value(token: str) -> str:
    """Return the value of Authorization.

    Raises:
        TypeError: token is not a str.
        ValueError: it is empty, or not one word of visible ASCII characters.
    """
    if not isinstance(token, str):
        raise TypeError(f"token: expected a str, got {type(token).__name__}")
    if not _TOKEN.fullmatch(token):
        raise ValueError("token: expected one word of visible ASCII characters (a line end from a file?)")
    return "Bearer " + token
