"""Ways to copy requests, responses and errors, and checks that a copy equals its original."""

from __future__ import annotations

import copy
import io
import pickle
import sys
from collections.abc import Callable
from typing import Any

from hookline import HttpRequest, HttpRequestException, HttpResponse


class OfCore(pickle.Unpickler):
    """An unpickler that finds only classes of Python, of core and of core's dependencies."""

    def find_class(self, module: str, name: str) -> Any:
        root = module.partition(".")[0]
        if root not in {*sys.stdlib_module_names, "__builtin__", "hookline", "httptools", "multidict"}:
            raise pickle.UnpicklingError(f"{module}.{name} is neither of Python nor of core")
        return super().find_class(module, name)


def by_pickle(protocol: int) -> Callable[[Any], Any]:
    return lambda found: pickle.loads(pickle.dumps(found, protocol))


WAYS: dict[str, Callable[[Any], Any]] = {
    "pickle0": by_pickle(0),
    "pickle2": by_pickle(2),
    "pickle5": by_pickle(5),
    "core": lambda found: OfCore(io.BytesIO(pickle.dumps(found))).load(),
    "deepcopy": copy.deepcopy,
    "copy": copy.copy,
    "twice": lambda found: pickle.loads(pickle.dumps(copy.deepcopy(pickle.loads(pickle.dumps(found))))),
}
OF_RESPONSES = (
    "status_code", "reason", "version", "ok", "url", "raw_head", "headers", "trailers", "elapsed", "timings",
    "encoding", "is_consumed", "_is_finished", "is_open",
)  # fmt: skip
OF_REQUESTS = (
    "method", "url", "target", "version", "cause", "content_type", "timeout", "stream", "max_body", "has_left_origin",
    "can_be_sent", "_can_be_repeated",
)  # fmt: skip


def outcome(call: Callable[[], Any]) -> Any:
    """Return the result of a call, or the type of the exception that it raises."""
    try:
        return call()
    except Exception as error:  # noqa: BLE001  # any exception: the copy must raise the same
        return type(error)


def assert_same_request(found: HttpRequest, wanted: HttpRequest, left_out: tuple[str, ...] = ()) -> None:
    assert isinstance(found, HttpRequest)
    assert found is not wanted
    for name in OF_REQUESTS:
        assert getattr(found, name) == getattr(wanted, name), name
    if isinstance(wanted.body, bytes) and wanted.parent is None:
        assert found.body == wanted.body
    headers = [(n, v) for n, v in wanted.headers.items() if n.lower() not in left_out]
    assert list(found.headers.items()) == headers
    assert repr(found) == repr(wanted)
    assert [r.url for r in found.history] == [r.url for r in wanted.history]


def assert_same_response(found: HttpResponse, wanted: HttpResponse, left_out: tuple[str, ...] = ()) -> None:
    assert isinstance(found, HttpResponse)
    assert found is not wanted
    for name in OF_RESPONSES:
        assert getattr(found, name) == getattr(wanted, name), name
    for read in ("content", "text", "json", "decode_content"):
        of_both = [
            outcome(lambda r=r, read=read: v() if callable(v := getattr(r, read)) else v) for r in (found, wanted)
        ]
        assert of_both[0] == of_both[1], read
    assert_same_request(found.request, wanted.request, left_out)
    assert len(found.history) == len(wanted.history)
    for one, other in zip(found.history, wanted.history, strict=True):
        assert_same_response(one, other, left_out)
    assert repr(found) == repr(wanted)


def assert_same_error(found: BaseException, wanted: BaseException) -> None:
    assert type(found) is type(wanted)
    assert found is not wanted
    assert (str(found), repr(found), found.args) == (str(wanted), repr(wanted), wanted.args)
    assert getattr(found, "__notes__", None) == getattr(wanted, "__notes__", None)
    if isinstance(wanted, HttpRequestException):
        assert isinstance(found, HttpRequestException)
        assert (found.request is None, found.response is None) == (wanted.request is None, wanted.response is None)
        if wanted.request is not None and found.request is not None:
            assert_same_request(found.request, wanted.request)
        if wanted.response is not None and found.response is not None:
            assert found.response.status_code == wanted.response.status_code
            assert (found.response.request is found.request) == (wanted.response.request is wanted.request)
