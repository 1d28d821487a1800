"""The body that a user asked for with data=, json= and files=, and the Content-Type that goes with it."""

from __future__ import annotations

import json as json_module
from collections.abc import Callable, ItemsView, Iterable, Mapping
from typing import Any

from ..errors import LocalProtocolError
from ..messages.request_body import as_content
from ..messages.url import encode_pairs, pairs
from .request import HttpRequest

FORM = "application/x-www-form-urlencoded"
JSON = "application/json"

_as_text = json_module.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode


def give_body(request: HttpRequest, data: Any, json: Any = None, files: Any = None) -> None:
    """Put body and Content-Type on a request, which has its options already.

    data: bytes and the like, str (UTF-8), a file, a path, an iterable of bytes; or a mapping or a list of pairs: a form,
    unless the Content-Type of the request says JSON or multipart. json: any object; None and no json= are the same.
    files: see `multipart.file_part`. What is empty and could only be a form is no body.

    Raises: LocalProtocolError, for things that do not go together; TypeError, ValueError, OSError.
    """
    if files is not None and (isinstance(files, (str, bytes)) or not isinstance(files, Iterable)):
        raise TypeError(f"files= takes a mapping, or pairs, of a name and a file, not {type(files).__name__}")
    if data is not None and is_form(data) and not data:
        data = None
    if json is not None:
        if data is not None or files:
            raise LocalProtocolError("give json= or data= and files=, not both")
        request.body, request.content_type = as_json(json, request.json_encoder, "json"), JSON
    elif files:
        give_multipart(request, data, files)
    elif data is None:
        return
    elif is_form(data):
        kind = media_type(request)
        if kind.startswith("multipart/"):
            give_multipart(request, data, ())
        elif kind == JSON or kind.endswith("+json"):
            request.body = as_json(dict(data) if isinstance(data, Mapping) else data, request.json_encoder, "data")
        else:
            request.body, request.content_type = encode_pairs(pairs(data)).encode("ascii"), FORM
    else:
        request.body = as_content(data, "data=")


def is_form(data: Any) -> bool:
    """A mapping, its items, or a list or tuple of pairs: the first item decides."""
    if isinstance(data, (list, tuple)):
        return not data or isinstance(data[0], (tuple, list))
    return isinstance(data, (Mapping, ItemsView))


def media_type(request: HttpRequest) -> str:
    """The type that the fields of a request name, in lower case and without parameters; "" where they name none."""
    if not request.has_header("content-type"):
        return ""
    return (request.get_header("content-type") or "").partition(";")[0].strip().lower()


def give_multipart(request: HttpRequest, data: Any, files: Any) -> None:
    """Fields and files, in this order. A boundary that the user named is taken.

    Raises: LocalProtocolError, where the user named a type that this is not; see `multipart.file_part`.
    """
    from ..messages.multipart import Multipart, field_part, file_parts, with_boundary  # here, because few send files

    if data is not None and not is_form(data):
        raise LocalProtocolError("with files=, data= is a mapping or a list of pairs: the fields that go with them")
    kind = media_type(request)
    stated = request.get_header("content-type") if kind.startswith("multipart/") else None
    if kind and stated is None and request.gave_header("content-type"):
        raise LocalProtocolError(
            "files= is sent as multipart/form-data; the Content-Type of this request says otherwise"
        )
    content_type, boundary = with_boundary(stated)
    parts = [field_part(name, value) for name, value in pairs(data or ())]
    request.body = Multipart([*parts, *file_parts(files)], boundary).as_body()
    if kind:
        request.headers["Content-Type"] = content_type
    else:
        request.content_type = content_type


def as_json(value: Any, encode: Callable[[Any], Any] | None, keyword: str) -> bytes:
    """An object as JSON, in UTF-8. encode: who writes it, None = Python's own. keyword: that it was given by.

    Raises: TypeError, ValueError: what JSON cannot hold, such as NaN.
    """
    if encode is None:
        try:
            return _as_text(value).encode("utf-8")
        except UnicodeEncodeError:  # a lone surrogate, which stands in JSON as an escape
            return json_module.dumps(value, allow_nan=False, separators=(",", ":")).encode("ascii")
        except (TypeError, ValueError) as error:
            kind = TypeError if isinstance(error, TypeError) else ValueError
            raise kind(f"{keyword}= cannot be written as JSON: {error}") from error
    encoded = encode(value)
    if isinstance(encoded, str):
        return encoded.encode("utf-8")
    if not isinstance(encoded, (bytes, bytearray, memoryview)):
        raise TypeError(f"json_encoder= gave {type(encoded).__name__}, not str or bytes")
    return bytes(encoded)
