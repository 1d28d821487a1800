"""The plugins `cache` and `cache_vary`: look a request up before it is sent. What a request needs further, it binds itself.

Both run only for requests with `cache=`, so that others pay nothing. `cache` comes early: a hit waits for nothing, and is not
signed. Fields that other plugins add later, such as Cookie and Authorization, may select the stored response; then `cache_vary`
decides, when all fields are there.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import cache
from typing import TYPE_CHECKING, Any

from hookline import Attribute, HttpRequest, HttpResponse, Option, hookimpl

if TYPE_CHECKING:
    from .cache import Cache, CacheOption
    from .cache_status import CacheStatus
    from .cached_exchange import CachedExchange

NOTE = "cache"  # the key of a CachedExchange in `response.notes`


class CacheRequest:
    """What this plugin adds to requests, for type checkers.

    Example::

        from hookline import HttpClient, HttpRequest, HttpResponse
        from hookline_cache import CacheRequest


        class Request(CacheRequest, HttpRequest): ...


        client: HttpClient[HttpResponse[Request]] = HttpClient(plugins=["cache"], cache="only-if-cached")
        print(client.build_request("GET", "http://127.0.0.1:8000/").cache)
    """

    cache: Cache | CacheOption | bool | str | None


class CacheResponse:
    """What this plugin adds to responses, for type checkers.

    Example::

        from hookline import HttpClient, HttpResponse
        from hookline_cache import Cache, CacheResponse


        class Response(CacheResponse, HttpResponse): ...


        async with HttpClient[Response](plugins=["cache"], cache=Cache()) as client:
            print((await client.get("http://127.0.0.1:8000/cached")).cache_status)
    """

    cache_status: CacheStatus | None


class CacheClient:
    """What this plugin adds to clients, for type checkers.

    Example::

        from hookline import HttpClient
        from hookline_cache import CacheClient


        class Client(CacheClient, HttpClient): ...


        client = Client(plugins=["cache"], cache="reload")
        print(client.cache)
    """

    cache: Cache | bool | str | None


if TYPE_CHECKING:

    class Request(CacheRequest, HttpRequest):
        """A request with what this plugin adds."""


class HttpCache:
    """Answer requests from a cache, and store responses. It is imported at the first request with `cache=`.

    Example::

        from hookline import HttpClient
        from hookline_cache import HttpCache

        client = HttpClient(autoload=False, plugins=[HttpCache()])
    """

    name = "cache"
    after = ("guard",)
    before = ("basic", "cookies", "digest", "oauth1", "oauth2", "throttle", "tunnel")

    @hookimpl
    def declare(self) -> list[Option | Attribute]:
        return [
            Option(
                "cache",
                None,
                convert=check_cache,
                expected="a Cache, False, 'only-if-cached' or 'reload'",
                doc="a Cache; for one call False, 'only-if-cached' (send nothing) or 'reload' (ask the server)",
            ),
            Attribute(
                "cache_status", cache_status_of, doc="what the cache did (RFC 9211); None = the call has no cache"
            ),
        ]

    @hookimpl(tryfirst=True, options=("cache",), schemes=("http", "https"))
    def pre_request(self, response: HttpResponse[Request]) -> HttpResponse | Awaitable[HttpResponse | None] | None:
        option = response.request.cache
        if option is None:
            return None
        exchange = engine()(response, option)
        if exchange is None:
            return None
        response.notes[NOTE] = exchange
        return exchange.begin()


class HttpCacheVary:
    """Look requests up whose stored responses are selected by fields that other plugins add.

    Example::

        from hookline import HttpClient
        from hookline_cache import HttpCacheVary

        client = HttpClient(autoload=False, plugins=[HttpCacheVary()])
    """

    name = "cache_vary"
    after = ("basic", "digest", "oauth1", "oauth2", "throttle", "tunnel")

    @hookimpl(trylast=True, options=("cache",), schemes=("http", "https"))
    def pre_request(self, response: HttpResponse[Any]) -> HttpResponse | Awaitable[HttpResponse | None] | None:
        exchange: CachedExchange | None = response.notes.get(NOTE)
        return None if exchange is None else exchange.look_up_late()


@cache
def engine() -> Callable[[HttpResponse[Any], Any], CachedExchange | None]:
    """Return `exchange_with_cache`, which is imported at its first use."""
    from .cached_exchange import exchange_with_cache

    return exchange_with_cache


def check_cache(value: Any) -> Any:
    """Check the value of `cache=`; see `as_cache_option` in `cache`, which is imported at its first use."""
    from .cache import as_cache_option

    as_cache_option(value)
    return value


def cache_status_of(response: HttpResponse) -> CacheStatus | None:
    """Return `response.cache_status`."""
    exchange: CachedExchange | None = response.notes.get(NOTE)
    return None if exchange is None else exchange.status
