"""The part of `hookline_testing.server` of this name, under the name that tests know."""

from hookline_testing.server.seen import HEAD_LIMIT, Intake, MalformedRequest, SeenRequest

__all__ = ["HEAD_LIMIT", "Intake", "MalformedRequest", "SeenRequest"]
