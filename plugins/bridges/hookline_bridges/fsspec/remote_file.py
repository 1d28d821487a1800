"""One file on a server, read in ranges: never bytes of another range, or of another version of the file."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from hookline import BodyTooLarge, HttpResponse

from .errors import FileChanged, RangeError, check_content, end, without_query
from .ranges import Validator, parse_content_range

if TYPE_CHECKING:
    from .interfaces import Connected

_SKIPPED_AT_ONCE = 256 * 1024  # bytes; no read of a stream returns more
_READ_AT_ONCE = 8 * 2**20  # bytes of the largest range that is not read as a stream: a block of `open` and the next


def with_fields(options: Mapping[str, Any], **fields: str) -> dict[str, Any]:
    """Return the options of a call with these fields added to its own; `_` in a name stands for `-`."""
    given = options.get("headers") or {}
    added = {name.replace("_", "-"): value for name, value in fields.items()}
    if isinstance(given, Mapping):
        return {**options, "headers": {**given, **added}}
    return {**options, "headers": [*given, *added.items()]}


def size_of(response: HttpResponse) -> int | None:
    """Return the number of bytes that the whole body has, as the head says; None if it does not, or for a coded body."""
    if response.headers.get("Content-Encoding", "identity").strip().lower() not in ("identity", ""):
        return None
    length = response.headers.get("Content-Length", "")
    return int(length) if length.isdecimal() and len(length) < 19 else None


async def _read_up_to(response: HttpResponse, length: int) -> bytes:
    """Read the body of a response; if it has more than `length` bytes, one chunk more."""
    parts, received = [], 0
    async for chunk in response.raw:
        parts.append(chunk)
        received += len(chunk)
        if received > length:
            break
    return parts[0] if len(parts) == 1 else b"".join(parts)


class RemoteFile:
    """One file on a server, whose bytes are read in ranges (RFC 9110, section 14).

    The first response says which version of the file it is; later ones must be of the same, so that parts of two versions are
    never mixed. From a server that ignores ranges the file is read as a stream, which goes on where the last read ended.

    url: of the file. options: of each call. expected: the version that is wanted; empty = any. Coroutines of one loop may read at
    the same time.
    """

    def __init__(self, connected: Connected, url: str, options: Mapping[str, Any], expected: Validator) -> None:
        self._connected, self._url, self._options = connected, url, options
        self.validator = expected
        self._stream: HttpResponse | None = None
        self._position = 0
        self._has_ranges = True
        self._lock = asyncio.Lock()

    async def read(self, start: int, stop: int | None) -> bytes:
        """Return the bytes from `start` up to, not including, `stop`; fewer if the file ends before. None = to its end.

        Raises: FileChanged; RangeError; FileNotFoundError; PermissionError; HttpRequestException.
        """
        if stop is not None and stop <= start:
            return b""
        parts: list[bytes] = []
        while self._has_ranges:
            part, total = await self._read_range(start, stop)
            if part is None:
                break  # the server ignores ranges
            parts.append(part)
            start += len(part)
            if not part or (stop is not None and start >= stop) or (total is not None and start >= total):
                return parts[0] if len(parts) == 1 else b"".join(parts)
        async with self._lock:
            parts.append(await self._read_on(start, stop))
        return b"".join(parts)

    async def _read_range(self, start: int, stop: int | None) -> tuple[bytes | None, int | None]:
        """Ask for a range; return its bytes, b"" if the file has none, and the size of the file, None = unknown.

        The bytes are None if the server answers with the whole file, which then is the stream to read on.
        """
        fields = {"Range": f"bytes={start}-{'' if stop is None else stop - 1}", "Accept_Encoding": "identity"}
        if self.validator.is_strong and self.validator.etag is not None:
            fields["If_Range"] = self.validator.etag
        options = with_fields(self._options, **fields)
        client = await self._connected.set_session()
        response: HttpResponse
        is_stream = stop is None or stop - start > _READ_AT_ONCE
        is_cut = False
        if is_stream:
            response = await client.get(self._url, **options, stream=True)
        else:  # this costs half of a stream
            assert stop is not None
            try:
                response = await client.get(self._url, **{**options, "max_body": stop - start})
            except BodyTooLarge as error:
                response, is_cut = error.response, True
        try:
            status = response.status_code
            content_range = parse_content_range(response.headers.get("Content-Range", ""))
            total = None if content_range is None else content_range.total
            if status == 206:
                if content_range is None or content_range.first != start or content_range.end is None:
                    raise self._range_error(f"asked for the bytes from {start}, it sent those of another range")
                if response.headers.get("Content-Encoding", "identity").strip().lower() not in ("identity", ""):
                    raise self._range_error("it sent a part of the compressed file; open it with block_size=0 instead")
                self._check_version(Validator.of(response.headers, total))
                length = content_range.end - start
                body = await _read_up_to(response, length) if is_stream else b"" if is_cut else response.content
                if len(body) != length or is_cut:
                    raise self._range_error(f"its range of {length} bytes has not so many")
                return body if stop is None else body[: stop - start], total
            if status == 416:
                if total is not None and start < total:
                    raise self._range_error(f"it has {total} bytes, and refused to send those from {start}")
                self._check_version(Validator.of({}, total))
                return b"", total
            check_content(response, self._url)
            self._check_version(Validator.of(response.headers, size_of(response)))
            if not is_stream and not is_cut:  # the whole file is no larger than the range
                content = response.content
                return content[start:stop], len(content)
            self._has_ranges = False
            if is_stream:
                async with self._lock:
                    if self._stream is None:
                        self._stream, self._position, response = response, 0, None  # type: ignore[assignment]
            return None, None
        finally:
            if response is not None:
                await end(response)

    async def _read_on(self, start: int, stop: int | None) -> bytes:
        """Read a range from the stream of the whole file, which is opened again if it is past `start` already."""
        if self._stream is not None and self._position > start:
            await self.aclose()
        if self._stream is None:
            client = await self._connected.set_session()
            options = with_fields(self._options, Accept_Encoding="identity")
            response: HttpResponse = await client.get(self._url, **options, stream=True)
            self._stream, self._position = response, 0
            try:
                check_content(response, self._url)
                self._check_version(Validator.of(response.headers, size_of(response)))
            except BaseException:
                await self.aclose()
                raise
        raw = self._stream.raw
        parts: list[bytes] = []
        try:
            while self._position < start:
                skipped = await raw.read(min(start - self._position, _SKIPPED_AT_ONCE))
                if not skipped:
                    return b""
                self._position += len(skipped)
            while stop is None or self._position < stop:
                chunk = await raw.read(
                    _SKIPPED_AT_ONCE if stop is None else min(stop - self._position, _SKIPPED_AT_ONCE)
                )
                if not chunk:
                    break
                self._position += len(chunk)
                parts.append(chunk)
        except BaseException:
            await self.aclose()
            raise
        return b"".join(parts)

    def _check_version(self, found: Validator) -> None:
        """Remember the version of the first response, and compare those of the others with it.

        Raises: FileChanged.
        """
        known = self.validator
        difference = known.differs(found)
        if difference is not None:
            raise FileChanged(f"{without_query(self._url)} was changed while it was read: {difference}; open it again")
        self.validator = Validator(
            known.etag or found.etag,
            known.last_modified or found.last_modified,
            found.size if known.size is None else known.size,
            known.is_strong if known.etag else found.is_strong,
        )

    def _range_error(self, why: str) -> RangeError:
        return RangeError(f"the server of {without_query(self._url)} broke the rules of ranges: {why}")

    async def aclose(self) -> None:
        """Close the stream, if there is one."""
        stream, self._stream = self._stream, None
        if stream is not None:
            await stream.aclose()
