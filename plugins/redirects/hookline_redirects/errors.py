"""The error of this plugin."""

from hookline import HttpRequestException


class TooManyRedirects(HttpRequestException):
    """A call met one redirect more than `max_redirects`. `response` is that redirect, with the call's history.

    Example::

        from hookline import HttpClient, TooManyRedirects

        with HttpClient(max_redirects=0) as client:
            try:
                client.get("http://127.0.0.1:8000/old")
            except TooManyRedirects as error:
                print(error.response.status_code, error.response.headers["Location"])
    """
