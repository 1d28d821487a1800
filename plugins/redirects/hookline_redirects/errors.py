"""What can go wrong with redirects alone."""

from hookline import HttpRequestException


class TooManyRedirects(HttpRequestException):
    """One redirect more than `max_redirects`. `response` is the one that was not followed, with its history."""
