"""A loopback server of which a test says, request by request, which bytes come back and how they are cut.

    with ScriptedServer() as server:
        server.answer(response(b"one"), Script(head(200), cut="bytes").stall())
        assert urllib.request.urlopen(server.url("/path")).read() == b"one"
        assert server.requests[0].target == "/path"

It runs in a thread of its own, beside clients that block and beside clients in an event loop. TCP_NODELAY is always
on (asyncio sets it). It is strict: a malformed request, a request without an answer and an exception in a test's own
handler are raised when the `with` block ends.
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
from .answers import Answers, Plan
from .background import LoopThread
from .changes import Changes
from .connection import Connection
from .messages import response
from .script import Script
from .seen import HEAD_LIMIT, Intake, MalformedRequest, SeenRequest
from .segments import Cut

# The client went away: nothing that a test of clients has to be told.
_GONE = (ConnectionError, ssl.SSLError, asyncio.IncompleteReadError)


class ScriptedServer(Answers):
    """Answers from the queue, else by the function; without either with 500, and an error at the end."""

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
        """Prepare a server; entering it starts it.

        Args:
            host: the address to listen on, `127.0.0.1` or `::1`.
            ssl_context: speak TLS with this context.
            unix_socket: listen on this path instead of a port.
            cut: how bytes are cut where an answer does not say.
            receive_buffer: bytes of the kernel's receive buffer of a connection; None: the kernel's default.
            keep: bytes that are kept of each request's body; the rest is only counted.
            strict: raise the first of `errors` at the end.
        """
        super().__init__()
        self.host = host
        self.scheme = "http" if ssl_context is None else "https"
        self.port = 0
        # Every request whose head has come, in order; `complete` tells whether its body has come too.
        self.requests: list[SeenRequest] = []
        # Connections accepted so far and, of those, closed by either side.
        self.connections = 0
        self.closed_connections = 0
        # What the test has to know about and did not ask for.
        self.errors: list[BaseException] = []
        # Why TLS handshakes failed; bytes of requests whose head did not come to its end. No errors by themselves.
        self.failed_handshakes: list[str] = []
        self.leftovers: list[bytes] = []
        self._context = ssl_context
        self._path = unix_socket
        self._cut: Cut = cut
        self._receive_buffer = receive_buffer
        self._keep = keep
        self._strict = strict
        self._live: dict[int, Connection] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._changes = Changes()
        self._thread = LoopThread("a scripted server")
        self._server: asyncio.Server | None = None

    def __enter__(self) -> Self:
        self._thread.start()
        try:
            self._thread.run(self._listen())
        except BaseException:
            self._thread.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()
        if error is None and self._strict and self.errors:
            first, *others = self.errors
            for other in others:
                first.add_note(f"then: {other!r}")
            raise first

    def stop(self) -> None:
        """Drop all connections, close the port and end the thread; nothing the second time."""
        if self._server is not None:
            self._thread.run(self._shut())
            self._server = None
        self._thread.stop()

    def url(self, path: str = "/", *, host: str | None = None) -> str:
        """Return the URL of `path`; `host` replaces the host by another name of it, such as `localhost`.

        Raises:
            RuntimeError: the server was never started, and has no port.
        """
        if not self.port and self._path is None:
            raise RuntimeError("the server was not started: it has a URL within its with block")
        return origin(self.scheme, host or self.host, self.port) + path

    @property
    def open_connections(self) -> int:
        """Return how many connections are open now."""
        return self.connections - self.closed_connections

    def wait_for(
        self, *, requests: int = 0, heads: int = 0, connections: int = 0, closed: int = 0, timeout: float = 5
    ) -> None:
        """Block until so many complete requests, request heads, connections and closed connections were seen.

        Raises:
            AssertionError: they were not, within `timeout` seconds.
            RuntimeError: called in an event loop: `await until(...)` there.
        """
        self._changes.wait_for(self._fact(requests, heads, connections, closed), timeout, self._tally)

    async def until(
        self, *, requests: int = 0, heads: int = 0, connections: int = 0, closed: int = 0, timeout: float = 5
    ) -> None:
        """Do as `wait_for`, in an event loop.

        Raises:
            AssertionError: not within `timeout` seconds.
        """
        await self._changes.until(self._fact(requests, heads, connections, closed), timeout, self._tally)

    def wait_closed_connections(self, count: int | None = None, timeout: float = 5) -> None:
        """Block until `count` connections, None: all that were accepted, are closed.

        Raises:
            AssertionError: they are not, within `timeout` seconds.
        """
        self.wait_for(closed=self.connections if count is None else count, timeout=timeout)

    async def until_closed_connections(self, count: int | None = None, timeout: float = 5) -> None:
        """Do as `wait_closed_connections`, in an event loop.

        Raises:
            AssertionError: not within `timeout` seconds.
        """
        await self.until(closed=self.connections if count is None else count, timeout=timeout)

    def push(self, data: bytes, *, connection: int | None = None) -> None:
        """Send unsolicited bytes now, on that connection or on the youngest open one; return when they are sent."""

        async def push() -> None:
            number = max(self._live, default=0) if connection is None else connection
            if number not in self._live:
                raise AssertionError(f"No open connection to push {data[:100]!r} to: {self._tally()}")
            await self._live[number].send(data)

        self._thread.run(push())

    def hang_up(self, *, connection: int | None = None, reset: bool = False) -> None:
        """Close, or reset, that connection or all open ones now; return when it is done."""

        async def hang_up() -> None:
            for number in list(self._live) if connection is None else [connection]:
                await (self._live[number].reset() if reset else self._live[number].close())

        self._thread.run(hang_up())

    def _fact(self, requests: int, heads: int, connections: int, closed: int) -> Callable[[], bool]:
        return lambda: (
            sum(request.complete for request in self.requests) >= requests
            and len(self.requests) >= heads
            and self.connections >= connections
            and self.closed_connections >= closed
        )

    def _tally(self) -> str:
        complete = sum(request.complete for request in self.requests)
        return (
            f"Only {complete} complete requests of {len(self.requests)} begun, {self.connections} connections, "
            f"{self.closed_connections} of them closed"
        )

    async def _listen(self) -> None:
        if self._path is not None:
            self._server = await asyncio.start_unix_server(self._accept, self._path, limit=HEAD_LIMIT)
            return
        listener = listening_socket(self.host, receive_buffer=self._receive_buffer)
        self.port = int(listener.getsockname()[1])
        self._server = await asyncio.start_server(self._accept, sock=listener, limit=HEAD_LIMIT, backlog=1024)

    async def _shut(self) -> None:
        if self._server is not None:
            # Accept no more, and let what was accepted a moment ago become a connection: asyncio.Server.close() before
            # that would lose its socket (an assertion of `Server._attach` fails, CPython 3.11).
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
        intake = Intake(reader, number, self._keep, self._changes.tell)
        self._live[number] = connection = Connection(intake, writer, self._cut)
        task = asyncio.get_running_loop().create_task(self._serve(number, connection))
        self._tasks.add(task)
        task.add_done_callback(lambda task: self._finished(number, task))

    def _finished(self, number: int, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        del self._live[number]
        self.closed_connections += 1
        error = None if task.cancelled() else task.exception()
        if error is not None:  # such as pytest.fail(), which is no Exception
            self.errors.append(error)
        self._changes.tell()

    async def _serve(self, number: int, connection: Connection) -> None:
        self._changes.tell()
        try:
            if await self._receive(number, connection):
                await self._converse(connection)
            await connection.close()
        except _GONE:
            pass
        except MalformedRequest as error:
            self.errors.append(error)
            with contextlib.suppress(*_GONE):
                await connection.send(response(f"{error}\n".encode(), 400), "whole")
                await connection.close()
        except Exception as error:  # noqa: BLE001 - the test's own; raised at the end of its with block
            self.errors.append(error)
        finally:
            connection.drop()
            await connection.until_closed()

    async def _receive(self, number: int, connection: Connection) -> bool:
        """Greet a new connection; tell whether it is ready for requests."""
        if self._context is not None:
            # The ClientHello must wait for TLS and not go into the reader.
            cast(asyncio.Transport, connection.writer.transport).pause_reading()
        greeting = self.take_greeting(number)
        if greeting is not None:
            await greeting.run(connection)
        if self._context is not None and not connection.is_over:
            try:
                await connection.start_tls(self._context)
            except OSError as error:
                self.failed_handshakes.append(str(error) or repr(error))
                return False
        return not connection.is_over

    async def _converse(self, connection: Connection) -> None:
        while not connection.is_over and (request := await self._next_head(connection)) is not None:
            connection.begin(request)
            self.requests.append(request)
            self._changes.tell()
            plan = await self.take(request)
            if plan is None:
                self.errors.append(AssertionError(f"No answer left for {request.method} {request.target}"))
                plan = Plan(response(b"The script has no answer left.\n", 500))
            await self._give(connection, request, plan)

    async def _next_head(self, connection: Connection) -> SeenRequest | None:
        try:
            return await connection.intake.read_head()
        except asyncio.IncompleteReadError as error:
            self.leftovers.append(error.partial)
            return None

    async def _give(self, connection: Connection, request: SeenRequest, plan: Plan) -> None:
        connection.cut = self._cut if plan.cut is None else plan.cut
        if isinstance(plan.answer, bytes):
            await connection.send(plan.answer)
        elif isinstance(plan.answer, Script):
            await plan.answer.run(connection)
        else:
            await plan.answer(connection.intake.reader, connection.writer, request)
        if plan.close:
            await connection.close()
        elif not connection.is_over:
            await request.read_body()
