"""The plugin `otel`: a span for each call and each exchange, the duration of each request, and propagated context.

It runs early on pre_request, so that what others sign, and the waits of others, come after the span has begun; `guard` and
`cache` come before it, because what they answer is never sent. On post_request it runs last, when it is known whether another
plugin answers with a request, and so whether the call is over.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Any
from weakref import WeakKeyDictionary, ref

from opentelemetry import context as otel_context
from opentelemetry.context import Context, get_current
from opentelemetry.propagate import inject
from opentelemetry.trace import Status, StatusCode

from hookline import HttpRequest, HttpResponse, Switch, hookimpl

from .names import HTTP_REQUEST_HEADER_TEMPLATE, HTTP_RESPONSE_HEADER_TEMPLATE
from .recorders import Recorders
from .redaction import REDACTED
from .settings import RequestHook, ResponseHook, Settings
from .spans import VERSIONS, Exchange, error_of
from .target import Peer, Targets

MAX_PEERS = 1024  # whose addresses are remembered
NOTE = "otel"  # the key of an Exchange in `response.notes`
# Keys of a context in which nothing is recorded, as `opentelemetry.instrumentation.utils` sets them
SUPPRESSING = frozenset(
    {
        "suppress_instrumentation",
        getattr(otel_context, "_SUPPRESS_INSTRUMENTATION_KEY", ""),
        getattr(otel_context, "_SUPPRESS_HTTP_INSTRUMENTATION_KEY", ""),
    }
)
# Fields whose values are never recorded, whichever plugins declare that they carry credentials
SECRET_FIELDS = frozenset(
    {"authorization", "authentication-info", "cookie", "proxy-authentication-info", "proxy-authorization", "set-cookie"}
)
_logger = logging.getLogger("hookline_otel")


class OpenTelemetry:
    """Record spans and metrics of each request, and propagate the context to the server.

    tracer_provider, meter_provider: default None, the global ones.
    request_hook: `f(span, request)`, called when a request has got its span. Default None.
    response_hook: `f(span, response)`, called before the span of a response ends. Default None. What the hooks raise is logged.
    excluded_urls: regular expressions, as a list or with commas between them; a URL in which one of them is found is not
        recorded. Default None: those of OTEL_PYTHON_HOOKLINE_EXCLUDED_URLS, else of OTEL_PYTHON_EXCLUDED_URLS.
    kept_query_parameters: names of parameters whose values are recorded in `url.full`; all others are REDACTED. Default: none.
    captured_request_headers, captured_response_headers: regular expressions for the names of fields to record. Default None:
        those of OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_CLIENT_REQUEST and …_CLIENT_RESPONSE.
    sanitized_headers: regular expressions for the names of captured fields whose values are REDACTED, as those of credentials,
        of cookies and of `sensitive_headers` are in any case. Default None: those of
        OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SANITIZE_FIELDS.

    Raises: TypeError; ValueError, for an expression that is none.

    Example: docs/tracing.md#tracing-and-metrics
    """

    name = "otel"
    after = ("retry",)  # which is last on post_request too, and may answer

    def __init__(
        self,
        *,
        tracer_provider: Any = None,
        meter_provider: Any = None,
        request_hook: RequestHook | None = None,
        response_hook: ResponseHook | None = None,
        excluded_urls: str | Iterable[str] | None = None,
        kept_query_parameters: Iterable[str] = (),
        captured_request_headers: str | Iterable[str] | None = None,
        captured_response_headers: str | Iterable[str] | None = None,
        sanitized_headers: str | Iterable[str] | None = None,
    ) -> None:
        self._settings = settings = Settings(
            request_hook,
            response_hook,
            excluded_urls,
            kept_query_parameters,
            captured_request_headers,
            captured_response_headers,
            sanitized_headers,
        )
        self._captures = settings.request_fields is not None or settings.response_fields is not None
        self._recorders = Recorders(tracer_provider, meter_provider)
        self._targets = Targets(settings)
        self._open: dict[HttpRequest, Exchange] = {}  # by request, until post_request
        self._upgraded: WeakKeyDictionary[Any, Exchange] = WeakKeyDictionary()  # by a connection that left HTTP
        self._peers: dict[int, tuple[ref[Any], Peer | None]] = {}  # by the id of the connection
        self.is_used = Switch()  # for what follows pre_request, if that has begun a span

    @hookimpl(tryfirst=True, observes=True)
    def pre_request(self, response: HttpResponse[Any, Any], cause: str) -> None:
        recorders = self._recorders
        context = get_current()
        if not (recorders.is_complete or recorders.find()):
            if context:
                inject_into(response.request, context)  # what the program has got from elsewhere is passed on
            return
        if context and not SUPPRESSING.isdisjoint(context) and any(context.get(key) for key in SUPPRESSING):
            return
        request = response.request
        target = self._targets.of(request)
        if target.is_excluded:
            return
        earlier = None if cause == "call" else self._cause_of(request)
        response.record_timings()  # now, because their moments count from here as those of the span do
        exchange = Exchange(recorders.tracer, request, target, earlier, context)
        response.notes[NOTE] = exchange  # for what follows it
        inject_into(request, exchange.context)
        if not exchange.is_recorded and exchange.call.is_over and recorders.histogram is None:
            exchange.is_over = True
            return
        self._open[request] = exchange
        if not self.is_used.is_on:
            self.is_used.turn_on()
        if exchange.is_recorded and self._settings.request_hook is not None:
            call_hook(self._settings.request_hook, exchange, request)

    def _cause_of(self, request: HttpRequest) -> Exchange | None:
        """Return the exchange that a follow-up or a sub-request comes from; None if it is not recorded."""
        if request.history:
            return earlier_exchange(request)
        return None if request.parent is None else self._open.get(request.parent)

    @hookimpl(switch="is_used")
    def connected(self, request: HttpRequest, connection: Any) -> None:
        exchange = self._open.get(request)
        if exchange is not None:
            carrier = connection if connection.session is None else connection.session
            known = self._peers.get(id(carrier))
            if known is not None and known[0]() is carrier:
                exchange.sent(known[1], is_new=False)
                return
            if len(self._peers) >= MAX_PEERS:
                self._peers.clear()
            peer = peer_of(connection)
            self._peers[id(carrier)] = ref(carrier), peer
            exchange.sent(peer, is_new=True)

    @hookimpl(statuses=(101,), switch="is_used", tryfirst=True)
    def on_headers(self, response: HttpResponse[Any, Any], cause: str) -> None:
        """Keep the span of a connection that is no longer HTTP, such as of a websocket, until the connection ends."""
        exchange: Exchange | None = response.notes.get(NOTE)
        if exchange is not None and response.connection is not None and not response.is_built:
            self._upgraded[response.connection] = exchange
            exchange.upgraded = ref(response.connection)

    @hookimpl(trylast=True, switch="is_used")
    def post_request(self, response: HttpResponse[Any, Any], exc: BaseException | None, cause: str) -> None:
        exchange: Exchange | None = response.notes.get(NOTE)
        if exchange is None or exchange.is_over:
            self._end_unrecorded(response, exc)
            return
        exchange.is_over = True
        self._open.pop(exchange.request, None)
        try:
            self._record(exchange, response, exc)
        finally:
            if exc is not None or not exchange.is_upgraded:  # else `disconnected` ends both spans
                exchange.end_span()
                if not exchange.is_side:
                    end_call(exchange, response, exc)

    def _record(self, exchange: Exchange, response: HttpResponse[Any, Any], exc: BaseException | None) -> None:
        """Record how an exchange went, as a measurement and on its span."""
        error = error_of(response, exc)
        histogram = self._recorders.histogram
        if histogram is not None and (exchange.sent_at or exc is not None):
            attributes = exchange.target.measured(response.status_code, VERSIONS.get(response.version, ""), error)
            histogram.record(exchange.seconds(), attributes, exchange.context)
        if exchange.is_recorded:
            exchange.record(response, exc, error)
            if self._captures:
                self._capture(exchange, response)
            if self._settings.response_hook is not None and response.status_code:
                call_hook(self._settings.response_hook, exchange, response)

    def _end_unrecorded(self, response: HttpResponse[Any, Any], exc: BaseException | None) -> None:
        """End the call of a follow-up that was not recorded: a plugin before this one has refused it, or has answered it."""
        earlier = earlier_exchange(response.request)
        if earlier is not None and not earlier.is_side:
            end_call(earlier, response, exc)

    @hookimpl
    def disconnected(self, connection: Any, exc: BaseException | None) -> None:
        exchange = self._upgraded.pop(connection, None)
        if exchange is not None and exchange.is_over:
            if exc is not None and exchange.is_recorded:
                exchange.span.record_exception(exc)
                exchange.span.set_status(Status(StatusCode.ERROR, str(exc)))
            exchange.end_span()
            exchange.call.end(exc, exchange.now())

    def _capture(self, exchange: Exchange, response: HttpResponse[Any, Any]) -> None:
        """Record the fields that the settings name."""
        settings = self._settings
        found: dict[str, list[str]] = {}
        if settings.request_fields is not None and exchange.sent_at:  # else they may be what could not be sent
            for name, value in exchange.request.fields_as_sent():
                if settings.request_fields(name):
                    key = f"{HTTP_REQUEST_HEADER_TEMPLATE}.{name.lower()}"
                    found.setdefault(key, []).append(self._value_of(response.request, name, value))
        if settings.response_fields is not None:
            for name, value in response.headers.items():
                if settings.response_fields(name):
                    key = f"{HTTP_RESPONSE_HEADER_TEMPLATE}.{name.lower()}"
                    found.setdefault(key, []).append(self._value_of(response.request, name, value))
        exchange.span.set_attributes(found)

    def _value_of(self, request: HttpRequest, name: str, value: str) -> str:
        """Return the value of a captured field, or what stands for it. Bytes that are no UTF-8 are replaced."""
        sanitizes = self._settings.sanitizes
        low = name.lower()
        is_secret = low in request.configuration.credentials or low in request.sensitive_headers or low in SECRET_FIELDS
        if is_secret or (sanitizes is not None and sanitizes(name)):
            return REDACTED
        return value.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def inject_into(request: HttpRequest, context: Context) -> None:
    """Have the configured propagators write a context into the fields of this hop alone."""
    carrier: dict[str, str] = {}
    inject(carrier, context)
    if carrier:
        request.unredirected_headers.update(carrier)


def earlier_exchange(request: HttpRequest) -> Exchange | None:
    """Return the exchange whose response led to a request; None if there is none, or it was not recorded."""
    history = request.history
    found: Exchange | None = history[-1].notes.get(NOTE) if history else None
    return found


def end_call(exchange: Exchange, response: HttpResponse[Any, Any], exc: BaseException | None) -> None:
    """End the span of a call, unless another exchange follows: post_request was answered with a request."""
    if response.answer is not None and not is_answer_ignored(response, exc):
        if isinstance(response.answer, HttpRequest):
            return
        exc = None  # the caller gets what a plugin has answered with
    exchange.call.end(exc, exchange.now())


def is_answer_ignored(response: HttpResponse[Any, Any], exc: BaseException | None) -> bool:
    """Say whether core ignores answers: the caller has the response, or has cancelled the call, or its time is over."""
    if response.was_handed_out or not isinstance(exc, Exception | None):
        return True
    request = response.request
    # a timer may fire a millisecond early
    return bool(request.deadline) and request.client.loop_resources.loop.time() >= request.deadline - 0.002


def peer_of(connection: Any) -> Peer | None:
    """Return the address of the peer: an IP address and a port, or the path of a unix socket and 0; None = unknown."""
    peer = connection.facts().peer
    if isinstance(peer, tuple) and len(peer) >= 2:
        return str(peer[0]), int(peer[1])
    return (str(peer), 0) if isinstance(peer, str) and peer else None


def call_hook(hook: Any, exchange: Exchange, given: Any) -> None:
    """Call a function of the user, which must not disturb the exchange."""
    try:
        hook(exchange.span, given)
    except Exception:
        _logger.exception("%s failed", getattr(hook, "__qualname__", hook))
