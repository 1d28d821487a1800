"""One exchange of a request with `cache=`: what is looked up before it, and what is stored after it.

The order of one exchange:

1. `begin`: requests that a cache has no part in go on. Others are looked up, here or, if fields are still missing that select
   the response, in `look_up_late`.
2. A stored response answers the request, or the request is sent: with conditions, if a stale response can be validated. Calls
   for the same URL wait for one of them.
3. `on_headers`: a 304 is answered with the stored response. Another response is recorded, if it may be stored.
4. `post_request`: what was recorded whole is stored. If the server has failed, a follow-up may take the stale response.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urljoin

from hookline import (
    ClientClosed,
    HttpConnectionError,
    HttpRequest,
    HttpResponse,
    HttpTimeout,
    InvalidURL,
    SSLError,
)

from .byte_range import parse_range
from .cache import Cache, CacheOption, as_cache_option
from .cache_control import NONE, Directives, parse_directives
from .cache_key import cache_key
from .cache_status import CacheStatus
from .fetches import Fetch, Fetches
from .freshness import Fields, Use, may_replace_error, use_of
from .recording import Recording
from .storable import is_storable
from .storage import BodyReader, BodyWriter, StorageError
from .stored_response import (
    StoredResponse,
    directives_of,
    first,
    known_fields,
    storable_lines,
    variant_of,
    vary_names,
)

if TYPE_CHECKING:
    from typing_extensions import TypeIs

T = TypeVar("T")
U = TypeVar("U")
Answer = HttpResponse | None

PLUGIN = "cache"
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})  # RFC 9110, section 9.2.1
CONDITIONS = ("If-None-Match", "If-Modified-Since", "If-Match", "If-Unmodified-Since", "If-Range")
SERVER_ERRORS = frozenset({500, 502, 503, 504})  # that a stale response may replace (RFC 5861, section 4)
EVENTS = ("pre_request", "data_received", "on_headers", "data_processed", "post_request")


def exchange_with_cache(response: HttpResponse[Any], value: Any) -> CachedExchange | None:
    """Return what the cache does in an exchange; None if `cache=False` was given. value: of the option `cache`.

    Raises: ValueError, if neither the call nor its client has a cache.
    """
    if isinstance(value, Cache):
        return CachedExchange(response, value)
    option = as_cache_option(value)
    if option.mode == "off":
        return None
    default = type(response.request).cache
    cache = option.cache or (default if isinstance(default, Cache) else None)
    if cache is None:
        raise ValueError(f"cache={option.mode!r} is for a client that was made with cache=Cache(...)")
    return CachedExchange(response, cache, option.mode, option.stored)


class CachedExchange:
    """What the cache does in one exchange.

    cache, mode: what `cache=` says, see `CacheOption`. given: the stored response that it names.
    stored: the stored response that is validated, or that may replace a failure. None = there is none.
    directives: those of the request's Cache-Control.
    """

    stored: StoredResponse | None = None
    directives: Directives = NONE
    _fetch: Fetch | None = None
    _reader: BodyReader | None = None
    _recording: Recording | None = None
    _recorded: StoredResponse | None = None
    _is_late = False  # are all fields of the request there?
    _waits_for_fields = False
    _has_waited = False  # for the fetch of another call
    _seen_count = 0  # how many fetches had been stored when the look-up began
    _looked_up_again = False
    _is_replaceable = False  # has the server failed, so that the stale response may be used?

    def __init__(
        self, response: HttpResponse[Any], cache: Cache, mode: str = "default", given: StoredResponse | None = None
    ) -> None:
        self.request: HttpRequest = response.request
        self._response: HttpResponse[Any] | None = (
            response  # until the request is sent; later a cycle would keep it alive
        )
        self.cache, self.mode, self.given = cache, mode, given
        self.key = cache_key(self.request)
        self._fetches: Fetches = self.request.client.per_loop(Fetches, Fetches.close)
        self._fetches.caches.add(cache)
        self._status: dict[str, Any] = {}

    @property
    def status(self) -> CacheStatus:
        """What the cache did: the value of `response.cache_status`."""
        return CacheStatus(**self._status)

    def _note_ttl(self, stored: StoredResponse) -> None:
        """Note for how long the response is fresh, now that it is handed out or stored."""
        self._status["ttl"] = round(stored.lifetime - stored.age(self.cache.clock()))

    # -- before the request

    def begin(self) -> Answer | Awaitable[Answer]:
        """Do step 1: decide whether the request is looked up, and do it."""
        request, mode = self.request, self.mode
        if request.has_header("cache-control"):
            self.directives = parse_directives(
                [value for name, value in request.fields_as_sent() if name.lower() == "cache-control"]
            )
        if request.method not in ("GET", "HEAD"):
            if request.method not in SAFE_METHODS:
                return self._send("method")
            self._status["fwd"], self._response = "method", None
            return None
        if "no-store" in self.directives:
            self._status["fwd"], self._response = "request", None
            return None
        if mode == "stale" and self.given is not None and self.given.key == self.key:
            self._status.update(fwd="stale", detail="stale-if-error")
            return self._answer_with(self.given)
        for name in CONDITIONS:
            if request.has_header(name):
                return self._send("bypass")
        if mode == "reload":
            if not self.directives:
                request.unredirected_headers["Cache-Control"] = "no-cache"  # for caches on the way
            return self._send("request")
        return self._look_up()

    def look_up_late(self) -> Answer | Awaitable[Answer]:
        """Look the request up if `begin` could not, now that all fields are there."""
        if not self._waits_for_fields:
            return None
        self._waits_for_fields, self._is_late = False, True
        return self._look_up()

    def _look_up(self) -> Answer | Awaitable[Answer]:
        self._seen_count = self._fetches.stored_count
        found = self._find()
        return await_then(found, self._choose) if is_awaitable(found) else self._choose(found)

    def _choose(self, found: list[StoredResponse]) -> Answer | Awaitable[Answer]:
        """Choose one of the stored responses for this URL, and use it."""
        self.stored = None
        if not found:
            return self._miss("uri-miss")
        if any(stored.vary for stored in found):
            fields = request_fields(self.request)
            if not self._is_late and any(name not in fields for stored in found for name in stored.vary):
                self._waits_for_fields = True
                return None
            matching = [stored for stored in found if stored.variant == variant_of(stored.vary, fields)]
        else:
            matching = found
        if not matching:
            return self._miss("vary-miss")
        stored = matching[0] if len(matching) == 1 else max(matching, key=lambda each: each.received_at)
        age = stored.age(self.cache.clock())
        use = use_of(age, stored.lifetime, stored.directives, self.directives)
        if use is Use.VALIDATE or self.mode == "revalidate":
            self.stored = stored
            return self._miss("stale" if age >= stored.lifetime or "no-cache" in stored.directives else "request")
        if use is Use.STALE_WHILE_REVALIDATE:
            self._revalidate_in_background(stored)
        if self._has_waited:
            self._status.update(fwd=self._status.get("fwd", "uri-miss"), collapsed=True)
        else:
            self._status["hit"] = True
        return self._answer_with(stored)

    def _answer_with(self, stored: StoredResponse) -> Answer | Awaitable[Answer]:
        """Answer with a stored response; if its body is gone, or a range of it is asked for that it has not, send the request."""
        opened = self._attempt(self.cache.storage.open, stored)
        if is_awaitable(opened):
            return await_then(opened, lambda reader: self._answer(stored, reader))
        return self._answer(stored, opened)

    def _answer(self, stored: StoredResponse, reader: BodyReader | None) -> Answer | Awaitable[Answer]:
        if reader is None:
            self._status.clear()
            return self._miss("uri-miss")
        answer = self._build(stored, reader)
        if answer is None:
            reader.close()
            self._status.clear()
            return self._send("bypass")
        return answer

    def _build(self, stored: StoredResponse, reader: BodyReader) -> HttpResponse | None:
        """Make a response of a stored one; None if the server has to answer, for a range."""
        request = self.request
        fields = stored.fields_at(self.cache.clock())
        status, reason = stored.status, stored.reason
        start, end = 0, stored.size
        if status == 200 and request.method == "GET" and request.has_header("range"):
            found = parse_range(request.get_header("range") or "", stored.size)
            if found is None:
                return None
            start, end = found
            status, reason = 206, "Partial Content"
            fields = [(name, value) for name, value in fields if name.lower() != "content-length"]
            fields.append(("Content-Range", f"bytes {start}-{end - 1}/{stored.size}"))
            fields.append(("Content-Length", str(end - start)))
        if request.method == "HEAD" or start == end:
            reader.close()
            content: Any = b""
        else:
            content = reader.read(start, end)
        self._response = None
        self._note_ttl(stored)
        return HttpResponse.build(
            request, status, reason=reason, headers=fields, content=content, as_received=True, stored=True
        )

    def _miss(self, why: str) -> Answer | Awaitable[Answer]:
        """Wait for a call that fetches the same, else fetch it; why: as Cache-Status says it."""
        if self.mode == "only-if-cached" or "only-if-cached" in self.directives:
            self._status["fwd"], self._response = why, None
            return HttpResponse.build(self.request, 504, reason="Gateway Timeout", stored=True)
        if self._seen_count != self._fetches.stored_count and not self._looked_up_again:
            self._looked_up_again = True  # another call has stored something while the storage was asked
            return self._look_up()
        self._status["fwd"] = why
        shares = self.request.method == "GET" and not self.request.has_header("range")
        running = self._fetches.running((self.cache, self.key)) if shares and not self._has_waited else None
        if running is not None:
            return self._wait(running)
        if shares:
            self._fetch = self._fetches.begin((self.cache, self.key))
        if self.stored is not None and self.stored.has_validator and shares:
            stored = self.stored
            opened = self._attempt(self.cache.storage.open, stored)
            return then(opened, self._send_with_conditions)
        return self._send(why)

    async def _wait(self, fetch: Fetch) -> Answer:
        """Wait for the fetch of another call, then look up again; if that failed, this call may be the next to fetch.

        Raises: ClientClosed, if the client is closed meanwhile.
        """
        outcome = await fetch.wait()
        if outcome == "closed":
            raise ClientClosed("the client was closed")
        self._has_waited = outcome != "failed"
        answer = self._look_up()
        return await answer if is_awaitable(answer) else answer

    def _send_with_conditions(self, reader: BodyReader | None) -> Answer:
        stored, self._reader = self.stored, reader
        if stored is None or reader is None:  # the body is gone
            self.stored = None
            return self._send("uri-miss")
        headers = self.request.unredirected_headers
        if stored.etag is not None:
            headers["If-None-Match"] = stored.etag
        if stored.last_modified is not None:
            headers["If-Modified-Since"] = stored.last_modified
        return self._send(self._status["fwd"])

    def _send(self, why: str) -> Answer:
        """Let the request be sent: return no answer. why: as Cache-Status says it."""
        self._status["fwd"] = why
        self._bind()
        return None

    def _bind(self) -> None:
        """Have `on_headers` and `post_request` called for this exchange."""
        response, self._response = self._response, None
        assert response is not None
        response.event("on_headers").bind(self.on_headers, plugin=PLUGIN)
        response.event("post_request").bind(self.post_request, plugin=PLUGIN)

    def _revalidate_in_background(self, stored: StoredResponse) -> None:
        key = self.cache, self.key, stored.variant
        if not self._fetches.is_in_background(key):
            self._fetches.start(key, revalidate(self.request, CacheOption(self.cache, "revalidate", stored)))

    # -- after the head

    def on_headers(self, response: HttpResponse) -> Answer | Awaitable[Answer]:
        """Do step 3: answer a 304 with the stored response, or record what may be stored."""
        if response.is_built:  # the answer to a 304, or another plugin's
            if self._recorded is None:
                self._end_fetch("failed")
            return None
        request = self.request
        received_at = self.cache.clock()
        requested_at = received_at - response.elapsed.total_seconds()
        lines = storable_lines(response.raw_head)
        if response.status_code == 304 and self._reader is not None and self.stored is not None:
            return self._answer_validated(self.stored.renewed(lines, requested_at, received_at))
        if request.method == "HEAD":
            if response.status_code == 200:
                return then(
                    self._find(),
                    lambda found: self._renew_by_head(found, lines, requested_at, received_at),
                )
            return None
        if response.status_code in SERVER_ERRORS and self._may_be_replaced(received_at):
            self._is_replaceable = True
            response.buffer()
            return None
        fields = known_fields(lines)
        directives = directives_of(fields)
        vary = vary_names(fields)
        location = first(fields, "content-location")
        if (
            vary is None
            or not ("content-length" in fields or has_certain_end(response))
            or not is_storable(
                request.method,
                response.status_code,
                self.directives,
                directives,
                fields,
                requested_at,
                received_at,
                is_own_location=location is not None and self._key_of(location) == self.key,
            )
        ):
            self._end_fetch("not stored")
            return None
        writer = self._open_writer(length_of(fields))
        if writer is None:  # it is too large
            self._end_fetch("not stored")
            return None
        if request.has_header("authorization") and "public" not in directives and "authorization" not in vary:
            vary = tuple(sorted({*vary, "authorization"}))  # else it might answer a call with other credentials
        self._recorded = StoredResponse(
            self.key,
            vary,
            variant_of(vary, request_fields(request)) if vary else "",
            response.status_code,
            response.reason,
            lines,
            requested_at,
            received_at,
            by_name=fields,
            directives=directives,
        )
        self._recording = Recording(writer, lambda: self._end_fetch("not stored"))
        response.add_decoder(self._recording, runs_always=True, first=True)
        if request.stream:
            self._end_fetch("not stored", remember=False)  # nobody knows when its caller will have read it
        return None

    def _answer_validated(self, renewed: StoredResponse) -> Answer | Awaitable[Answer]:
        reader, self._reader, self.stored = self._reader, None, renewed
        assert reader is not None
        answer = self._build(renewed, reader)
        self._status["fwd_status"] = 304
        self._recorded = renewed
        return then(self._renew(renewed), lambda _: answer)

    def _renew_by_head(
        self,
        found: list[StoredResponse],
        lines: bytes,
        requested_at: float,
        received_at: float,
    ) -> Awaitable[None] | None:
        """Use the head of a response to HEAD for the stored responses to GET (RFC 9111, section 4.3.5)."""
        fields, sent = known_fields(lines), request_fields(self.request)
        for stored in found:
            if stored.variant != variant_of(stored.vary, sent):
                continue
            if stored.status != 200 or contradicts(fields, stored):
                return self._remove(self.key)
            return self._renew(stored.renewed(lines, requested_at, received_at))
        return None

    def _renew(self, renewed: StoredResponse) -> Awaitable[None] | None:
        return self._attempt(self.cache.storage.renew, renewed)

    # -- at the end

    def post_request(
        self, response: HttpResponse, exc: BaseException | None
    ) -> HttpRequest | Awaitable[HttpRequest | None] | None:
        """Do step 4: store what was recorded, forget what a change made invalid, or replace a failure."""
        reader, self._reader = self._reader, None
        if reader is not None:
            reader.close()
        recording, self._recording = self._recording, None
        if exc is not None or (recording is not None and not recording.is_complete):
            if recording is not None:
                recording.abandon()
            self._end_fetch("closed" if isinstance(exc, ClientClosed) else "failed")
            return self._replace_failure(response, exc)
        if self._is_replaceable:
            self._end_fetch("failed")
            return self._replace_failure(response, None)
        done: Awaitable[None] | None = None
        if self.request.method not in SAFE_METHODS and 200 <= response.status_code < 400:
            done = self._invalidate(response)
        if recording is not None and recording.writer is not None and self._recorded is not None:
            return self._store(recording) if done is None else await_then(done, lambda _: self._store(recording))
        self._end_fetch("stored" if self._recorded is not None else "not stored")
        return done

    def _store(self, recording: Recording) -> Awaitable[None] | None:
        stored, writer = self._recorded, recording.writer
        assert stored is not None
        assert writer is not None
        recording.writer = None
        stored.size = recording.size
        try:
            added = self._attempt(self.cache.storage.add, stored, writer)
        except BaseException:
            self._end_fetch("failed")
            raise
        if is_awaitable(added):
            return self._store_later(stored, added)
        self._note_stored(stored, bool(added))
        return None

    async def _store_later(self, stored: StoredResponse, adding: Awaitable[bool | None]) -> None:
        try:
            self._note_stored(stored, bool(await adding))
        finally:
            self._end_fetch("failed")

    def _note_stored(self, stored: StoredResponse, added: bool) -> None:
        if added:
            self._status["stored"] = True
            self._note_ttl(stored)
        self._end_fetch("stored" if added else "not stored")

    def _invalidate(self, response: HttpResponse) -> Awaitable[None] | None:
        """Forget what is stored for the URL of the request, and for those of the same origin that its response names.

        RFC 9111, section 4.4.
        """
        done = self._remove(self.key)
        for name in ("location", "content-location"):
            key = self._key_of(response.headers[name]) if response.has(name) else None
            if key not in (None, self.key):
                done = then(done, lambda _, key=key: self._remove(key))  # type: ignore[misc]
        return done

    def _find(self) -> list[StoredResponse] | Awaitable[list[StoredResponse]]:
        found = self._attempt(self.cache.storage.find, self.key)
        return await_then(found, as_list) if is_awaitable(found) else as_list(found)

    def _remove(self, key: str) -> Awaitable[None] | None:
        return self._attempt(self.cache.storage.remove, key)

    def _key_of(self, reference: str) -> str | None:
        """Return the key for a URL reference in a response; None if it leads to another origin, or nowhere."""
        try:
            other = self.request.copy(url=urljoin(self.request.url, reference))
        except (InvalidURL, ValueError):
            return None
        return cache_key(other) if other.origin.key == self.request.origin.key else None

    def _may_be_replaced(self, now: float) -> bool:
        stored = self.stored
        return (
            stored is not None
            and self.mode != "stale"
            and may_replace_error(stored.age(now), stored.lifetime, stored.directives, self.directives)
        )

    def _replace_failure(self, response: HttpResponse, exc: BaseException | None) -> HttpRequest | None:
        """Answer a failure with a follow-up that takes the stale response, unless another plugin tries again."""
        if response.answer is not None or response.was_handed_out:
            return None
        if exc is not None and (
            not isinstance(exc, (HttpConnectionError, HttpTimeout)) or isinstance(exc, (SSLError, ClientClosed))
        ):
            return None
        if exc is not None and not self._may_be_replaced(self.cache.clock()):
            return None
        follow_up = self.request.copy(cause="stale-if-error")
        follow_up.cache = CacheOption(self.cache, "stale", self.stored)  # type: ignore[attr-defined]
        return follow_up

    def _end_fetch(self, outcome: str, *, remember: bool = True) -> None:
        """Wake the calls that wait for this one. remember: False = they need not fetch by themselves the next time."""
        fetch, self._fetch = self._fetch, None
        if fetch is not None:
            self._fetches.end((self.cache, self.key), fetch, outcome, remember=remember)

    # -- storages

    def _attempt(self, call: Callable[..., T | Awaitable[T]], *args: Any) -> T | Awaitable[T | None] | None:
        """Call a storage. If it fails, that is logged, and the result is None."""
        try:
            result = call(*args)
        except StorageError as error:
            self._log(error)
            return None
        return self._attempt_later(result) if is_awaitable(result) else result

    def _open_writer(self, size: int | None) -> BodyWriter | None:
        """Return what takes a body of this size; None if the storage takes none. size: in bytes, None = unknown."""
        try:
            return self.cache.storage.write(size)
        except StorageError as error:
            self._log(error)
            return None

    async def _attempt_later(self, awaitable: Awaitable[T]) -> T | None:
        try:
            return await awaitable
        except StorageError as error:
            self._log(error)
            return None

    def _log(self, error: StorageError) -> None:
        self.request.client.logger.warning("the cache was not used: %s", error)


def as_list(found: list[StoredResponse] | None) -> list[StoredResponse]:
    """Return what a storage has found; nothing if it has failed."""
    return [] if found is None else found


def is_awaitable(value: object) -> TypeIs[Awaitable[Any]]:
    """Say whether a value is there later. `inspect.isawaitable` takes 0.6 us longer."""
    return hasattr(value, "__await__")


def then(value: T | Awaitable[T], function: Callable[[T], U | Awaitable[U]]) -> U | Awaitable[U]:
    """Call a function with a value, now or, if it is an awaitable, when it is there."""
    return await_then(value, function) if is_awaitable(value) else function(value)


async def await_then(awaitable: Awaitable[T], function: Callable[[T], U | Awaitable[U]]) -> U:
    """Call a function with the value of an awaitable, and await what it returns, if that is one."""
    result = function(await awaitable)
    return await result if is_awaitable(result) else result


async def revalidate(request: HttpRequest, option: CacheOption) -> None:
    """Send a request again, in the background, so that its stored response is renewed or replaced."""
    client = request.client
    try:
        handlers: dict[str, Any] = dict.fromkeys(EVENTS)  # those of the call are not for this request
        async with await client.send(request, stream=True, cache=option, **handlers) as response:
            async for _ in response.raw:
                pass
    except Exception as error:  # noqa: BLE001  # no call waits for it
        client.logger.debug("a stale response was not validated in the background: %r", error)


def request_fields(request: HttpRequest) -> Fields:
    """Return the fields of a request, as they are known now, by name in lower case."""
    found: dict[str, list[str]] = {}
    for name, value in request.fields_as_sent():
        found.setdefault(name.lower(), []).append(value)
    return found


def has_certain_end(response: HttpResponse) -> bool:
    """Say whether a body that was cut can be told from a whole one. One that ends with the connection cannot."""
    if response.status_code == 204 or response.has("content-length"):
        return True
    if response.has("transfer-encoding"):
        return response.headers.getall("transfer-encoding")[-1].strip().lower().endswith("chunked")
    connection = response.connection
    return connection is not None and not connection.facts().protocol.startswith("http/1")


def length_of(fields: Fields) -> int | None:
    """Return the Content-Length of a response; None if it states none."""
    text = first(fields, "content-length")
    return int(text) if text is not None and text.isascii() and text.isdigit() and len(text) < 20 else None


def contradicts(fields: Fields, stored: StoredResponse) -> bool:
    """Say whether a response to HEAD shows that the stored response to GET has changed."""
    etag, modified, length = first(fields, "etag"), first(fields, "last-modified"), length_of(fields)
    return (
        (etag is not None and etag != stored.etag)
        or (modified is not None and modified != stored.last_modified)
        or (length is not None and length != stored.size)
    )
