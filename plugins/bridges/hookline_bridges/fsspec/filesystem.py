"""`HooklineFileSystem`: the files and directories of HTTP servers for fsspec, and for what is built upon it."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import os
import re
import weakref
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import partial
from secrets import token_hex
from typing import Any, ClassVar
from urllib.parse import urlsplit

from fsspec.asyn import AsyncFileSystem, sync_wrapper
from fsspec.callbacks import DEFAULT_CALLBACK
from fsspec.utils import glob_translate, isfilelike

from hookline import HttpClient, HttpRequestException, HttpResponse, Source, Timeout

from .description import describe, is_directory, mimetype_of, slashed, unslashed
from .errors import check_content, end, raise_for_status, without_query
from .files import HooklineAsyncFile, HooklineFile, HooklineStreamFile, HooklineWriter
from .index import links_below
from .owned_tasks import join_call, own_tasks
from .ranges import Validator, clamp, merge_ranges, parse_content_range
from .remote_file import RemoteFile, size_of, with_fields
from .transfer import CopyBody, FileBody, save

POOL_SIZE = 100  # connections to one server at most; aiohttp's limit, which users of fsspec's own file system know
TIMEOUT = Timeout(connect=30, read=120, write=120)  # of each wait, not of the whole: files may be large
MAX_INDEX = 64 * 2**20  # bytes of an HTML index
_PARSED_AT_ONCE = 2**16  # characters of an index: some 10 ms
_WRITTEN_AT_ONCE = 2**20  # bytes of a download that are collected for one write to the disk
# Options of fsspec that are given to each file system, and are no options of requests.
_OF_FSSPEC = (
    "use_listings_cache",
    "listings_expiry_time",
    "max_paths",
    "skip_instance_cache",
    "add_docs",
    "add_aliases",
)
_PATTERN = re.compile(r"[*[?]").search


class HooklineFileSystem(AsyncFileSystem):  # type: ignore[misc]  # fsspec has no types
    """The files of HTTP servers: read in ranges, listed through HTML indexes, written with PUT.

    Paths are whole URLs. A directory is a URL that the server redirects to the same URL with a slash at its end, or one with
    such a slash, that answers with HTML; what its page links to below itself are its entries. Names of directories are returned
    without the slash.

    Writing needs a server that accepts PUT; `mkdir`, `cp`, `mv` and `rm` are MKCOL, COPY and DELETE (RFC 4918).

    Parameters:

    block_size: bytes of a block of `open`. Default 5 MiB; 0: files are streams.
    simple_links: True (the default) takes URLs in the text of an index for entries, and not only its links.
    same_scheme: True (the default) takes links with the scheme of the index alone.
    cache_type, cache_options: the cache of files, and what it is made with. Default: "bytes".
    client_kwargs: keywords of the HttpClient, such as `verify`, `cert`, `timeout`, `plugins` or `headers`. By default it has
        `pool_size=100` and `timeout=Timeout(connect=30, read=120, write=120)`.
    get_client: `f(**client_kwargs)`, a function or a coroutine function that returns the HttpClient. Default: HttpClient.
    asynchronous, loop, batch_size: those of fsspec's AsyncFileSystem.

    Other keywords are given to each request: `headers`, `params`, `auth`, `cookies`, `timeout` and whatever the plugins take.

    Raises: TypeError, at the first request, for a keyword that the client does not know.

    Example: docs/bridges/fsspec.md#fsspec
    """

    protocol: ClassVar[tuple[str, ...]] = ("http", "https")
    sep = "/"

    def __init__(
        self,
        simple_links: bool = True,
        block_size: int | None = None,
        same_scheme: bool = True,
        size_policy: None = None,
        cache_type: str = "bytes",
        cache_options: Mapping[str, Any] | None = None,
        asynchronous: bool = False,
        loop: asyncio.AbstractEventLoop | None = None,
        client_kwargs: Mapping[str, Any] | None = None,
        get_client: Callable[..., Any] = HttpClient,
        encoded: bool = False,
        batch_size: int | None = None,
        **storage_options: Any,
    ) -> None:
        """Make a file system. The class documents the parameters. size_policy, encoded: ignored; URLs are sent as written."""
        super().__init__(asynchronous=asynchronous, loop=loop, batch_size=batch_size, **storage_options)
        self.block_size = HooklineFile.DEFAULT_BLOCK_SIZE if block_size is None else block_size
        self.simple_links = simple_links
        self.same_scheme = same_scheme
        self.cache_type = cache_type
        self.cache_options = cache_options
        self.client_kwargs = {"pool_size": POOL_SIZE, "timeout": TIMEOUT, **(client_kwargs or {})}
        self.get_client = get_client
        self.kwargs = {name: value for name, value in storage_options.items() if name not in _OF_FSSPEC}
        self.use_listings_cache = bool(storage_options.get("use_listings_cache", False))
        self._clients: dict[asyncio.AbstractEventLoop, HttpClient] = {}

    @property
    def fsid(self) -> str:
        """The identity of the file system: "http", because URLs say themselves which server has them.

        Example::

            from hookline_bridges.fsspec import HooklineFileSystem

            fs = HooklineFileSystem(use_listings_cache=True)
            print(fs.fsid, fs.ls("http://127.0.0.1:8000/", detail=False))
            fs.invalidate_cache()
            fs.close()
        """
        return "http"

    # -- the client

    async def set_session(self) -> HttpClient:
        """Return the client of the running loop; it is made at the first call, and closed with the file system.

        With `asynchronous=True` it is yours to close, by `await fs.aclose()` or `await client.close()`.

        Example::

            from hookline_bridges.fsspec import HooklineFileSystem

            fs = HooklineFileSystem(asynchronous=True)
            client = await fs.set_session()
            await fs.send_file("http://127.0.0.1:8000/file", b"content", exclusive=True)
            await fs.aclose()
        """
        join_call()
        loop = asyncio.get_running_loop()
        client = self._clients.get(loop)
        if client is None:
            for closed in [other for other in self._clients if other.is_closed()]:
                del self._clients[closed]
            made = self.get_client(**self.client_kwargs)
            client = await made if inspect.isawaitable(made) else made
            known = self._clients.setdefault(loop, client)
            if known is not client:  # another task was faster
                await client.close()
                return known
            if not self.asynchronous:
                weakref.finalize(self, _close_client, loop, client)
        return client

    async def aclose(self) -> None:
        """Close the connections of the running loop. The file system can be used again.

        Example::

            from hookline_bridges.fsspec import HooklineFileSystem

            fs = HooklineFileSystem(asynchronous=True)
            print(await fs._cat_file("http://127.0.0.1:8000/"))
            await fs.aclose()
            HooklineFileSystem().close()  # without asynchronous=True
        """
        client = self._clients.get(asyncio.get_running_loop())
        if client is not None:
            await client.close()

    close = sync_wrapper(aclose)

    def _options(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Return the options of a request: those of the file system, and over them those of the call."""
        return {**self.kwargs, **given} if given else self.kwargs

    # Calls with many files or ranges. What fsspec does for each of them ends with the call.

    async def _cat(self, *arguments: Any, **keywords: Any) -> Any:
        return await own_tasks(super()._cat(*arguments, **keywords))

    async def _get(self, *arguments: Any, **keywords: Any) -> Any:
        return await own_tasks(super()._get(*arguments, **keywords))

    async def _put(self, *arguments: Any, **keywords: Any) -> Any:
        return await own_tasks(super()._put(*arguments, **keywords))

    async def _pipe(self, *arguments: Any, **keywords: Any) -> Any:
        return await own_tasks(super()._pipe(*arguments, **keywords))

    async def _copy(self, *arguments: Any, **keywords: Any) -> Any:
        return await own_tasks(super()._copy(*arguments, **keywords))

    # -- paths

    @classmethod
    def _strip_protocol(cls, path: Any) -> Any:
        """Return the path itself: it is a whole URL, and the slash at its end may matter."""
        if isinstance(path, list):
            return [cls._strip_protocol(each) for each in path]
        return os.fspath(path)

    @classmethod
    def _parent(cls, path: str) -> str:
        scheme, separator, rest = path.partition("://")
        authority, slash, below = rest.rstrip("/").partition("/")
        if not slash:
            return ""
        parent = below.rpartition("/")[0]
        return f"{scheme}{separator}{authority}/{parent}".rstrip("/")

    # -- reading

    async def _cat_file(self, path: str, start: int | None = None, end: int | None = None, **kwargs: Any) -> bytes:
        options = self._options(kwargs)
        if start is None and end is None:
            client = await self.set_session()
            response: HttpResponse = await client.get(path, **options)
            check_content(response, path)
            return response.content
        return await self._read_range(path, start, end, options)

    async def _read_range(self, path: str, start: int | None, stop: int | None, options: Mapping[str, Any]) -> bytes:
        validator, size = Validator(), None
        if (start or 0) < 0 or (stop or 0) < 0:
            info = await self._info(path, **options)
            size, validator = info["size"], Validator.of(info, info["size"])
            if size is None:
                content = await self._cat_file(path, **options)
                return content[start:stop]
        remote = RemoteFile(self, path, options, validator)
        try:
            return await remote.read(*clamp(start, stop, size))
        finally:
            await remote.aclose()

    async def _cat_ranges(
        self,
        paths: list[str],
        starts: Any,
        ends: Any,
        max_gap: int | None = None,
        batch_size: int | None = None,
        on_error: str = "return",
        **kwargs: Any,
    ) -> list[Any]:
        """Read many ranges at the same time.

        max_gap: ranges of one file with so many bytes between them, or fewer, are read in one request, of at most `block_size`
        bytes; None = each in its own. The others: as fsspec says.
        """

        def read(*ranges: Any) -> Coroutine[Any, Any, list[Any]]:
            return own_tasks(super(HooklineFileSystem, self)._cat_ranges(*ranges, None, batch_size, on_error, **kwargs))

        if max_gap is None:
            return await read(paths, starts, ends)
        if not isinstance(paths, list):
            raise TypeError("cat_ranges takes a list of paths")
        first = list(starts) if isinstance(starts, Iterable) else [starts] * len(paths)
        stops = list(ends) if isinstance(ends, Iterable) else [ends] * len(paths)
        if len(first) != len(paths) or len(stops) != len(paths):
            raise ValueError("cat_ranges takes as many starts and ends as paths")
        if any((bound or 0) < 0 for bound in (*first, *stops)):  # the sizes of the files decide what is adjacent
            return await read(paths, first, stops)
        merged = merge_ranges(list(zip(paths, first, stops, strict=True)), max_gap, self.block_size)
        blocks = await read(*map(list, zip(*merged, strict=True))) if merged else []
        by_path: dict[str, list[tuple[int, int | None, Any]]] = {}
        for (path, start, stop), block in zip(merged, blocks, strict=True):
            if on_error == "raise" and isinstance(block, BaseException):  # older fsspec returns it
                raise block
            by_path.setdefault(path, []).append((start, stop, block))
        return [_slice(by_path[path], start or 0, stop) for path, start, stop in zip(paths, first, stops, strict=True)]

    async def _get_file(
        self,
        rpath: str,
        lpath: Any,
        chunk_size: int = _WRITTEN_AT_ONCE,
        callback: Any = DEFAULT_CALLBACK,
        **kwargs: Any,
    ) -> None:
        """Download a file. A file at `lpath` stays as it was, unless all of the new one has arrived.

        lpath: a path, or a file object. chunk_size: bytes of one write. callback: is told of the size and of what was written.
        """
        client = await self.set_session()
        response: HttpResponse = await client.get(rpath, **{**self._options(kwargs), "stream": True})
        try:
            check_content(response, rpath)
            if not isfilelike(lpath) and is_directory(rpath, response):
                await asyncio.to_thread(os.makedirs, lpath, exist_ok=True)
                return
            callback.set_size(size_of(response))
            if isfilelike(lpath):
                await save(response, lpath, chunk_size, callback)
                return
            if os.path.isdir(lpath):  # noqa: ASYNC240  # the kernel has it in memory
                raise IsADirectoryError(f"{lpath} is a directory")
            target = os.path.realpath(lpath)  # noqa: ASYNC240
            folder, name = os.path.split(target)
            part = os.path.join(folder, f".{name[:100]}.{token_hex(8)}.part")
            try:
                with open(part, "xb") as file:  # noqa: ASYNC230
                    await save(response, file, chunk_size, callback)
                os.replace(part, target)
            except BaseException:
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(part)
                raise
        finally:
            await response.aclose()

    # -- what is there

    async def _info(self, path: str, **kwargs: Any) -> dict[str, Any]:
        """Describe a file: name, size (None = unknown), type, mimetype, url (after redirects), ETag, Last-Modified, partial.

        Sends HEAD; if that says no size, asks for the first byte of the file. `partial` is False if the server has no ranges.

        Raises: FileNotFoundError, for 404 and 410; PermissionError, for 401 and 403; HttpRequestException.
        """
        options = with_fields(self._options(kwargs), Accept_Encoding="identity")
        client = await self.set_session()
        # by default redirects of HEAD are not followed
        followed = {"allow_redirects": True} if hasattr(client, "allow_redirects") else {}
        response: HttpResponse = await client.head(path, **{**followed, **options})
        if response.status_code in (404, 410):
            raise_for_status(response, path)
        size = size_of(response)
        if response.status_code < 300 and (size is not None or is_directory(path, response)):
            return describe(path, response, size)
        response = await client.get(path, **with_fields(options, Range="bytes=0-0"), stream=True)
        try:
            if response.status_code != 416:
                raise_for_status(response, path)
            if response.status_code in (206, 416):
                found = parse_content_range(response.headers.get("Content-Range", ""))
                size = None if found is None else found.total
            else:
                size = size_of(response)
            return describe(path, response, size)
        finally:
            await end(response)

    async def _exists(self, path: str, strict: bool = False, **kwargs: Any) -> bool:
        """Say whether there is something. strict: True raises what else than its absence was wrong; False says False."""
        try:
            await self._info(path, **kwargs)
        except FileNotFoundError:
            return False
        except (PermissionError, HttpRequestException):
            if strict:
                raise
            return False
        return True

    async def _isfile(self, path: str, **kwargs: Any) -> bool:
        try:
            return bool((await self._info(path, **kwargs))["type"] == "file")
        except OSError:
            return False

    async def _isdir(self, path: str) -> bool:
        try:
            info = await self._info(path)
            if info["type"] == "directory" or info.get("mimetype") not in ("text/html", None):
                return bool(info["type"] == "directory")
            return any(entry["name"] != path for entry in await self._ls(path))  # a server that does not redirect
        except OSError:
            return False

    async def _ls(self, url: str, detail: bool = True, **kwargs: Any) -> list[Any]:
        """List a directory; of a file, itself.

        Raises: FileNotFoundError, PermissionError, HttpRequestException.
        """
        entries = self.dircache.get(url) if self.use_listings_cache else None
        if entries is None:
            entries = await self._read_index(url, self._options(kwargs))
            if self.use_listings_cache:
                self.dircache[url] = entries
        return list(entries) if detail else sorted(entry["name"] for entry in entries)

    ls = sync_wrapper(_ls)

    async def _read_index(self, url: str, options: Mapping[str, Any]) -> list[dict[str, Any]]:
        client = await self.set_session()
        response: HttpResponse = await client.get(url, **{"max_body": MAX_INDEX, **options}, stream=True)
        try:
            check_content(response, url)
            file = {"name": url, "size": size_of(response), "type": "file"}
            if mimetype_of(response) not in ("text/html", "application/xhtml+xml", None):
                return [file]
            page = (await response.raw.read()).decode(response.encoding or "utf-8", "replace")
        finally:
            await response.aclose()
        directory = url if response.url.partition("?")[0].rstrip("/") != url.rstrip("/") else response.url
        find = partial(links_below, simple_links=self.simple_links, same_scheme=self.same_scheme)
        if len(page) > _PARSED_AT_ONCE:  # the loop serves others meanwhile
            found = await asyncio.to_thread(find, page, response.url, directory)
        else:
            found = find(page, response.url, directory)
        if not found and not is_directory(url, response):
            return [file]
        entries = {
            name.rstrip("/"): {
                "name": name.rstrip("/"),
                "size": None,
                "type": "directory" if name.endswith("/") else "file",
            }
            for name in found
        }
        return list(entries.values())

    async def _glob(self, path: str, maxdepth: int | None = None, **kwargs: Any) -> Any:
        """Find what matches a pattern of `*`, `**`, `[...]` and `?`.

        A question mark begins a query if a `=` follows, or if the server has what the URL names; else it is a pattern.
        """
        if maxdepth is not None and maxdepth < 1:
            raise ValueError("maxdepth must be at least 1")
        detail = kwargs.pop("detail", False)
        kwargs.pop("withdirs", None)
        path = self._strip_protocol(path)
        begin = await self._begin_of_pattern(path)
        if begin is None:
            found = {path: await self._info(path, **kwargs)} if await self._exists(path, **kwargs) else {}
            return found if detail else list(found)
        root = path[: path.rindex("/", 0, begin) + 1]
        below = path[len(root) :]
        depth: int | None = below.rstrip("/").count("/") + 1
        if "**" in below:
            depth = None if maxdepth is None else below[: below.index("**")].count("/") + maxdepth
        names = await self._find(root, maxdepth=depth, withdirs=True, detail=True, **kwargs)
        pattern = re.compile(glob_translate(below))
        slash = below.endswith(("/", "/**"))
        matches = {}
        for name, info in sorted(names.items()):
            relative = name[len(root) :] + ("/" if slash and info.get("type") == "directory" else "")
            if pattern.match(relative) and name.rstrip("/") + "/" != root:
                matches[name] = info
        return matches if detail else list(matches)

    async def _begin_of_pattern(self, path: str) -> int | None:
        """Return where the first `*`, `[` or `?` of a pattern is; None if the path is no pattern."""
        host = path.find("://") + 3
        after = path.find("/", host)  # the host may be an IPv6 address in brackets
        query = path.find("?", after)
        has_query = query >= 0 and "=" in path[query:]
        match = _PATTERN(path, after, query if has_query else len(path)) if after >= host else None
        if match is None or (match[0] == "?" and await self._is_page(path, match.end())):
            return None
        return match.start()

    async def _is_page(self, path: str, query: int) -> bool:
        """Say whether the server has what a URL with a query names, and that it is no index. query: where it begins."""
        if _PATTERN(path, query) or not await self._exists(path):
            return False
        return path[query - 2] != "/" or (await self._info(path)).get("mimetype") != "text/html"

    async def _find(self, path: str, maxdepth: int | None = None, withdirs: bool = False, **kwargs: Any) -> Any:
        """Find the files below a directory; with their directories, and itself, with `withdirs`."""
        detail = kwargs.pop("detail", False)
        found = await super()._find(unslashed(path), maxdepth=maxdepth, withdirs=withdirs, detail=True, **kwargs)
        return found if detail else list(found)

    async def _expand_path(
        self, path: Any, recursive: bool = False, maxdepth: int | None = None, assume_literal: bool = False
    ) -> list[str]:
        """Expand patterns, as `glob` says, and, if `recursive`, directories."""
        paths = [path] if isinstance(path, str) else list(path)
        expanded: dict[str, None] = {}
        for each in self._strip_protocol(paths):
            if not assume_literal and await self._begin_of_pattern(each) is not None:
                found = await self._glob(each, maxdepth=maxdepth)
                expanded.update(dict.fromkeys(found))
                if recursive and (maxdepth is None or maxdepth > 1) and found:
                    rest = None if maxdepth is None else maxdepth - 1
                    expanded.update(dict.fromkeys(await self._expand_path(found, True, rest, assume_literal=True)))
            elif recursive:
                below = await self._find(each, maxdepth=maxdepth, withdirs=True)
                expanded.update(dict.fromkeys(below))
                if unslashed(each) not in expanded and await self._exists(each):
                    expanded[unslashed(each)] = None
            else:
                expanded[each] = None
        if not expanded:
            raise FileNotFoundError(", ".join(map(without_query, paths)))
        return sorted(expanded)

    async def _modified(self, path: str) -> datetime:
        """Return when the file was changed last, as the server says.

        Raises: NotImplementedError, if it does not say.

        Example::

            from hookline_bridges.fsspec import HooklineFileSystem
            from hookline_testing.server import ScriptedServer, response

            with ScriptedServer() as server:
                server.always(response(headers={"Last-Modified": "Tue, 01 Dec 2026 00:00:00 GMT"}))
                fs = HooklineFileSystem()
                print(fs.modified(server.url("/")))
                fs.close()
        """
        value = (await self._info(path)).get("Last-Modified")
        if not value:
            raise NotImplementedError(f"the server does not say when {without_query(path)} was changed")
        found = parsedate_to_datetime(value)
        return found if found.tzinfo else found.replace(tzinfo=UTC)

    modified = sync_wrapper(_modified)

    # -- files

    def _open(
        self,
        path: str,
        mode: str = "rb",
        block_size: int | None = None,
        autocommit: bool = True,
        cache_type: str | None = None,
        cache_options: Mapping[str, Any] | None = None,
        size: int | None = None,
        **kwargs: Any,
    ) -> Any:
        """Open a file. mode: "rb", "wb", or "xb". size: in bytes, if it is known; saves a request."""
        if self.asynchronous:
            raise RuntimeError("this file system is asynchronous: await fs.open_async(url)")
        options = self._options(kwargs)
        block_size = self.block_size if block_size is None else block_size
        if mode in ("wb", "xb"):
            if mode == "xb" and self.exists(path):
                raise FileExistsError(without_query(path))
            return HooklineWriter(
                self, path, mode=mode, block_size=block_size or None, autocommit=autocommit, options=options
            )
        if mode != "rb":
            raise NotImplementedError(
                f"mode {mode!r}: files of HTTP servers are read (rb) or written as a whole (wb, xb)"
            )
        info: dict[str, Any] = {} if size is not None else self.info(path, **kwargs)
        size = info.get("size") if size is None else size
        if not block_size or not size or not info.get("partial", True):
            return HooklineStreamFile(self, path, options=options, block_size=block_size or None)
        return HooklineFile(
            self,
            path,
            size=size,
            validator=Validator.of(info, size),
            options=options,
            block_size=block_size,
            cache_type=cache_type or self.cache_type,
            cache_options=dict(cache_options or self.cache_options or {}),
        )

    async def open_async(
        self, path: str, mode: str = "rb", size: int | None = None, **kwargs: Any
    ) -> HooklineAsyncFile:
        """Open a file for coroutines: `async with await fs.open_async(url) as file`. mode: "rb" or "wb".

        Example: docs/bridges/fsspec.md#parameters
        """
        if mode not in ("rb", "wb") or kwargs.pop("compression", None):
            raise ValueError("open_async takes the modes rb and wb, and no compression")
        block_size = kwargs.pop("block_size", None)
        return HooklineAsyncFile(self, path, mode=mode, size=size, block_size=block_size, options=self._options(kwargs))

    # -- writing

    async def send_file(
        self, path: str, body: Any, *, method: str = "PUT", exclusive: bool = False, **options: Any
    ) -> None:
        """Send a file.

        body: bytes, or what the client takes as a body. exclusive: True sends `If-None-Match: *`, so that no file is replaced.
        Missing directories are made, if the server asks for them (409).

        Raises: FileExistsError; what `raise_for_status` raises.
        """
        if exclusive:
            options = with_fields(options, If_None_Match="*")
        response = await self._request(method, path, data=body, **options)
        if response.status_code == 409 and not isinstance(body, AsyncIterator):
            await self._makedirs(self._parent(path), exist_ok=True)
            response = await self._request(method, path, data=body, **options)
        if exclusive and response.status_code == 412:
            raise FileExistsError(without_query(path))
        raise_for_status(response, path)
        self.invalidate_cache(path)

    async def _request(self, method: str, path: str, **options: Any) -> HttpResponse:
        client = await self.set_session()
        response: HttpResponse = await client.request(method, path, **self._options(options))
        return response

    async def _pipe_file(self, path: str, value: Any, mode: str = "overwrite", **kwargs: Any) -> None:
        """Write bytes with PUT. mode: "overwrite", or "create" for a file that must not exist."""
        if mode == "create" and await self._exists(path):  # not all servers heed If-None-Match
            raise FileExistsError(without_query(path))
        await self.send_file(path, bytes(value), exclusive=mode == "create", **kwargs)

    async def _put_file(
        self,
        lpath: Any,
        rpath: str,
        chunk_size: int = _WRITTEN_AT_ONCE,
        callback: Any = DEFAULT_CALLBACK,
        method: str = "put",
        mode: str = "overwrite",
        **kwargs: Any,
    ) -> None:
        """Upload a file: a path, or a file object. chunk_size: bytes of one read. method: "put" or "post"."""
        if method.lower() not in ("put", "post"):
            raise ValueError(f"method= takes 'put' or 'post', not {method!r}")
        if mode == "create" and await self._exists(rpath):
            raise FileExistsError(without_query(rpath))
        if not isfilelike(lpath) and os.path.isdir(lpath):  # noqa: ASYNC240
            await self._makedirs(rpath, exist_ok=True)
            return
        with contextlib.nullcontext(lpath) if isfilelike(lpath) else open(lpath, "rb") as file:  # noqa: ASYNC230
            reader = FileBody(file, chunk_size, callback)
            body = Source(reader, reader.size)
            await self.send_file(rpath, body, method=method.upper(), exclusive=mode == "create", **kwargs)

    async def _mkdir(self, path: str, create_parents: bool = True, **kwargs: Any) -> None:
        """Make a directory with MKCOL, and with `create_parents` those above it that are missing (409).

        Raises: FileExistsError; FileNotFoundError, if the one above is missing; NotImplementedError, if the server has no MKCOL.
        """
        response = await self._request("MKCOL", slashed(path), **kwargs)
        if response.status_code == 409:
            parent = self._parent(path)
            if not create_parents or not urlsplit(parent).netloc:
                raise FileNotFoundError(f"{without_query(path)}: the directory above it does not exist")
            await self._makedirs(parent, exist_ok=True)
            response = await self._request("MKCOL", slashed(path), **kwargs)
        if response.status_code in (405, 501):
            if response.status_code == 405 and await self._exists(slashed(path)):
                raise FileExistsError(without_query(path))
            raise NotImplementedError(
                f"the server of {without_query(path)} has no method MKCOL, so it makes no directories"
            )
        raise_for_status(response, path)
        self.invalidate_cache(path)

    async def _makedirs(self, path: str, exist_ok: bool = False) -> None:
        """Make a directory, and those above it. Servers without MKCOL make them when a file is put there: that is no error."""
        try:
            await self._mkdir(path, create_parents=True)
        except FileExistsError:
            if not exist_ok:
                raise
        except NotImplementedError:
            return

    async def _rm_file(self, path: str, **kwargs: Any) -> None:
        """Remove a file with DELETE."""
        raise_for_status(await self._request("DELETE", path, **kwargs), path)
        self.invalidate_cache(path)

    async def _rm(
        self,
        path: Any,
        recursive: bool = False,
        batch_size: int | None = None,
        maxdepth: int | None = None,
        **kwargs: Any,
    ) -> None:
        """Remove files and, if `recursive`, directories. The server removes what is below a directory (RFC 4918, 9.6.1).

        Raises: IsADirectoryError, for a directory without `recursive`; FileNotFoundError; NotImplementedError, for a maxdepth.
        """
        if maxdepth is not None:
            raise NotImplementedError("rm takes no maxdepth: a server removes a directory with all that is in it")
        for each in await self._expand_path(path):
            if await self._isdir(each):
                if not recursive:
                    raise IsADirectoryError(f"{without_query(each)} is a directory; rm(..., recursive=True) removes it")
                each = slashed(each)
            await self._rm_file(each, **kwargs)

    async def _cp_file(self, path1: str, path2: str, **kwargs: Any) -> None:
        """Copy a file on the server with COPY or, if it has no such method, by a download and an upload."""
        kwargs.pop("onerror", None)  # `mv` of older versions of fsspec gives it
        if await self._isdir(path1):
            await self._makedirs(path2, exist_ok=True)
            return
        options = with_fields(kwargs, Destination=path2, Depth="0", Overwrite="T")
        response = await self._request("COPY", path1, **options)
        if response.status_code in (409, 500):  # the directory is missing (RFC 4918, section 9.8.5); nginx says 500
            await self._makedirs(self._parent(path2), exist_ok=True)
            response = await self._request("COPY", path1, **options)
        if response.status_code in (405, 501):
            await self.send_file(path2, CopyBody(self, path1, self._options(kwargs)), **kwargs)
            return
        raise_for_status(response, path1)
        self.invalidate_cache(path2)

    def invalidate_cache(self, path: str | None = None) -> None:
        """Forget the listing of a directory, and of the one that it is in; None = all."""
        if path is None:
            self.dircache.clear()
        else:
            for each in (unslashed(path), self._parent(path)):
                self.dircache.pop(each, None)
                self.dircache.pop(each + "/", None)
        super().invalidate_cache(path)


def _slice(blocks: list[tuple[int, int | None, Any]], start: int, stop: int | None) -> Any:
    """Return the bytes of a range from the block that has them, or the error of this block."""
    for first, end_of_block, content in blocks:
        if first <= start and (end_of_block is None or (stop is not None and stop <= end_of_block)):
            return (
                content
                if isinstance(content, BaseException)
                else content[start - first : None if stop is None else stop - first]
            )
    raise AssertionError("ranges were merged without covering each")


def _close_client(loop: asyncio.AbstractEventLoop, client: HttpClient) -> None:
    """Close the client of a file system that is gone, on the loop that it belongs to."""
    if loop.is_running():
        asyncio.run_coroutine_threadsafe(_aclose(client), loop)


async def _aclose(client: HttpClient) -> None:
    await client.close()
