"""The key under which responses to a request are stored."""

from __future__ import annotations

import hashlib
from typing import Any

from hookline import HttpRequest


def cache_key(request: HttpRequest) -> str:
    """Return the key: the URL without fragment, and what else decides which server answers, and to whom.

    The client's certificate and the unix socket are part of it, the former as a digest, because the value may hold a password.
    """
    origin = request.origin
    host: Any = request.get_header("host") if request.has_header("host") else f"{origin.host}:{origin.port}"
    key = f"{origin.scheme}://{host}{request.origin_form}"
    if request.unix_socket is not None:
        key += f" at {request.unix_socket}"
    if request.cert is not None:
        key += f" as {hashlib.sha256(repr(request.cert).encode()).hexdigest()[:32]}"
    return key
