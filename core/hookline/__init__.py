"""Hookline: an asynchronous HTTP client in which every behaviour is a plugin."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .client.attributes import ClientOption
from .client.client import HttpClient, for_each_client
from .errors import (
    BodyNotRepeatable,
    BodyTooLarge,
    ClientClosed,
    ConnectionClosed,
    ConnectionRefused,
    ConnectTimeout,
    DecodingError,
    DNSError,
    HooklineError,
    HttpConnectionError,
    HttpProxyError,
    HttpRequestException,
    HttpTimeout,
    InvalidURL,
    LocalProtocolError,
    PluginError,
    PluginTypeError,
    PoolTimeout,
    ProtocolError,
    ReadTimeout,
    RemoteProtocolError,
    SSLError,
    StreamAbandoned,
    StreamConsumedError,
    WriteTimeout,
)
from .exchange.core_bodies import form_pairs
from .exchange.origin import Origin
from .exchange.request import HttpRequest
from .exchange.response import HttpResponse
from .exchange.response_stream import ResponseStream
from .hooks.declarations import Attribute, Body, Credential, DefaultHeader, MediaType, Option, Protocol, Scheme
from .hooks.handlers import Event, ResponseEvent
from .hooks.markers import hookimpl, hookspec
from .hooks.switch import Switch
from .messages.charset import check_charset
from .messages.clean_url import SplitURL
from .messages.content_decoding import Decoder
from .messages.fields import check_fields, field_octets
from .messages.request_body import Source, as_body
from .messages.timeout import Timeout
from .messages.url import split_url
from .network.route import DirectRoute, Route
from .network.tls import TLS
from .plugins.distributions import entry_points
from .plugins.entry_point import EntryPoint
from .plugins.first_use import names_at_first_use
from .plugins.plugin_info import PluginInfo
from .wire.carrier import Carrier, ConnectionFacts

__version__ = "0.1.0"

__all__ = [
    "TLS",
    "Attribute",
    "Body",
    "BodyNotRepeatable",
    "BodyTooLarge",
    "Carrier",
    "ClientClosed",
    "ClientOption",
    "ConnectTimeout",
    "Connection",
    "ConnectionClosed",
    "ConnectionFacts",
    "ConnectionRefused",
    "Credential",
    "DNSError",
    "Decoder",
    "DecodingError",
    "DefaultHeader",
    "DirectRoute",
    "EntryPoint",
    "Event",
    "HooklineError",
    "HttpClient",
    "HttpConnectionError",
    "HttpProxyError",
    "HttpRequest",
    "HttpRequestException",
    "HttpResponse",
    "HttpTimeout",
    "InvalidURL",
    "LocalProtocolError",
    "MediaType",
    "MultiplexedConnection",
    "Option",
    "Origin",
    "PluginError",
    "PluginInfo",
    "PluginTypeError",
    "PoolTimeout",
    "Protocol",
    "ProtocolError",
    "ReadTimeout",
    "RemoteProtocolError",
    "ResponseEvent",
    "ResponseStream",
    "Route",
    "SSLError",
    "Scheme",
    "Source",
    "SplitURL",
    "Stats",
    "Stream",
    "StreamAbandoned",
    "StreamConsumedError",
    "Switch",
    "SyncHttpClient",
    "SyncHttpResponse",
    "SyncResponseStream",
    "Timeout",
    "Timings",
    "WriteTimeout",
    "as_body",
    "canonical_host",
    "check_charset",
    "check_fields",
    "entry_points",
    "field_octets",
    "for_each_client",
    "form_pairs",
    "hookimpl",
    "hookspec",
    "names_at_first_use",
    "split_url",
]


if TYPE_CHECKING:
    from .client.synchronous import SyncHttpClient, SyncHttpResponse, SyncResponseStream
    from .http1.connection import Connection
    from .messages.host import canonical_host
    from .network.stats import Stats
    from .network.timings import Timings
    from .wire.multiplexed_connection import MultiplexedConnection
    from .wire.stream import Stream

HttpClient.client_version = f"hookline/{__version__}"


_own_name = names_at_first_use(
    __name__,
    {
        "Connection": "http1.connection",
        "MultiplexedConnection": "wire.multiplexed_connection",
        "Stats": "network.stats",
        "Stream": "wire.stream",
        "SyncHttpClient": "client.synchronous",
        "SyncHttpResponse": "client.synchronous",
        "SyncResponseStream": "client.synchronous",
        "Timings": "network.timings",
        "canonical_host": "messages.host",
    },
)


if (
    not TYPE_CHECKING
):  # type checkers report an unknown name, so programs with types import these names from the plugins

    def __getattr__(name: str) -> Any:
        """Import a name when it is first used: one of few programs, or one that an installed plugin exports."""
        if name in __all__:
            return _own_name(name)
        from .plugins.exports import exported

        return exported(name)
