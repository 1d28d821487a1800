"""Encode data= and files=: files and paths, and forms with files. Core encodes the rest."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from hookline import HttpRequest, LocalProtocolError, form_pairs


def encode(request: HttpRequest, data: Any, files: Any) -> Any:
    """Return the body of a request and its Content-Type, or NotImplemented for data= that core encodes.

    data: what core takes, a file or a path. With files=, or if the Content-Type of the request is multipart, it is the fields
    of the form: a mapping or a list of pairs. files: a mapping or pairs, see `multipart.file_part`; empty = no files.

    Raises: LocalProtocolError, for data= or a Content-Type that does not go with files=; TypeError, ValueError, OSError.
    """
    if files is not None:
        if isinstance(files, (str, bytes)) or not isinstance(files, Iterable):
            raise TypeError(f"files= takes a mapping, or pairs, of a name and a file, not {type(files).__name__}")
        if files:
            return encode_multipart(request, data, files)
        if data is None:
            return None, None
    if isinstance(data, str):
        return NotImplemented
    if not isinstance(data, dict) and (hasattr(data, "__fspath__") or hasattr(data, "read")):
        from .files import as_content  # imported at first use, because few programs send files

        return as_content(data, "data="), None
    if data and multipart_type(request) and form_pairs(data) is not None:
        return encode_multipart(request, data, ())
    return NotImplemented


def multipart_type(request: HttpRequest) -> str | None:
    """Return the Content-Type of a request if it is multipart, else None."""
    stated = request.get_header("content-type") or "" if request.has_header("content-type") else ""
    return stated if stated.strip().lower().startswith("multipart/") else None


def encode_multipart(request: HttpRequest, data: Any, files: Any) -> tuple[Any, str | None]:
    """Return a multipart body: first the fields of `data`, then the files. A boundary in the user's Content-Type is used.

    Raises: LocalProtocolError, for a Content-Type of the user that is not multipart; what `multipart.file_part` raises.
    """
    from .multipart import Multipart, field_part, file_parts, with_boundary

    fields = form_pairs(data or ())
    if fields is None:
        raise LocalProtocolError("with files=, data= is a mapping or a list of pairs: the fields that go with them")
    stated = multipart_type(request)
    if stated is None and request.gave_header("content-type"):
        raise LocalProtocolError(
            "files= is sent as multipart/form-data; the Content-Type of this request says otherwise"
        )
    content_type, boundary = with_boundary(stated)
    parts = [field_part(name, value) for name, value in fields]
    body = Multipart([*parts, *file_parts(files)], boundary).as_body()
    if not request.has_header("content-type"):
        return body, content_type
    request.headers["Content-Type"] = content_type
    return body, None
