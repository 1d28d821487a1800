"""A connection of HTTP/2 that is cut after any byte, and a call that is cancelled at any await, leave the client in order."""

from __future__ import annotations

import pytest

from kit.sweeps import calls, calls_to_cancel, cancel_at_any_await, cancel_one_of_many_at_any_await, cut_after_any_byte

CALLS, TO_CANCEL = calls(30), calls_to_cancel(30)


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
async def test_connection_that_is_cut_after_any_byte(make_client, make_server, call):
    await cut_after_any_byte(make_client(http2="prior-knowledge"), await make_server(tls=False), call)


@pytest.mark.parametrize("reused", [False, True], ids=["new", "reused"])
@pytest.mark.parametrize("call", TO_CANCEL.values(), ids=TO_CANCEL)
async def test_call_that_is_cancelled_at_any_await(make_client, make_server, call, reused):
    await cancel_at_any_await(make_client(http2="prior-knowledge"), await make_server(tls=False), call, reused=reused)


async def test_one_of_many_is_cancelled_at_any_await(make_client, make_server):
    await cancel_one_of_many_at_any_await(
        make_client(http2="prior-knowledge"), await make_server(tls=False, settings={3: 4})
    )
