"""Mocked routes: answers instead of the network (`hookline_mock`)."""

from .errors import UnexpectedRequest, UnusedRoute
from .mock import Mock
from .mock_route import MockRoute
from .reply import Reply

__all__ = ["Mock", "MockRoute", "Reply", "UnexpectedRequest", "UnusedRoute"]
