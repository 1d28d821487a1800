"""The device authorization grant: the user agrees on another device, while this one polls the server (RFC 8628)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from hookline import HttpTimeout

from .errors import TokenRefused
from .token import seconds

INTERVAL = 5.0  # seconds between two requests if the server names no interval (section 3.2)
SLOW_DOWN = 5.0  # seconds more after each "slow_down" (section 3.5)
LIFETIME = 1800.0  # seconds; the example of section 3.2, for servers that leave out expires_in, though it is required
_MIN_INTERVAL = 1.0


@dataclass(frozen=True)
class DeviceAuthorization:
    """What to show the user: "go to `verification_uri` and enter `user_code`"; or the complete URI, as a QR code.

    expires_in: seconds until the codes expire. interval: seconds between two requests. device_code: a secret.

    Example::

        from hookline import HttpClient
        from hookline_oauth import DeviceAuthorization, OAuth2


        async def pair(client: HttpClient, auth: OAuth2) -> None:
            device: DeviceAuthorization = await auth.device_authorization(client, "https://login.example/device")
            print("Go to", device.verification_uri, "and enter", device.user_code)
            await auth.fetch_device_token(client, device)
    """

    user_code: str
    verification_uri: str
    verification_uri_complete: str | None
    expires_in: float
    interval: float
    device_code: str = field(repr=False)


def parse_device_authorization(fields: Mapping[str, Any]) -> DeviceAuthorization:
    """Return what the members of the server's answer say (section 3.2).

    Raises: ValueError, naming the member that is missing.
    """
    uri = fields.get("verification_uri") or fields.get("verification_url")  # the name in the drafts, still in use
    given = {**fields, "verification_uri": uri}
    for name in ("device_code", "user_code", "verification_uri"):
        if not isinstance(given.get(name), str) or not given[name]:
            raise ValueError(f"it has no {name}")
    lifetime, interval = seconds(fields.get("expires_in")), seconds(fields.get("interval"))
    complete = fields.get("verification_uri_complete")
    return DeviceAuthorization(
        user_code=given["user_code"],
        verification_uri=given["verification_uri"],
        verification_uri_complete=complete if isinstance(complete, str) else None,
        expires_in=LIFETIME if lifetime is None else lifetime,
        interval=INTERVAL if interval is None else max(interval, _MIN_INTERVAL),
        device_code=given["device_code"],
    )


async def poll(
    device: DeviceAuthorization,
    request_token: Callable[[], Awaitable[dict[str, Any]]],
    wait: Callable[[float], Awaitable[None]],
) -> dict[str, Any]:
    """Request the token until the user has agreed or refused, or the code has expired (section 3.5); return it.

    wait: called with the seconds before the next request.

    Raises: TokenRefused, with `error` "access_denied" if the user refuses, "expired_token" if the code expires;
    HttpRequestException.
    """
    end = asyncio.get_running_loop().time() + device.expires_in
    interval = device.interval
    while True:
        now = asyncio.get_running_loop().time()
        await wait(min(interval, end - now))
        if now + interval >= end:
            raise TokenRefused("the device code has expired before the user agreed", error="expired_token")
        try:
            return await request_token()
        except TokenRefused as error:
            if error.error not in ("authorization_pending", "slow_down"):
                raise
            interval += SLOW_DOWN if error.error == "slow_down" else 0.0
        except HttpTimeout:
            interval *= 2  # exponential backoff, as section 3.5 asks for
