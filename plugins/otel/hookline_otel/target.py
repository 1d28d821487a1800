"""What is the same for all requests of one method to one URL: the attributes that their spans and measurements begin with."""

from __future__ import annotations

from typing import Any

from hookline import HttpRequest

from .names import (
    ERROR_TYPE,
    HTTP_REQUEST_METHOD,
    HTTP_REQUEST_METHOD_ORIGINAL,
    HTTP_RESPONSE_STATUS_CODE,
    NETWORK_PROTOCOL_VERSION,
    OTHER_METHOD,
    SERVER_ADDRESS,
    SERVER_PORT,
    URL_FULL,
)
from .redaction import redact_url
from .settings import Settings

MAX_TARGETS = 1024  # of one plugin object, and as many sets of attributes of measurements
Attributes = dict[str, Any]


class Target:
    """A method and a URL.

    url: as it was asked for. is_excluded: are requests to it not recorded?
    name, attributes: of the spans of its exchanges. call_name, call_attributes: of the spans of its calls.
    """

    __slots__ = ("attributes", "call_attributes", "call_name", "is_excluded", "method", "name", "origin", "url")

    def __init__(self, request: HttpRequest, settings: Settings) -> None:
        method, self.url, self.origin = request.method, request.url, request.origin
        is_known = method in settings.known_methods
        self.method = method if is_known else OTHER_METHOD
        self.name = method if is_known else "HTTP"
        self.call_name = f"call {self.name}"
        self.call_attributes: Attributes = {
            HTTP_REQUEST_METHOD: self.method,
            SERVER_ADDRESS: self.origin.host,
            SERVER_PORT: self.origin.port,
        }
        self.attributes: Attributes = {
            **self.call_attributes,
            URL_FULL: redact_url(self.url, settings.kept_query_parameters),
        }
        if not is_known:
            self.attributes[HTTP_REQUEST_METHOD_ORIGINAL] = method
        self.is_excluded = settings.excludes is not None and settings.excludes(self.url) is not None


class Targets:
    """The targets of the requests of one plugin object, and the attributes of their measurements. Each is made once."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._targets: dict[tuple[str, str], Target] = {}
        self._of_measurements: dict[tuple[Any, ...], Attributes] = {}

    def of(self, request: HttpRequest) -> Target:
        """Return the target of a request."""
        key = request.method, request.url
        found = self._targets.get(key)
        if found is None:
            if len(self._targets) >= MAX_TARGETS:
                self._targets.clear()
            found = self._targets[key] = Target(request, self._settings)
        return found

    def of_measurement(self, target: Target, status: int, version: str, error: str) -> Attributes:
        """Return the attributes of a measurement. status: 0 = no response came. version, error: "" = none is known."""
        key = target.method, target.origin.key, status, version, error
        found = self._of_measurements.get(key)
        if found is None:
            if len(self._of_measurements) >= MAX_TARGETS:
                self._of_measurements.clear()
            found = {**target.call_attributes, **outcome_attributes(status, version, error)}
            self._of_measurements[key] = found
        return found


def outcome_attributes(status: int, version: str, error: str) -> Attributes:
    """Return the attributes that say how an exchange ended; the parameters are those of `Targets.of_measurement`."""
    found: Attributes = {}
    if status:
        found[HTTP_RESPONSE_STATUS_CODE] = status
    if version:
        found[NETWORK_PROTOCOL_VERSION] = version
    if error:
        found[ERROR_TYPE] = error
    return found
