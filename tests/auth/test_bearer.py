"""Bearer tokens, given or asked for."""

from __future__ import annotations

import pytest

from auth.peers import PlainRequest, PlainResponse, run, run_async
from hookline_auth import AuthError, BearerAuth


def accepted(_: PlainRequest) -> PlainResponse:
    return PlainResponse(200)


async def test_bearer_sends_its_token_for_this_hop_only() -> None:
    plain, waiting = PlainRequest(), PlainRequest()

    run(BearerAuth("abc"), accepted, plain)
    await run_async(BearerAuth("abc"), accepted, waiting)

    assert plain.unredirected_headers["Authorization"] == "Bearer abc"
    assert waiting.unredirected_headers["Authorization"] == "Bearer abc"
    assert not BearerAuth("abc").is_async


async def test_bearer_asks_for_a_token_for_each_request() -> None:
    tokens = iter(["one", "two"])

    async def fetched() -> str:
        return next(tokens)

    auth = BearerAuth(fetched)
    requests = [PlainRequest(), PlainRequest()]
    for request in requests:
        await run_async(auth, accepted, request)

    assert auth.is_async
    assert [request.sent()["Authorization"] for request in requests] == ["Bearer one", "Bearer two"]


async def test_bearer_takes_a_plain_function() -> None:
    request = PlainRequest()

    await run_async(BearerAuth(lambda: "abc"), accepted, request)

    assert request.sent()["Authorization"] == "Bearer abc"


def test_bearer_of_a_function_cannot_run_without_waiting() -> None:
    with pytest.raises(AuthError, match="async_flow"):
        run(BearerAuth(lambda: "abc"), accepted)


@pytest.mark.parametrize("token", ["", "a b", "abc\n", "a\r\nX-Evil: 1", "\u00e4"])
async def test_bad_tokens_are_refused_without_showing_them(token: str) -> None:
    with pytest.raises(ValueError, match="one word") as caught:
        BearerAuth(token)
    with pytest.raises(ValueError, match="one word"):
        await run_async(BearerAuth(lambda: token), accepted)

    assert not token or token not in str(caught.value)


def test_bearer_refuses_other_types() -> None:
    with pytest.raises(TypeError, match="expected a str, got bytes"):
        BearerAuth(b"abc")  # type: ignore[arg-type]  # what a caller without a type checker does
