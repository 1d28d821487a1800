"""The bodies and media types that core itself has: forms, JSON, text, and iterables of bytes."""

from __future__ import annotations

from collections.abc import Callable, ItemsView, Mapping
from functools import cache
from typing import Any
from urllib.parse import parse_qsl

from ..errors import LocalProtocolError
from ..hooks.declarations import Body, MediaType
from ..messages.content_decoding import Text, json_text
from ..messages.params import encode_pairs, pairs
from .request import HttpRequest
from .response import HttpResponse

FORM = "application/x-www-form-urlencoded"
JSON = "application/json"


@cache
def json_encoder(*, ensure_ascii: bool) -> Callable[[Any], str]:
    """Return the encoder of Python that writes short JSON. ensure_ascii: escape all other characters.

    `json` is imported here and in `decode_json`, because many programs send and read none: 2 ms.
    """
    from json import JSONEncoder

    return JSONEncoder(ensure_ascii=ensure_ascii, allow_nan=False, separators=(",", ":")).encode


def encode_data(request: HttpRequest, data: Any) -> tuple[Any, str | None]:
    """Encode data=: a form, if it is a mapping or pairs; anything else is the body as it is.

    A form is written as JSON if the Content-Type of the request says so. An empty one is no body.

    Raises: LocalProtocolError, for a form in a multipart request; TypeError, ValueError.
    """
    if not is_form(data):
        return data, None
    if not data:
        return None, None
    kind = media_type(request)
    if kind == JSON or kind.endswith("+json"):
        return encode_json(request, dict(data) if isinstance(data, Mapping) else data, "data")[0], None
    if kind.startswith("multipart/"):
        raise LocalProtocolError(f"core writes no {kind}; the form needs a plugin, or another Content-Type")
    return encode_pairs(pairs(data)).encode("ascii"), FORM


def is_form(data: Any) -> bool:
    """Say whether data= is a form: a mapping, its items, or a list or tuple whose first item is a pair."""
    if isinstance(data, (list, tuple)):
        return not data or isinstance(data[0], (tuple, list))
    return isinstance(data, (dict, Mapping, ItemsView))


def form_pairs(data: Any) -> list[tuple[str, str]] | None:
    """Return the names and values of a form, as core sends them; None if `data` is no form.

    data: a form is a mapping, its items, or a list or tuple of pairs. A list as a value gives several pairs, None gives none.

    Raises: TypeError, for a name or a value that has no text, such as a file.

    Example::

        from hookline import form_pairs

        print(form_pairs({"a": 1, "b": ["x", "y"], "c": None}), form_pairs(b"no form"))
    """
    return pairs(data) if is_form(data) else None


def media_type(request: HttpRequest) -> str:
    """Return the type that the Content-Type of a request states, in lower case and without parameters; "" = it has none."""
    if not request.has_header("content-type"):
        return ""
    return (request.get_header("content-type") or "").partition(";")[0].strip().lower()


def encode_json(request: HttpRequest, value: Any, keyword: str = "json") -> tuple[bytes, str]:
    """Encode json=: any object, as JSON in UTF-8, by the option `json_encoder` or by Python's own encoder.

    keyword: by which the object was given, for error messages.

    Raises: TypeError, ValueError, for an object that JSON cannot represent, such as NaN; what the option raises.
    """
    encode = request.json_encoder
    if encode is None:
        try:
            return json_encoder(ensure_ascii=False)(value).encode("utf-8"), JSON
        except UnicodeEncodeError:  # a lone surrogate, which JSON can only hold as an escape
            return json_encoder(ensure_ascii=True)(value).encode("ascii"), JSON
        except (TypeError, ValueError) as error:
            kind = TypeError if isinstance(error, TypeError) else ValueError
            raise kind(f"{keyword}= cannot be written as JSON: {error}") from error
    encoded = encode(value)
    if isinstance(encoded, str):
        return encoded.encode("utf-8"), JSON
    if not isinstance(encoded, (bytes, bytearray, memoryview)):
        raise TypeError(f"json_encoder= gave {type(encoded).__name__}, not str or bytes")
    return bytes(encoded), JSON


def decode_json(response: HttpResponse) -> Any:
    """Decode JSON to an object.

    Raises: ValueError.
    """
    from json import loads

    return loads(json_text(response.content, response._codec()))


def decode_form(response: HttpResponse) -> list[tuple[str, str]]:
    """Decode a form to pairs of name and value.

    Raises: UnicodeDecodeError, which is a ValueError.
    """
    charset = response._codec() or "utf-8"
    return parse_qsl(response.content.decode(charset), keep_blank_values=True, encoding=charset, errors="strict")


def decode_text(response: HttpResponse) -> Text:
    """Decode text to a str.

    Raises: UnicodeDecodeError, which is a ValueError.
    """
    return response.text


CORE_BODIES = (
    Body("data", encode_data, doc="bytes, str, a form, or an iterable of bytes"),
    Body("json", encode_json, doc="an object, which is sent as JSON"),
)
CORE_MEDIA_TYPES = (
    MediaType((JSON, "text/json", "+json"), decode_json, doc="an object"),
    MediaType(FORM, decode_form, doc="a list of pairs"),
    MediaType("text/*", decode_text, doc="a str"),
)
