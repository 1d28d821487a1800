"""The device authorization grant: the user agrees on another device, and meanwhile we ask again and again (RFC 8628)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from hookline import HttpTimeout

from .errors import TokenRefused
from .token import seconds

INTERVAL = 5.0  # seconds between two questions where the server does not say (section 3.2)
SLOW_DOWN = 5.0  # seconds more, each time that the server asks for it (section 3.5)
LIFE = 1800.0  # seconds; the server must say, and this is what its RFC has as an example
_MIN_INTERVAL = 1.0


@dataclass(frozen=True)
class DeviceAuthorization:
    """What to show the user: "go to `verification_uri` and enter `user_code`"; or the complete URI, as a QR code.

    expires_in: seconds until it ends. interval: seconds between two questions. device_code: a secret.
    """

    user_code: str
    verification_uri: str
    verification_uri_complete: str | None
    expires_in: float
    interval: float
    device_code: str = field(repr=False)


def device_authorization_in(fields: Mapping[str, Any]) -> DeviceAuthorization:
    """From the members of the server's answer (section 3.2).

    Raises: ValueError, naming the member that is missing.
    """
    uri = fields.get("verification_uri") or fields.get("verification_url")  # the name in the drafts, still in use
    given = {**fields, "verification_uri": uri}
    for name in ("device_code", "user_code", "verification_uri"):
        if not isinstance(given.get(name), str) or not given[name]:
            raise ValueError(f"it has no {name}")
    life, interval = seconds(fields.get("expires_in")), seconds(fields.get("interval"))
    complete = fields.get("verification_uri_complete")
    return DeviceAuthorization(
        user_code=given["user_code"],
        verification_uri=given["verification_uri"],
        verification_uri_complete=complete if isinstance(complete, str) else None,
        expires_in=LIFE if life is None else life,
        interval=INTERVAL if interval is None else max(interval, _MIN_INTERVAL),
        device_code=given["device_code"],
    )


async def poll(
    device: DeviceAuthorization,
    ask: Callable[[], Awaitable[dict[str, Any]]],
    wait: Callable[[float], Awaitable[None]],
) -> dict[str, Any]:
    """Ask until the user has agreed or refused, or the code has expired (section 3.5).

    wait: for so many seconds.

    Raises: TokenRefused, with `error` "access_denied" or "expired_token" in these cases; HttpRequestException.
    """
    end = asyncio.get_running_loop().time() + device.expires_in
    interval = device.interval
    while True:
        now = asyncio.get_running_loop().time()
        await wait(min(interval, end - now))
        if now + interval >= end:
            raise TokenRefused("the device code has expired before the user agreed", error="expired_token")
        try:
            return await ask()
        except TokenRefused as refusal:
            if refusal.error not in ("authorization_pending", "slow_down"):
                raise
            interval += SLOW_DOWN if refusal.error == "slow_down" else 0.0
        except HttpTimeout:
            interval *= 2  # section 3.5 asks for it
