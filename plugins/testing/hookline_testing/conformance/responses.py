"""The responses of the server that the scenarios use: ordinary ones, malformed ones, and connections that break."""

from __future__ import annotations

from ..server.responses import chunked, head, response
from ..server.script import Script
from ..server.seen_request import SeenRequest

LARGE = 300_000  # bytes of a body that takes several reads
_HOSTILE = [
    ("Location", "http://["),
    ("Set-Cookie", ""),
    ("Set-Cookie", "=;;=; Expires=never; Domain=.."),
    ("Content-Encoding", "identity, , x-none"),
    ("WWW-Authenticate", 'Digest realm="'),
    ("Proxy-Authenticate", ",,,"),
    ("Retry-After", "soon"),
    ("Link", "<"),
    ("Age", "-1"),
]

_ANSWERS: dict[str, bytes | Script] = {
    "/plain": response(b"plain"),
    "/empty": response(b"", 204),
    "/chunked": chunked(b"one", b"two", trailers=[("X-Trailer", "three")]),
    "/large": response(bytes(LARGE)),
    "/early-hints": head(103, [("Link", "</a>")]) + response(b"behind a 103"),
    "/cookie": response(b"", headers=[("Set-Cookie", "name=conformance-secret; Path=/")]),
    "/redirect": response(b"", 302, [("Location", "/plain")]),
    "/not-modified": head(304),
    "/unauthorized": response(
        b"",
        401,
        [("WWW-Authenticate", 'Basic realm="x"'), ("WWW-Authenticate", 'Digest realm="x", nonce="1", qop="auth"')],
    ),
    "/forbidden": response(b"no", 403),
    "/missing": response(b"", 404),
    "/proxy": response(b"", 407, [("Proxy-Authenticate", 'Basic realm="x"')]),
    "/error": response(b"", 500),
    "/busy": response(b"", 503, [("Retry-After", "0")]),
    "/hostile": response(b"hostile", headers=_HOSTILE),
    "/hostile-redirect": response(b"", 302, _HOSTILE),
    "/hostile-challenge": response(b"", 401, _HOSTILE),
    "/hostile-busy": response(b"", 503, _HOSTILE),
    "/not-gzip": response(b"no gzip at all", headers=[("Content-Encoding", "gzip")]),
    "/stall": Script().stall(),
    "/stalled-body": Script(head(200, [("Content-Length", "100")]) + b"half").stall(),
    "/reset": Script(head(200, [("Content-Length", "100")]) + b"half").reset(),
    "/closed": Script().close(),
}
ORDINARY = tuple(path for path in _ANSWERS if path not in ("/stall", "/stalled-body", "/reset", "/closed", "/not-gzip"))
HOSTILE = (*(path for path in ORDINARY if path.startswith("/hostile")), "/not-gzip")


def respond(request: SeenRequest) -> bytes | Script:
    """Return the answer to a request; that to `/number/N` has the body N."""
    found = _ANSWERS.get(request.path)
    if found is None:
        return response(request.path.rpartition("/")[2].encode())
    if request.method == "HEAD" and isinstance(found, bytes):
        return found[
            : found.find(b"\r\n\r\n", found.rfind(b"HTTP/1.1 ")) + 4
        ]  # the head, and the interim responses before it
    return found
