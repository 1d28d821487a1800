"""The file objects: with a cache for random access, as a stream, as a stream for coroutines, and for writing."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Callable, Coroutine, Mapping
from typing import TYPE_CHECKING, Any

from fsspec.asyn import AbstractAsyncStreamedFile, sync
from fsspec.caching import AllBytes
from fsspec.spec import AbstractBufferedFile

from hookline import HttpResponse

from .errors import check_content
from .ranges import Validator
from .remote_file import RemoteFile
from .upload import Upload

if TYPE_CHECKING:
    from .interfaces import FileSystem


def reopened(fs: FileSystem, path: str, position: int, keywords: dict[str, Any], validator: Validator) -> HooklineFile:
    """Open a file that was pickled, at the same position and in the same version."""
    file = HooklineFile(fs, path, validator=validator, **keywords)
    file.seek(position)
    return file


class HooklineFile(AbstractBufferedFile):  # type: ignore[misc]  # fsspec has no types
    """A file on a server, read in blocks through one of fsspec's caches: what `open(url, "rb")` returns.

    If the file is replaced on the server, the next read of a block that is not in the cache raises FileChanged.
    """

    def __init__(
        self,
        fs: FileSystem,
        path: str,
        *,
        size: int,
        validator: Validator | None = None,
        options: Mapping[str, Any] | None = None,
        **keywords: Any,
    ) -> None:
        """Open a file of a known size in bytes. validator: its version. options: of each request. keywords: fsspec's."""
        self._keywords = {**keywords, "size": size, "options": options}
        self._remote = RemoteFile(fs, path, options or {}, validator or Validator(size=size))
        self.cache: Any
        super().__init__(fs, path, mode="rb", size=size, **keywords)

    def _fetch_range(self, start: int, end: int) -> bytes:
        return _call(self.fs, self._remote.read, start, min(end, self.size))  # type: ignore[no-any-return]

    def read(self, length: int | None = -1) -> bytes:
        """Return up to `length` bytes; None or a negative number = the rest. All of a file is read in one request."""
        everything = length is None or length < 0
        if everything and self.loc == 0 and self.size > self.blocksize and not isinstance(self.cache, AllBytes):
            self._check_open()
            content = self._fetch_range(0, self.size)
            self.cache = AllBytes(size=len(content), fetcher=None, blocksize=None, data=content)
        return super().read(length)  # type: ignore[no-any-return]

    def _check_open(self) -> None:
        if self.closed:
            raise ValueError("I/O operation on closed file.")

    def close(self) -> None:
        if not self.closed:
            _call_soon(self.fs, self._remote.aclose())
        super().close()

    def __reduce__(self) -> Any:
        return reopened, (self.fs, self.path, self.loc, self._keywords, self._remote.validator)


class HooklineStreamFile(AbstractBufferedFile):  # type: ignore[misc]
    """A file on a server, read from its beginning to its end in one request: of unknown size, or with block_size=0."""

    def __init__(self, fs: FileSystem, path: str, *, options: Mapping[str, Any], **keywords: Any) -> None:
        """Send the request. options: of the request. keywords: fsspec's."""
        self._response: HttpResponse | None = None
        self.details = {"name": path, "size": None, "type": "file"}
        super().__init__(fs, path, mode="rb", cache_type="none", **keywords)
        self._response = _call(fs, _open_stream, fs, path, options)

    def seek(self, loc: int, whence: int = 0) -> int:
        """Stay where the stream is; it cannot go elsewhere.

        Raises: OSError.
        """
        if (loc, whence) in ((0, 1), (self.loc, 0)):
            return self.loc  # type: ignore[no-any-return]
        raise io.UnsupportedOperation(
            "a stream cannot be sought: its server states no size, or it was opened with block_size=0"
        )

    def seekable(self) -> bool:
        return False

    def read(self, length: int | None = -1) -> bytes:
        """Return up to `length` bytes, b"" at the end alone; None or a negative number = the rest."""
        if self.closed or self._response is None:
            raise ValueError("I/O operation on closed file.")
        data: bytes = _call(self.fs, _read_from, self._response, length)
        self.loc += len(data)
        return data

    def close(self) -> None:
        response, self._response = self._response, None
        if response is not None:
            _call_soon(self.fs, response.aclose())
        super().close()

    def __reduce__(self) -> Any:
        raise TypeError("a stream cannot be pickled: it is read once; pickle its URL")


