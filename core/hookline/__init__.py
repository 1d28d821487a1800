"""Hookline: an asynchronous HTTP client in which every behaviour is a plugin."""

from __future__ import annotations

from typing import Any

from .client.client import HttpClient
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
from .exchange.request import HttpRequest
from .exchange.response import HttpResponse
from .hooks.declarations import Attribute, Body, Credential, DefaultHeader, MediaType, Option, Scheme
from .hooks.markers import hookimpl, hookspec
from .hooks.switch import Switch
from .http1.connection import Connection
from .messages.charset import check_charset
from .messages.content_decoding import Decoder
from .messages.fields import check_fields, field_octets
from .messages.request_body import Source, as_body
from .messages.timeout import Timeout
from .messages.url import SplitURL, canonical_host, split_url
from .network.route import DirectRoute, Route
from .network.stats import Stats
from .network.tls import TLS

__version__ = "0.1.0.dev0"

__all__ = [
    "TLS",
    "Attribute",
    "Body",
    "BodyNotRepeatable",
    "BodyTooLarge",
    "ClientClosed",
    "ConnectTimeout",
    "Connection",
    "ConnectionClosed",
    "ConnectionRefused",
    "Credential",
    "DNSError",
    "Decoder",
    "DecodingError",
    "DefaultHeader",
    "DirectRoute",
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
    "Option",
    "PluginError",
    "PluginTypeError",
    "PoolTimeout",
    "ProtocolError",
    "ReadTimeout",
    "RemoteProtocolError",
    "Route",
    "SSLError",
    "Scheme",
    "Source",
    "SplitURL",
    "Stats",
    "StreamAbandoned",
    "StreamConsumedError",
    "Switch",
    "Timeout",
    "WriteTimeout",
    "as_body",
    "canonical_host",
    "check_charset",
    "check_fields",
    "field_octets",
    "form_pairs",
    "hookimpl",
    "hookspec",
    "split_url",
]


HttpClient.client_version = f"hookline/{__version__}"


def __getattr__(name: str) -> Any:
    """Import a name that an installed plugin exports, such as `hookline.Name`, when it is first used."""
    from .plugins.exports import exported

    return exported(name)
