"""The rules for the fields of a response (RFC 9113, sections 8.2 and 8.3), for the engine that does not check them."""

from __future__ import annotations

import re

from .engine import Fields

_NAME = re.compile(rb"[!#$%&'*+\-.^_`|~0-9a-z]+").fullmatch  # a token of RFC 9110, section 5.6.2, in lower case
_BAD_IN_VALUE = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]").search
_STATUS = re.compile(rb"[1-9][0-9][0-9]").fullmatch
CONNECTION_FIELDS = frozenset({b"connection", b"keep-alive", b"proxy-connection", b"transfer-encoding", b"upgrade"})


def fault_in(fields: Fields, *, is_trailer: bool) -> str | None:
    """Return what is wrong with the fields of a response, or of its trailer section; None = nothing."""
    status = length = None
    for position, (name, value) in enumerate(fields):
        if name[:1] == b":":
            if is_trailer or name != b":status" or status is not None or position:
                return "a pseudo-header field that must not be there"
            if not _STATUS(value) or value == b"101":
                return "a :status that HTTP/2 does not have"
            status = value
        elif not _NAME(name):
            return "a field name with characters that are not allowed"
        elif name in CONNECTION_FIELDS or (name == b"te" and value != b"trailers"):
            return "a field that belongs to HTTP/1.1 connections"
        elif _BAD_IN_VALUE(value) or value != value.strip(b" \t"):
            return "a field value with characters that are not allowed"
        elif name == b"content-length" and not is_trailer:
            if length is not None:
                return "more than one Content-Length"
            length = value
    if length is not None and status is not None and (status[:1] == b"1" or (status == b"204" and length != b"0")):
        return "a Content-Length that its status does not have"  # RFC 9110, section 8.6
    return None if is_trailer or status is not None else "no :status"


def without_empty_length(fields: Fields) -> Fields:
    """Return the fields of a head without the Content-Length of 0 that some servers send with 204, as libnghttp2 does."""
    if fields[0][1] != b"204":
        return fields
    return tuple(field for field in fields if field[0] != b"content-length")
