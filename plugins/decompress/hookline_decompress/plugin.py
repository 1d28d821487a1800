"""The plugin: offer content codings, and undo them."""

from __future__ import annotations

from typing import Any

from hookline import DefaultHeader, HttpResponse, Option, hookimpl

from .codings import accept_encoding, decoders_for
from .field import codings_in, shown

BODYLESS = (204, 304)  # RFC 9112, section 6.3
REMEMBERED = 64  # unknown codings that are logged; a server could name ever new ones


class Decompress:
    """See the module. The decoders only wait for the body: what nobody reads is never decoded."""

    name = "decompress"

    def __init__(self) -> None:
        self._logged: set[str] = set()

    @hookimpl
    def declare(self) -> list[Option | DefaultHeader]:
        return [
            Option("decompress", True, convert=bool, doc="undo the content codings of the body"),
            DefaultHeader("Accept-Encoding", accept_encoding()),
        ]

    @hookimpl(headers=("content-encoding",))
    def on_headers(self, response: HttpResponse) -> None:
        request: Any = response.request
        if not request.decompress or request.method == "HEAD" or response.status_code in BODYLESS:
            return
        codings = codings_in(response.headers.getall("content-encoding", []))
        decoders, unknown = decoders_for(codings)
        if unknown is not None:
            self._log_once(request.client.logger, unknown)
        for decoder in decoders:
            response.add_decoder(decoder)

    def _log_once(self, logger: Any, coding: str) -> None:
        if coding in self._logged or len(self._logged) >= REMEMBERED:
            return
        self._logged.add(coding)
        logger.warning("unknown content coding %s: bodies in it are left as they come", shown(coding))
