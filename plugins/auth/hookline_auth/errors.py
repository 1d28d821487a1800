"""The errors of authentication.

    HttpRequestException
      AuthError (ValueError)     credentials cannot be made for a request, or its response cannot be trusted
        BodyNotHashable          the server insists on auth-int and the body is no bytes
        ServerNotVerified        verify_server was asked for and the server did not prove itself
        UnsupportedAlgorithm     the hash is unknown, or this Python's OpenSSL does not offer it

No message holds a username, a password or a token.
"""

from __future__ import annotations

from hookline import HttpRequestException


class AuthError(HttpRequestException, ValueError):
    """Credentials cannot be made for this request, or its response cannot be trusted."""


class BodyNotHashable(AuthError):
    """A body has to be hashed and is not at hand as bytes."""


class ServerNotVerified(AuthError):
    """A response lacks the proof that its sender knows the password."""


class UnsupportedAlgorithm(AuthError):
    """A challenge names a hash that cannot be computed here."""
