"""Serve a WSGI application on loopback from threads of this process, with keep-alive."""

from __future__ import annotations

import contextlib
import ssl
import threading
from collections.abc import Iterator
from typing import Any

from werkzeug.serving import WSGIRequestHandler, make_server

from servers.addresses import Site


class _Handler(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"  # werkzeug's default is HTTP/1.0, which needs a connection for each request
    timeout = 5  # seconds of silence after which a connection is closed, and its thread ends

    def setup(self) -> None:
        if isinstance(self.request, ssl.SSLSocket):
            self.request.settimeout(self.timeout)
        super().setup()

    def log(self, type: str, message: str, *args: Any) -> None:
        """Write nothing."""


@contextlib.contextmanager
def wsgi_site(app: Any, ssl_context: ssl.SSLContext | None = None) -> Iterator[Site]:
    """Serve `app` on a free port of 127.0.0.1 while the block runs."""
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=_Handler, ssl_context=ssl_context)
    server.daemon_threads = True  # type: ignore[attr-defined]  # of socketserver.ThreadingMixIn
    server.block_on_close = False  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, name="wsgi", daemon=True)
    thread.start()
    try:
        yield Site(server.server_port, "http" if ssl_context is None else "https")
    finally:
        server.shutdown()
        thread.join(10)
        server.server_close()
