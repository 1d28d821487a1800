"""Content codings for the HTTP client Hookline: compressed response bodies are decoded."""

from .plugin import Decompress, DecompressClient, DecompressRequest

__version__ = "0.1.0"

__all__ = [
    "Decompress",
    "DecompressClient",
    "DecompressRequest",
]
