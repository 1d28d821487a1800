"""What the user gave to one call alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..hooks.handlers import implementation_of
from ..hooks.implementation import Implementation
from ..hooks.markers import EVENTS
from .transfers import TRANSFERS, ProgressCallback, as_progress_callback, download_handler

CALLBACKS = frozenset({*EVENTS, *TRANSFERS})


class CallHandlers:
    """See the module. It goes with every follow-up, and never into sub-requests.

    on_upload: told how far the body of the request is; see `transfers`.
    """

    __slots__ = ("handlers", "on_upload")

    def __init__(
        self, handlers: dict[str, tuple[Implementation, ...]], on_upload: ProgressCallback | None = None
    ) -> None:
        self.handlers = handlers
        self.on_upload = on_upload


def call_handlers_of(given: dict[str, Any]) -> CallHandlers | None:
    """The handlers of one call, taken out of what was given; None when there are none.

    Raises: PluginError, TypeError.
    """
    handlers = {
        event: tuple(implementation_of(event, h) for h in as_list(given.pop(event)))
        for event in EVENTS
        if event in given
    }
    on_upload, on_download = given.pop("on_upload", None), given.pop("on_download", None)
    if on_download is not None:
        told = implementation_of("data_processed", download_handler(as_progress_callback("on_download", on_download)))
        handlers["data_processed"] = (*handlers.get("data_processed", ()), told)
    if on_upload is not None:
        on_upload = as_progress_callback("on_upload", on_upload)
    return CallHandlers(handlers, on_upload) if handlers or on_upload is not None else None


def as_list(value: Any) -> list[Callable[..., Any]]:
    """One handler or several."""
    if value is None:
        return []
    return list(value) if isinstance(value, (list, tuple)) else [value]
