"""ASGI and WSGI applications in memory, as routes of a client (`app_route`)."""

from .route import AppRoute, app_route

__all__ = ["AppRoute", "app_route"]
