"""Errors of requests over Hookline: the same classes as with requests' own adapter, with Hookline's own as their cause."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any

import pytest
import requests
import requests.exceptions as theirs
import urllib3.exceptions
from urllib3.util import Timeout as Urllib3Timeout
from urllib3.util.retry import Retry

import hookline
from hookline_bridges.requests import HooklineAdapter
from hookline_testing.server import Script, ScriptedServer, head, response
from servers.addresses import black_hole, refused_port


def chain(error: BaseException | None) -> list[type[BaseException]]:
    """The classes of an exception and of its causes."""
    found = []
    while error is not None:
        found.append(type(error))
        error = error.__cause__
    return found


def test_refused_connection(session: requests.Session) -> None:
    with refused_port() as port, pytest.raises(theirs.ConnectionError, match=f"port={port}") as caught:
        session.get(f"http://127.0.0.1:{port}/path?key=secret")
    assert chain(caught.value)[:4] == [
        theirs.ConnectionError, urllib3.exceptions.MaxRetryError, urllib3.exceptions.NewConnectionError,
        hookline.ConnectionRefused,
    ]  # fmt: skip
    assert "secret" not in str(caught.value)
    assert caught.value.request.url == f"http://127.0.0.1:{port}/path?key=secret"
    assert type(pickle.loads(pickle.dumps(caught.value))) is theirs.ConnectionError


def test_unknown_host(session: requests.Session) -> None:
    with pytest.raises(theirs.ConnectionError, match=r"Failed to resolve 'no-such-host\.invalid'") as caught:
        session.get("http://no-such-host.invalid/")
    assert isinstance(caught.value.args[0].reason, urllib3.exceptions.NameResolutionError)
    assert hookline.DNSError in chain(caught.value)


@pytest.mark.parametrize(
    "timeout",
    [(0.1, None), (0.1, 30), 0.1, Urllib3Timeout(connect=0.1), Urllib3Timeout(total=0.1)],
    ids=["connect", "pair", "number", "urllib3", "total"],
)
def test_connect_timeout(session: requests.Session, timeout: Any) -> None:
    with black_hole() as port, pytest.raises(theirs.ConnectTimeout, match="timed out") as caught:
        session.get(f"http://127.0.0.1:{port}/", timeout=timeout)
    assert issubclass(chain(caught.value)[-1], hookline.HttpTimeout)


@pytest.mark.parametrize(
    "timeout",
    [(None, 0.1), 0.1, Urllib3Timeout(read=0.1), Urllib3Timeout(total=0.1)],
    ids=["read", "number", "urllib3", "total"],
)
def test_read_timeout(session: requests.Session, scripted: ScriptedServer, timeout: Any) -> None:
    scripted.answer(Script().stall())
    with pytest.raises(theirs.ReadTimeout, match="Read timed out") as caught:
        session.get(scripted.url(), timeout=timeout)
    assert issubclass(chain(caught.value)[-1], hookline.HttpTimeout)
    scripted.wait_for(closed=1)


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_read_timeout_amid_a_body_is_a_connection_error(
    session: requests.Session, scripted: ScriptedServer, stream: bool
) -> None:
    scripted.answer(Script(head(200, {"Content-Length": "100"}) + b"some").stall())
    with pytest.raises(theirs.ConnectionError, match="Read timed out"):
        session.get(scripted.url(), timeout=0.2, stream=stream).content  # noqa: B018  # it is read


@pytest.mark.parametrize("timeout", [None, (None, None), Urllib3Timeout(), 30, (30, 30.5)], ids=str)
def test_timeouts_that_do_not_pass(session: requests.Session, scripted: ScriptedServer, timeout: Any) -> None:
    scripted.answer(response(b"ok"))
    assert session.get(scripted.url(), timeout=timeout).text == "ok"


@pytest.mark.parametrize("timeout", [(1, 2, 3), 0, -1, "1", True, (True, 1), [1, 2]], ids=repr)
def test_wrong_timeouts_are_refused(session: requests.Session, timeout: Any) -> None:
    with pytest.raises((ValueError, TypeError), match=r"imeout|int, float or None"):
        session.get("http://127.0.0.1:1/", timeout=timeout)


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (Script().close(), hookline.ConnectionClosed),
        (Script().reset(), hookline.HttpConnectionError),
        (b"SSH-2.0-OpenSSH\r\n\r\n", hookline.RemoteProtocolError),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", hookline.RemoteProtocolError),
    ],
    ids=["closed", "reset", "no-http", "two-lengths"],
)
def test_server_that_gives_no_response(
    session: requests.Session, scripted: ScriptedServer, answer: Any, kind: type[Exception]
) -> None:
    scripted.always(answer)
    with pytest.raises(theirs.ConnectionError, match="Connection aborted") as caught:
        session.post(scripted.url(), data=b"x")
    assert any(issubclass(each, kind) for each in chain(caught.value))


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize(
    "answer",
    [
        Script(head(200, {"Content-Length": "100"}) + b"some").close(),
        Script(head(200, {"Content-Length": "100"}) + b"some").reset(),
        Script(head(200, {"Transfer-Encoding": "chunked"}) + b"4\r\nsome\r\n").close(),
        Script(head(200, {"Transfer-Encoding": "chunked"}) + b"4\r\nsome\r\nzz\r\n").stall(),
    ],
    ids=["cut", "reset", "cut-chunked", "no-chunk"],
)
def test_body_that_is_cut_is_a_chunked_encoding_error(
    session: requests.Session, scripted: ScriptedServer, answer: Any, stream: bool
) -> None:
    scripted.always(answer)
    with pytest.raises(theirs.ChunkedEncodingError, match="Connection broken") as caught:
        session.get(scripted.url(), stream=stream).content  # noqa: B018  # it is read
    inner = caught.value.args[0]
    assert isinstance(inner, urllib3.exceptions.ProtocolError)
    assert isinstance(inner.__cause__, hookline.HttpRequestException)
    scripted.wait_for(closed=1)


def test_connection_is_usable_after_errors(session: requests.Session, scripted: ScriptedServer) -> None:
    scripted.answer(Script().close(), response(b"ok"))
    with pytest.raises(theirs.ConnectionError):
        session.post(scripted.url())
    assert session.get(scripted.url()).text == "ok"


@pytest.mark.parametrize(
    ("mutate", "kind"),
    [
        (lambda prepared: setattr(prepared, "url", "http://"), theirs.InvalidURL),
        (lambda prepared: setattr(prepared, "url", "http://ex ample/"), theirs.InvalidURL),
        (lambda prepared: prepared.headers.update({"X-A": "1\r\nX-B: 2"}), theirs.InvalidHeader),
        (lambda prepared: prepared.headers.update({"X-A": "\u2603"}), theirs.InvalidHeader),
    ],
    ids=["no-host", "space", "injection", "snowman"],
)
def test_what_cannot_be_sent(session: requests.Session, mutate: Callable[[Any], Any], kind: type[Exception]) -> None:
    prepared = session.prepare_request(requests.Request("GET", "http://127.0.0.1:1/"))
    mutate(prepared)
    with pytest.raises(kind):
        session.send(prepared)


def test_errors_show_no_secret(session: requests.Session, scripted: ScriptedServer) -> None:
    scripted.answer(Script().close())
    with pytest.raises(theirs.ConnectionError) as caught:
        session.post(scripted.url("/?token=hunter2"), auth=("me", "hunter2"), headers={"X-Api-Key": "hunter2"})
    error: BaseException | None = caught.value
    while error is not None:
        assert "hunter2" not in str(error) + repr(error)
        error = error.__cause__


# -- max_retries


def retrying(**options: Any) -> requests.Session:
    session = requests.Session()
    session.mount("http://", HooklineAdapter(max_retries=Retry(**options)))
    return session


def test_status_is_sent_for_again_as_retry_says(scripted: ScriptedServer) -> None:
    scripted.answer(response(status=503), response(status=503), response(b"ok"))
    with retrying(total=3, status_forcelist=[503]) as session:
        got = session.get(scripted.url())
    assert (got.text, [entry.status for entry in got.raw.retries.history]) == ("ok", [503, 503])
    assert scripted.connections == 1


def test_too_many_retries_are_a_retry_error(scripted: ScriptedServer) -> None:
    scripted.always(response(status=503))
    with retrying(total=2, status_forcelist=[503]) as session, pytest.raises(theirs.RetryError, match="too many 503"):
        session.get(scripted.url())
    assert len(scripted.requests) == 3
    with retrying(total=2, status_forcelist=[503], raise_on_status=False) as session:
        assert session.get(scripted.url()).status_code == 503


def test_retry_after_is_heeded(scripted: ScriptedServer) -> None:
    scripted.answer(response(status=429, headers={"Retry-After": "0"}), response(b"ok"))
    with retrying(total=1) as session:
        assert session.get(scripted.url()).text == "ok"


def test_number_of_retries_is_for_connections_alone(scripted: ScriptedServer) -> None:
    session = requests.Session()
    session.mount("http://", HooklineAdapter(max_retries=2))
    scripted.answer(response(status=503))
    assert session.get(scripted.url()).status_code == 503
    with refused_port() as port, pytest.raises(theirs.ConnectionError, match="Max retries exceeded"):
        session.get(f"http://127.0.0.1:{port}/")
    session.close()


def test_file_is_sent_again_from_where_it_stood(scripted: ScriptedServer, tmp_path: Any) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"0123456789")
    scripted.answer(response(status=503), response(b"ok"))
    with path.open("rb") as file, retrying(total=1, status_forcelist=[503], allowed_methods=None) as session:
        file.seek(3)
        session.post(scripted.url(), data=file)
    assert [seen.body for seen in scripted.requests] == [b"3456789", b"3456789"]


def test_generator_is_not_sent_again(scripted: ScriptedServer) -> None:
    scripted.answer(response(status=503))
    with (
        retrying(total=1, status_forcelist=[503], allowed_methods=None) as session,
        pytest.raises(theirs.UnrewindableBodyError),
    ):
        session.post(scripted.url(), data=(piece for piece in (b"a", b"b")))
    assert len(scripted.requests) == 1


def test_stale_connection_is_replaced(session: requests.Session, scripted: ScriptedServer) -> None:
    """A server that closes an idle connection: the next request goes over a new one."""
    scripted.answer(response(b"one"), close=True)
    session.get(scripted.url())
    scripted.wait_for(closed=1)
    scripted.answer(response(b"two"))
    assert session.post(scripted.url(), data=b"x").text == "two"


def test_listener_without_an_answer_is_a_timeout_of_the_whole(session: requests.Session) -> None:
    """A slow server gets no more time by sending a byte at a time, if urllib3's Timeout has a total."""
    with ScriptedServer() as server:
        server.answer(Script().drip(response(b"x" * 100), interval=0.05))
        with pytest.raises((theirs.ReadTimeout, theirs.ConnectionError)):
            session.get(server.url(), timeout=Urllib3Timeout(total=0.3))
        server.stop()
