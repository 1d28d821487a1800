"""Conversations that are made from seeds, valid and damaged, on connections without a socket, with both engines.

Of a valid conversation it is known what comes of each call (RFC 9113). Of a damaged one each call ends, with a response or an
error of Hookline, and it ends in the same way however the bytes are cut. To see one input again:

    PYTHONPATH=tests python -m kit.http2_fed SEED
"""

from __future__ import annotations

from random import Random, SystemRandom

import pytest

from kit.http2_conversations import RST_STREAM, damage, make_conversation
from kit.http2_fed import Fed, Outcome, random_pieces, written_frames

ENGINES = ("ngh2", "h2")
FEW, MANY = 150, 100_000
# Errors that the documentation of HTTP/2 names; a request that is sent again finds no other connection.
KNOWN = {"RemoteProtocolError", "ConnectionClosed", "HttpConnectionError", "StreamReset", "ConnectionRefused"}


async def check_valid(seed: int, fed: Fed) -> None:
    """Check that each call ends as it should, in one read and in pieces."""
    random = Random(seed)
    made = make_conversation(random)
    for engine in ENGINES:
        for pieces, turns in (([made.data], 0), (random_pieces(random, made.data), 2)):
            outcomes = await fed.outcomes(engine, made.kinds, pieces, turns)
            for outcome, expected in zip(outcomes, made.expected, strict=True):
                if expected.error == "any":
                    assert outcome.error in KNOWN
                elif expected.error:
                    assert outcome.error == expected.error
                else:
                    parts = expected.status, expected.fields, expected.body, expected.trailers
                    assert outcome == Outcome("", *parts)


async def check_damaged(seed: int, fed: Fed) -> None:
    """Check that cuts make no difference, and that the engines do not have two responses to one request."""
    random = Random(seed)
    made = make_conversation(random)
    data = damage(random, made)
    ends = []
    for engine in ENGINES:
        whole = await fed.outcomes(engine, made.kinds, [data])
        is_broken, turns = fed.is_broken, random.choice((0, 0, 2))
        cut = await fed.outcomes(engine, made.kinds, random_pieces(random, data), turns)
        is_broken |= fed.is_broken
        with_reset = RST_STREAM in {kind for kind, _, _ in written_frames(fed.written)}
        for one, other in zip(whole, cut, strict=True):
            assert one.error in {"", *KNOWN}
            assert one == other or may_differ(
                engine, one, other,
                is_broken=is_broken, with_turns=turns > 0, with_upload="upload" in made.kinds, with_reset=with_reset,
            )  # fmt: skip
        ends.append(whole)
    for by_ngh2, by_h2 in zip(*ends, strict=True):
        # one of them may be stricter than the other, but only about the protocol; libnghttp2 may forget that, as below
        assert (
            by_ngh2 == by_h2
            or (by_ngh2.error and by_h2.error)
            or by_ngh2.error in {"RemoteProtocolError", "StreamReset", "ConnectionRefused"}
            or by_h2.error == "RemoteProtocolError"
        )


def may_differ(
    engine: str,
    one: Outcome,
    other: Outcome,
    *,
    is_broken: bool,
    with_turns: bool,
    with_upload: bool,
    with_reset: bool,
) -> bool:
    """Say whether the cuts may be the reason that these two are not the same.

    Between pieces, the client may have had its turn. So how much of an upload has left differs, and with it whether a window
    overflows; and libnghttp2 takes what follows the end of a stream for an error of the connection, but not behind a reset that
    was sent meanwhile. It also forgets that a response was malformed if the server resets the stream, goes away or breaks the
    protocol in the same read.

    is_broken: the connection has ended with an error of the protocol. with_turns: there were turns. with_upload: there was one.
    with_reset: the client has reset a stream between the pieces, which needs no turn if a read is answered at once.
    """
    if engine == "ngh2" and is_broken and with_reset:
        return True
    both_fail = bool(one.error and other.error)
    if with_turns and (is_broken or both_fail) and (with_upload or engine == "ngh2"):
        return True
    return engine == "ngh2" and both_fail and "RemoteProtocolError" in (one.error, other.error)


async def run(check, seeds) -> None:
    async with Fed() as fed:
        for seed in seeds:
            try:
                await check(seed, fed)
            except BaseException as error:
                error.add_note(f"seed {seed}")
                raise


def fresh_seeds(count: int) -> range:
    first = SystemRandom().randrange(2**40)
    return range(first, first + count)


@pytest.mark.parametrize("check", [check_valid, check_damaged])
@pytest.mark.parametrize("seeds", ["fixed", "fresh"])
async def test_conversations(check, seeds):
    await run(check, range(FEW) if seeds == "fixed" else fresh_seeds(FEW))


@pytest.mark.soak
@pytest.mark.parametrize("part", range(4))
async def test_hundred_thousand_damaged_conversations(part):
    await run(check_damaged, fresh_seeds(MANY // 4))


@pytest.mark.soak
async def test_ten_thousand_valid_conversations():
    await run(check_valid, fresh_seeds(MANY // 10))
