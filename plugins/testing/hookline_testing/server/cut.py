"""Cut bytes into pieces, which a server sends one by one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

# "whole": one piece. "bytes": one byte each. A number: pieces of that many bytes. A tuple: cut at these offsets;
# negative ones count from the end.
Cut = Literal["whole", "bytes"] | int | tuple[int, ...]


def pieces(data: bytes, cut: Cut) -> Iterator[bytes]:
    """Yield `data` in the pieces that `cut` describes, none of them empty."""
    if cut == "whole":
        offsets: list[int] = []
    elif isinstance(cut, tuple):
        offsets = sorted(offset if offset >= 0 else len(data) + offset for offset in cut)
    else:
        offsets = list(range(0, len(data), 1 if cut == "bytes" else int(cut)))
    start = 0
    for end in [*offsets, len(data)]:
        if end > start:
            yield data[start:end]
            start = end
