"""A bearer token as a dict (RFC 6749, section 5.1), and when it expires."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

LEEWAY = 30.0  # a token is renewed so many seconds before it expires: clocks differ, and requests take time to arrive
_SHARE = 0.1  # of its lifetime, which limits the leeway of short-lived tokens
_BEARER = ("bearer", "bearertoken")  # Apigee sends the second
_SENDABLE = re.compile(r"[\x21-\x7e]+").fullmatch  # RFC 6749, appendix A.12, without the space


def as_token(given: Any, now: float) -> dict[str, Any] | None:
    """Return a token of a user or a server as a dict, with `expires_at` in seconds since 1970 if it says when it expires.

    given: the access token itself, or a mapping; None = no token.

    Raises: TypeError; ValueError, if it cannot be sent as a bearer token. Neither shows the token.
    """
    if given is None:
        return None
    token = {"access_token": given} if isinstance(given, str) else given
    if not isinstance(token, Mapping):
        raise TypeError(f"a token is a str or a mapping with 'access_token', not {type(given).__name__}")
    token = dict(token)
    access = token.get("access_token")
    if not isinstance(access, str) or not _SENDABLE(access):
        raise ValueError("the token has no 'access_token' of printable ASCII characters")
    if token.get("token_type") in (None, ""):
        token.update(token_type="Bearer")  # noqa: S106  # required by RFC 6749, but not all servers send it
    kind = token["token_type"]
    if not isinstance(kind, str) or kind.strip().lower() not in _BEARER:
        raise ValueError("its token_type is not Bearer (RFC 6750), and no other can be sent")
    end, life = seconds(token.get("expires_at")), seconds(token.get("expires_in"))
    if end is None and life is not None:
        end = now + life
    token.pop("expires_at", None)
    if end is not None:
        token["expires_at"] = end
    return token


def seconds(value: Any) -> float | None:
    """Return a number of seconds, which servers write as a number or a string; None if it is not a finite number."""
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def is_expired(token: Mapping[str, Any], now: float) -> bool:
    """Say whether the token has expired; False if it does not say when it expires."""
    return bool(token.get("expires_at", math.inf) <= now)


def is_due_for_renewal(token: Mapping[str, Any], now: float) -> bool:
    """Say whether the token expires so soon that it should be renewed before the next request."""
    life = seconds(token.get("expires_in"))
    leeway = LEEWAY if life is None or life <= 0 else min(LEEWAY, life * _SHARE)
    return bool(token.get("expires_at", math.inf) - leeway <= now)


def merge_renewed(old: Mapping[str, Any] | None, new: dict[str, Any]) -> dict[str, Any]:
    """Return the new token, with the refresh token and the scope of the old one if it lacks them (section 6)."""
    for name in ("refresh_token", "scope"):
        if not new.get(name) and old is not None and old.get(name):
            new[name] = old[name]
    return new
