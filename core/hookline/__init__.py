"""Hookline: an asynchronous HTTP client in which every behaviour is a plugin."""

from __future__ import annotations

from typing import Any

from .client import HttpClient
from .content import Decoder
from .declarations import Attribute, Credential, DefaultHeader, Option, Scheme
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
from .fields import field_octets
from .hookspecs import hookimpl, hookspec
from .request import HttpRequest
from .response import HttpResponse
from .route import DirectRoute, Route
from .stats import Stats
from .switch import Switch
from .timeouts import Timeout
from .tls import TLS
from .url import SplitURL, canonical_host, split_url
from .wire.connection import Connection

__version__ = "0.1.0.dev0"

__all__ = [
    "TLS",
    "Attribute",
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
    "SplitURL",
    "Stats",
    "StreamAbandoned",
    "StreamConsumedError",
    "Switch",
    "Timeout",
    "WriteTimeout",
    "canonical_host",
    "field_octets",
    "hookimpl",
    "hookspec",
    "split_url",
]


def __getattr__(name: str) -> Any:
    """Names that plugins export, imported at first use."""
    from .plugins.exports import exported

    return exported(name)
