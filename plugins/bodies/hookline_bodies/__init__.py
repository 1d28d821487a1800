"""Multipart, files, saving, lines, progress and links for the HTTP client Hookline."""

from .plugin import Bodies
from .typed import BodiesClient, BodiesRequest, BodiesResponse, BodiesStream, SyncBodiesStream

__version__ = "0.1.0"

__all__ = ["Bodies", "BodiesClient", "BodiesRequest", "BodiesResponse", "BodiesStream", "SyncBodiesStream"]
