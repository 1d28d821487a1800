"""Without a running loop the same methods give results."""

import pytest

from hookline import HttpClient, HttpRequestException, StreamConsumedError
from hookline_testing.server import Script, chunked, head, response
from servers.addresses import refused_port


def test_get_returns_the_response(scripted):
    scripted.always(response(b"body"))
    with HttpClient(autoload=False) as client:
        assert client.get(scripted.url()).content == b"body"
        assert client.post(scripted.url(), data=b"x").text == "body"
    assert scripted.connections == 1


def test_stream_is_iterated_and_read(scripted):
    scripted.always(chunked(b"one", b"two"))
    with HttpClient(autoload=False) as client:
        assert b"".join(client.get(scripted.url(), stream=True).raw) == b"onetwo"
        assert client.get(scripted.url(), stream=True).raw.read() == b"onetwo"
        answer = client.get(scripted.url(), stream=True)
        assert answer.raw.read(3) == b"one"
        assert answer.raw.read(3) == b"two"
        assert answer.raw.read(3) == b""
        with pytest.raises(StreamConsumedError):
            iter(answer.raw)
    assert scripted.connections == 1


def test_stream_is_closed_by_with(scripted):
    scripted.answer(Script(head(200, [("Content-Length", "100")]) + b"some").stall(), response(b"next"))
    with HttpClient(autoload=False, pool_size=1) as client:
        with client.get(scripted.url(), stream=True) as answer:
            assert answer.status_code == 200
        assert client.get(scripted.url()).content == b"next"


def test_errors_come_out_as_they_are():
    with HttpClient(autoload=False) as client, refused_port() as port, pytest.raises(HttpRequestException) as caught:
        client.get(f"http://127.0.0.1:{port}/")
    assert caught.value.request.method == "GET"


@pytest.mark.parametrize("poison", [b"H", response(b"poison"), b""], ids=["byte", "response", "fin"])
def test_end_of_an_idle_connection_between_two_calls_is_noticed(scripted, poison):
    scripted.answer(response(b"one"), response(b"two"))
    with HttpClient(autoload=False) as client:
        client.get(scripted.url())
        if poison:
            scripted.push(poison)
        else:
            scripted.hang_up()
        assert client.post(scripted.url(), data=b"x").content == b"two"
    assert scripted.connections == 2


def test_upload_takes_iterables_of_both_kinds(scripted):
    async def chunks():
        yield b"one"
        yield b"two"

    scripted.always(response(b""))
    with HttpClient(autoload=False) as client:
        client.post(scripted.url(), data=chunks())
        client.post(scripted.url(), data=iter([b"one", b"two"]))
    assert [request.body for request in scripted.requests] == [b"onetwo", b"onetwo"]
