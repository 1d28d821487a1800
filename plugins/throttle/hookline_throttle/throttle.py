"""`Throttle`, the value of `throttle=`: how many requests are sent per second and at once, and for what that is counted."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Hashable, Mapping
from typing import TYPE_CHECKING, Any

from hookline import HttpRequest, canonical_host

from .local_limits import LocalLimits

if TYPE_CHECKING:
    from .redis_limits import RedisLimits

UNITS = {
    "": 1.0, "s": 1.0, "sec": 1.0, "second": 1.0, "m": 60.0, "min": 60.0, "minute": 60.0,
    "h": 3600.0, "hour": 3600.0, "d": 86_400.0, "day": 86_400.0,
}  # fmt: skip
RATE = re.compile(r"\s*(\d+(?:\.\d+)?)\s*/\s*(\d+(?:\.\d+)?)?\s*([a-z]*)\s*")
MAX_HOSTS = 1024  # whose rules are remembered


class Throttle:
    """Limits the requests to each origin: `HttpClient(throttle=Throttle(rate="10/s", burst=5, concurrency=4))`.

    The limits are counted by this object: clients that get the same one share them, also on loops of several threads. A copy,
    and a forked process, counts anew.

    rate: requests and the time in which they may be sent, as in "10/s", "100/min", "1/10s" or "5000/h"; a number counts per
    second. None = no limit. In any time t no more than t * rate + burst are sent.
    burst: how many may be sent at once after a pause.
    concurrency: how many may be under way at the same time. None = no limit.
    per: what shares a limit: "origin" (scheme, host and port), "host", or a function from a request to a key. A request whose
    key is None is not limited.
    rules: by host, as in {"api.example.com": Throttle(...), "*.example.com": None}, what holds instead for requests to it; a
    pattern with * is for all hosts below. The longest wins. None = no limits.
    max_hold: seconds; when a server asks to be left alone for longer, requests to it are held back for this time only.
    shared: a RedisLimits, which counts for several processes.

    Raises: TypeError, ValueError.

    Example: docs/throttle.md#throttling
    """

    def __init__(
        self,
        rate: str | float | None = None,
        *,
        burst: int = 1,
        concurrency: int | None = None,
        per: str | Callable[[HttpRequest], Hashable] = "origin",
        rules: Mapping[str, Throttle | None] | None = None,
        max_hold: float = 60.0,
        shared: RedisLimits | None = None,
    ) -> None:
        self.rate, self.burst, self.concurrency, self.per = rate, as_count("burst", burst), concurrency, per
        self.max_hold, self.shared = max_hold, shared
        self.rules = {as_pattern(pattern): as_rule(pattern, rule) for pattern, rule in (rules or {}).items()}
        if concurrency is not None:
            as_count("concurrency", concurrency)
        if not callable(per) and per not in ("origin", "host"):
            raise ValueError(f"per= takes 'origin', 'host' or a function from a request to a key, not {per!r}")
        if isinstance(max_hold, bool) or not isinstance(max_hold, (int, float)):
            raise TypeError(f"max_hold= takes seconds, not {type(max_hold).__name__}")
        if not 0 <= max_hold < math.inf:
            raise ValueError(f"max_hold= takes a finite number of seconds from 0 up, not {max_hold}")
        interval = as_interval(rate)
        if shared is None:
            self.limits: Any = LocalLimits(interval, self.burst, concurrency)
        elif hasattr(shared, "limits_of"):
            self.limits = shared.limits_of(interval, self.burst, concurrency)
        else:
            raise TypeError(f"shared= takes a RedisLimits, not {type(shared).__name__}")
        self._chosen: dict[str, Throttle | None] = {}

    def of_host(self, host: str) -> Throttle | None:
        """Return what holds for requests to a host: a rule, or this object. None = no limits.

        Example: docs/throttle.md#keys-and-rules
        """
        if not self.rules:
            return self
        if host in self._chosen:
            return self._chosen[host]
        name = host.rstrip(".").lower()
        found: Throttle | None = self
        if name in self.rules:
            found = self.rules[name]
        else:
            labels = name.split(".")
            for start in range(1, len(labels) + 1):
                pattern = ".".join(["*", *labels[start:]])
                if pattern in self.rules:
                    found = self.rules[pattern]
                    break
        if len(self._chosen) >= MAX_HOSTS:
            self._chosen.clear()
        self._chosen[host] = found
        return found

    def key_of(self, request: HttpRequest) -> Hashable:
        """Return the key of a request: those with the same one share the limits. None = it is not limited.

        Example::

            from hookline import HttpClient, Throttle

            request = HttpClient().build_request("GET", "http://127.0.0.1:8000/", headers={"X-User": "ann"})
            print(Throttle("10/s", per=lambda request: request.get_header("X-User")).key_of(request))
        """
        if self.per == "origin":
            return request.origin.key
        if self.per == "host":
            return request.origin.host
        key: Hashable = self.per(request)  # type: ignore[operator]
        try:
            hash(key)
        except TypeError as error:
            raise TypeError(f"per= returned a {type(key).__name__}, which is no key; return text or a tuple") from error
        return key

    def __reduce__(self) -> tuple[Callable[..., Throttle], tuple[dict[str, Any]]]:
        """Copy and pickle the settings, without what was counted."""
        names = ("rate", "burst", "concurrency", "per", "rules", "max_hold", "shared")
        return make_throttle, ({name: getattr(self, name) for name in names},)

    def __repr__(self) -> str:
        shown = {"rate": None, "burst": 1, "concurrency": None, "per": "origin", "max_hold": 60.0, "shared": None}
        texts = [f"{name}={getattr(self, name)!r}" for name, default in shown.items() if getattr(self, name) != default]
        if self.rules:
            texts.append(f"rules={self.rules!r}")
        return f"Throttle({', '.join(texts)})"


def make_throttle(settings: dict[str, Any]) -> Throttle:
    """Return a Throttle with these settings, for copies."""
    return Throttle(**settings)


def as_throttle(value: Any) -> Throttle | None:
    """Convert the value of `throttle=`; False gives None.

    Raises: TypeError.
    """
    if isinstance(value, Throttle):
        return value
    if value is None or value is False:
        return None
    raise TypeError(f"throttle= takes a Throttle or False, not {type(value).__name__}")


def as_interval(rate: Any) -> float:
    """Return the seconds between two requests at a rate; 0.0 = no limit.

    Raises: TypeError, ValueError.
    """
    if rate is None:
        return 0.0
    if isinstance(rate, str):
        match = RATE.fullmatch(rate)
        if match is None or match[3] not in UNITS:
            raise ValueError(f"rate= takes requests per time, such as '10/s', '100/min' or '1/10s', not {rate!r}")
        count, seconds = float(match[1]), float(match[2] or 1) * UNITS[match[3]]
    elif isinstance(rate, (int, float)) and not isinstance(rate, bool):
        count, seconds = float(rate), 1.0
    else:
        raise TypeError(f"rate= takes a text such as '10/s', or a number per second, not {type(rate).__name__}")
    interval = seconds / count if count > 0 else 0.0
    if not 0 < interval <= 366 * 86_400:
        raise ValueError(f"rate= takes more than no requests, and at least one a year, not {rate!r}")
    return interval


def as_count(name: str, value: Any) -> int:
    """Check a number from 1 up.

    Raises: TypeError, ValueError.
    """
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{name}= takes a number of requests, not {type(value).__name__}")
    if value < 1:
        raise ValueError(f"{name}= takes 1 or more, not {value}")
    return value


def as_pattern(pattern: Any) -> str:
    """Check a host, or a pattern of hosts, and return it as hosts are compared.

    Raises: TypeError, ValueError.
    """
    if not isinstance(pattern, str):
        raise TypeError(f"rules= takes hosts as text, not {type(pattern).__name__}")
    below, host = pattern[:2] == "*.", pattern.removeprefix("*.")
    if pattern == "*":
        return pattern
    try:
        name = canonical_host(host)
    except ValueError as error:
        raise ValueError(
            f"rules= takes hosts such as 'api.example.com' and '*.example.com', not {pattern!r}"
        ) from error
    if "*" in name or not name:
        raise ValueError(f"rules= takes hosts such as 'api.example.com' and '*.example.com', not {pattern!r}")
    return ("*." if below else "") + name.rstrip(".").lower()


def as_rule(pattern: str, rule: Any) -> Throttle | None:
    """Check what a rule says.

    Raises: TypeError, ValueError.
    """
    if rule is not None and rule is not False and not isinstance(rule, Throttle):
        raise TypeError(f"rules= takes a Throttle or None for {pattern!r}, not {type(rule).__name__}")
    if rule and rule.rules:
        raise ValueError(f"the rule for {pattern!r} has rules of its own; write them beside it")
    return rule or None
