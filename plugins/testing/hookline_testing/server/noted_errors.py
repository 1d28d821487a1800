"""The errors that a server has noted, which its with block raises at its end."""

from __future__ import annotations


def raise_first(errors: list[BaseException]) -> None:
    """Raise the first error, with the others as its notes; do nothing if there is none."""
    if errors:
        first, *others = errors
        for other in others:
            first.add_note(f"then: {other!r}")
        raise first
