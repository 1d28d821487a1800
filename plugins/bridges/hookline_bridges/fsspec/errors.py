"""The exceptions of the file system: those of Python for what is missing or forbidden, those of Hookline for the rest."""

from __future__ import annotations

import errno

from hookline import HooklineError, HttpRequestException, HttpResponse

_DRAINED = 64 * 1024  # bytes: a shorter body of an error is read, which keeps its connection


class FileChanged(HooklineError, OSError):
    """A file was replaced on the server while it was read in parts, so that its parts do not belong together.

    Example::

        from hookline_bridges.fsspec import FileChanged, HooklineFileSystem

        fs = HooklineFileSystem()
        try:
            print(fs.cat_file("http://127.0.0.1:8000/large", 0, 10))
        except FileChanged:
            print("the file was replaced meanwhile: read it again")
        fs.close()
    """


class RangeError(HooklineError, OSError):
    """A server answered a request for a range with neither this range nor the whole file.

    Example::

        from hookline_bridges.fsspec import HooklineFileSystem, RangeError

        with HooklineFileSystem().open("http://127.0.0.1:8000/large", block_size=1000) as file:
            try:
                print(file.read(10))
            except RangeError as error:
                print("read this file as a stream, with block_size=0:", error)
    """


def without_query(url: str) -> str:
    """Return a URL for a message: without its query, which may hold a signature, and without userinfo."""
    scheme, separator, rest = url.partition("#")[0].partition("?")[0].partition("://")
    authority, slash, path = rest.partition("/")
    return f"{scheme}{separator}{authority.rpartition('@')[2]}{slash}{path}"


def raise_for_status(response: HttpResponse, url: str) -> None:
    """Raise an error if the status is 300 or more.

    url: as the caller gave it.

    Raises: FileNotFoundError, for 404 and 410; PermissionError, for 401, 403 and 407; HttpRequestException, for others, whose
    `response` has the status. All are OSErrors.
    """
    status = response.status_code
    if status < 300:
        return
    reason = f"the server answered {status} {response.reason}".rstrip()
    if status in (404, 410):
        raise FileNotFoundError(errno.ENOENT, reason, without_query(url))
    if status in (401, 403, 407):
        raise PermissionError(errno.EACCES, reason, without_query(url))
    if status < 400:  # its content is not that of the file
        more = "" if hasattr(response.request.client, "allow_redirects") else ": pip install hookline-redirects"
        raise HttpRequestException(
            f"{without_query(url)}: {reason}, and redirects are not followed{more}", response=response
        )
    response.raise_for_status()


def check_content(response: HttpResponse, url: str) -> None:
    """Raise an error unless the content of a response is that of the file.

    Raises: as `raise_for_status`; HttpRequestException, for a content coding that no plugin decodes.
    """
    raise_for_status(response, url)
    if response.has("Content-Encoding") and not hasattr(response.request.client, "decompress"):
        coding = response.headers["Content-Encoding"].strip().lower()
        if coding not in ("identity", ""):
            raise HttpRequestException(
                f"{without_query(url)}: the server sent the content coding {coding[:20]!r}, which no plugin decodes:"
                " pip install hookline-decompress",
                response=response,
            )


async def end(response: HttpResponse) -> None:
    """End a streamed response whose body is not wanted: read it if it is known to be short, else close its connection."""
    if response.connection is None:
        return
    length = response.headers.get("Content-Length", "")
    if length.isdecimal() and int(length) <= _DRAINED and not response.is_consumed:
        await response.raw.read()
    else:
        await response.aclose()
