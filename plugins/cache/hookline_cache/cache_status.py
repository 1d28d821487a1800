"""`response.cache_status`: what the cache did for a call, in the words of Cache-Status (RFC 9211)."""

from __future__ import annotations

from typing import Self

NAME = "hookline"  # of the cache, the first word of the field


class CacheStatus(str):
    """What the cache did, as the value that Cache-Status would have: `str(status)` is, for example, `hookline; hit; ttl=60`.

    hit: True if the response came from the cache, without a request to the server.
    fwd: why a request was sent, else None: "uri-miss" (nothing is stored for the URL), "vary-miss" (nothing with these request
    fields), "stale", "request" (the request asked for it), "method", "bypass".
    fwd_status: the status that the server answered with, if that is not the one of the response; None else.
    ttl: the seconds for which the response is still fresh, negative if it is stale; None = it is not stored.
    stored: True if the response was stored. collapsed: True if it came from a request that another call had sent.
    detail: a word about an unusual case; None = there is none.

    Example::

        from hookline_cache import CacheStatus

        print(CacheStatus(hit=True, ttl=60), CacheStatus(fwd="stale", stored=True))
    """

    __slots__ = ("collapsed", "detail", "fwd", "fwd_status", "hit", "stored", "ttl")

    hit: bool
    fwd: str | None
    fwd_status: int | None
    ttl: int | None
    stored: bool
    collapsed: bool
    detail: str | None

    def __new__(
        cls,
        *,
        hit: bool = False,
        fwd: str | None = None,
        fwd_status: int | None = None,
        ttl: int | None = None,
        stored: bool = False,
        collapsed: bool = False,
        detail: str | None = None,
    ) -> Self:
        parts = [NAME]
        if hit:
            parts.append("hit")
        if fwd is not None:
            parts.append(f"fwd={fwd}")
        if fwd_status is not None:
            parts.append(f"fwd-status={fwd_status}")
        if ttl is not None:
            parts.append(f"ttl={ttl}")
        parts += [word for word, holds in (("stored", stored), ("collapsed", collapsed)) if holds]
        if detail is not None:
            parts.append(f"detail={detail}")
        new = super().__new__(cls, "; ".join(parts))
        new.hit, new.fwd, new.fwd_status, new.ttl = hit, fwd, fwd_status, ttl
        new.stored, new.collapsed, new.detail = stored, collapsed, detail
        return new

    def __reduce__(self) -> tuple[type[str], tuple[str]]:
        return str, (str(self),)
