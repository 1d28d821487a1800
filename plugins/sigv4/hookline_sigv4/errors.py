"""The errors of signatures.

    HttpRequestException
      SigV4Error
        NoCredentials   no provider has credentials

No message holds a secret key, a session token or a signature.
"""

from __future__ import annotations

from hookline import HttpRequestException


class SigV4Error(HttpRequestException):
    """A request cannot be signed. Nothing was sent.

    Example::

        from hookline_sigv4 import SigV4, SigV4Error


        async def from_vault(): ...


        try:
            SigV4("s3", "eu-west-1", from_vault).presign("GET", "https://bucket.s3.eu-west-1.amazonaws.com/key")
        except SigV4Error as error:
            print(error)
    """


class NoCredentials(SigV4Error):
    """No provider has credentials, or those that it has have expired.

    Example::

        from hookline import HttpClient
        from hookline_sigv4 import NoCredentials, SigV4

        with HttpClient(auth=SigV4("s3", "eu-west-1", lambda: None)) as client:
            try:
                client.get("http://127.0.0.1:8000/")
            except NoCredentials as error:
                print(error)
    """
