"""Ask before sending a body: Expect: 100-continue."""

from .plugin import Expect, ExpectClient, ExpectRequest

__version__ = "0.1.0"

__all__ = [
    "Expect",
    "ExpectClient",
    "ExpectRequest",
]
