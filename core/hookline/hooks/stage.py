"""Run the implementations of a one-time event one after the other, await each, and check their answers.

Every exchange does the first part itself: it calls the functions in `Stage.calls` in a loop, up to the first that returns
something, and then calls `continue_after`. Where more is needed (after failures, for interim heads, with wrappers), the
functions here do all of it.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from operator import length_hint
from typing import Any, Protocol

from ..errors import HttpTimeout, PluginError
from .implementation import Implementation

SECONDS_AFTER_CANCELLATION = 1.0  # that all implementations of post_request have together


class StagedResponse(Protocol):
    """What a stage needs of the response of its exchange.

    answer: the answer so far, None if there is none. answered_by: the owner of the answer of post_request.
    """

    answer: Any
    _answered_by: str

    def _is_past_deadline(self) -> bool: ...

    def _describe_invalid_answer(self, event: str, answer: Any) -> str | None: ...

    def _timeout_error(self, kind: type[HttpTimeout]) -> HttpTimeout: ...


class Stage:
    """The implementations of one one-time event that run for one kind of exchange, in order.

    wrappers, implementations: those that are generators, and the others.
    calls: the `adapted` functions of the implementations, in the same order. With wrappers: only `run`, which runs all.
    """

    __slots__ = ("calls", "event", "implementations", "wrappers")

    def __init__(self, event: str, implementations: Sequence[Implementation]) -> None:
        self.event = event
        self.wrappers: tuple[Implementation, ...] = ()
        self.implementations = tuple(implementations)
        calls = []
        for each in implementations:  # one loop, because exchanges with handlers of their own make stages: 0.7 us less
            if each.is_wrapper:
                self.wrappers = tuple(i for i in implementations if i.is_wrapper)
                self.implementations = tuple(i for i in implementations if not i.is_wrapper)
                calls = [self.run]
                break
            calls.append(each.adapted)
        self.calls: tuple[Callable[[Any], Any], ...] = tuple(calls)

    def position_in(self, rest: Iterator[Callable[..., Any]]) -> int:
        """Return the index of the one of `calls` that was called last. rest: the iterator over them."""
        return len(self.calls) - length_hint(rest) - 1

    async def continue_after(self, response: StagedResponse, result: Any, rest: Iterator[Callable[..., Any]]) -> Any:
        """Go on after the first result that is not None: await it, check it, run the rest.

        result: what the call before returned. rest: the iterator over `calls`.

        Returns the answer of the event, or None.
        """
        if self.wrappers:
            return await result
        at = self.position_in(rest)
        tuple(rest)  # exhaust it: the caller must not call the others again
        return await self._run_implementations(response, None, False, at, (result,))

    async def handle_failure(
        self, response: StagedResponse, rest: Iterator[Callable[..., Any]], error: BaseException
    ) -> None:
        """Add a note about the owner to what one of `calls` raised; on post_request, call the rest with this error."""
        if self.wrappers:
            return
        at = self.position_in(rest)
        note_owner(error, self.implementations[at])
        if self.event == "post_request":
            await self._run_rest(response, at + 1, error, None)

    async def run(self, response: StagedResponse, exc: BaseException | None = None, interim: bool = False) -> Any:
        """Run all implementations, the wrappers around the others. Returns the answer of the event, or None.

        exc: what went wrong, for post_request. interim: is it an interim head?
        """
        running: list[tuple[Implementation, Generator[None, Any, Any]]] = []
        error: BaseException | None = None
        answer: Any = None
        try:
            for wrapper in self.wrappers:
                generator = wrapper.call(response, exc, interim)
                try:
                    next(generator)
                except StopIteration:
                    raise PluginError(f"{wrapper.owner}: its {self.event} wrapper did not yield") from None
                except BaseException as raised:
                    note_owner(raised, wrapper)
                    raise
                running.append((wrapper, generator))
            answer = await self._run_implementations(response, exc, interim)
        except BaseException as raised:  # noqa: BLE001  # becomes the caller's, or a note
            error = raised
            if self.event == "post_request" and len(running) < len(self.wrappers):  # no implementation was called
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
            raise cancelled  # no wrapper can suppress it
        if error is not None:
            raise error
        return answer

    async def _run_implementations(
        self,
        response: StagedResponse,
        exc: BaseException | None,
        interim: bool,
        start: int = 0,
        results: tuple[Any, ...] = (),
    ) -> Any:
        """Run the implementations without wrappers from `start` on. Returns the answer of the event, or None.

        results: what the one at `start` has returned, if it was called already.
        """
        answer: Any = None
        owner = ""  # of the implementation that gave the answer
        for at in range(start, len(self.implementations)):
            implementation = self.implementations[at]
            try:
                if results:
                    (result,), results = results, ()
                elif exc is None and not interim:
                    result = implementation.adapted(response)
                else:
                    result = implementation.call(response, exc, interim)
                if inspect.isawaitable(result):
                    result = await result
                if interim or result is None or result is response or implementation.plugin is None:
                    continue  # no answer: handlers give none, and an interim head has none
                check_answer(response, self.event, implementation, result)
                if answer is not None and answer is not result:
                    raise PluginError(
                        f"two different answers on {self.event}: from {owner} and from {implementation.owner};"
                        " disable one of them, or let one of them look at response.answer"
                    )
                answer = response.answer = result
                owner = implementation.owner
                if self.event == "pre_request":
                    break
            except BaseException as error:  # becomes the caller's, or a note
                note_owner(error, implementation)
                if self.event == "post_request":
                    await self._run_rest(response, at + 1, error, exc)
                raise
        return answer

    async def _run_rest(
        self, response: StagedResponse, at: int, error: BaseException, exc: BaseException | None
    ) -> None:
        """Call the implementations of post_request from `at` on after one before them raised: each is called once.

        They get the exception that ended the exchange (exc), or if there was none, this error. After a cancellation they
        have SECONDS_AFTER_CANCELLATION together; after that only those run that await nothing.
        """
        is_cancellation = not isinstance(error, Exception)
        failure = error if exc is None or is_cancellation else exc
        if isinstance(error, GeneratorExit) or (is_cancellation and exc is not None):
            self.call_synchronously(response, exc or error, at)
            return
        if is_cancellation and response._is_past_deadline():
            failure = response._timeout_error(HttpTimeout)
        try:
            async with asyncio.timeout(SECONDS_AFTER_CANCELLATION if is_cancellation else None):
                await self._run_implementations(response, failure, False, at)
        except Exception as other:  # noqa: BLE001  # becomes the caller's, or a note
            if other is not error:
                add_failure(error, other)

    def call_synchronously(self, response: StagedResponse, error: BaseException, start: int = 0) -> None:
        """Call post_request where nothing can be awaited. Implementations that are coroutine functions do not run."""
        for implementation in self.implementations[start:]:
            try:
                result = implementation.call(response, error)
                if inspect.iscoroutine(result):
                    result.close()
            except Exception as other:  # noqa: BLE001  # becomes a note of `error`
                note_owner(other, implementation)
                add_failure(error, other)

    def _finish_wrapper(
        self, wrapper: Implementation, generator: Generator[None, Any, Any], answer: Any, error: BaseException | None
    ) -> tuple[Any, BaseException | None]:
        """Resume a wrapper with the answer or the error of what it wraps. Returns those that it leaves."""
        try:
            if error is None:
                generator.send(answer)
            else:
                generator.throw(error)
        except StopIteration as stop:
            return stop.value, None
        except BaseException as raised:  # noqa: BLE001  # becomes the caller's, or a note
            if raised is not error:
                note_owner(raised, wrapper)
            return None, raised
        generator.close()
        return None, PluginError(f"{wrapper.owner}: its {self.event} wrapper yielded more than once")


def call_all(implementations: Iterable[Implementation], values: Mapping[str, Any]) -> None:
    """Call the implementations of a hook that awaits nothing, in order, with those of these arguments that each names.

    Raises: what one of them raises, with a note that names its owner.
    """
    for implementation in implementations:
        try:
            implementation.call_with(values)
        except BaseException as error:
            note_owner(error, implementation)
            raise


def note_owner(error: BaseException, implementation: Implementation) -> None:
    """Add a note that names the owner of the code that raised an exception."""
    add_note(error, f"raised in {implementation.event} of {implementation.owner}")


def add_note(error: BaseException, note: str) -> None:
    """Add a note, unless the exception has it already."""
    if note not in getattr(error, "__notes__", ()):
        error.add_note(note)


def add_failure(error: BaseException, other: BaseException) -> None:
    """Add notes about another exception, which post_request raised after `error`."""
    add_note(error, f"and post_request failed: {type(other).__name__}: {other}")
    for note in getattr(other, "__notes__", ()):
        add_note(error, note)


def check_answer(response: StagedResponse, event: str, implementation: Implementation, answer: Any) -> None:
    """Check that an object is an answer of the event; for post_request, record who gave it.

    Raises: PluginError, if it is none.
    """
    expected = response._describe_invalid_answer(event, answer)
    if expected is not None:
        raise PluginError(f"{implementation.owner}: {event} answered with {type(answer).__name__}; expected {expected}")
    if event == "post_request":
        response._answered_by = implementation.owner
