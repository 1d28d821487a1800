"""The progress of a download: rich's bar on a terminal, nothing elsewhere."""

from __future__ import annotations

from typing import Any, Self

from .printer import Printer


class Progress:
    """A progress bar on standard error, to be used with `with`.

    is_shown: False shows nothing. total: the bytes of the whole file, None = unknown. done: the bytes that are here already.
    """

    def __init__(self, printer: Printer, name: str, total: int | None, done: int, *, is_shown: bool) -> None:
        self._bar: Any = None
        if is_shown and printer.err.isatty():
            self._bar = make_bar(printer, total is not None)
        if self._bar is not None:
            self._task = self._bar.add_task(name, total=total, completed=done)

    def advance(self, size: int) -> None:
        """Count bytes that came."""
        if self._bar is not None:
            self._bar.update(self._task, advance=size)

    def __enter__(self) -> Self:
        if self._bar is not None:
            self._bar.start()
        return self

    def __exit__(self, *error: object) -> None:
        if self._bar is not None:
            self._bar.stop()


def make_bar(printer: Printer, has_total: bool) -> Any:
    """Return a bar of rich; None if rich is not installed."""
    try:
        from rich.console import Console
        from rich.progress import BarColumn, DownloadColumn, TextColumn, TimeRemainingColumn, TransferSpeedColumn
        from rich.progress import Progress as Bar
    except ModuleNotFoundError:
        return None
    columns: list[Any] = [TextColumn("{task.description}"), BarColumn(bar_width=None), DownloadColumn()]
    if printer.columns >= 60:
        columns.append(TransferSpeedColumn())
    if printer.columns >= 80 and has_total:
        columns.append(TimeRemainingColumn(compact=True))
    return Bar(*columns, console=Console(file=printer.err), expand=True, transient=False)
