"""The part of `hookline_testing.server` of this name, under the name that tests know."""

from hookline_testing.server.script import Script, Step

__all__ = ["Script", "Step"]
