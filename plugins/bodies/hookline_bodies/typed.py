"""What the plugin adds to requests, responses, streams and clients, for type checkers."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import os

    from .lines import Lines

    Progress = Callable[[int, int | None], object] | None


class BodiesRequest:
    """What the plugin adds to requests."""

    on_upload: Progress
    on_download: Progress


class BodiesClient:
    """What the plugin adds to clients."""

    on_upload: Progress
    on_download: Progress


class BodiesResponse:
    """What the plugin adds to responses."""

    links: dict[str, dict[str, str]]


class BodiesStream:
    """What the plugin adds to `response.raw`."""

    iter_lines: Callable[..., Lines]
    save: Callable[[str | os.PathLike[str]], Coroutine[Any, Any, int]]


class SyncBodiesStream:
    """What the plugin adds to `response.raw` without a running loop."""

    iter_lines: Callable[..., Lines]
    save: Callable[[str | os.PathLike[str]], int]
