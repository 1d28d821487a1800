"""The body of a request from data=, json= and files=, and its Content-Type."""

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


def set_body(request: HttpRequest, data: Any, json: Any = None, files: Any = None) -> None:
    """Set the body and the Content-Type of a request, which has its options and fields already.

    data: bytes, bytearray, memoryview, str (sent as UTF-8), a file, a path, or an iterable of bytes; or a mapping or a list of
    pairs, which is a form unless the Content-Type of the request says JSON or multipart. An empty mapping or list is no body.
    json: any object; None = no JSON. files: a mapping or pairs, see `multipart.file_part`; None or empty = no files.

    Raises: LocalProtocolError, for keywords that exclude each other; TypeError, ValueError, OSError.
    """
    if files is not None and (isinstance(files, (str, bytes)) or not isinstance(files, Iterable)):
        raise TypeError(f"files= takes a mapping, or pairs, of a name and a file, not {type(files).__name__}")
    if data is not None and is_form(data) and not data:
        data = None
    if json is not None:
        if data is not None or files:
            raise LocalProtocolError("give json=, or data= and files=, but not both")
        request.body, request.content_type = encode_json(json, request.json_encoder, "json"), JSON
    elif files:
        set_multipart_body(request, data, files)
    elif data is None:
        return
    elif is_form(data):
        kind = media_type(request)
        if kind.startswith("multipart/"):
            set_multipart_body(request, data, ())
        elif kind == JSON or kind.endswith("+json"):
            request.body = encode_json(dict(data) if isinstance(data, Mapping) else data, request.json_encoder, "data")
        else:
            request.body, request.content_type = encode_pairs(pairs(data)).encode("ascii"), FORM
    else:
        request.body = as_content(data, "data=")


def is_form(data: Any) -> bool:
    """Say whether data= is a form: a mapping, its items, or a list or tuple whose first item is a pair."""
    if isinstance(data, (list, tuple)):
        return not data or isinstance(data[0], (tuple, list))
    return isinstance(data, (Mapping, ItemsView))


def media_type(request: HttpRequest) -> str:
    """Return the type that the Content-Type of a request states, in lower case and without parameters; "" = it has none."""
    if not request.has_header("content-type"):
        return ""
    return (request.get_header("content-type") or "").partition(";")[0].strip().lower()


def set_multipart_body(request: HttpRequest, data: Any, files: Any) -> None:
    """Set a multipart body: first the fields of `data`, then the files. A boundary in the user's Content-Type is used.

    Raises: LocalProtocolError, for a Content-Type of the user that is not multipart; what `multipart.file_part` raises.
    """
    # imported at first use, because few programs send files
    from ..messages.multipart import Multipart, field_part, file_parts, with_boundary

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


def encode_json(value: Any, encode: Callable[[Any], Any] | None, keyword: str) -> bytes:
    """Return an object as JSON in UTF-8.

    encode: the option `json_encoder`; None = Python's own. keyword: by which the object was given, for error messages.

    Raises: TypeError, ValueError, for an object that JSON cannot represent, such as NaN; what the encoder raises.
    """
    if encode is None:
        try:
            return _as_text(value).encode("utf-8")
        except UnicodeEncodeError:  # a lone surrogate, which JSON can only hold as an escape
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
