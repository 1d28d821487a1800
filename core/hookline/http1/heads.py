"""Heads of responses on a connection: whole, in pieces, interim ones, and the one that came last time.

Waking: a response that is whole in one read wakes the caller once. The head alone wakes only those who asked for it.
"""

from __future__ import annotations

import asyncio
from time import monotonic
from typing import Protocol

from ..errors import BodyTooLarge, RemoteProtocolError
from .inflow import Inflow
from .large_bodies import BULK, BulkReader
from .parser import (
    ChunkedBody,
    PartialHead,
    ResponseHead,
    check_transfer_coding,
    parse_head,
    says_keep_alive,
    split_head,
)

MAX_INTERIM = 100
_MAX_KEPT = 2048  # bytes of a head that a connection remembers


class Asker(Protocol):
    """What a connection asks of the exchange that it serves."""

    def take_head(self, head: ResponseHead) -> bool:
        """Take the final head; does somebody wait for it, before the body?"""

    def wants_interim(self) -> bool: ...


class Heads(Inflow):
    """See the module.

    asker: whom the head is for. method: of the request, where it decides whether there is a body. interims: heads that
    nobody looked at yet. read_anything: did any byte of the response come?
    """

    __slots__ = ("_known", "_partial", "asker", "interims", "method", "read_anything")
    asker: Asker

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(loop)
        self._known: ResponseHead | None = None

    def _clear(self) -> None:
        super()._clear()
        self.interims: list[ResponseHead] | None = None
        self._partial: PartialHead | None = None
        self.method = ""
        self.read_anything = False

    def _take_first(self, data: bytes) -> None:
        """The first read of an exchange that nobody watches: most responses are whole in it."""
        head = self._known
        rest = data if head is None else data.removeprefix(head.raw)  # 0.2 us less than startswith and a slice
        if head is None or len(rest) == len(data):
            end = data.find(b"\r\n\r\n") + 4
            if end == 3:
                self._keep_partial(data)
                return
            try:
                head = parse_head(data[:end])
            except RemoteProtocolError:
                self._take_head(data)
                return
            rest = data[end:]
            status = head.status
            if status < 200 or status == 204 or status == 304:
                self._take_parsed(head, rest)
                return
            self._known = head if end <= _MAX_KEPT else None
        # else it is the head that came last time: 0.1 us, where to parse and to judge it again takes 1.4
        if not rest or len(rest) != head.length:
            self._take_parsed(head, rest)
            return
        self.head = head
        self.keep_alive = head.keep_alive
        self.parts = [rest]
        self.complete = True
        self.arrived = monotonic()
        self._take = _TAKE_STRAY
        waiter = self.waiter
        if not waiter.done():  # type: ignore[union-attr]  # `begin` has set it
            waiter.set_result(None)  # type: ignore[union-attr]

    def _take_head(self, data: bytes) -> None:
        found = split_head(data)
        if found is None:
            self._keep_partial(data)
        else:
            self._take_parsed(*found)

    def _take_parsed(self, head: ResponseHead, rest: bytes) -> None:
        """A head whose response is not whole in this read, or that somebody watches."""
        self.is_used = self.read_anything = True
        status = head.status
        if status < 200 and status != 101:
            self._interim(head, rest)
            return
        low = head.low
        self.keep_alive = head.keep_alive
        self.parts = []
        self.received_size = 0
        if status == 101 or (self.method == "CONNECT" and status < 300):
            self.upgraded = self.complete = True
            self.stop_sending()
            self.keep_alive = False
            self.leftover = rest
            self._take = Inflow._take_leftover
            rest = b""
        elif self.method == "HEAD" or status == 204 or status == 304:
            self.keep_alive = says_keep_alive(low, head.line.minor)
            self._complete(rest)
            rest = b""
        elif head.length >= 0:
            if self.limit and head.length > self.limit:
                self.asker.take_head(head)  # the error has a response, as where the body was begun
                raise BodyTooLarge(f"the body has {head.length} bytes, more than max_body={self.limit}")
            self._remaining = head.length
            self._take = Inflow._take_length
            if head.length - len(rest) >= BULK and self.tap is None and BulkReader.fits(self.transport):
                BulkReader(self)
            if head.length == 0:
                self.keep_alive = says_keep_alive(low, head.line.minor)
                self._complete(rest)
                rest = b""
        elif low.find(b"\r\ntransfer-encoding:") >= 0:
            check_transfer_coding(low)
            self.keep_alive = head.keep_alive and head.line.minor == 1
            self._body = ChunkedBody()
            self._take = Inflow._take_chunked
        else:
            self.keep_alive = False
            self._take = Inflow._take_until_close
        self.head = head
        wanted = self.asker.take_head(head)
        if self.tap is not None:
            # the handlers of the head come before those of the bytes: what follows waits for flow()
            self._backlog = [*self._early, (rest, self._read)]
            self.bounded = wanted = True
        elif rest:
            if wanted:
                self.bounded = True
            self._take(self, rest)
        elif wanted:
            self.bounded = True
        if self.complete or wanted:
            self.wake()
        if self.sending and status >= 300:
            self.stop_sending()  # the peer has decided before the body was sent

    def _keep_partial(self, data: bytes) -> None:
        self.is_used = self.read_anything = True
        self._partial = PartialHead()
        self._take = Heads._take_more
        self._take_more(data)

    def _take_more(self, data: bytes) -> None:
        """More of a head that comes in several reads."""
        assert self._partial is not None
        whole = self._partial.add(data)
        if whole:
            self._partial = None
            self._take_head(whole)
        elif self.timed:
            self.last_read = self.loop.time()

    def _interim(self, head: ResponseHead, rest: bytes) -> None:
        self._take = Heads._take_head
        if self.interims is None:
            self.interims = []
        self.received_size += 1
        if self.received_size > MAX_INTERIM:
            raise RemoteProtocolError(f"more than {MAX_INTERIM} interim responses")
        if self.asker.wants_interim():
            self.interims.append(head)
            self.wake()
        if rest:
            self._take_head(rest)
        elif self.timed:
            self.last_read = self.loop.time()


_TAKE_STRAY = Heads._take_stray  # 0.03 us less than to look for it in the class
