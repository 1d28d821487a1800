"""A loopback server for tests: each test sets which bytes answer which request, and how they are cut.

    with ScriptedServer() as server:
        server.answer(response(b"one"), Script(head(200), cut="bytes").stall())
        assert urllib.request.urlopen(server.url("/path")).read() == b"one"
        assert server.requests[0].target == "/path"

It runs in a thread of its own, so that it serves blocking clients as well as clients in an event loop. asyncio sets
TCP_NODELAY. It is strict: a malformed request, a request without an answer, and an exception in a handler of the test are
raised at the end of the `with` block.

A client that begins with the preface of HTTP/2 is answered in HTTP/2: in cleartext, or in TLS with an `ssl_context` that
offers `h2`. The test writes the same bytes of HTTP/1.1, which go out as frames, and `requests` are the same, with version
"2". That needs `hookline-testing[http2]`.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self, cast

from .addresses import listening_socket, origin
from .answer_queue import Answer, AnswerQueue, PlannedAnswer, Responder
from .condition import Condition
from .connection import Connection
from .cut import Cut
from .loop_thread import LoopThread
from .noted_errors import raise_first
from .request_reader import HEAD_LIMIT, Http2Begins, MalformedRequest, RequestReader
from .responses import response
from .script import Script
from .seen_request import SeenRequest

# The client has closed the connection: no error of a test.
_CLIENT_GONE = (ConnectionError, ssl.SSLError, asyncio.IncompleteReadError)


class ScriptedServer:
    """A server that answers each request from a queue, or else by a function.

    Without either, it answers with 500, and raises an error at the end.

    Example: docs/testing.md#what-a-test-sees-of-the-server
    """

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        ssl_context: ssl.SSLContext | None = None,
        unix_socket: Path | None = None,
        cut: Cut = "whole",
        receive_buffer: int | None = None,
        keep: int = 16 * 1024 * 1024,
        strict: bool = True,
    ) -> None:
        """Prepare a server; the `with` block starts it.

        Args:
            host: the address to listen on, `127.0.0.1` or `::1`.
            ssl_context: speak TLS with this context.
            unix_socket: listen on this path instead of a port.
            cut: how bytes are cut if an answer does not set it.
            receive_buffer: bytes of the kernel's receive buffer of a connection; None: the kernel's default.
            keep: bytes to keep of each request's body; the rest is only counted.
            strict: raise the first of `errors` at the end.
        """
        self.host = host
        self.scheme = "http" if ssl_context is None else "https"
        self.port = 0
        # Every request whose head has come, in order; `complete` is True when its body has come too.
        self.requests: list[SeenRequest] = []
        # Connections accepted so far, and how many of them either side has closed.
        self.connections = 0
        self.closed_connections = 0
        # Errors that the test did not expect.
        self.errors: list[BaseException] = []
        # Why TLS handshakes failed, and the bytes of incomplete heads. These are not in `errors`.
        self.failed_handshakes: list[str] = []
        self.leftovers: list[bytes] = []
        # (stream, error code) of each RST_STREAM that came over HTTP/2.
        self.resets: list[tuple[int, int]] = []
        self._answers = AnswerQueue()
        self._context = ssl_context
        self._path = unix_socket
        self._cut: Cut = cut
        self._receive_buffer = receive_buffer
        self._keep = keep
        self._strict = strict
        self._live: dict[int, Connection] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._condition = Condition()
        self._thread = LoopThread("a scripted server")
        self._server: asyncio.Server | None = None

    def __enter__(self) -> Self:
        self._thread.start_with(self._listen())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()
        if error is None and self._strict:
            raise_first(self.errors)

    def stop(self) -> None:
        """Drop all connections, close the port and end the thread. A second call does nothing."""
        if self._server is not None:
            self._thread.run(self._close())
            self._server = None
        self._thread.stop()

    def url(self, path: str = "/", *, host: str | None = None) -> str:
        """Return the URL of `path`. host: another name of the host, such as `localhost`.

        Raises:
            RuntimeError: the server was never started, and has no port.
        """
        if not self.port and self._path is None:
            raise RuntimeError("the server was not started: it has a URL within its with block")
        return origin(self.scheme, host or self.host, self.port) + path

    def answer(
        self,
        *answers: Answer,
        cut: Cut | None = None,
        early: bool = False,
        close: bool = False,
        connection: int | None = None,
    ) -> None:
        """Append answers to the queue; each is used for one request.

        Args:
            answers: bytes, a Script, or an `async def handler(reader, writer, request)`.
            cut: how bytes are cut; None: as the server is set.
            early: answer when the head has come; the body is read afterwards, or by `request.read_body()`.
            close: close the connection after the answer.
            connection: only for requests on the connection of this number, counted from 1.
        """
        self._answers.put([PlannedAnswer(each, cut, early, close) for each in answers], connection)

    def respond(
        self, responder: Responder, *, cut: Cut | None = None, early: bool = False, close: bool = False
    ) -> None:
        """If the queue is empty, answer with what `responder(request)` returns. early: it is called before the body."""
        self._answers.set_responder(lambda request: PlannedAnswer(responder(request), cut, early, close), early=early)

    def always(self, answer: Answer, *, cut: Cut | None = None, early: bool = False, close: bool = False) -> None:
        """If the queue is empty, answer with `answer`."""
        early = PlannedAnswer(answer, early=early).is_early
        self.respond(lambda request: answer, cut=cut, early=early, close=close)

    def greet(self, script: Script, *, connection: int | None = None) -> None:
        """Run `script` on the next connection, or on that of this number, at once: before TLS and before any request."""
        self._answers.put_greeting(script, connection)

    @property
    def open_connections(self) -> int:
        """The number of connections that are open now."""
        return self.connections - self.closed_connections

    def wait_for(
        self,
        *,
        requests: int = 0,
        heads: int = 0,
        connections: int = 0,
        closed: int = 0,
        given_up: int = 0,
        timeout: float = 5,
    ) -> None:
        """Block until there were so many complete requests, request heads, connections and closed connections.

        given_up: exchanges that the client has ended early: by closing the connection, or over HTTP/2 by resetting the stream.

        Raises:
            AssertionError: there were fewer within `timeout` seconds.
            RuntimeError: called in an event loop; use `await until(...)` there.
        """
        self._condition.wait_for(
            self._predicate(requests, heads, connections, closed, given_up), timeout, self._describe_state
        )

    async def until(
        self,
        *,
        requests: int = 0,
        heads: int = 0,
        connections: int = 0,
        closed: int = 0,
        given_up: int = 0,
        timeout: float = 5,
    ) -> None:
        """Do the same as `wait_for`, in an event loop.

        Raises:
            AssertionError: there were fewer within `timeout` seconds.
        """
        await self._condition.until(
            self._predicate(requests, heads, connections, closed, given_up), timeout, self._describe_state
        )

    def wait_closed_connections(self, count: int | None = None, timeout: float = 5) -> None:
        """Block until `count` connections are closed; None = all that were accepted.

        Raises:
            AssertionError: fewer were closed within `timeout` seconds.
        """
        self.wait_for(closed=self.connections if count is None else count, timeout=timeout)

    async def until_closed_connections(self, count: int | None = None, timeout: float = 5) -> None:
        """Do the same as `wait_closed_connections`, in an event loop.

        Raises:
            AssertionError: fewer were closed within `timeout` seconds.
        """
        await self.until(closed=self.connections if count is None else count, timeout=timeout)

    def push(self, data: bytes, *, connection: int | None = None) -> None:
        """Send bytes now, without a request; return when they are sent. connection: None = the newest open one."""

        async def push() -> None:
            number = max(self._live, default=0) if connection is None else connection
            if number not in self._live:
                raise AssertionError(f"No open connection to push {data[:100]!r} to: {self._describe_state()}")
            await self._live[number].send(data)

        self._thread.run(push())

    def hang_up(self, *, connection: int | None = None, reset: bool = False) -> None:
        """Close or reset a connection now; return when that is done. connection: None = all open ones."""

        async def hang_up() -> None:
            for number in list(self._live) if connection is None else [connection]:
                await (self._live[number].reset() if reset else self._live[number].close())

        self._thread.run(hang_up())

    def _predicate(self, requests: int, heads: int, connections: int, closed: int, given_up: int) -> Callable[[], bool]:
        return lambda: (
            sum(request.complete for request in self.requests) >= requests
            and len(self.requests) >= heads
            and self.connections >= connections
            and self.closed_connections >= closed
            and self.closed_connections + len(self.resets) >= given_up
        )

    def _describe_state(self) -> str:
        complete = sum(request.complete for request in self.requests)
        return (
            f"Only {complete} complete requests of {len(self.requests)} begun, {self.connections} connections, "
            f"{self.closed_connections} of them closed, {len(self.resets)} streams reset"
        )

    async def _listen(self) -> None:
        if self._path is not None:
            self._server = await asyncio.start_unix_server(self._accept, self._path, limit=HEAD_LIMIT)
            return
        listener = listening_socket(self.host, receive_buffer=self._receive_buffer)
        self.port = int(listener.getsockname()[1])
        self._server = await asyncio.start_server(self._accept, sock=listener, limit=HEAD_LIMIT, backlog=1024)

    async def _close(self) -> None:
        if self._server is not None:
            # Accept no more, and let the sockets just accepted become connections: if asyncio.Server.close() came before
            # that, they would be lost (an assertion in CPython 3.11's asyncio.Server fails).
            for listener in self._server.sockets:
                asyncio.get_running_loop().remove_reader(listener.fileno())
            for _ in range(5):
                await asyncio.sleep(0)
            self._server.close()
        connections, tasks = list(self._live.values()), list(self._tasks)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        for connection in connections:
            await connection.until_closed()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        number = self.connections
        self._live[number] = connection = Connection(reader, writer, self._cut)
        task = asyncio.get_running_loop().create_task(self._serve(number, connection))
        self._tasks.add(task)
        task.add_done_callback(lambda task: self._on_finished(number, task))

    def _on_finished(self, number: int, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        del self._live[number]
        self.closed_connections += 1
        error = None if task.cancelled() else task.exception()
        if error is not None:  # pytest.fail(), for example, raises no subclass of Exception
            self.errors.append(error)
        self._condition.notify_all()

    async def _serve(self, number: int, connection: Connection) -> None:
        self._condition.notify_all()
        try:
            if await self._prepare(number, connection):
                await self._serve_requests(number, connection)
            await connection.close()
        except _CLIENT_GONE:
            pass
        except MalformedRequest as error:
            self.errors.append(error)
            with contextlib.suppress(*_CLIENT_GONE):
                await connection.send(response(f"{error}\n".encode(), 400), "whole")
                await connection.close()
        except Exception as error:  # noqa: BLE001 - of the test's handler; raised at the end of the with block
            self.errors.append(error)
        finally:
            connection.drop()
            await connection.until_closed()

    async def _prepare(self, number: int, connection: Connection) -> bool:
        """Run the greeting and the TLS handshake of a new connection; return whether it is ready for requests."""
        if self._context is not None:
            # The ClientHello must go to TLS and not to the reader.
            cast(asyncio.Transport, connection.writer.transport).pause_reading()
        greeting = self._answers.take_greeting(number)
        if greeting is not None:
            await greeting.run(connection)
        if self._context is not None and not connection.is_over:
            try:
                await connection.start_tls(self._context)
            except OSError as error:
                self.failed_handshakes.append(str(error) or repr(error))
                return False
        return not connection.is_over

    async def _serve_requests(self, number: int, connection: Connection) -> None:
        reader = RequestReader(connection.reader, number, self._keep, self._condition.notify_all)
        while not connection.is_over:
            try:
                request = await self._next_head(reader)
            except Http2Begins:
                break
            if request is None:
                return
            self._note_request(connection, request)
            await self._answer(connection, request)
        if not connection.is_over:
            await self._serve_http2(number, connection)

    async def _serve_http2(self, number: int, connection: Connection) -> None:
        try:
            from .http2_session import Http2Session
        except ModuleNotFoundError as error:
            raise RuntimeError("a client speaks HTTP/2, which needs pip install 'hookline-testing[http2]'") from error
        session = Http2Session(
            connection, number, self._keep, self._condition.notify_all, self._note_request, self._answer
        )
        session.resets = self.resets
        try:
            await session.run()
        except MalformedRequest as error:
            self.errors.append(error)
            await session.close_when_read()

    async def _next_head(self, reader: RequestReader) -> SeenRequest | None:
        try:
            return await reader.read_head()
        except asyncio.IncompleteReadError as error:
            self.leftovers.append(error.partial)
            return None

    def _note_request(self, connection: Connection, request: SeenRequest) -> None:
        """Add a request whose head has come. connection: or the stream on which it came."""
        connection.begin_answer(request)
        self.requests.append(request)
        self._condition.notify_all()

    async def _answer(self, connection: Connection, request: SeenRequest) -> None:
        planned = await self._answers.take(request)
        if planned is None:
            self.errors.append(AssertionError(f"No answer left for {request.method} {request.target}"))
            planned = PlannedAnswer(response(b"The script has no answer left.\n", 500))
        connection.cut = self._cut if planned.cut is None else planned.cut
        if isinstance(planned.answer, bytes):
            await connection.send(planned.answer)
        elif isinstance(planned.answer, Script):
            await planned.answer.run(connection)
        else:
            await planned.answer(connection.reader, connection.handler_writer, request)
        await connection.end_answer()
        if planned.close:
            await connection.close()
        elif not connection.is_over:
            await request.read_body()
