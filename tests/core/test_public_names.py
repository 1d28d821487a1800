"""What users see of requests and responses is a small, listed and documented set of names."""

from __future__ import annotations

import inspect

import pytest

import hookline
from hookline import HttpClient, HttpRequest, HttpResponse
from hookline.exchange.core_options import CORE_OPTIONS

OPTIONS = {option.name for option in CORE_OPTIONS}

RESPONSE = {
    # the exchange
    "request", "url", "history", "elapsed", "timings",
    # the head
    "status_code", "reason", "ok", "raise_for_status", "version", "headers", "has", "info", "raw_head",
    # the body
    "content", "text", "json", "encoding", "decode_content", "recv_body", "trailers", "raw_trailers",
    # the body as a stream
    "raw", "is_open", "is_consumed", "was_handed_out", "was_sent", "close", "aclose",
    # for handlers and plugins
    "event", "notes", "answer", "build", "connect", "connection", "detach", "add_decoder", "buffer", "is_buffered",
    "drop_connection", "wrap_upload", "fail", "is_built", "is_stored", "record_timings",
}  # fmt: skip

REQUEST = {
    # where it goes
    "client", "method", "url", "origin", "origin_form", "userinfo", "target", "route", "has_route", "ssl", "configuration",
    # fields
    "headers", "unredirected_headers", "has_header", "gave_header", "fields_as_sent", "get_header", "remove_header",
    # the body
    "body", "content_type", "can_be_sent", "digest", "hold_body", "gate", "encode",
    # its call, and follow-ups
    "cause", "parent", "deadline", "history", "has_left_origin", "copy", "follow", "owner", "is_overruled",
}  # fmt: skip

CLASSES = pytest.mark.parametrize(
    ("cls", "names", "most"), [(HttpResponse, RESPONSE, 45), (HttpRequest, REQUEST, 40)], ids=["response", "request"]
)


def public(found: object) -> set[str]:
    return {name for name in dir(found) if not name.startswith("_")}


@CLASSES
def test_public_names_are_those_that_are_listed(cls: type, names: set[str], most: int) -> None:
    assert public(cls) == names
    assert len(names) <= most


@CLASSES
def test_each_public_name_is_documented(cls: type, names: set[str], most: int) -> None:
    text = inspect.getdoc(cls) or ""
    for name in names:
        member = inspect.getattr_static(cls, name)
        stated = f"\n{name}: " in text
        if isinstance(member, (property, classmethod)) or inspect.isfunction(member):
            assert inspect.getdoc(member), f"{cls.__name__}.{name} has no docstring"
            assert not stated, f"{cls.__name__}.{name} is described twice"
        else:
            assert stated, f"the docstring of {cls.__name__} does not describe {name}"


def test_request_describes_the_options_of_core() -> None:
    text = inspect.getdoc(HttpRequest) or ""
    of_requests = {option.name for option in CORE_OPTIONS if option.request}
    assert {name for name in of_requests if f"\n{name}: " not in text} == set()


async def test_classes_of_a_client_add_options_alone() -> None:
    async with HttpClient(autoload=False) as client:
        request = client.new_request("GET", "http://127.0.0.1/", cause="test")
        response = HttpResponse.build(request, 200)
    assert public(request) - OPTIONS == REQUEST
    assert public(response) == RESPONSE


def test_help_shows_no_engine_member() -> None:
    """`help` hides names with an underscore; what the engine needs from the base class has one."""
    base = HttpResponse.__mro__[1]
    assert public(base) <= RESPONSE
    assert base.__name__ not in hookline.__all__
