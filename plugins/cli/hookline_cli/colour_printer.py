"""Colour for terminals."""

from __future__ import annotations

import os
from typing import TextIO

from .printer import Printer

# SGR parameters (ECMA-48, 8.3.117).
STYLES = {
    "status-1": "36",
    "status-2": "32",
    "status-3": "33",
    "status-4": "31",
    "status-5": "1;31",
    "name": "36",
    "event": "35",
    "error": "31",
    "title": "1",
    "faint": "2",
}


class ColourPrinter(Printer):
    """A printer that uses colour on terminals, unless NO_COLOR is set (no-color.org) or TERM is `dumb`."""

    def style(self, stream: TextIO, kind: str, text: str) -> str:
        if kind not in STYLES or not stream.isatty() or os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
            return text
        return f"\x1b[{STYLES[kind]}m{text}\x1b[0m"
