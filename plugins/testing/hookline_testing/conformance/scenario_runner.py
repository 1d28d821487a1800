"""Run scenarios, each in an event loop of its own, and find what they leave behind: tasks, warnings, lost exceptions."""

from __future__ import annotations

import asyncio
import gc
import sys
import traceback
import warnings
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from hookline import HttpTimeout

from ..server.scripted_server import ScriptedServer
from .plugin_under_test import CALL_TIMEOUT, PluginUnderTest


@dataclass
class ScenarioRunner:
    """Runs scenarios, and is what they work with.

    problems: of the last scenario, in words. tasks, warnings: what all scenarios left behind, in words.
    """

    tested: PluginUnderTest
    server: ScriptedServer
    problems: list[str] = field(default_factory=list)
    tasks: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def url(self, path: str, *, host: str | None = None) -> str:
        return self.server.url(path, host=host)

    def run(self, name: str, scenario: Callable[[ScenarioRunner], Awaitable[None]]) -> list[str]:
        """Run a scenario in a new event loop, and return the problems that it found."""
        self.problems = []
        with self._recording_warnings(name):
            try:
                with asyncio.Runner() as runner:
                    runner.get_loop().set_exception_handler(lambda loop, context: self._add_context(name, context))
                    runner.run(self._run_scenario(name, scenario))
            except HttpTimeout as error:
                self.problems.append(f"a request that is answered at once ended with {in_words(error)}")
            except TimeoutError:
                self.problems.append(f"it did not end within {3 * CALL_TIMEOUT:g} s")
            except Exception as error:  # noqa: BLE001  # any exception of a plugin is a problem
                self.problems.append(in_words(error))
        return self.problems

    async def _run_scenario(self, name: str, scenario: Callable[[ScenarioRunner], Awaitable[None]]) -> None:
        before = asyncio.all_tasks()
        try:
            async with asyncio.timeout(3 * CALL_TIMEOUT):
                await scenario(self)
        finally:
            for _ in range(10):  # tasks that were just cancelled end meanwhile
                await asyncio.sleep(0)
            self.tasks += [f"{name}: {describe(task)}" for task in asyncio.all_tasks() - before]

    def _add_context(self, name: str, context: dict[str, Any]) -> None:
        error = context.get("exception")
        self.warnings.append(f"{name}: {context.get('message')}" + (f" ({in_words(error)})" if error else ""))

    @contextmanager
    def _recording_warnings(self, name: str) -> Iterator[None]:
        """Record all warnings, and exceptions that could not be raised."""
        hook = sys.unraisablehook
        sys.unraisablehook = lambda found: self.warnings.append(
            f"{name}: {found.exc_value!r}, which could not be raised"
        )
        try:
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                yield
                gc.collect()
        finally:
            sys.unraisablehook = hook
        self.warnings += [f"{name}: {each.category.__name__}: {each.message}" for each in caught]


def describe(task: asyncio.Task[Any]) -> str:
    """Describe a task that still runs."""
    coroutine = task.get_coro()
    return f"the task of {getattr(coroutine, '__qualname__', coroutine)} still runs"


def in_words(error: BaseException) -> str:
    """Describe an exception, with its notes and the last line of the plugin in its traceback."""
    own = [frame for frame in traceback.extract_tb(error.__traceback__) if not is_library(frame.filename)]
    where = f" ({own[-1].filename}:{own[-1].lineno})" if own else ""
    notes = "".join(f"\n  {note}" for note in getattr(error, "__notes__", ()))
    return f"{type(error).__name__}: {error}{where}{notes}"


def is_library(filename: str) -> bool:
    """Say whether a file belongs to this package, to core or to asyncio."""
    parts = filename.replace("\\", "/").split("/")
    return "hookline_testing" in parts or "hookline" in parts or "asyncio" in parts
