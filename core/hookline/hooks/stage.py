"""Run the implementations of a one-time event one after the other, await each, and judge what they answer.

The path of every request does the first part itself: it calls the flat functions of a `Stage` in a loop, and comes here with
the first result that is not None. What needs more than that (failures, interim heads, wrappers) runs here from the start.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Generator, Iterator, Sequence
from operator import length_hint
from typing import Any, Protocol

from ..errors import HttpTimeout, PluginError
from .implementation import Implementation

CANCELLED_SECONDS = 1.0  # what post_request may take after a cancellation


class StagedResponse(Protocol):
    """The response of the exchange whose event runs."""

    answer: Any
    _answered_by: str

    def _is_past_deadline(self) -> bool: ...

    def _describe_invalid_answer(self, event: str, answer: Any) -> str | None: ...

    def _timeout_error(self, kind: type[HttpTimeout]) -> HttpTimeout: ...


class Stage:
    """The implementations of one event that run for one kind of exchange, in order.

    calls: their flat functions, in the same order; where there are wrappers, one function that runs all of them.
    """

    __slots__ = ("calls", "event", "implementations", "wrappers")

    def __init__(self, event: str, implementations: Sequence[Implementation]) -> None:
        self.event = event
        self.wrappers = tuple(i for i in implementations if i.is_wrapper)
        self.implementations = tuple(i for i in implementations if not i.is_wrapper)
        self.calls: tuple[Callable[[Any], Any], ...] = (
            (self.run,) if self.wrappers else tuple(i.flat for i in self.implementations)
        )

    def position_in(self, rest: Iterator[Callable[..., Any]]) -> int:
        """Which of `calls` was called last, by what is left of an iterator over them."""
        return len(self.calls) - length_hint(rest) - 1

    async def continue_after(
        self, response: StagedResponse, call: Callable[..., Any], result: Any, rest: Iterator[Callable[..., Any]]
    ) -> Any:
        """Go on behind the first result that is not None: await it, judge it, run the rest. Returns the answer or None."""
        if self.wrappers:
            return await result
        at = self.position_in(rest)
        tuple(rest)  # the caller has nothing left to call
        return await self._run_plain(response, None, False, at, (result,))

    async def handle_failure(
        self, response: StagedResponse, rest: Iterator[Callable[..., Any]], error: BaseException
    ) -> None:
        """One of `calls` raised: its owner is named, and post_request goes on to the others with this error."""
        if self.wrappers:
            return
        at = self.position_in(rest)
        name_owner(error, self.implementations[at])
        if self.event == "post_request":
            await self._run_rest(response, at + 1, error, None)

    async def run(self, response: StagedResponse, exc: BaseException | None = None, interim: bool = False) -> Any:
        """Run all of them, wrappers around the others; returns the answer or None."""
        running: list[tuple[Implementation, Generator[None, Any, Any]]] = []
        error: BaseException | None = None
        answer: Any = None
        has_begun = False
        try:
            for wrapper in self.wrappers:
                generator = wrapper.call(response, exc, interim)
                try:
                    next(generator)
                except StopIteration:
                    raise PluginError(f"{wrapper.owner}: its {self.event} wrapper did not yield") from None
                except BaseException as raised:  # a handler's: it goes on to the caller, or into a note
                    name_owner(raised, wrapper)
                    raise
                running.append((wrapper, generator))
            has_begun = True
            answer = await self._run_plain(response, exc, interim)
        except BaseException as raised:  # noqa: BLE001  # a handler's: it goes on to the caller, or into a note
            error = raised
            if not has_begun and self.event == "post_request":
                await self._run_rest(response, 0, raised, exc)
        cancelled = error if error is not None and not isinstance(error, Exception) else None
        for wrapper, generator in reversed(running):
            before = answer
            answer, error = self._finish_wrapper(wrapper, generator, answer, error)
            if error is None and answer is not before:
                answer = response.answer = None if answer is response else answer
                try:
                    if answer is not None:
                        check_answer(response, self.event, wrapper, answer)
                except PluginError as wrong:
                    answer, error = None, wrong
        if cancelled is not None:
            raise cancelled  # no wrapper can undo it
        if error is not None:
            raise error
        return answer

    async def _run_plain(
        self,
        response: StagedResponse,
        exc: BaseException | None,
        interim: bool,
        start: int = 0,
        results: tuple[Any, ...] = (),
    ) -> Any:
        """Run them from `start` on. results: what the one at `start` has returned already."""
        answers = Answers(self.event, response)
        for at in range(start, len(self.implementations)):
            implementation = self.implementations[at]
            try:
                if results:
                    (result,), results = results, ()
                elif exc is None and not interim:
                    result = implementation.flat(response)
                else:
                    result = implementation.call(response, exc, interim)
                if inspect.isawaitable(result):
                    result = await result
                if interim:
                    continue  # an interim head has no answers
                if answers.take(implementation, result):
                    break
            except BaseException as error:  # a handler's: it goes on to the caller, or into a note
                name_owner(error, implementation)
                if self.event == "post_request":
                    await self._run_rest(response, at + 1, error, exc)
                raise
        return answers.answer

    async def _run_rest(
        self, response: StagedResponse, at: int, error: BaseException, exc: BaseException | None
    ) -> None:
        """One implementation of post_request raised; the others are told nevertheless, each once.

        They see what went wrong first (exc), else this error. HooksAfterHead a cancellation they have a second together; when that
        is over, only those that await nothing.
        """
        is_cancellation = not isinstance(error, Exception)
        told = error if exc is None or is_cancellation else exc
        if isinstance(error, GeneratorExit) or (is_cancellation and exc is not None):
            self.call_synchronously(response, exc or error, at)
            return
        if is_cancellation and response._is_past_deadline():
            told = response._timeout_error(HttpTimeout)
        try:
            async with asyncio.timeout(CANCELLED_SECONDS if is_cancellation else None):
                await self._run_plain(response, told, False, at)
        except Exception as other:  # noqa: BLE001  # a handler's: it goes on to the caller, or into a note
            if other is not error:
                add_failure(error, other)

    def call_synchronously(self, response: StagedResponse, error: BaseException, start: int = 0) -> None:
        """ProgressCallback post_request where nothing can be awaited: what async implementations do is not begun."""
        for implementation in self.implementations[start:]:
            try:
                result = implementation.call(response, error)
                if inspect.iscoroutine(result):
                    result.close()
            except Exception as other:  # noqa: BLE001  # becomes a note of the error that goes on
                name_owner(other, implementation)
                add_failure(error, other)

    def _finish_wrapper(
        self, wrapper: Implementation, generator: Generator[None, Any, Any], answer: Any, error: BaseException | None
    ) -> tuple[Any, BaseException | None]:
        try:
            if error is None:
                generator.send(answer)
            else:
                generator.throw(error)
        except StopIteration as stop:
            return stop.value, None
        except BaseException as raised:  # noqa: BLE001  # a handler's: it goes on to the caller, or into a note
            if raised is not error:
                name_owner(raised, wrapper)
            return None, raised
        generator.close()
        return None, PluginError(f"{wrapper.owner}: its {self.event} wrapper yielded more than once")


def name_owner(error: BaseException, implementation: Implementation) -> None:
    """Add a note that says in whose code an exception rose."""
    add_note(error, f"raised in {implementation.event} of {implementation.owner}")


def add_note(error: BaseException, note: str) -> None:
    """Add a note once."""
    if note not in getattr(error, "__notes__", ()):
        error.add_note(note)


def add_failure(error: BaseException, other: BaseException) -> None:
    """Note what post_request raised on top of an error."""
    add_note(error, f"and post_request failed: {type(other).__name__}: {other}")
    for note in getattr(other, "__notes__", ()):
        add_note(error, note)


def check_answer(response: StagedResponse, event: str, implementation: Implementation, answer: Any) -> None:
    """Raises: PluginError, for what is no answer of this event."""
    expected = response._describe_invalid_answer(event, answer)
    if expected is not None:
        raise PluginError(f"{implementation.owner}: {event} answered with {type(answer).__name__}; expected {expected}")
    if event == "post_request":
        response._answered_by = implementation.owner


class Answers:
    """The answer of one event so far, and who gave it."""

    __slots__ = ("answer", "event", "owner", "response")

    def __init__(self, event: str, response: StagedResponse) -> None:
        self.event = event
        self.response = response
        self.answer: Any = None
        self.owner = ""

    def take(self, implementation: Implementation, result: Any) -> bool:
        """Judge one result. True: nobody else is asked (pre_request only).

        Raises: PluginError, for what is no answer of this event, or a second one that differs.
        """
        response = self.response
        if result is None or result is response or implementation.plugin is None:
            return False
        check_answer(response, self.event, implementation, result)
        if self.answer is not None and self.answer is not result:
            raise PluginError(
                f"two different answers on {self.event}: from {self.owner} and from {implementation.owner};"
                " disable one of them, or let one of them look at response.answer"
            )
        self.answer = response.answer = result
        self.owner = implementation.owner
        return self.event == "pre_request"
