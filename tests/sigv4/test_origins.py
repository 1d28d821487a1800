"""Each hop is signed anew, and no signature reaches another origin."""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Iterator
from email.utils import formatdate
from typing import Any

import pytest

from hookline import HttpClient, Source
from hookline_sigv4 import SigV4
from hookline_testing.server import Script, ScriptedServer, response
from kit.sigv4 import ACCESS_KEY, SECRET_KEY, TOKEN, Clock

pytestmark = pytest.mark.protocols("HTTP/1.1", "HTTP/2")

Make = Callable[..., ScriptedServer]


def auth_of(service: str = "s3", **options: Any) -> SigV4:
    return SigV4(service, "us-east-1", (ACCESS_KEY, SECRET_KEY, TOKEN), **options)


def moved(location: str, status: int) -> bytes:
    return response(b"", status, [("Location", location)])


def is_signed(request: Any) -> bool:
    return any(word in request.raw.lower() for word in (b"aws4-hmac", b"x-amz-", ACCESS_KEY.lower().encode()))


class Ticking(Clock):
    """Each look at it is a second later."""

    def __call__(self) -> float:
        self.now += 1
        return self.now


# -- redirects


@pytest.mark.parametrize("status", [302, 307])
async def test_each_hop_is_signed_anew(scripted: ScriptedServer, status: int) -> None:
    pytest.importorskip("hookline_redirects", reason="these follow redirects")
    scripted.answer(moved("/b/c?x=1", status), response())
    async with HttpClient() as client:
        await client.post(scripted.url("/a"), data=b"body", auth=auth_of(clock=Ticking()))
    first, second = scripted.requests
    assert first.header("authorization") != second.header("authorization")
    assert first.header("x-amz-date") < second.header("x-amz-date")
    assert len(second.header_values("authorization")) == len(second.header_values("x-amz-date")) == 1
    assert second.body == (b"body" if status == 307 else b"")


@pytest.mark.parametrize("status", [302, 307])
@pytest.mark.parametrize("how", ["client", "call"])
@pytest.mark.parametrize("payload", ["signed", "streamed"])
async def test_redirect_to_another_origin_gets_none(make_scripted: Make, status: int, how: str, payload: str) -> None:
    pytest.importorskip("hookline_redirects", reason="these follow redirects")
    own, other = make_scripted(), make_scripted()
    own.answer(moved("/same", 307), moved(other.url("/there"), status), response(b"back"))
    other.answer(moved(own.url("/back"), status))
    auth: Any = auth_of(payload=payload)
    fields = {"X-Amz-Security-Token": "of the user"}
    async with HttpClient(**({"auth": auth} if how == "client" else {})) as client:
        given = {"auth": auth} if how == "call" else {}
        answer = await client.post(own.url("/"), data=b"body", **given)
        assert answer.content == b"back"
        own.answer(moved(other.url("/token"), 307))
        other.answer(response())
        await client.get(own.url("/"), headers=fields)
    assert is_signed(own.requests[0])
    assert is_signed(own.requests[1])
    assert not is_signed(other.requests[0])
    assert not is_signed(own.requests[2]), "a chain that left the origin does not get them back"
    assert not is_signed(other.requests[1])
    if status == 307:
        assert other.requests[0].body == own.requests[2].body == b"body"
        assert other.requests[0].header("content-encoding") is None


async def test_streamed_body_is_sent_again_in_new_chunks(scripted: ScriptedServer) -> None:
    pytest.importorskip("hookline_redirects", reason="these follow redirects")
    scripted.answer(moved("/b", 307), response())
    async with HttpClient() as client:
        await client.put(scripted.url("/a"), data=io.BytesIO(b"x" * 9000), auth=auth_of(clock=Ticking()))
    first, second = scripted.requests
    assert len(first.body) == len(second.body)
    assert first.body != second.body
    assert second.header("content-encoding") == "aws-chunked"
    assert second.header("x-amz-decoded-content-length") == "9000"


# -- sent again


async def test_retry_is_signed_anew(scripted: ScriptedServer) -> None:
    pytest.importorskip("hookline_retry", reason="this retries")
    scripted.answer(response(b"", 503, [("Retry-After", "0")]), response())
    async with HttpClient(plugins=["retry"], retry=1) as client:
        answer = await client.put(scripted.url("/a"), data=io.BytesIO(b"x"), auth=auth_of(clock=Ticking()))
    assert answer.status_code == 200
    first, second = scripted.requests
    assert first.header("x-amz-date") < second.header("x-amz-date")
    assert first.header("authorization") != second.header("authorization")


@pytest.mark.protocols("HTTP/1.1")
async def test_request_that_core_sends_again_is_the_same(signer: HttpClient, scripted: ScriptedServer) -> None:
    """The connection was closed before the request came: the server has not seen it, so it may see this signature."""
    scripted.answer(response(), Script().drop(), response())

    class Repeatable:
        def __iter__(self) -> Iterator[bytes]:
            return iter([b"abc"])

    await signer.get(scripted.url("/a"))
    await signer.put(scripted.url("/a"), data=Source(Repeatable(), 3), auth=auth_of(clock=Ticking()))
    dropped, again = scripted.requests[1:]
    assert dropped.header("authorization") == again.header("authorization")
    assert again.body.startswith(b"3;chunk-signature=")


