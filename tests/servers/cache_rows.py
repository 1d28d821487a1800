"""The origin server of the caching tests of http-tests: it plays the rows of their tests.json."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field
from email.utils import formatdate
from typing import Any

DATES = frozenset({"date", "expires", "last-modified", "if-modified-since", "if-unmodified-since"})
Row = dict[str, Any]


def date_text(seconds: float) -> str:
    return formatdate(seconds, usegmt=True)


def field_value(name: str, value: Any, now: float) -> str:
    """Numbers in fields that are dates stand for dates, in seconds from now."""
    return date_text(now + value) if isinstance(value, int) and name.lower() in DATES else str(value)


@dataclass
class PlayedRow:
    """A row that is played: what the server sent and received.

    requests: those that came, each as the number that the client gave it, its method and its fields.
    sent: the fields of the responses, by the number of the request.
    """

    row: Row
    now: Callable[[], float]
    requests: list[tuple[int, str, dict[str, str]]] = field(default_factory=list)
    sent: dict[int, dict[str, str]] = field(default_factory=dict)

    def answer(
        self, number: int, method: str, received: dict[str, str]
    ) -> tuple[tuple[int, str], list[tuple[str, str]]]:
        """Return the status line and the fields of the response to a request."""
        config, now = self.row["requests"][number - 1], self.now()
        status = config.get("response_status", [200, "OK"])
        if config.get("expected_type", "").endswith("validated"):
            # the request before may have been answered from the cache, so that nothing was sent for it
            before = self.sent.get(number - 1) or {
                name.lower(): str(value) for name, value, *_ in self.row["requests"][number - 2]["response_headers"]
            }
            matches = [
                received.get(condition) == before[validator]
                for validator, condition in (("last-modified", "if-modified-since"), ("etag", "if-none-match"))
                if validator in before and condition in received
            ]
            status = [304, "Not Modified"] if any(matches) else [999, "304 Not Generated"]
        fields = [
            ("Server-Request-Count", str(len(self.requests))),
            ("Client-Request-Count", str(number)),
            ("Server-Now", date_text(now)),
        ]
        for each in config.get("response_headers", []):
            name, value = each[0], field_value(each[0], each[1], now)
            if config.get("magic_locations") and name.lower() in ("location", "content-location"):
                value = f"/test/{self.row['id']}" + (f"/{value}" if value else "")
            fields.append((name, value))
        self.sent[number] = {name.lower(): value for name, value in fields}
        return (status[0], status[1]), fields


class RowServer:
    """Plays rows on 127.0.0.1; each has the path /test/ID. `async with` runs it."""

    def __init__(self) -> None:
        self.rows: dict[str, PlayedRow] = {}

    async def __aenter__(self) -> RowServer:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, backlog=1000)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *error: object) -> None:
        self._server.close()

    def play(self, row: Row, now: Callable[[], float]) -> PlayedRow:
        """Play a row from now on. now: the time that dates are counted from."""
        played = self.rows[row["id"]] = PlayedRow(row, now)
        return played

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while await self._serve_one(reader, writer):
                pass
        writer.close()

    async def _serve_one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Answer one request; returns False if the connection ends with it."""
        lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        method, target, _ = lines[0].split(" ")
        received: dict[str, str] = {}
        for name, _, value in (line.partition(": ") for line in lines[1:-2]):
            received[name.lower()] = f"{received[name.lower()]}, {value}" if name.lower() in received else value
        await reader.readexactly(int(received.get("content-length", 0)))
        played = self.rows[target.split("?")[0].split("/")[2]]
        number = int(received["req-num"])
        played.requests.append((number, method, received))
        config = played.row["requests"][number - 1]
        if config.get("disconnect"):
            return False
        (status, reason), fields = played.answer(number, method, received)
        body = config.get("response_body", played.row["id"]) or ""
        names = {name.lower(): value for name, value in fields}
        keeps = True
        if "content-length" in names:
            body = body.ljust(int(names["content-length"]))[: int(names["content-length"])]
        elif "transfer-encoding" in names:
            keeps = False
        elif status not in (204, 304):
            fields.append(("Content-Length", str(len(body))))
        for code, *more in config.get("interim_responses", []):
            extra = "".join(f"{name}: {value}\r\n" for name, value in (more or [[]])[0])
            writer.write(f"HTTP/1.1 {code} Interim\r\n{extra}\r\n".encode())
        writer.write(f"HTTP/1.1 {status} {reason}\r\n".encode())
        writer.write("".join(f"{name}: {value}\r\n" for name, value in fields).encode() + b"\r\n")
        if method != "HEAD" and status not in (204, 304):
            writer.write(body.encode())
        await writer.drain()
        return keeps
