"""Multipart, files, saving, lines, progress and links for the HTTP client Hookline."""

from .plugin import Bodies

__version__ = "0.1.0.dev0"

__all__ = ["Bodies"]