# -- the clock


@pytest.fixture
def tls(make_scripted: Make, certificates: Any) -> ScriptedServer:
    return make_scripted(ssl_context=certificates.server_context())


@pytest.fixture
async def trusting(certificates: Any) -> Any:
    async with HttpClient(autoload=False, plugins=["sigv4"], verify=str(certificates.ca_file), timeout=20) as client:
        yield client


def refusal(seconds: float, status: int = 403) -> bytes:
    return response(b"<Code>RequestTimeTooSkewed</Code>", status, [("Date", formatdate(seconds, usegmt=True))])


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("status", [400, 403])
async def test_wrong_clock_is_set_once(
    trusting: HttpClient, tls: ScriptedServer, clock: Clock, stream: bool, status: int
) -> None:
    tls.answer(refusal(clock.now - 3600, status), response(b"first"), response(b"second"))
    auth = auth_of(clock=clock)
    first = await trusting.put(tls.url("/a"), data=b"x", auth=auth, stream=stream)
    assert await first.raw.read() == b"first"
    assert [hop.status_code for hop in first.history] == [status]
    assert (await trusting.get(tls.url("/a"), auth=auth)).text == "second"
    assert [request.header("x-amz-date") for request in tls.requests] == [
        "20270115T080000Z", "20270115T070000Z", "20270115T070000Z",
    ]  # fmt: skip


async def test_refusal_for_another_reason_is_the_answer(
    trusting: HttpClient, tls: ScriptedServer, clock: Clock
) -> None:
    for date in (clock.now - 200, clock.now + 200):
        tls.answer(refusal(date))
        assert (await trusting.get(tls.url("/a"), auth=auth_of(clock=clock))).status_code == 403
    tls.answer(response(b"", 403, [("Date", "yesterday")]))
    assert (await trusting.get(tls.url("/a"), auth=auth_of(clock=clock))).status_code == 403
    assert len(tls.requests) == 3


async def test_clock_is_set_at_most_once_in_a_call(trusting: HttpClient, tls: ScriptedServer, clock: Clock) -> None:
    tls.answer(refusal(clock.now - 3600), refusal(clock.now + 3600))
    assert (await trusting.get(tls.url("/a"), auth=auth_of(clock=clock))).status_code == 403
    assert len(tls.requests) == 2


async def test_clock_is_not_set_without_tls(signer: HttpClient, scripted: ScriptedServer, clock: Clock) -> None:
    scripted.answer(refusal(clock.now + 3600))
    assert (await signer.get(scripted.url("/a"), auth=auth_of(clock=clock))).status_code == 403
    assert len(scripted.requests) == 1


async def test_body_that_cannot_be_sent_again_is_not(trusting: HttpClient, tls: ScriptedServer, clock: Clock) -> None:
    tls.answer(refusal(clock.now - 3600))
    auth = auth_of(clock=clock, payload="unsigned")
    assert (await trusting.put(tls.url("/a"), data=iter([b"x"]), auth=auth)).status_code == 403
    assert len(tls.requests) == 1


# -- beside other values


async def test_field_of_the_user_takes_precedence_over_the_client(scripted: ScriptedServer) -> None:
    scripted.always(response())
    async with HttpClient(autoload=False, plugins=["sigv4"], auth=auth_of()) as client:
        await client.get(scripted.url(), headers={"Authorization": "mine"})
        await client.get(scripted.url(), headers={"Authorization": "mine"}, auth=auth_of())
        await client.get(scripted.url(), auth=None)
    fields = [request.header("authorization") for request in scripted.requests]
    assert [(field or "none")[:4] for field in fields] == ["mine", "AWS4", "none"]


async def test_signature_is_made_after_cookies(scripted: ScriptedServer) -> None:
    pytest.importorskip("hookline_cookies", reason="this sends a cookie")
    scripted.answer(response())
    async with HttpClient() as client:
        await client.get(scripted.url(), cookies={"a": "1"}, auth=auth_of(signed_headers=["Cookie"]))
    assert "SignedHeaders=cookie;host;" in (scripted.requests[0].header("authorization") or "")


async def test_time_is_that_of_the_sending(signer: HttpClient, scripted: ScriptedServer) -> None:
    scripted.answer(response())
    await signer.get(scripted.url(), auth=auth_of())
    date = time.strptime(scripted.requests[0].header("x-amz-date") or "", "%Y%m%dT%H%M%SZ")
    assert abs(time.time() - time.mktime(date) + time.timezone) < 30


@pytest.mark.protocols("HTTP/1.1")
async def test_proxy_gets_the_absolute_form(scripted: ScriptedServer, clock: Clock) -> None:
    pytest.importorskip("hookline_tunnel", reason="this uses a proxy")
    scripted.always(response())
    async with HttpClient() as client:
        for name in ("a b", "a%20b"):
            await client.get(
                f"http://bucket.test/{name}?x=a+b", auth=auth_of(clock=clock), proxies={"http": scripted.url()}
            )
    assert {request.target for request in scripted.requests} == {"http://bucket.test/a%20b?x=a%20b"}
    assert len({request.header("authorization") for request in scripted.requests}) == 1