class HooklineWriter(AbstractBufferedFile):  # type: ignore[misc]
    """A file that is written with PUT: what `open(url, "wb")` returns.

    A file of one block is sent when it is closed. A larger one is sent block by block, in one request with the chunked transfer
    coding. In a transaction all of it is kept in memory until its end.
    """

    def __init__(self, fs: FileSystem, path: str, *, mode: str, options: Mapping[str, Any], **keywords: Any):
        """Begin to write. mode: "wb", or "xb" for a file that must not exist. options: of the request."""
        super().__init__(fs, path, mode=mode, **keywords)
        self._upload = Upload(lambda body: fs.send_file(path, body, exclusive=mode == "xb", **options))

    def _upload_chunk(self, final: bool = False) -> bool:
        if not self.autocommit:
            return False  # it stays in the buffer
        data = self.buffer.getvalue()
        _call(self.fs, self._upload.finish if final else self._upload.write, data)
        return True

    def commit(self) -> None:
        """Send the file at the end of a transaction."""
        _call(self.fs, self._upload.finish, self.buffer.getvalue())

    def discard(self) -> None:
        """Throw the file away: it was not sent, or not completely."""
        self.buffer = io.BytesIO()
        _call(self.fs, self._upload.abort)

    def __exit__(self, kind: Any, error: Any, traceback: Any) -> None:
        if kind is not None:  # what was written so far is no file
            self.discard()
            self.closed = True
        super().__exit__(kind, error, traceback)


class HooklineAsyncFile(AbstractAsyncStreamedFile):  # type: ignore[misc]
    """A file for coroutines: what `await fs.open_async(url)` returns. It is read as a stream, or written with PUT."""

    def __init__(
        self,
        fs: FileSystem,
        path: str,
        *,
        mode: str,
        options: Mapping[str, Any],
        size: int | None,
        **keywords: Any,
    ) -> None:
        """Open it; the first read sends the request. size: in bytes, None = unknown."""
        self._options = options
        self._response: HttpResponse | None = None
        self.details = {"name": path, "size": size, "type": "file"}
        super().__init__(fs, path, mode=mode, cache_type="none", **keywords)
        self.size = size
        self._upload = Upload(lambda body: fs.send_file(path, body, **options))

    async def read(self, length: int | None = -1) -> bytes:
        """Return up to `length` bytes, b"" at the end alone; None or a negative number = the rest."""
        if self.mode != "rb":
            raise ValueError("File not in read mode")
        if self.closed:
            raise ValueError("I/O operation on closed file.")
        if self._response is None:
            self._response = await _open_stream(self.fs, self.path, self._options)
        data = await _read_from(self._response, length)
        self.loc += len(data)
        return data

    async def _upload_chunk(self, final: bool = False) -> bool:
        data = self.buffer.getvalue()
        await (self._upload.finish(data) if final else self._upload.write(data))
        return True

    async def close(self) -> None:
        response, self._response = self._response, None
        if response is not None:
            await response.aclose()
        await super().close()

    async def __aexit__(self, kind: Any, error: Any, traceback: Any) -> None:
        if kind is not None and self.mode != "rb":
            await self._upload.abort()  # what was written so far is no file
            self.closed = True
        await self.close()


async def _open_stream(fs: FileSystem, path: str, options: Mapping[str, Any]) -> HttpResponse:
    client = await fs.set_session()
    response: HttpResponse = await client.get(path, **{**options, "stream": True})
    try:
        check_content(response, path)
    except BaseException:
        await response.aclose()
        raise
    return response


async def _read_from(response: HttpResponse, length: int | None) -> bytes:
    """Read a stream: exactly `length` bytes, as files of Python do, unless it ends before."""
    raw = response.raw
    if length is None or length < 0:
        return await raw.read() if not response.is_consumed else b"".join([chunk async for chunk in _rest(response)])
    data = await raw.read(length) if length else b""
    if len(data) == length or not data:
        return data
    parts, missing = [data], length - len(data)
    while missing and (data := await raw.read(missing)):
        parts.append(data)
        missing -= len(data)
    return b"".join(parts)


async def _rest(response: HttpResponse) -> Any:
    while chunk := await response.raw.read(2**18):
        yield chunk


def _call(fs: FileSystem, function: Callable[..., Coroutine[Any, Any, Any]], *arguments: Any) -> Any:
    """Run a coroutine function on the loop of the file system, and return its result."""
    return sync(fs.loop, function, *arguments)


def _call_soon(fs: FileSystem, coroutine: Coroutine[Any, Any, Any]) -> None:
    """Run a coroutine on the loop of the file system, and do not wait for it: files are closed in finalisers too."""
    try:
        asyncio.run_coroutine_threadsafe(coroutine, fs.loop)
    except (RuntimeError, AttributeError):  # the loop is closed, or the file belongs to the parent process
        coroutine.close()
