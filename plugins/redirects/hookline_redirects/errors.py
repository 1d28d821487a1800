"""The error of this plugin."""

from hookline import HttpRequestException


class TooManyRedirects(HttpRequestException):
    """A call met one redirect more than `max_redirects`. `response` is that redirect, with the call's history."""
