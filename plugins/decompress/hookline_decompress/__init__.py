"""Decode compressed response bodies."""

from .plugin import Decompress

__version__ = "0.1.0.dev0"

__all__ = ["Decompress"]
