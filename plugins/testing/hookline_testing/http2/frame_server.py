"""A server of HTTP/2 on loopback that sends whatever frames a test wants: scripts answer requests, or greet connections.

    async def short(session, request):
        session.head(request.stream, 200, ("content-length", "5"))
        session.data(request.stream, b"abc", ends=True)

    with FrameServer({"/short": short}) as server:
        ...  # a client requests server.url("/short")

`with` runs it in a thread of its own, for blocking clients and those in an event loop; `async with` runs it in the loop of the
test, so that scripts and the test may share events.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

from ..server.addresses import listening_socket, origin
from ..server.condition import Condition
from ..server.loop_thread import LoopThread
from ..server.noted_errors import raise_first
from .frame_session import Answer, FrameRequest, FrameSession, Greeting
from .frames import PREFACE, Setting

SETTINGS: dict[int, int] = {Setting.MAX_CONCURRENT_STREAMS: 100}
HELLO = b"hello"


class FrameServer:
    """A server whose scripts answer each request by its path.

    answers: the scripts, by path; `async def script(session, request)`. A test may add to them. Other paths are answered with
    200 and "hello". requests: all, in order. sessions: the connections that began with HTTP/2. connections, open_connections:
    how many came, and how many are open. resets: (stream, error code) that clients sent. goaways: codes of theirs. pings,
    pongs: of clients. received: bytes of bodies. most_streams: the most that one connection had at once. errors: exceptions of
    scripts, of which the first is raised at the end.

    Example: docs/testing.md#a-server-of-your-own
    """

    def __init__(
        self,
        answers: Mapping[str, Answer] | None = None,
        *,
        greeting: Greeting | None = None,
        settings: Mapping[int, int] | None = None,
        ssl_context: ssl.SSLContext | None = None,
        host: str = "127.0.0.1",
        acknowledges_settings: bool = True,
        answers_pings: bool = True,
        answers_windows: bool = True,
        cut_after: int | None = None,
        cuts_by_reset: bool = False,
    ) -> None:
        """Prepare a server; the block starts it. All but the first line may be changed while it runs.

        Args:
            answers: scripts by path; None: none.
            greeting: `async def greeting(session)`, which begins a connection instead of SETTINGS.
            settings: what SETTINGS say, by number; None: 100 concurrent streams.
            ssl_context: speak TLS with this context, which has to offer `h2`; None: clients must know (prior knowledge).
            host: the address to listen on, `127.0.0.1` or `::1`.
            acknowledges_settings: acknowledge the client's SETTINGS.
            answers_pings: answer each PING.
            answers_windows: let the client send as much as it has sent.
            cut_after: bytes of each connection after which it is closed; None: never.
            cuts_by_reset: close it then with RST instead of FIN.
        """
        self.host, self.port = host, 0
        self.scheme = "http" if ssl_context is None else "https"
        self.answers: dict[str, Answer] = dict(answers or {})
        self.greeting = greeting
        self.sent_settings: dict[int, int] = dict(SETTINGS if settings is None else settings)
        self.acknowledges_settings = acknowledges_settings
        self.answers_pings, self.answers_windows = answers_pings, answers_windows
        self.cut_after, self.cuts_by_reset = cut_after, cuts_by_reset
        self.connections = self.open_connections = self.most_streams = self.received = self.pings = self.pongs = 0
        self.requests: list[FrameRequest] = []
        self.sessions: list[FrameSession] = []
        self.resets: list[tuple[int, int]] = []
        self.goaways: list[int] = []
        self.errors: list[BaseException] = []
        self._context = ssl_context
        self._server: asyncio.Server | None = None
        self._thread: LoopThread | None = None
        self._writers: dict[asyncio.StreamWriter, asyncio.Task[Any]] = {}
        self._changed = Condition()

    def __enter__(self) -> Self:
        self._thread = LoopThread("a server of frames")
        self._thread.start_with(self._listen())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        assert self._thread is not None
        try:
            self._thread.run(self._close())
        finally:
            self._thread.stop()
        if error is None:
            raise_first(self.errors)

    async def __aenter__(self) -> Self:
        await self._listen()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._close()
        if error is None:
            raise_first(self.errors)

    def url(self, target: str = "/hello", *, host: str | None = None) -> str:
        """Return the URL of a target. host: another name of the host, such as `localhost`."""
        return origin(self.scheme, host or self.host, self.port) + target

    @property
    def targets(self) -> list[str]:
        """The targets of all requests, in order."""
        return [request[":path"] for request in self.requests]

    async def until(self, *, timeout: float = 10, **counts: int) -> None:
        """Wait until these attributes have at least these values; of lists the length counts: `until(requests=2)`.

        Raises:
            AssertionError: that did not happen within `timeout` seconds.
        """
        await self._changed.until(lambda: self._has(counts), timeout, lambda: self._describe(counts))

    def wait_for(self, *, timeout: float = 10, **counts: int) -> None:
        """Do the same as `until`, without an event loop.

        Raises:
            AssertionError: that did not happen within `timeout` seconds.
        """
        self._changed.wait_for(lambda: self._has(counts), timeout, lambda: self._describe(counts))

    async def until_closed(self, but: int = 0, *, timeout: float = 10) -> None:
        """Wait until no more connections than `but` are open.

        Raises:
            AssertionError: that did not happen within `timeout` seconds.
        """
        await self._changed.until(lambda: self.open_connections <= but, timeout, lambda: self._describe({}))

    def note(self) -> None:
        """Make those who wait check again."""
        self._changed.notify_all()

    # -- for subclasses

    async def respond(self, session: FrameSession, request: FrameRequest) -> None:
        """Answer a request: by its script, or with 200."""
        script = self.answers.get(request[":path"])
        if script is not None:
            await script(session, request)
            return
        session.head(request.stream, 200, ("content-length", str(len(HELLO))))
        if request[":method"] == "HEAD":
            session.data(request.stream, ends=True)
        else:
            session.data(request.stream, HELLO, ends=True)

    async def serve_other(
        self, begin: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, alpn: str | None
    ) -> None:
        """Serve a connection that does not begin with the preface of HTTP/2, or for which ALPN has chosen another protocol.

        begin: what was read. alpn: None = without TLS.
        """
        raise AssertionError(f"the client does not speak HTTP/2: ALPN {alpn!r}, {begin!r}")

    # --

    async def _listen(self) -> None:
        listener = listening_socket(self.host)
        self.port = int(listener.getsockname()[1])
        self._server = await asyncio.start_server(self.serve, sock=listener, ssl=self._context)

    async def _close(self) -> None:
        if self._server is None:
            return
        server, self._server = self._server, None
        server.close()
        for writer, task in list(self._writers.items()):
            writer.transport.abort()
            task.cancel()
        if self._writers:
            await asyncio.wait(self._writers.values())
        await server.wait_closed()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve a connection to its end, also one that another listener has accepted, such as that of a unix socket."""
        task = asyncio.current_task()
        assert task is not None
        self.connections += 1
        self.open_connections += 1
        self._writers[writer] = task
        tls = writer.get_extra_info("ssl_object")
        alpn = None if tls is None else tls.selected_alpn_protocol() or ""
        try:
            begin = await reader.readexactly(len(PREFACE)) if alpn in ("h2", None) else b""
            if begin == PREFACE:
                session = FrameSession(self, reader, writer)
                self.sessions.append(session)
                await session.run()
            else:
                await self.serve_other(begin, reader, writer, alpn)
        except (ConnectionError, ssl.SSLError, asyncio.IncompleteReadError):
            pass  # the client is gone
        except asyncio.CancelledError:
            if self._server is not None:
                raise
        except Exception as error:  # noqa: BLE001  # of the test, or of its client; raised at the end of the block
            self.errors.append(error)
        finally:
            self.open_connections -= 1
            self._writers.pop(writer, None)
            writer.transport.abort()
            self.note()

    def _has(self, counts: Mapping[str, int]) -> bool:
        values = {name: getattr(self, name) for name in counts}
        return all((len(v) if isinstance(v, list) else v) >= counts[name] for name, v in values.items())

    def _describe(self, counts: Mapping[str, int]) -> str:
        return (
            f"Waited for {dict(counts) or 'closed connections'} in vain: {len(self.requests)} requests, "
            f"{self.connections} connections, {self.open_connections} of them open, resets {self.resets[:10]}, "
            f"GOAWAY {self.goaways}"
        )
