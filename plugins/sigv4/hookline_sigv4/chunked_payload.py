"""A body whose chunks are signed one by one, while it is sent: the coding aws-chunked.

Source: Amazon S3 API Reference, "Signature Calculations for the Authorization Header: Transferring Payload in Multiple Chunks".
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing

from hookline import LocalProtocolError, Source

MIN_CHUNK = 8 * 1024  # bytes; S3 refuses smaller ones, but for the last
CHUNK = 128 * 1024  # bytes; 86 bytes more are sent for each, and no more than two are in memory
_EXTRA = len(";chunk-signature=\r\n\r\n") + 64  # bytes that a chunk has beside its size and its data

ChunkSigner = Callable[[str, bytes], str]


def encoded_length(length: int, chunk: int) -> int:
    """Return the number of bytes that a body of so many bytes has in this coding. chunk: the size of a chunk."""
    whole, rest = divmod(length, chunk)
    sizes = [(whole, chunk), (1, rest), (1, 0)] if rest else [(whole, chunk), (1, 0)]
    return sum(count * (len(f"{size:x}") + size + _EXTRA) for count, size in sizes)


class SignedChunks:
    """What the body is sent as: an async iterable.

    body: bytes or a Source. length: of the body, in bytes. chunk: the size of a chunk, in bytes.
    sign: a function of the signature before, and the data of a chunk, to the signature of the chunk.
    seed: the signature of the request, which is set once it is known, before the body is sent.
    """

    def __init__(self, body: bytes | Source, length: int, chunk: int, sign: ChunkSigner) -> None:
        self.body = body
        self.is_repeatable = not isinstance(body, Source) or body.is_repeatable
        self._length = length
        self._chunk = chunk
        self.seed = ""
        self._sign = sign

    def __aiter__(self) -> AsyncGenerator[bytes, None]:
        return self._encoded()

    async def _encoded(self) -> AsyncGenerator[bytes, None]:
        """Yield the chunks, each signed with the signature of the one before it; an empty one is the end.

        Raises: LocalProtocolError, for a body of another length than the head has announced; what the source raises.
        """
        signature, sent = self.seed, 0
        async with aclosing(self._pieces()) as pieces:
            async for data in pieces:
                sent += len(data)
                if sent > self._length:
                    raise LocalProtocolError(f"the body is longer than the {self._length} bytes that were announced")
                signature = self._sign(signature, data)
                yield b"%x;chunk-signature=%b\r\n%b\r\n" % (len(data), signature.encode(), data)
        if sent != self._length:
            raise LocalProtocolError(f"the body ended after {sent} of the {self._length} bytes that were announced")
        yield b"0;chunk-signature=%b\r\n\r\n" % self._sign(signature, b"").encode()

    async def _pieces(self) -> AsyncGenerator[bytes, None]:
        """Yield the body in pieces of the size of a chunk, the last one smaller."""
        size = self._chunk
        if not isinstance(self.body, Source):
            for start in range(0, len(self.body), size):
                yield self.body[start : start + size]
            return
        held = bytearray()
        async with aclosing(self.body.chunks()) as chunks:
            async for chunk in chunks:
                view = memoryview(chunk)
                start = size - len(held) if held else 0
                if held:
                    held += view[:start]
                    if len(held) < size:
                        continue
                    yield bytes(held)
                    held.clear()
                while len(view) - start >= size:
                    yield bytes(view[start : start + size])
                    start += size
                held += view[start:]
        if held:
            yield bytes(held)
