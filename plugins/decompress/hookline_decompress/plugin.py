"""The plugin `decompress`: announce content codings to servers, and decode the bodies."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hookline import DefaultHeader, HttpRequest, HttpResponse, Option, hookimpl

from .codings import accept_encoding, decoders_for

if TYPE_CHECKING:
    from logging import Logger


class DecompressRequest:
    """What this plugin adds to requests, for type checkers.

    Example::

        from hookline import HttpClient, HttpRequest, HttpResponse
        from hookline_decompress import DecompressRequest


        class Request(DecompressRequest, HttpRequest): ...


        client: HttpClient[HttpResponse[Request]] = HttpClient(decompress=False)
        print(client.build_request("GET", "http://127.0.0.1:8000/").decompress)
    """

    decompress: bool


class DecompressClient:
    """What this plugin adds to clients, for type checkers.

    Example::

        from hookline import HttpClient
        from hookline_decompress import DecompressClient


        class Client(DecompressClient, HttpClient): ...


        client = Client(decompress=False)
        print(client.decompress)
    """

    decompress: bool | None


if TYPE_CHECKING:

    class Request(DecompressRequest, HttpRequest):
        """A request with what this plugin adds."""


BODYLESS = (204, 304)  # RFC 9112, section 6.3
MAX_LOGGED = 64  # unknown codings that are logged by name, since a server could name ever new ones


class Decompress:
    """Add decoders to responses with a Content-Encoding. They decode what is read of the body, and nothing else.

    Example::

        from hookline import HttpClient
        from hookline_decompress import Decompress

        client = HttpClient(autoload=False, plugins=[Decompress()])
    """

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
    def on_headers(self, response: HttpResponse[Request]) -> None:
        request = response.request
        if not request.decompress or request.method == "HEAD" or response.status_code in BODYLESS:
            return
        from .content_encoding import codings_in

        codings = codings_in(response.headers.getall("content-encoding", []))
        decoders, unknown = decoders_for(codings)
        if unknown is not None:
            self._log_once(request.client.logger, unknown)
        for decoder in decoders:
            response.add_decoder(decoder)

    def _log_once(self, logger: Logger, coding: str) -> None:
        if coding in self._logged or len(self._logged) >= MAX_LOGGED:
            return
        self._logged.add(coding)
        from .content_encoding import shown

        logger.warning("unknown content coding %s: bodies in it are left as they come", shown(coding))
