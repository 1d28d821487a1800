"""The polling of the device grant, without a server."""

import asyncio
from typing import Any

import pytest

from hookline import HttpTimeout
from hookline_oauth import DeviceAuthorization, TokenRefused, device_authorization
from hookline_oauth.device_authorization import parse_device_authorization, poll

GIVEN = {"device_code": "d", "user_code": "u", "verification_uri": "https://example.com/"}


def made(**changes: Any) -> DeviceAuthorization:
    found = parse_device_authorization({**GIVEN, "expires_in": changes.pop("expires_in", 10)})
    return DeviceAuthorization(**{**vars(found), "interval": 0.01, **changes})


class Asked:
    """Answers what it was given, one after the other, and notes when it was asked."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.times: list[float] = []

    async def __call__(self) -> dict[str, Any]:
        self.times.append(asyncio.get_running_loop().time())
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return dict(answer)


def pending(error: str = "authorization_pending") -> TokenRefused:
    return TokenRefused("no", error=error)


async def test_asks_until_there_is_a_token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device_authorization, "SLOW_DOWN", 0.1)
    asked = Asked(pending(), pending("slow_down"), pending(), HttpTimeout("late"), {"access_token": "t"})
    assert await poll(made(), asked, asyncio.sleep) == {"access_token": "t"}
    gaps = [later - earlier for earlier, later in zip(asked.times, asked.times[1:], strict=False)]
    assert gaps[0] < 0.1 <= gaps[1]
    assert gaps[2] >= 0.1
    assert gaps[3] >= 0.2


@pytest.mark.parametrize("error", ["access_denied", "expired_token", "invalid_grant", ""])
async def test_ends_when_there_will_be_none(error: str) -> None:
    asked = Asked(pending(), pending(error))
    with pytest.raises(TokenRefused) as caught:
        await poll(made(), asked, asyncio.sleep)
    assert caught.value.error == error


async def test_ends_with_the_code() -> None:
    asked = Asked(*(pending() for _ in range(100)))
    with pytest.raises(TokenRefused, match="expired before the user agreed"):
        await poll(made(expires_in=0.1), asked, asyncio.sleep)
    assert asked.times


async def test_interval_longer_than_the_life_of_the_code_is_not_waited_for() -> None:
    asked = Asked()
    with pytest.raises(TokenRefused, match="expired"):
        await asyncio.wait_for(poll(made(expires_in=0.1, interval=1e9), asked, asyncio.sleep), 5)
    assert not asked.times


@pytest.mark.parametrize("name", ["device_code", "user_code", "verification_uri"])
def test_member_that_is_missing_is_named(name: str) -> None:
    with pytest.raises(ValueError, match=name):
        parse_device_authorization({**GIVEN, name: None})


@pytest.mark.parametrize(
    ("interval", "expected"), [(None, 5.0), (0, 1.0), (-3, 1.0), ("7", 7.0), ("x", 5.0), (float("nan"), 5.0)]
)
def test_interval_is_never_none_at_all(interval: Any, expected: float) -> None:
    assert parse_device_authorization({**GIVEN, "interval": interval}).interval == expected


def test_name_of_the_drafts_is_taken() -> None:
    given = {"device_code": "d", "user_code": "u", "verification_url": "https://example.com/"}
    assert parse_device_authorization(given).verification_uri == "https://example.com/"
