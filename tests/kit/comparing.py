"""Rows of docs/migrating-from-*.md that say "the same": both libraries do it against one server, and the results are compared."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import socket
import ssl
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from hookline_testing.server import Script, ScriptedServer, SeenRequest, chunked, response
from hookline_testing.server.answer_queue import Answer
from kit.event_streams import ended
from kit.migrating import SAME, Row
from servers.websocket_peer import echo, opening

# Fields that each client writes in its own way; the tables do not call them the same.
OWN_FIELDS = {"host", "user-agent", "accept", "accept-encoding", "connection", "keep-alive"}
CHALLENGE = ("WWW-Authenticate", 'Digest realm="r", nonce="n", qop="auth"')
NOWHERE = "none.invalid"  # a host without an address
LINES = b"one\ntwo\r\n\nlast"


@dataclass(frozen=True)
class Same:
    """One thing that both do.

    row: the first name of the row that says "the same". theirs, ours: get a client and the URL of the server, and return what is
    compared; ours None: the same code runs with both. raises: the exception of theirs and that of Hookline, where a call fails.
    """

    row: str
    theirs: Callable[[Any, str], Any]
    ours: Callable[[Any, str], Any] | None = None
    raises: tuple[Any, Any] | None = None

    def __str__(self) -> str:
        return self.row

    def results(self, theirs: Callable[[], Any], ours: Callable[[], Any], url: str) -> list[Any]:
        """Run both, and return what they return; "raised" for each if they raise what they should.

        theirs, ours: make the clients.
        """
        found = []
        for side, (make, call) in enumerate(((theirs, self.theirs), (ours, self.ours or self.theirs))):
            with pytest.MonkeyPatch.context() as patch, make() as client:
                patch.setattr(socket, "getaddrinfo", look_up)
                if self.raises is None:
                    found.append(call(client, url))
                    continue
                with pytest.raises(self.raises[side]):
                    call(client, url)
                found.append("raised")
        return found


def look_up(host: Any, *arguments: Any, find: Callable[..., Any] = socket.getaddrinfo, **keywords: Any) -> Any:
    """Look up a host as usual, but fail at once for one that has no address, as no name server may be there to say so."""
    if host in (NOWHERE, NOWHERE.encode()):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
    return find(host, *arguments, **keywords)


def rows_that_are_the_same(rows: Iterable[Row]) -> set[str]:
    """Return the first names of the rows that say "the same"."""
    return {row.theirs[0] for row in rows if row.differs.startswith(SAME)}


def answer(request: SeenRequest) -> Answer:
    """Answer a request by its path; HEAD without a body."""
    answered = answer_to_get(request)
    if request.method == "HEAD" and isinstance(answered, bytes):
        return answered.partition(b"\r\n\r\n")[0] + b"\r\n\r\n"
    return answered


def answer_to_get(request: SeenRequest) -> Answer:
    """Answer a request by its path, as if it were a GET."""
    path, _, query = request.target.partition("?")
    path = path if "://" not in path else "/" + path.split("/", 3)[3]  # a request to a proxy has the whole URL
    if path == "/echo":
        fields = [(name.lower().decode(), value.decode("latin-1")) for name, value in request.headers]
        seen = {
            "method": request.method,
            "target": request.target,
            "fields": fields,
            "body": request.body.decode("latin-1"),
        }
        return response(json.dumps(seen).encode(), headers={"Content-Type": "application/json", "X-One": "1"})
    if path.startswith("/moved/"):
        return response(status=int(path[7:]), headers=[("Location", "/echo")])
    if path == "/peer":
        return send_peer
    if path == "/to-nowhere":
        return response(status=302, headers=[("Location", "http://a.example:port/")])
    if path == "/to-ftp":
        return response(status=302, headers=[("Location", "ftp://a.example/")])
    if request.method == "CONNECT":
        return response(b"no tunnel here", 403)
    if path == "/loop":
        return response(status=302, headers=[("Location", "/loop")])
    if path == "/set":
        return response(headers=[("Set-Cookie", f"{pair}; Path=/") for pair in query.split("&")])
    if path == "/private":
        return response(b"come in") if request.header("authorization") else response(b"who?", 401, [CHALLENGE])
    if path.startswith("/status/"):
        return response(b"a body", int(path[8:]), reason="As Asked")
    if path == "/links":
        return response(
            headers=[("Link", '<http://b.example/2>; rel="next"; title="x", <http://b.example/9>; rel=last')]
        )
    if path == "/latin":
        return response("é".encode("latin-1"), headers=[("Content-Type", "text/plain; charset=iso-8859-1")])
    if path == "/utf8":
        return response("é\u2028".encode(), headers=[("Content-Type", "text/plain; charset=utf-8")])
    if path == "/lines":
        return response(LINES, headers=[("Content-Type", "text/plain; charset=utf-8")])
    if path == "/chunks":
        return chunked(*[b"x" * 50_000] * 10)
    if path == "/gzip":
        return response(b"this is not gzip", headers=[("Content-Encoding", "gzip")])
    if path == "/cut":
        return Script(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf").close()
    if path == "/gone":
        return Script().close()
    if path == "/garbage":
        return Script(b"this is not HTTP\r\n\r\n").close()
    if path == "/events":
        return ended(b"id: 1\ndata: first\n\nid: 2\nevent: weather\nretry: 10\ndata: rain\ndata: sun\n\n")
    if path == "/slow":
        return Script().stall()
    if path == "/websocket":
        offered = request.header("sec-websocket-protocol") or ""
        return opening(echo, *([("Sec-WebSocket-Protocol", "two")] if "two" in offered else []))
    return response(b"hello\n", headers=[("Content-Type", "text/plain; charset=utf-8")])


async def send_peer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: SeenRequest) -> None:
    """Answer with the address of the client and the number of the connection."""
    writer.write(response(f"{writer.get_extra_info('peername')[0]}:{request.connection}".encode()))
    await writer.drain()


@contextlib.contextmanager
def comparing_server(context: ssl.SSLContext) -> Iterator[str]:
    """Run a server with `answer`; give its URL without the slash at the end.

    /untrusted redirects to a server with TLS. context: with a certificate that nobody trusts.
    """
    with ScriptedServer(strict=False, ssl_context=context) as untrusted, ScriptedServer() as server:
        moved = response(status=302, headers=[("Location", untrusted.url("/"))])
        server.respond(lambda request: moved if request.target == "/untrusted" else answer(request))
        yield server.url("")


def echoed(sent: Any) -> dict[str, Any]:
    """Return what the server has seen, from the JSON of /echo: without each client's own fields, and with one boundary."""
    fields = {name: value for name, value in sent["fields"] if name not in OWN_FIELDS}
    body = sent["body"]
    if found := re.search(r"boundary=\"?([^\";]+)", fields.get("content-type", "")):
        fields["content-type"] = fields["content-type"].replace(found[1], "BOUNDARY").replace('"', "")
        body = body.replace(found[1], "BOUNDARY")
        fields.pop("content-length", None)
    return {"method": sent["method"], "target": sent["target"], "fields": fields, "body": body}
