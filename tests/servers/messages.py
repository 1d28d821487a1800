"""The part of `hookline_testing.server` of this name, under the name that tests know."""

from hookline_testing.server.messages import Fields, chunked, head, response

__all__ = ["Fields", "chunked", "head", "response"]
