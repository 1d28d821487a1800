"""Run a WSGI application (PEP 3333) in a thread for each request. Both bodies are streamed."""

from __future__ import annotations

import asyncio
import concurrent.futures
import io
import sys
import threading
from collections.abc import Callable, Coroutine, Iterable
from typing import Any, TypeVar
from urllib.parse import unquote_to_bytes

from ..memory.exchange import Exchange

WsgiApp = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]
T = TypeVar("T")


def make_environ(exchange: Exchange, body: io.BufferedReader[Any]) -> dict[str, Any]:
    """Return the environ of a request."""
    request, origin = exchange.request, exchange.connection.origin
    environ: dict[str, Any] = {
        "REQUEST_METHOD": request.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(request.path).decode("latin-1"),
        "QUERY_STRING": request.query,
        "SERVER_NAME": origin.host,
        "SERVER_PORT": str(origin.port),
        "SERVER_PROTOCOL": f"HTTP/{request.version}",
        "REMOTE_ADDR": "127.0.0.1",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": origin.scheme,
        "wsgi.input": body,
        "wsgi.input_terminated": True,  # the end of a chunked body is found too; PEP 3333 knows only Content-Length
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    for raw, value in request.headers:
        if b"_" in raw:
            continue  # or X_Real_IP could be mistaken for X-Real-IP
        name = raw.decode("ascii").upper().replace("-", "_")
        key = name if name in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{name}"
        text = value.decode("latin-1")
        environ[key] = f"{environ[key]}{'; ' if name == 'COOKIE' else ','}{text}" if key in environ else text
    return environ


class LoopCaller:
    """Runs coroutines in the event loop of the client, for the thread of an application."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._lock = threading.Lock()
        self._pending: set[concurrent.futures.Future[Any]] = set()
        self._is_closed = False

    def call(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine in the loop, and return its result.

        Raises: ConnectionResetError, when the client waits for the response no more; what the coroutine raises.
        """
        with self._lock:
            if self._is_closed:
                work.close()
                raise ConnectionResetError("the client has closed the connection")
            future = asyncio.run_coroutine_threadsafe(work, self._loop)
            self._pending.add(future)
        try:
            return future.result()
        except (concurrent.futures.CancelledError, asyncio.IncompleteReadError) as error:
            raise ConnectionResetError("the client has closed the connection") from error
        finally:
            self._pending.discard(future)

    def close(self) -> None:
        """Cancel the coroutines that the thread waits for, and refuse more."""
        with self._lock:
            self._is_closed = True
            pending = list(self._pending)
        for future in pending:
            future.cancel()


class RequestBody(io.RawIOBase):
    """The body of a request as a blocking file."""

    def __init__(self, exchange: Exchange, loop_caller: LoopCaller) -> None:
        super().__init__()
        self._exchange = exchange
        self._loop_caller = loop_caller
        self._left = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if not self._left:
            self._left = self._loop_caller.call(self._exchange.read_piece())
        size = min(len(buffer), len(self._left))
        buffer[:size], self._left = self._left[:size], self._left[size:]
        return size


class Responder:
    """The `start_response` and `write` of an application for one request (PEP 3333)."""

    def __init__(self, exchange: Exchange, loop_caller: LoopCaller) -> None:
        self._exchange = exchange
        self._loop_caller = loop_caller
        self._has_written = False

    def start_response(
        self, status: str, headers: list[tuple[str, str]], exc_info: Any = None
    ) -> Callable[[bytes], object]:
        if exc_info is not None:
            try:
                if self._has_written:
                    raise exc_info[1].with_traceback(exc_info[2])
            finally:
                exc_info = None
        elif self._exchange.is_started:
            raise RuntimeError("start_response was called twice, without exc_info")
        code, _, reason = status.partition(" ")
        fields = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]
        self._exchange.start(int(code), fields, reason)
        return self.write

    def write(self, data: bytes, *, more: bool = True) -> None:
        self._has_written = True
        self._loop_caller.call(self._exchange.write(data, more=more))

    def answer(self, app: WsgiApp, environ: dict[str, Any]) -> None:
        """Call the application, and send the body that it returns."""
        result = app(environ, self.start_response)
        try:
            if isinstance(result, (list, tuple)) and len(result) == 1 and not self._has_written:
                self.write(result[0], more=False)
                return
            for data in result:
                if data:
                    self.write(data)
            if not self._exchange.is_started:
                raise RuntimeError("the application returned a body without calling start_response")
            self.write(b"", more=False)
        finally:
            close = getattr(result, "close", None)
            if close is not None:
                close()


async def run_wsgi(app: WsgiApp, exchange: Exchange) -> None:
    """Let an application answer one request.

    It runs in a daemon thread, not in a pool: an application that never returns does not keep the program from exiting.

    Raises: what the application raises.
    """
    loop = asyncio.get_running_loop()
    loop_caller = LoopCaller(loop)
    done: asyncio.Future[None] = loop.create_future()

    def work() -> None:
        error: BaseException | None = None
        try:
            body = io.BufferedReader(RequestBody(exchange, loop_caller), 64 * 1024)
            Responder(exchange, loop_caller).answer(app, make_environ(exchange, body))
        except BaseException as raised:  # noqa: BLE001  # run_wsgi raises it
            error = raised
        try:
            loop.call_soon_threadsafe(set_outcome, done, error)
        except RuntimeError:
            pass  # the loop is closed: nothing waits for the result

    thread = threading.Thread(target=work, name=f"wsgi {exchange.request.method} {exchange.request.path}", daemon=True)
    thread.start()
    try:
        await done
    finally:
        loop_caller.close()


def set_outcome(done: asyncio.Future[None], error: BaseException | None) -> None:
    """Set the result of a future, unless it was cancelled. error: None = the thread ended without one."""
    if done.done():
        return
    if error is None:
        done.set_result(None)
    else:
        done.set_exception(error)
