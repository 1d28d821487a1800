"""Where the checks take place: a server with every kind of answer, and a loop in which nothing that is left over stays unseen."""

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

from ..server.messages import chunked, head, response
from ..server.script import Script
from ..server.scripted import ScriptedServer
from ..server.seen import SeenRequest
from .subject import PATIENCE, Subject

LARGE = 300_000  # bytes of a body that comes in several reads
_HOSTILE = [
    ("Location", "http://["),
    ("Set-Cookie", ""),
    ("Set-Cookie", "=;;=; Expires=never; Domain=.."),
    ("Content-Encoding", "identity, , x-none"),
    ("WWW-Authenticate", 'Digest realm="'),
    ("Proxy-Authenticate", ",,,"),
    ("Retry-After", "soon"),
    ("Link", "<"),
    ("Age", "-1"),
]

_ANSWERS: dict[str, bytes | Script] = {
    "/plain": response(b"plain"),
    "/empty": response(b"", 204),
    "/chunked": chunked(b"one", b"two", trailers=[("X-Trailer", "three")]),
    "/large": response(bytes(LARGE)),
    "/early-hints": head(103, [("Link", "</a>")]) + response(b"behind a 103"),
    "/cookie": response(b"", headers=[("Set-Cookie", "name=conformance-secret; Path=/")]),
    "/redirect": response(b"", 302, [("Location", "/plain")]),
    "/not-modified": head(304),
    "/unauthorized": response(
        b"",
        401,
        [("WWW-Authenticate", 'Basic realm="x"'), ("WWW-Authenticate", 'Digest realm="x", nonce="1", qop="auth"')],
    ),
    "/forbidden": response(b"no", 403),
    "/missing": response(b"", 404),
    "/proxy": response(b"", 407, [("Proxy-Authenticate", 'Basic realm="x"')]),
    "/error": response(b"", 500),
    "/busy": response(b"", 503, [("Retry-After", "0")]),
    "/hostile": response(b"hostile", headers=_HOSTILE),
    "/hostile-redirect": response(b"", 302, _HOSTILE),
    "/hostile-challenge": response(b"", 401, _HOSTILE),
    "/hostile-busy": response(b"", 503, _HOSTILE),
    "/not-gzip": response(b"no gzip at all", headers=[("Content-Encoding", "gzip")]),
    "/stall": Script().stall(),
    "/stalled-body": Script(head(200, [("Content-Length", "100")]) + b"half").stall(),
    "/reset": Script(head(200, [("Content-Length", "100")]) + b"half").reset(),
    "/closed": Script().close(),
}
ORDINARY = tuple(path for path in _ANSWERS if path not in ("/stall", "/stalled-body", "/reset", "/closed", "/not-gzip"))
HOSTILE = (*(path for path in ORDINARY if path.startswith("/hostile")), "/not-gzip")


def answer(request: SeenRequest) -> bytes | Script:
    """The answer to a request; `/number/N` gives N."""
    found = _ANSWERS.get(request.path)
    if found is None:
        return response(request.path.rpartition("/")[2].encode())
    if request.method == "HEAD" and isinstance(found, bytes):
        return found[: found.find(b"\r\n\r\n", found.rfind(b"HTTP/1.1 ")) + 4]  # with the interim heads before it
    return found


@dataclass
class Lab:
    """What a scenario works with. problems, tasks, warnings: what was noticed, in words."""

    subject: Subject
    server: ScriptedServer
    problems: list[str] = field(default_factory=list)
    tasks: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def url(self, path: str, *, host: str | None = None) -> str:
        return self.server.url(path, host=host)

    def run(self, name: str, scenario: Callable[[Lab], Awaitable[None]]) -> list[str]:
        """Run a scenario in a loop of its own; the problems that it found."""
        self.problems = []
        with self._watching(name):
            try:
                with asyncio.Runner() as runner:
                    runner.get_loop().set_exception_handler(lambda loop, context: self._told(name, context))
                    runner.run(self._bounded(name, scenario))
            except HttpTimeout as error:
                self.problems.append(f"a request that is answered at once ended with {in_words(error)}")
            except TimeoutError:
                self.problems.append(f"it did not end within {3 * PATIENCE:g} s")
            except Exception as error:  # noqa: BLE001  # whatever comes out of a plugin is what is looked for
                self.problems.append(in_words(error))
        return self.problems

    async def _bounded(self, name: str, scenario: Callable[[Lab], Awaitable[None]]) -> None:
        before = asyncio.all_tasks()
        try:
            async with asyncio.timeout(3 * PATIENCE):
                await scenario(self)
        finally:
            for _ in range(10):  # what was cancelled a moment ago ends first
                await asyncio.sleep(0)
            self.tasks += [f"{name}: {describe(task)}" for task in asyncio.all_tasks() - before]

    def _told(self, name: str, context: dict[str, Any]) -> None:
        error = context.get("exception")
        self.warnings.append(f"{name}: {context.get('message')}" + (f" ({in_words(error)})" if error else ""))

    @contextmanager
    def _watching(self, name: str) -> Iterator[None]:
        """Note all warnings, and what nobody could be told."""
        hook = sys.unraisablehook
        sys.unraisablehook = lambda found: self.warnings.append(
            f"{name}: {found.exc_value!r}, which nobody could be told"
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
    """A task that was left over."""
    coroutine = task.get_coro()
    return f"the task of {getattr(coroutine, '__qualname__', coroutine)} still runs"


def in_words(error: BaseException) -> str:
    """An exception, with the last line of the plugin that it went through, and what was noted on it."""
    own = [frame for frame in traceback.extract_tb(error.__traceback__) if not is_ours(frame.filename)]
    where = f" ({own[-1].filename}:{own[-1].lineno})" if own else ""
    notes = "".join(f"\n  {note}" for note in getattr(error, "__notes__", ()))
    return f"{type(error).__name__}: {error}{where}{notes}"


def is_ours(filename: str) -> bool:
    """Is a file of this kit, of core or of the standard library?"""
    parts = filename.replace("\\", "/").split("/")
    return "hookline_testing" in parts or "hookline" in parts or "asyncio" in parts
