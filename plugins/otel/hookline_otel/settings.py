"""The settings of the plugin: what the program gives, else what the environment variables say."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable
from typing import Any

from hookline import HttpRequest, HttpResponse

from .names import KNOWN_METHODS

RequestHook = Callable[[Any, HttpRequest], None]
ResponseHook = Callable[[Any, HttpResponse[Any, Any]], None]

_CAPTURE = "OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_"


class Settings:
    """What is recorded, and what is not.

    request_hook, response_hook: functions of the user; None = none.
    excludes: `search` of an expression that finds the URLs that are not recorded; None = all are.
    kept_query_parameters: the names of the parameters of queries whose values are recorded.
    request_fields, response_fields: `fullmatch` of an expression for the names of the fields that are recorded; None = none.
    sanitizes: `search` of an expression for the names of fields whose values are redacted; None = those of credentials alone.
    known_methods: the methods that are recorded by name.
    """

    def __init__(
        self,
        request_hook: RequestHook | None,
        response_hook: ResponseHook | None,
        excluded_urls: str | Iterable[str] | None,
        kept_query_parameters: Iterable[str],
        captured_request_headers: Iterable[str] | None,
        captured_response_headers: Iterable[str] | None,
        sanitized_headers: Iterable[str] | None,
    ) -> None:
        """Check the settings. None stands for the environment variables.

        Raises: TypeError; ValueError, for an expression that is none.
        """
        for name, hook in (("request_hook", request_hook), ("response_hook", response_hook)):
            if hook is not None and not callable(hook):
                raise TypeError(f"{name}= takes a function, not {type(hook).__name__}")
        if isinstance(kept_query_parameters, str):
            raise TypeError("kept_query_parameters= takes a list of names, not str")
        self.request_hook, self.response_hook = request_hook, response_hook
        self.kept_query_parameters = frozenset(kept_query_parameters)
        excluded = os.environ.get("OTEL_PYTHON_HOOKLINE_EXCLUDED_URLS", os.environ.get("OTEL_PYTHON_EXCLUDED_URLS"))
        pattern = one_of("excluded_urls", excluded_urls, excluded)
        self.excludes = None if pattern is None else pattern.search
        pattern = one_of("captured_request_headers", captured_request_headers, of_environment("CLIENT_REQUEST"))
        self.request_fields = None if pattern is None else pattern.fullmatch
        pattern = one_of("captured_response_headers", captured_response_headers, of_environment("CLIENT_RESPONSE"))
        self.response_fields = None if pattern is None else pattern.fullmatch
        pattern = one_of("sanitized_headers", sanitized_headers, of_environment("SANITIZE_FIELDS"))
        self.sanitizes = None if pattern is None else pattern.search
        methods = os.environ.get("OTEL_INSTRUMENTATION_HTTP_KNOWN_METHODS")
        self.known_methods = KNOWN_METHODS if methods is None else frozenset(texts_of("", methods))


def of_environment(name: str) -> str | None:
    """Return what an environment variable about captured fields says; None = it is not set."""
    return os.environ.get(_CAPTURE + name)


def texts_of(name: str, value: str | Iterable[str]) -> list[str]:
    """Return the texts of a list, or of a str in which commas separate them; empty ones are left out.

    Raises: TypeError.
    """
    texts = value.split(",") if isinstance(value, str) else list(value)
    if not all(isinstance(text, str) for text in texts):
        raise TypeError(f"{name}= takes regular expressions, as a list of str or with commas between them")
    return [text.strip() for text in texts if text.strip()]


def one_of(name: str, given: str | Iterable[str] | None, of_variable: str | None) -> re.Pattern[str] | None:
    """Return an expression that matches what one of several does; None if there are none.

    given: the expressions; None = those of the environment variable.

    Raises: TypeError; ValueError.
    """
    value = of_variable if given is None else given
    found = [] if value is None else texts_of(name, value)
    try:
        return re.compile("|".join(found), re.IGNORECASE if name != "excluded_urls" else 0) if found else None
    except re.error as error:
        raise ValueError(f"{name}: {'|'.join(found)!r} is no regular expression: {error}") from error
