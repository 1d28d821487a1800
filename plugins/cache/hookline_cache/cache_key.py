"""The key under which responses to a request are stored."""

from __future__ import annotations

import hashlib

from hookline import HttpRequest


def cache_key(request: HttpRequest) -> str:
    """Return the key: the URL without fragment, and what else decides which server answers, and to whom.

    A field Host of the user, the client's certificate and the unix socket are part of it. Host comes beside the origin, so that
    no server can answer for another; the certificate as a digest, because the value may hold a password.
    """
    origin = request.origin
    key = f"{origin.scheme}://{origin.host}:{origin.port}{request.origin_form}"
    if request.has_header("host"):
        key += f" for {request.get_header('host')}"
    if request.unix_socket is not None:
        key += f" at {request.unix_socket}"
    if request.cert is not None:
        key += f" as {hashlib.sha256(repr(request.cert).encode()).hexdigest()[:32]}"
    return key
