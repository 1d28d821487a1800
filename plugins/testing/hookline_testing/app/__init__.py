"""ASGI and WSGI applications in memory, as routes of a client."""

from .route import AppRoute, app_route

__all__ = ["AppRoute", "app_route"]
