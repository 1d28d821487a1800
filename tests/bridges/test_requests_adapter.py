"""requests over Hookline: what reaches the server, and what a session makes of the response."""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from hookline import HttpClient, hookimpl
from hookline_bridges.requests import HooklineAdapter
from hookline_testing.server import Gate, Script, ScriptedServer, SeenRequest, chunked, head, response

LARGE = bytes(range(256)) * 8192  # 2 MiB


def test_head_is_sent_as_requests_has_prepared_it(session: requests.Session, scripted: ScriptedServer) -> None:
    scripted.always(response(b"ok"))
    session.headers.clear()
    fields = {"X-Second": "2", "hOST": "own.test", "x-first": "ä", "X-Bytes": b"\xff"}
    assert session.get(scripted.url("//a//b?q=%2F&r"), headers=fields).text == "ok"
    assert scripted.requests[0].raw == (
        b"GET //a//b?q=%2F&r HTTP/1.1\r\nX-Second: 2\r\nhOST: own.test\r\nx-first: \xe4\r\nX-Bytes: \xff\r\n\r\n"
    )


def test_connection_is_reused(session: requests.Session, scripted: ScriptedServer) -> None:
    scripted.respond(lambda seen: head(200, {"Content-Length": "2"}) + b"ok" * (seen.method == "GET"))
    for _ in range(5):
        session.get(scripted.url())
        session.get(scripted.url(), stream=True).content  # noqa: B018  # it is read
        session.head(scripted.url())
    assert scripted.connections == 1


def text_file() -> io.StringIO:
    return io.StringIO("text")


def generator() -> Iterator[bytes]:
    yield b"one"
    yield b""
    yield b"two"


@pytest.mark.parametrize(
    ("make", "body", "is_chunked"),
    [
        (lambda: b"bytes", b"bytes", False),
        (lambda: "stré", "stré".encode(), False),
        (lambda: {"a": "1 2"}, b"a=1+2", False),
        (lambda: io.BytesIO(LARGE), LARGE, False),
        (text_file, b"text", False),
        (generator, b"onetwo", True),
        (lambda: iter(["s", "tr"]), b"str", True),
    ],
    ids=["bytes", "str", "form", "file", "text-file", "generator", "iterator-of-str"],
)
def test_bodies_are_sent(
    session: requests.Session, scripted: ScriptedServer, make: Callable[[], Any], body: bytes, is_chunked: bool
) -> None:
    scripted.answer(response(b"ok"))
    assert session.post(scripted.url(), data=make()).text == "ok"
    seen = scripted.requests[0]
    assert seen.body == body
    assert (seen.header("transfer-encoding") == "chunked") is is_chunked


def test_multipart_file_is_sent(session: requests.Session, scripted: ScriptedServer, tmp_path: Path) -> None:
    scripted.answer(response(b"ok"))
    path = tmp_path / "name.bin"
    path.write_bytes(b"content")
    with path.open("rb") as file:
        session.post(scripted.url(), files={"field": file})
    assert b'filename="name.bin"\r\n\r\ncontent\r\n' in scripted.requests[0].body


def test_generator_runs_in_the_thread_of_the_caller_as_fast_as_the_server_reads(
    session: requests.Session, scripted: ScriptedServer
) -> None:
    import threading

    caller, gate, yielded = threading.get_ident(), Gate(), []

    def endless() -> Iterator[bytes]:
        for number in range(400):
            assert threading.get_ident() == caller
            yielded.append(number)
            if number == 300:
                pytest.fail("the whole body was read while the server read none of it")
            yield bytes(262_144)

    scripted.answer(Script().refuse_to_read().hold(gate))
    with pytest.raises(requests.ConnectionError):
        session.post(scripted.url(), data=endless(), timeout=(5, 0.5))
    gate.open()
    assert 0 < len(yielded) < 300


def test_exception_of_a_generator_comes_out_unchanged(session: requests.Session, scripted: ScriptedServer) -> None:
    def failing() -> Iterator[bytes]:
        yield b"one"
        raise LookupError("no more")

    scripted.always(response(b"ok"))
    with pytest.raises(LookupError, match="no more"):
        session.post(scripted.url(), data=failing())
    assert session.get(scripted.url()).text == "ok"


def test_early_answer_ends_an_upload(session: requests.Session, scripted: ScriptedServer) -> None:
    scripted.answer(response(b"too much", 413), early=True, close=True)
    got = session.post(scripted.url(), data=(bytes(65536) for _ in range(100_000)))
    assert (got.status_code, got.text) == (413, "too much")


def test_session_keeps_its_own_redirects_and_cookies(session: requests.Session, scripted: ScriptedServer) -> None:
    def answer(request: SeenRequest) -> bytes:
        if request.path == "/":
            return response(b"", 302, [("Location", "/next"), ("Set-Cookie", "a=1"), ("Set-Cookie", "b=2; Path=/")])
        return response(request.header("cookie").encode() if request.header("cookie") else b"none")

    scripted.respond(answer)
    got = session.get(scripted.url())
    assert (got.text, len(got.history), got.url) == ("a=1; b=2", 1, scripted.url("/next"))
    assert session.cookies.get_dict() == {"a": "1", "b": "2"}
    assert got.history[0].cookies.get_dict() == {"a": "1", "b": "2"}
    assert scripted.connections == 1


