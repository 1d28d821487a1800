"""The part of `hookline_testing.server` of this name, under the name that tests know."""

from hookline_testing.server.changes import Changes, Gate

__all__ = ["Changes", "Gate"]
