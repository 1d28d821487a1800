"""Answers for requests at the network point: `hookline_mock`."""

from .mock import Mock, MockRoute
from .reply import Reply
from .report import UnexpectedRequest, UnusedRoute

__all__ = ["Mock", "MockRoute", "Reply", "UnexpectedRequest", "UnusedRoute"]
