"""The settings of a Throttle: what they accept, rules by host, copies."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest

from hookline import HttpClient
from hookline_throttle import Throttle
from hookline_throttle.throttle import as_interval


@pytest.mark.parametrize(
    ("rate", "seconds"),
    [
        ("10/s", 0.1), (" 10 / sec ", 0.1), ("10/second", 0.1), ("30/min", 2), ("30/m", 2), ("60/minute", 1),
        ("3600/h", 1), ("1800/hour", 2), ("86400/d", 1), ("1/day", 86_400), ("1/10s", 10), ("5/2min", 24), ("0.5/s", 2),
        ("10/5", 0.5), (4, 0.25), (0.5, 2), (None, 0),
    ],
)  # fmt: skip
def test_rates(rate: Any, seconds: float) -> None:
    assert as_interval(rate) == pytest.approx(seconds)


@pytest.mark.parametrize(
    ("settings", "error", "text"),
    [
        ({"rate": "often"}, ValueError, "rate= takes requests per time, such as '10/s'.*not 'often'"),
        ({"rate": "10/fortnight"}, ValueError, "rate= takes requests per time"),
        ({"rate": "10"}, ValueError, "rate= takes requests per time"),
        ({"rate": "0/s"}, ValueError, "rate= takes more than no requests"),
        ({"rate": 0}, ValueError, "rate= takes more than no requests"),
        ({"rate": float("nan")}, ValueError, "rate= takes more than no requests"),
        ({"rate": float("inf")}, ValueError, "rate= takes more than no requests"),
        ({"rate": "1/0s"}, ValueError, "rate= takes more than no requests"),
        ({"rate": "-1/s"}, ValueError, "rate= takes requests per time"),
        ({"rate": True}, TypeError, "rate= takes a text such as '10/s', or a number per second, not bool"),
        ({"rate": (10, 1)}, TypeError, "not tuple"),
        ({"burst": 0}, ValueError, "burst= takes 1 or more, not 0"),
        ({"burst": 1.5}, TypeError, "burst= takes a number of requests, not float"),
        ({"concurrency": 0}, ValueError, "concurrency= takes 1 or more, not 0"),
        ({"concurrency": True}, TypeError, "concurrency= takes a number of requests, not bool"),
        ({"per": "path"}, ValueError, "per= takes 'origin', 'host' or a function"),
        ({"max_hold": -1}, ValueError, "max_hold= takes a finite number of seconds from 0 up, not -1"),
        ({"max_hold": float("inf")}, ValueError, "max_hold= takes a finite number"),
        ({"max_hold": "1"}, TypeError, "max_hold= takes seconds, not str"),
        ({"rules": {"*.a.*": None}}, ValueError, r"rules= takes hosts such as .* not '\*.a.\*'"),
        ({"rules": {"": None}}, ValueError, "rules= takes hosts"),
        ({"rules": {1: None}}, TypeError, "rules= takes hosts as text, not int"),
        ({"rules": {"a.test": "1/s"}}, TypeError, "rules= takes a Throttle or None for 'a.test', not str"),
        ({"rules": {"a.test": Throttle(rules={"b.test": None})}}, ValueError, "has rules of its own"),
        ({"shared": "redis://127.0.0.1"}, TypeError, "shared= takes a RedisLimits, not str"),
    ],
    ids=[f"{number:02}" for number in range(25)],
)
def test_wrong_settings(settings: dict[str, Any], error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        Throttle(**settings)


def test_the_longest_rule_wins() -> None:
    one, two, three, four = (Throttle(number) for number in (1, 2, 3, 4))
    throttle = Throttle(
        9,
        rules={
            "*.example.com": one,
            "API.example.com": two,
            "*.eu.example.com": three,
            "münchen.test": None,
            "[::1]": four,
        },
    )
    for host, expected in {
        "www.example.com": one,
        "a.b.example.com": one,
        "api.example.com": two,
        "api.example.com.": two,
        "x.eu.example.com": three,
        "eu.example.com": one,
        "example.com": throttle,
        "example.com.evil.test": throttle,
        "notexample.com": throttle,
        "xn--mnchen-3ya.test": None,
        "::1": four,
    }.items():
        for _ in range(2):
            assert throttle.of_host(host) is expected, host
    everything = Throttle(rules={"*": None, "a.test": one})
    assert (everything.of_host("a.test"), everything.of_host("b.test")) == (one, None)


def test_remembered_hosts_are_bounded() -> None:
    throttle = Throttle(rules={"a.test": None})
    for number in range(5000):
        throttle.of_host(f"{number}.test")
    assert len(throttle._chosen) <= 1024


def test_copies_have_the_settings_and_count_anew() -> None:
    throttle = Throttle("10/s", burst=2, concurrency=3, per="host", rules={"*.a.test": Throttle("1/s")}, max_hold=5)
    for other in (pickle.loads(pickle.dumps(throttle)), copy.copy(throttle), copy.deepcopy(throttle)):
        assert repr(other) == repr(throttle)
        assert other.limits is not throttle.limits
    assert repr(throttle) == (
        "Throttle(rate='10/s', burst=2, concurrency=3, per='host', max_hold=5, rules={'*.a.test': Throttle(rate='1/s')})"
    )
    with pytest.raises(TypeError, match="copy the Throttle"):
        pickle.dumps(throttle.limits)


@pytest.mark.parametrize("value", [True, "10/s", 10])
def test_option_refuses_what_is_no_throttle(value: Any) -> None:
    with pytest.raises(TypeError, match="throttle= takes a Throttle or False"):
        HttpClient(autoload=False, plugins=["throttle"], throttle=value)
