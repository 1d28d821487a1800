"""A connection that is cut after any byte, and a call that is cancelled at any await, leave the client in order."""

from __future__ import annotations

import pytest

from kit.sweeps import calls, calls_to_cancel, cancel_at_any_await, cancel_one_of_many_at_any_await, cut_after_any_byte

CALLS, TO_CANCEL = calls(300), calls_to_cancel(300)


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
async def test_connection_that_is_cut_after_any_byte(make_client, make_mux, call):
    await cut_after_any_byte(make_client(), await make_mux(), call)


@pytest.mark.parametrize("reused", [False, True], ids=["new", "reused"])
@pytest.mark.parametrize("call", TO_CANCEL.values(), ids=TO_CANCEL)
async def test_call_that_is_cancelled_at_any_await(make_client, make_mux, call, reused):
    await cancel_at_any_await(make_client(), await make_mux(), call, reused=reused)


async def test_one_of_many_is_cancelled_at_any_await(make_client, make_mux):
    await cancel_one_of_many_at_any_await(make_client(), await make_mux(max_streams=4))
