"""`timings=True`: when each step of an exchange was over; and `elapsed`, which is always there."""

import asyncio
from datetime import timedelta

import pytest

from hookline import ConnectionClosed, HttpClient
from hookline_testing.server import Script, chunked, head, response

pytestmark = pytest.mark.protocols("HTTP/1.1", "HTTP/2")

STEPS = ("queued", "dns", "connect", "tls", "sent", "first_byte", "done")


def taken(timings):
    """The steps that were taken."""
    return [step for step in STEPS if getattr(timings, step) is not None]


def in_order(timings):
    moments = [getattr(timings, step) for step in taken(timings)]
    return moments == sorted(moments) and moments[0] >= 0


@pytest.mark.parametrize("scope", ["client", "call"])
@pytest.mark.parametrize("stream", [False, True])
async def test_steps_are_those_that_were_taken(scripted, scope, stream):
    scripted.always(response(b"fine"))
    given = {"timings": True}
    async with HttpClient(autoload=False, **(given if scope == "client" else {})) as client:
        options = {"stream": stream} | (given if scope == "call" else {})
        url = scripted.url()
        first = await client.get(url, **options)
        await first.raw.read()
        assert taken(first.timings) == ["queued", "connect", "sent", "first_byte", "done"]
        second = await client.get(url, **options)
        await second.raw.read()
        assert taken(second.timings) == ["queued", "sent", "first_byte", "done"]
        named = await client.get(url.replace("127.0.0.1", "localhost"), **options)
        await named.raw.read()
        assert taken(named.timings) == ["queued", "dns", "connect", "sent", "first_byte", "done"]
        assert all(in_order(answer.timings) for answer in (first, second, named))
        assert "first_byte=" in repr(first.timings)


async def test_timings_are_none_unless_the_option_is_set(scripted):
    scripted.always(response(b"fine"))
    async with HttpClient(autoload=False) as client:
        assert (await client.get(scripted.url())).timings is None
        assert client.timings is False
        client.timings = True
        assert (await client.get(scripted.url())).timings is not None
        assert (await client.get(scripted.url(), timings=False)).timings is None


async def test_handshake_is_a_step_of_its_own(certificates, make_scripted):
    server = make_scripted(ssl_context=certificates.server_context())
    server.always(response(b"fine"))
    async with HttpClient(autoload=False, verify=certificates.ca_file, timings=True) as client:
        timings = (await client.get(server.url())).timings
        assert taken(timings) == ["queued", "connect", "tls", "sent", "first_byte", "done"]
        assert in_order(timings)


@pytest.mark.protocols("HTTP/1.1")
async def test_waits_are_in_the_steps_that_waited(scripted):
    scripted.answer(Script().pause(0.2).send(b"H").pause(0.2).send(response(b"slow")[1:]), response(b"next"))
    async with HttpClient(autoload=False, pool_size=1, timings=True) as client:
        first, second = await asyncio.gather(client.get(scripted.url()), client.get(scripted.url()))
        assert first.timings.sent < 0.15 < first.timings.first_byte < 0.35 < first.timings.done
        assert second.timings.queued > 0.35
        assert second.timings.connect is None
        assert timedelta(seconds=0.35) < first.elapsed
        assert second.elapsed < timedelta(seconds=0.3)


async def test_upload_is_sent_when_its_last_byte_is(scripted):
    scripted.answer(response(b"fine"))

    async def chunks():
        yield b"one"
        await asyncio.sleep(0.2)
        yield b"two"

    async with HttpClient(autoload=False) as client:
        answer = await client.post(scripted.url(), data=chunks(), timings=True)
        assert 0.15 < answer.timings.sent <= answer.timings.first_byte
        assert answer.elapsed > timedelta(seconds=0.15)


async def test_exchange_on_a_dead_connection_is_timed_anew(scripted):
    scripted.answer(response(b"one"), Script().read_body().drop(), response(b"two"))
    async with HttpClient(autoload=False, timings=True) as client:
        await client.get(scripted.url())
        answer = await client.get(scripted.url())
        assert answer.content == b"two"
        assert taken(answer.timings) == ["queued", "connect", "sent", "first_byte", "done"]
        assert in_order(answer.timings)


async def test_failure_has_its_timings(scripted):
    scripted.answer(Script(head(200, [("Content-Length", "9")])).until_read().close())
    async with HttpClient(autoload=False) as client:
        seen = []
        with pytest.raises(ConnectionClosed):
            await client.get(scripted.url(), timings=True, post_request=lambda response, exc: seen.append(response))
        assert taken(seen[0].timings) == ["queued", "connect", "sent", "first_byte", "done"]


@pytest.mark.protocols("HTTP/1.1")
@pytest.mark.parametrize("cut", ["whole", "bytes"])
async def test_listeners_hear_the_same_with_timings(scripted, cut):
    raw = chunked(b"one", b"two")
    heard = []
    scripted.answer(raw, raw, cut=cut)
    async with HttpClient(autoload=False) as client:
        for timings in (False, True):
            received, processed = [], []
            await client.get(
                scripted.url(),
                timings=timings,
                data_received=lambda response, data, to=received: to.append(data),
                data_processed=lambda response, data, to=processed: to.append(data),
            )
            heard.append((b"".join(received), b"".join(processed)))
    assert heard == [(raw, raw)] * 2


async def test_redirect_is_timed_hop_by_hop(scripted):
    pytest.importorskip("hookline_redirects")
    scripted.answer(response(status=302, headers=[("Location", "/two")]), response(b"fine"))
    async with HttpClient() as client:
        answer = await client.get(scripted.url(), timings=True)
        assert taken(answer.history[0].timings) == ["queued", "connect", "sent", "first_byte", "done"]
        assert taken(answer.timings) == ["queued", "sent", "first_byte", "done"]


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("listens", [False, True])
async def test_elapsed_is_the_time_to_the_head(scripted, stream, listens):
    scripted.answer(Script().pause(0.1).send(head(200, [("Content-Length", "4")])).pause(0.2).send(b"slow"))
    seen = []
    async with HttpClient(autoload=False) as client:
        if listens:
            client.event("on_headers").bind(lambda response: seen.append(response.elapsed))
        answer = await client.get(scripted.url(), stream=stream)
        await answer.raw.read()
        assert timedelta(seconds=0.09) < answer.elapsed < timedelta(seconds=0.28)
        assert seen == [answer.elapsed] * listens


async def test_elapsed_is_zero_where_nothing_was_sent(scripted):
    scripted.answer(response(b"fine"))
    seen = []
    async with HttpClient(autoload=False) as client:
        answer = await client.get(scripted.url(), pre_request=lambda response: seen.append(response.elapsed))
        assert seen == [timedelta(0)]
        assert answer.elapsed > timedelta(0)
        assert type(answer).build(answer.request, 200).elapsed == timedelta(0)