def test_response_is_as_requests_own_adapter_makes_it(scripted: ScriptedServer) -> None:
    fields = [("X-Multi", "1"), ("x-multi", "2"), ("Content-Type", "text/plain; charset=latin-1"), ("Empty", "")]
    scripted.always(head(299, [*fields, ("Content-Length", "1")], reason="Sonderf\xe4lle") + b"\xe4")
    ours, theirs = requests.Session(), requests.Session()
    ours.mount("http://", HooklineAdapter())
    with ours, theirs:
        made = [s.get(scripted.url("/p#f"), params={"a": "b"}, stream=True) for s in (ours, theirs)]
        for name in ("status_code", "reason", "headers", "encoding", "url", "ok", "is_redirect", "links", "text"):
            assert getattr(made[0], name) == getattr(made[1], name), name
        for name in ("status", "version", "version_string", "reason", "closed", "length_remaining", "chunked"):
            assert getattr(made[0].raw, name) == getattr(made[1].raw, name), name
        assert list(made[0].raw.headers.iteritems()) == list(made[1].raw.headers.iteritems())
        assert made[0].raw.tell() == made[1].raw.tell() == 1
        assert made[0].elapsed.total_seconds() > 0


def test_elapsed_is_the_time_to_the_head(session: requests.Session, scripted: ScriptedServer) -> None:
    gate = Gate()
    scripted.answer(Script(head(200, {"Content-Length": "2"})).hold(gate).send(b"ok"))
    times = []

    def hook(got: requests.Response, **_: object) -> None:
        times.append(got.raw.tell())
        gate.open()

    got = session.get(scripted.url(), hooks={"response": hook})  # the hook runs before the body is here
    assert (got.text, times) == ("ok", [0])


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize(
    ("coding", "encode"),
    [("gzip", gzip.compress), ("deflate", zlib.compress), ("gzip, deflate", lambda b: zlib.compress(gzip.compress(b)))],
    ids=["gzip", "deflate", "both"],
)
def test_content_codings_are_decoded(
    session: requests.Session, scripted: ScriptedServer, coding: str, encode: Callable[[bytes], bytes], stream: bool
) -> None:
    scripted.answer(response(encode(LARGE), headers={"Content-Encoding": coding}))
    got = session.get(scripted.url(), stream=stream)
    assert (b"".join(got.iter_content(1000)) if stream else got.content) == LARGE


def test_brotli_and_zstd_are_decoded(session: requests.Session, scripted: ScriptedServer) -> None:
    import brotli

    scripted.answer(response(brotli.compress(LARGE), headers={"Content-Encoding": "br"}))
    assert session.get(scripted.url()).content == LARGE


def test_coding_that_cannot_be_decoded_is_the_error_of_requests(
    session: requests.Session, scripted: ScriptedServer
) -> None:
    scripted.answer(response(b"this is no gzip", headers={"Content-Encoding": "gzip"}))
    with pytest.raises(requests.exceptions.ContentDecodingError):
        session.get(scripted.url())


def test_large_bodies_come_whole(session: requests.Session, scripted: ScriptedServer) -> None:
    scripted.answer(response(LARGE * 8), chunked(LARGE, LARGE), Script(head(200) + LARGE).close())
    assert session.get(scripted.url()).content == LARGE * 8
    assert session.get(scripted.url()).content == LARGE * 2
    assert session.get(scripted.url()).content == LARGE  # its end is that of the connection


def test_own_client_lends_its_plugins_and_keeps_out_of_what_requests_does(scripted: ScriptedServer) -> None:
    pytest.importorskip("hookline_auth", reason="it brings auth=")

    class Marks:
        name = "marks"

        @hookimpl
        def pre_request(self, response: Any) -> None:
            response.request.unredirected_headers["X-Marked"] = "1"

    scripted.answer(
        response(b"", 302, {"Location": "/next", "Set-Cookie": "a=1"}),
        response(gzip.compress(b"x"), 401, {"Content-Encoding": "gzip"}),
    )
    session = requests.Session()
    session.mount(
        "http://", HooklineAdapter(HttpClient(plugins=[Marks()], auth=("me", "secret"), headers={"X-Own": "1"}))
    )
    with session:
        got = session.get(scripted.url())
    assert (got.status_code, got.text, len(got.history)) == (401, "x", 1)
    for seen in scripted.requests:
        assert seen.header("x-marked") == "1"
        assert (seen.header("authorization"), seen.header("x-own")) == (None, None)
    assert scripted.requests[1].header("cookie") == "a=1"


def test_options_of_requests_own_adapter_are_refused_with_what_to_do(scripted: ScriptedServer) -> None:
    with pytest.raises(TypeError, match="no pool_maxsize=: pool_size= is the most connections"):
        HooklineAdapter(pool_maxsize=4)
    with pytest.raises(TypeError, match="a client or options for one, not both: timeout"):
        HooklineAdapter(HttpClient(), timeout=3)
    with pytest.raises(TypeError, match="unexpected keyword"):
        HooklineAdapter(no_such_option=1)


def test_http2_where_the_server_has_it(certificates: Any) -> None:
    pytest.importorskip("h2")
    with ScriptedServer(ssl_context=certificates.server_context(alpn=("h2", "http/1.1"))) as server:
        server.always(response(b"ok"))
        session = requests.Session()
        session.mount("https://", HooklineAdapter(http2=True))
        with session:
            got = session.post(server.url(host="localhost"), data=generator(), verify=str(certificates.ca_file))
        assert (got.text, got.raw.version) == ("ok", 20)
        assert (server.requests[0].version, server.requests[0].body) == ("2", b"onetwo")
