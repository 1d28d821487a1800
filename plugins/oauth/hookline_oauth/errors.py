"""The errors of OAuth.

    HttpRequestException
      OAuthError
        InsecureTransport   a secret would have been sent without TLS
        TokenExpired        the access token has expired, and cannot be renewed
        TokenRefused        the server gave no token

No message holds a token, a secret, a code or a signature.
"""

from __future__ import annotations

from hookline import HttpRequest, HttpRequestException, HttpResponse


class OAuthError(HttpRequestException):
    """The base class of the other errors, which is raised if none of them fits.

    error: the server's error code, such as "invalid_grant" (RFC 6749, section 5.2); "" if it gave none.
    description: the server's description, cut, and without the secrets that were sent to it.

    Example: docs/oauth.md#rules
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
    """A secret would have been sent over a connection without TLS. Nothing was sent.

    Example: docs/oauth.md#rules
    """


class TokenExpired(OAuthError):
    """The access token has expired, and another cannot be had without the user.

    Example: docs/oauth.md#rules
    """


class TokenRefused(OAuthError):
    """The server gave no token. `response` is its response.

    Example: docs/oauth.md#rules
    """
