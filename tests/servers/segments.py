"""The part of `hookline_testing.server` of this name, under the name that tests know."""

from hookline_testing.server.segments import PATIENCE, Cut, has_hung_up, pieces, read_by_peer

__all__ = ["PATIENCE", "Cut", "has_hung_up", "pieces", "read_by_peer"]
