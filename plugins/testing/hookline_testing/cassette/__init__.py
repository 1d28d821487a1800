"""Exchanges that are recorded as HAR 1.2 and replayed (`hookline_cassette`)."""

from .cassette import Cassette, NotRecorded

__all__ = ["Cassette", "NotRecorded"]
