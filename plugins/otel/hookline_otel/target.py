"""What is the same for all requests of one method to one URL: the attributes that their spans and measurements begin with."""

from __future__ import annotations

from typing import Any

from hookline import HttpRequest

from .names import (
    ERROR_TYPE,
    HTTP_REQUEST_METHOD,
    HTTP_REQUEST_METHOD_ORIGINAL,
    HTTP_RESPONSE_STATUS_CODE,
    NETWORK_PEER_ADDRESS,
    NETWORK_PEER_PORT,
    NETWORK_PROTOCOL_VERSION,
    OTHER_METHOD,
    SERVER_ADDRESS,
    SERVER_PORT,
    URL_FULL,
)
from .redaction import redact_url
from .settings import Settings

MAX_TARGETS = 1024  # of one plugin object
MAX_OUTCOMES = 32  # of one target
Attributes = dict[str, Any]
Peer = tuple[str, int]  # an IP address and a port, or the path of a unix socket and 0


class Target:
    """A method and a URL.

    is_excluded: are requests to it not recorded?
    name, attributes: of the spans of its exchanges. call_name, call_attributes: of the spans of its calls.
    """

    __slots__ = (
        "_measured", "_outcomes", "attributes", "call_attributes", "call_name", "is_excluded", "name",
    )  # fmt: skip

    def __init__(self, request: HttpRequest, settings: Settings) -> None:
        method, url, origin = request.method, request.url, request.origin
        is_known = method in settings.known_methods
        self.name = method if is_known else "HTTP"
        self.call_name = f"call {self.name}"
        self.call_attributes: Attributes = {
            HTTP_REQUEST_METHOD: method if is_known else OTHER_METHOD,
            SERVER_ADDRESS: origin.host,
            SERVER_PORT: origin.port,
        }
        self.attributes: Attributes = {
            **self.call_attributes,
            URL_FULL: redact_url(url, settings.kept_query_parameters),
        }
        if not is_known:
            self.attributes[HTTP_REQUEST_METHOD_ORIGINAL] = method
        self.is_excluded = settings.excludes is not None and settings.excludes(url) is not None
        self._measured: dict[tuple[int, str, str], Attributes] = {}
        self._outcomes: dict[tuple[int, str, str, Peer | None], Attributes] = {}

    def measured(self, status: int, version: str, error: str) -> Attributes:
        """Return the attributes of a measurement. status: 0 = no response came. version, error: "" = none is known."""
        found = self._measured.get((status, version, error))
        if found is None:
            if len(self._measured) >= MAX_OUTCOMES:
                self._measured.clear()
            found = {**self.call_attributes, **outcome_attributes(status, version, error)}
            self._measured[status, version, error] = found
        return found

    def outcome(self, status: int, version: str, error: str, peer: Peer | None) -> Attributes:
        """Return the attributes that a span gets at its end. peer: None = it is not known; the others as for `measured`."""
        key = status, version, error, peer
        found = self._outcomes.get(key)
        if found is None:
            if len(self._outcomes) >= MAX_OUTCOMES:
                self._outcomes.clear()
            found = self._outcomes[key] = outcome_attributes(status, version, error)
            if peer is not None:
                found[NETWORK_PEER_ADDRESS] = peer[0]
                if peer[1]:
                    found[NETWORK_PEER_PORT] = peer[1]
        return found


class Targets:
    """The targets of the requests of one plugin object. Each is made once, as long as there are not too many."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._targets: dict[tuple[str, str], Target] = {}

    def of(self, request: HttpRequest) -> Target:
        """Return the target of a request."""
        key = request.method, request.url
        found = self._targets.get(key)
        if found is None:
            if len(self._targets) >= MAX_TARGETS:
                self._targets.clear()
            found = self._targets[key] = Target(request, self._settings)
        return found


def outcome_attributes(status: int, version: str, error: str) -> Attributes:
    """Return the attributes that say how an exchange ended; the parameters are those of `Target.measured`."""
    found: Attributes = {}
    if status:
        found[HTTP_RESPONSE_STATUS_CODE] = status
    if version:
        found[NETWORK_PROTOCOL_VERSION] = version
    if error:
        found[ERROR_TYPE] = error
    return found
