"""A bearer token as a dict (RFC 6749, section 5.1), and when it ends."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

LEEWAY = 30.0  # seconds before its end that a token is renewed: clocks differ, and requests take time to arrive
_SHARE = 0.1  # but not more than this part of its life
_BEARER = ("bearer", "bearertoken")  # Apigee sends the second
_SENDABLE = re.compile(r"[\x21-\x7e]+").fullmatch  # RFC 6749, appendix A.12, without the space


def as_token(given: Any, now: float) -> dict[str, Any] | None:
    """A token that a user or a server gave, with `expires_at` (seconds since 1970) where it says when it ends.

    given: the access token itself, a mapping, or None.

    Raises: TypeError; ValueError, where it cannot be sent as a bearer token. Neither shows it.
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
        token.update(token_type="Bearer")  # noqa: S106  # required, but not all send it, and there is but one type
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
    """A number of seconds, which servers write as a number or a string; None where it is none."""
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def is_expired(token: Mapping[str, Any], now: float) -> bool:
    """Is its end past? Never for one that does not say when it ends."""
    return bool(token.get("expires_at", math.inf) <= now)


def is_due(token: Mapping[str, Any], now: float) -> bool:
    """Is its end so near that it should be renewed first?"""
    life = seconds(token.get("expires_in"))
    leeway = LEEWAY if life is None or life <= 0 else min(LEEWAY, life * _SHARE)
    return bool(token.get("expires_at", math.inf) - leeway <= now)


def renewed(old: Mapping[str, Any] | None, new: dict[str, Any]) -> dict[str, Any]:
    """A token that came for another: the refresh token and the scope stay where nothing is said of them (section 6)."""
    for name in ("refresh_token", "scope"):
        if not new.get(name) and old is not None and old.get(name):
            new[name] = old[name]
    return new
