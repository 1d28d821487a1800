"""What can go wrong with OAuth. No message holds a token, a secret, a code or a signature."""

from __future__ import annotations

from hookline import HttpRequest, HttpRequestException, HttpResponse


class OAuthError(HttpRequestException):
    """Base of the others, and what is raised where none of them fits.

    error: the code that the server gave, such as "invalid_grant" (RFC 6749, section 5.2); "" where it gave none.
    description: its words, cut, and without the secrets that were sent to it.
    """

    def __init__(
        self,
        message: str = "",
        *,
        error: str = "",
        description: str = "",
        request: HttpRequest | None = None,
        response: HttpResponse | None = None,
    ) -> None:
        super().__init__(message, request=request, response=response)
        self.error = error
        self.description = description


class InsecureTransport(OAuthError):
    """A secret would have gone over a connection without TLS. Nothing was sent."""


class TokenExpired(OAuthError):
    """The access token has expired, and there is no way to get another without the user."""


class TokenRefused(OAuthError):
    """The server gave no token. `response` is its answer."""
