"""A forward proxy on top of a Hookline client: CONNECT is spliced, all other requests are streamed through `data_processed`.

    python forward_proxy.py --port 8080        # then: curl -x http://127.0.0.1:8080 http://example.org/

It needs `pip install hookline h11`: h11 parses what clients send, and a client of Hookline sends it on. Bodies of any size pass
in both directions without being stored, because each side waits while the other does not read. The proxy has no passwords and
reaches whatever this machine reaches, so it listens on loopback unless `--host` says otherwise.

Not implemented: interim responses except 100, trailers, upgrades (clients open websockets with CONNECT), Max-Forwards.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import re
import secrets
import socket
from collections.abc import AsyncIterator, Container, Iterable
from http import HTTPStatus
from typing import Any, Self, cast

import h11

from hookline import (
    DirectRoute,
    HttpClient,
    HttpRequestException,
    HttpResponse,
    HttpTimeout,
    InvalidURL,
    LocalProtocolError,
    Timeout,
    field_octets,
    split_url,
)

MAX_UNREAD = 64 * 1024  # bytes: of the head of a request, and of what is read from a client before it is wanted
# Fields for one connection (RFC 9110, section 7.6.1), and for the proxy itself (section 11.7).
HOP_BY_HOP = (
    b"connection", b"keep-alive", b"proxy-authenticate", b"proxy-authorization", b"proxy-connection", b"te", b"trailer",
    b"transfer-encoding", b"upgrade",
)  # fmt: skip

Fields = list[tuple[bytes, bytes]]


class Refused(Exception):
    """A request that the proxy answers itself: with a status, and with a reason for people."""

    def __init__(self, status: HTTPStatus, reason: str) -> None:
        super().__init__(reason)
        self.status = status


def end_to_end(fields: Iterable[tuple[bytes, bytes]]) -> Fields:
    """Return the fields that a proxy sends on: all but those that belong to one connection, which Connection may name."""
    fields = list(fields)
    dropped = set(HOP_BY_HOP)
    for name, value in fields:
        if name.lower() == b"connection":
            dropped.update(option.strip().lower() for option in value.split(b","))
    return [(name, value) for name, value in fields if name.lower() not in dropped]


def fields_upstream(request: h11.Request, pseudonym: bytes) -> Fields:
    """Return the fields to send to the server. Host is not among them: it follows from the URL (RFC 9112, section 3.2.2).

    pseudonym: of this proxy, for Via.

    Raises: Refused, for a request that came through this proxy before, or whose end two readers might see differently.
    """
    names = [name for name, _ in request.headers]
    if b"transfer-encoding" in names and (b"content-length" in names or request.http_version < b"1.1"):
        raise Refused(HTTPStatus.BAD_REQUEST, "the length of the request is ambiguous")
    if any(name == b"via" and pseudonym in value.replace(b",", b" ").split() for name, value in request.headers):
        raise Refused(HTTPStatus.LOOP_DETECTED, "the request came through this proxy before")
    fields = [(name, value) for name, value in end_to_end(request.headers.raw_items()) if name.lower() != b"host"]
    return [*fields, (b"Via", request.http_version + b" " + pseudonym)]


def fields_downstream(response: HttpResponse, pseudonym: bytes) -> Fields:
    """Return the fields to send to the client. h11 adds Transfer-Encoding if the length of the body is unknown."""
    fields = [(name.encode("latin-1"), field_octets(value)) for name, value in response.headers.items()]
    return [*end_to_end(fields), (b"Via", response.version.removeprefix("HTTP/").encode() + b" " + pseudonym)]


def origin_and_target(request: h11.Request) -> tuple[str, str]:
    """Split the URL of a request into that of its origin, and the target, which a proxy must not change (RFC 9110, 7.7).

    Raises: Refused, for another URL than an absolute one with http.
    """
    match = re.fullmatch(r"http://([^/?#]+)([/?][^#]*)?", request.target.decode("ascii"), re.IGNORECASE)
    if match is None:
        raise Refused(HTTPStatus.BAD_REQUEST, "this is a proxy for http:// URLs, and for CONNECT")
    target = match[2] or ("*" if request.method == b"OPTIONS" else "/")
    return f"http://{match[1]}/", target if target[0] != "?" else "/" + target


class ForwardProxy:
    """A forward proxy, which listens while its `async with` lasts.

    host, port: where it listens; port 0: any free one, which `port` then says. connect_ports: the ports that CONNECT may lead
    to (RFC 9110, section 9.3.6); None = all. max_clients: connections; further ones get a 503. patience: seconds that either
    side may be silent within a request, or a client between two.
    """

    def __init__(
        self,
        host: str = "127.0.0.1",
        port: int = 8080,
        *,
        connect_ports: Container[int] | None = (443,),
        max_clients: int = 500,
        patience: float = 60.0,
    ) -> None:
        self.host, self.port = host, port
        self.connect_ports, self.max_clients, self.patience = connect_ports, max_clients, patience
        self.pseudonym = b"hookline-" + secrets.token_hex(4).encode()
        # Core alone, so that nothing is decoded or redirected, and `expect`: if a client asks for a 100, it asks the server.
        self.client = HttpClient(
            autoload=False,
            plugins=["expect"],
            pool_size=100,
            timeout=Timeout(connect=min(10.0, patience), read=patience, write=patience, pool=patience),
        )
        self.tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        self.server = await loop.create_server(lambda: ClientConnection(self), self.host, self.port)
        self.port = self.server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *error: object) -> None:
        self.server.close()
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        await self.client.close()


class ClientConnection(asyncio.Protocol):
    """The connection of a client, and the requests that come on it, one after the other."""

    transport: asyncio.Transport
    task: asyncio.Task[None]

    def __init__(self, proxy: ForwardProxy) -> None:
        self.proxy = proxy
        self.http = h11.Connection(h11.SERVER, max_incomplete_event_size=MAX_UNREAD)
        self.unread = bytearray()
        self.has_unread, self.can_write = asyncio.Event(), asyncio.Event()
        self.can_write.set()
        self.is_head = self.is_lingering = False

    # -- the transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        is_one_too_many = len(self.proxy.tasks) >= self.proxy.max_clients
        self.task = asyncio.get_running_loop().create_task(self.turn_away() if is_one_too_many else self.serve())
        self.proxy.tasks.add(self.task)
        self.task.add_done_callback(self.proxy.tasks.discard)

    def data_received(self, data: bytes) -> None:
        if self.is_lingering:
            return
        self.unread += data
        self.has_unread.set()
        if len(self.unread) > MAX_UNREAD:
            self.transport.pause_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        self.task.cancel()  # the client has gone, so the request to the server ends too

    def pause_writing(self) -> None:
        self.can_write.clear()

    def resume_writing(self) -> None:
        self.can_write.set()

    # -- requests

    async def serve(self) -> None:
        """Answer the requests of the client until it has gone, or one of the two wants no more."""
        try:
            while self.http.our_state is h11.IDLE:
                await self.serve_request()
                if self.http.states == {h11.CLIENT: h11.DONE, h11.SERVER: h11.DONE}:
                    self.http.start_next_cycle()
            if self.http.our_state is not h11.SWITCHED_PROTOCOL:
                await self.linger(self.proxy.patience)
        finally:
            self.transport.abort()

    async def turn_away(self) -> None:
        """Answer that there are too many clients."""
        try:
            self.refuse(HTTPStatus.SERVICE_UNAVAILABLE, "the proxy has too many clients")
            await self.linger(1.0)
        finally:
            self.transport.abort()

    async def serve_request(self) -> None:
        """Answer one request: as its server does, or with an error."""
        try:
            await self.until_client_reads()  # or many requests without a body would fill the memory with heads
            async with asyncio.timeout(self.proxy.patience):
                request: h11.Request = await self.next_event()
            self.is_head = request.method == b"HEAD"
            await (self.splice if request.method == b"CONNECT" else self.forward)(request)
        except Refused as error:
            self.refuse(error.status, str(error))
        except (InvalidURL, LocalProtocolError) as error:
            self.refuse(HTTPStatus.BAD_REQUEST, str(error))
        except h11.ProtocolError as error:
            self.refuse(HTTPStatus(error.error_status_hint), str(error))
        except HttpTimeout as error:
            self.refuse(HTTPStatus.GATEWAY_TIMEOUT, str(error))
        except HttpRequestException as error:
            self.refuse(HTTPStatus.BAD_GATEWAY, str(error))
        except TimeoutError:
            if self.http.their_state is h11.IDLE and not self.http.trailing_data[0]:
                self.transport.abort()  # it was idle between two requests
            else:
                self.refuse(HTTPStatus.REQUEST_TIMEOUT, "the client was silent for too long")

    async def next_event(self) -> Any:
        """Return the next event of the client: a request, a part of its body, or its end.

        Raises: h11.RemoteProtocolError; TimeoutError.
        """
        while (event := self.http.next_event()) is h11.NEED_DATA:
            async with asyncio.timeout(self.proxy.patience):
                await self.has_unread.wait()
            self.http.receive_data(bytes(self.unread))
            self.unread.clear()
            self.has_unread.clear()
            self.transport.resume_reading()
        return event

    async def forward(self, request: h11.Request) -> None:
        """Send a request to its server, and the response to the client, while they arrive."""
        origin, target = origin_and_target(request)
        fields = fields_upstream(request, self.proxy.pseudonym)
        has_body = any(
            name == b"transfer-encoding" or (name == b"content-length" and int(value) > 0)
            for name, value in request.headers
        )
        if not has_body:
            await self.next_event()  # h11.EndOfMessage
        call = self.proxy.client.request(
            request.method.decode("ascii"),
            origin,
            target=target,
            exact_headers=fields,
            data=self.body() if has_body else None,
            stream=True,
            on_headers=self.send_head,
            data_processed=self.pass_on,
        )
        async with await call as response:
            async for data in response.raw:  # what `pass_on` has left to a slow client, and the end of the body
                self.send(h11.Data(data))
                await self.until_client_reads()
        self.send(h11.EndOfMessage())

    async def body(self) -> AsyncIterator[bytes]:
        """Yield the body of a request as it arrives. Hookline asks for the next part when the server has taken the last one."""
        if self.http.they_are_waiting_for_100_continue:
            self.send(h11.InformationalResponse(status_code=100, headers=[], reason=b"Continue"))
        while isinstance(event := await self.next_event(), h11.Data):
            yield bytes(event.data)

    def send_head(self, response: HttpResponse) -> None:
        """Send the head of a response, on the event `on_headers`."""
        fields = fields_downstream(response, self.proxy.pseudonym)
        if self.http.their_state is h11.SEND_BODY and response.status_code >= 300:
            fields.append((b"Connection", b"close"))  # the server has decided without the rest of the request
        reason = response.reason.encode("latin-1", "replace")
        self.send(h11.Response(status_code=response.status_code, headers=fields, reason=reason))

    def pass_on(self, response: HttpResponse, data: bytes) -> None:
        """Send what has arrived of a body, on the event `data_processed`.

        While the client does not read, the bytes stay in the response, and at 256 KiB the server has to wait.
        """
        if self.can_write.is_set() and (body := response.recv_body()):
            self.send(h11.Data(body))

    async def until_client_reads(self) -> None:
        """Wait while more bytes are on their way to the client than it takes.

        Raises: TimeoutError.
        """
        async with asyncio.timeout(self.proxy.patience):
            await self.can_write.wait()

    def send(self, event: h11.Event) -> None:
        self.transport.write(self.http.send(event) or b"")

    def refuse(self, status: HTTPStatus, reason: str) -> None:
        """Answer with an error. A response that has begun is cut instead, so that nobody takes it for a whole one."""
        if self.http.our_state not in (h11.IDLE, h11.SEND_RESPONSE):
            self.transport.abort()
            return
        text = f"{status} {status.phrase}: {reason}\n".encode()
        fields = [("Content-Type", "text/plain; charset=utf-8"), ("Content-Length", str(len(text)))]
        self.send(h11.Response(status_code=status, headers=[*fields, ("Connection", "close")], reason=status.phrase))
        if not self.is_head:
            self.send(h11.Data(text))
        self.send(h11.EndOfMessage())

    async def linger(self, seconds: float) -> None:
        """Let the client read the last response: to close a socket that has unread bytes would cut it (RFC 9112, section 9.6)."""
        self.is_lingering = True
        with contextlib.suppress(OSError):
            self.transport.write_eof()
        self.transport.resume_reading()
        await asyncio.sleep(seconds)  # `connection_lost` ends it

    # -- tunnels

    async def splice(self, request: h11.Request) -> None:
        """Connect to the host that a CONNECT names, and pass on all bytes in both directions until both sides have ended.

        Raises: Refused; InvalidURL; HttpRequestException.
        """
        target = request.target.decode("ascii")
        if not target.rpartition(":")[2].isdecimal() or not set("/?#@").isdisjoint(target):
            raise Refused(HTTPStatus.BAD_REQUEST, "CONNECT takes host:port")
        if not isinstance(await self.next_event(), h11.EndOfMessage):
            raise Refused(HTTPStatus.BAD_REQUEST, "CONNECT has no body")
        host, port = split_url(f"http://{target}/").host, int(target.rpartition(":")[2])
        if self.proxy.connect_ports is not None and port not in self.proxy.connect_ports:
            raise Refused(HTTPStatus.FORBIDDEN, f"no tunnels to port {port}")
        client = self.proxy.client
        # `protocol` has the connection keep what the server says first, instead of taking it for a response without a request.
        route = DirectRoute("http", host, port, protocol="tunnel", connect_timeout=client.timeout.connect)
        connection = await route.connect(client)
        near, far = Splice(self.transport), Splice(connection.transport)
        near.other, far.other = far, near
        try:
            greeting = connection.set_protocol(far)
            self.send(h11.Response(status_code=200, headers=[], reason="Connection established"))
            self.transport.write(greeting)
            far.transport.write(self.http.trailing_data[0] + self.unread)
            self.transport.set_protocol(near)
            self.transport.resume_reading()
            await asyncio.wait([near.ended, far.ended], return_when=asyncio.FIRST_COMPLETED)
            near.transport.close()
            far.transport.close()
            # What is written already may still be sent.
            await asyncio.wait([near.ended, far.ended], timeout=self.proxy.patience)
        finally:
            far.transport.abort()


class Splice(asyncio.Protocol):
    """One end of a tunnel. What arrives here goes out at the other end; if nobody reads it there, nothing is read here."""

    other: Splice
    got_eof = False

    def __init__(self, transport: asyncio.Transport) -> None:
        self.transport = transport
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        # A tunnel may be silent for any time, so TCP has to find out whether its peers are still there.
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)

    def data_received(self, data: bytes) -> None:
        self.other.transport.write(data)

    def eof_received(self) -> bool:
        self.got_eof = True
        self.other.transport.write_eof()
        return not self.other.got_eof  # True keeps the direction to this end open

    def connection_lost(self, exc: Exception | None) -> None:
        self.ended.set_result(None)

    def pause_writing(self) -> None:
        self.other.transport.pause_reading()

    def resume_writing(self) -> None:
        self.other.transport.resume_reading()


async def main() -> None:
    parser = argparse.ArgumentParser(description="A forward proxy for http and CONNECT.")
    parser.add_argument("--host", default="127.0.0.1", help="where to listen (default: %(default)s)")
    parser.add_argument("--port", type=int, default=8080, help="0 = any free port (default: %(default)s)")
    parser.add_argument(
        "--connect-port", type=int, action="append", help="a port that CONNECT may lead to (default: 443)"
    )
    given = parser.parse_args()
    async with ForwardProxy(given.host, given.port, connect_ports=given.connect_port or (443,)) as proxy:
        print(f"listening at http://{proxy.host}:{proxy.port}", flush=True)
        await asyncio.Event().wait()  # until Ctrl-C


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(main())
