"""The exception of this plugin."""

from __future__ import annotations

from typing import Any

from hookline import HttpRequestException


class EgressBlocked(HttpRequestException):
    """The guard denies where a request leads. Nothing was sent there, and the plugin `retry` does not send it again.

    rule: what denies it, as text: a block of addresses with its name, such as "127.0.0.0/8 (loopback)", or the entry or the
    parameter of the Guard.
    host, port: where the request, or a connection of it, leads. address: the IP address that is denied, as text; None = it was
    denied by something else.

    The message may name addresses of an internal network: do not show it to who has given the URL.

    Example: docs/guard.md#guard
    """

    is_permanent = True

    def __init__(
        self,
        message: str = "",
        *,
        rule: str = "",
        host: str = "",
        port: int = 0,
        address: str | None = None,
        request: Any = None,
        response: Any = None,
    ) -> None:
        super().__init__(message, request=request, response=response)
        self.rule = rule
        self.host = host
        self.port = port
        self.address = address
