"""The errors of authentication.

    HttpRequestException
      AuthError (ValueError)     credentials cannot be made for a request, or its response cannot be trusted
        BodyNotHashable          the server insists on auth-int, and the body is not bytes
        ServerNotVerified        verify_server=True, and the server did not prove that it knows the password
        UnsupportedAlgorithm     the hash is unknown, or this Python's OpenSSL does not have it

No message holds a username, a password or a token.
"""

from __future__ import annotations

from hookline import HttpRequestException


class AuthError(HttpRequestException, ValueError):
    """Credentials cannot be made for this request, or its response cannot be trusted.

    Example::

        from hookline import HttpClient
        from hookline_auth import AuthError, BearerAuth

        flow = BearerAuth(lambda: "a-token").flow(HttpClient().build_request("GET", "http://127.0.0.1:8000/"))
        try:
            next(flow)
        except AuthError as error:
            print(error)
    """


class BodyNotHashable(AuthError):
    """The server asks for a hash of the body (auth-int), and the body is a stream instead of bytes.

    Example: docs/auth.md#errors
    """


class ServerNotVerified(AuthError):
    """The response does not prove that its sender knows the password, and verify_server=True asks for that.

    Example: docs/auth.md#errors
    """


class UnsupportedAlgorithm(AuthError):
    """The challenge names a hash that cannot be computed: it is unknown, or this Python's OpenSSL does not have it.

    Example: docs/auth.md#errors
    """
