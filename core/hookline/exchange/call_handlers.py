"""The handlers and progress callbacks that the user gave to one call."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..hooks.handlers import implementation_of
from ..hooks.implementation import Implementation
from ..hooks.markers import EVENTS
from .progress import PROGRESS_CALLBACKS, ProgressCallback, as_progress_callback, download_handler

CALLBACK_KEYWORDS = frozenset({*EVENTS, *PROGRESS_CALLBACKS})


class CallHandlers:
    """The handlers of one call. Its follow-ups have the same object; sub-requests have none.

    handlers: by event, in the order in which they were given; that of `on_download` is one of data_processed.
    on_upload: the progress callback for the body of the request (see `progress`); None = there is none.
    """

    __slots__ = ("handlers", "on_upload")

    def __init__(
        self, handlers: dict[str, tuple[Implementation, ...]], on_upload: ProgressCallback | None = None
    ) -> None:
        self.handlers = handlers
        self.on_upload = on_upload


def call_handlers_of(given: dict[str, Any]) -> CallHandlers | None:
    """Remove the handlers and progress callbacks from the keywords of a call, and return them; None = there are none.

    Raises: TypeError, for a value that cannot be called; PluginError, for a coroutine function on a data event.
    """
    handlers = {
        event: tuple(implementation_of(event, h) for h in as_list(given.pop(event)))
        for event in EVENTS
        if event in given
    }
    on_upload, on_download = given.pop("on_upload", None), given.pop("on_download", None)
    if on_download is not None:
        counting = download_handler(as_progress_callback("on_download", on_download))
        handlers["data_processed"] = (
            *handlers.get("data_processed", ()),
            implementation_of("data_processed", counting),
        )
    if on_upload is not None:
        on_upload = as_progress_callback("on_upload", on_upload)
    return CallHandlers(handlers, on_upload) if handlers or on_upload is not None else None


def as_list(value: Any) -> list[Callable[..., Any]]:
    """Return a handler, or a list or tuple of them, as a list; None = no handlers."""
    if value is None:
        return []
    return list(value) if isinstance(value, (list, tuple)) else [value]
