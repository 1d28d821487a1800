"""The errors of signatures.

    HttpRequestException
      SigV4Error
        NoCredentials   no provider has credentials

No message holds a secret key, a session token or a signature.
"""

from __future__ import annotations

from hookline import HttpRequestException


class SigV4Error(HttpRequestException):
    """A request cannot be signed. Nothing was sent."""


class NoCredentials(SigV4Error):
    """No provider has credentials, or those that it has have expired."""
