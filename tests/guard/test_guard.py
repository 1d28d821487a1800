"""`Guard`: what its entries match, what it decides, and what it refuses to be made of."""

from __future__ import annotations

import pickle
from typing import Any

import pytest

from hookline import Guard
from hookline_guard.guard import as_guard
from hookline_guard.rule import parse_rule


def rule_of(guard: Guard, url: str, address: str | None = None, *, is_last: bool = False) -> str | None:
    """Return the rule that denies; None = permitted. url: as scheme://host:port, with a bare IPv6 address."""
    scheme, _, rest = url.partition("://")
    host, _, port = rest.rpartition(":")
    denial = guard.find_denial(scheme, host, int(port), address, is_last=is_last)
    return None if denial is None else denial.rule


@pytest.mark.parametrize(
    ("guard", "url", "address", "rule"),
    [
        (Guard(), "http://name.example:80", None, None),
        (Guard(), "http://name.example:80", "1.1.1.1", None),
        (Guard(), "http://name.example:80", "10.0.0.1", "10.0.0.0/8 (private)"),
        (Guard(), "http://10.0.0.1:80", None, "10.0.0.0/8 (private)"),
        (Guard(), "http://fe80::1%lo:80", None, "fe80::/10 (link-local)"),
        (Guard(), "http://name.example:80", "no address", "no IP address"),
        (Guard(allow=["10.0.0.0/8"]), "http://name.example:80", "10.0.0.1", None),
        (Guard(allow=["10.0.0.1"]), "http://name.example:80", "10.0.0.2", "10.0.0.0/8 (private)"),
        (Guard(allow=["10.0.0.1:8080"]), "http://10.0.0.1:8080", None, None),
        (Guard(allow=["10.0.0.1:8080"]), "http://10.0.0.1:80", None, "10.0.0.0/8 (private)"),
        (Guard(allow=["https://10.0.0.1"]), "http://10.0.0.1:80", None, "10.0.0.0/8 (private)"),
        (Guard(allow=["https://10.0.0.1"]), "https://10.0.0.1:80", None, None),
        (Guard(allow=["intranet.example"]), "http://intranet.example:80", "10.0.0.1", None),
        (Guard(allow=["intranet.example"]), "http://intranet.example.:80", "10.0.0.1", None),
        (Guard(allow=["intranet.example"]), "http://a.intranet.example:80", "10.0.0.1", "10.0.0.0/8 (private)"),
        (Guard(allow=["*.intranet.example"]), "http://a.intranet.example:80", "10.0.0.1", None),
        (Guard(allow=["*.intranet.example"]), "http://intranet.example:80", "10.0.0.1", "10.0.0.0/8 (private)"),
        (Guard(allow=["*.intranet.example"]), "http://xintranet.example:80", "10.0.0.1", "10.0.0.0/8 (private)"),
        (Guard(allow=["*"], deny=["169.254.0.0/16"]), "http://a:80", "10.0.0.1", None),
        (Guard(allow=["*"], deny=["169.254.0.0/16"]), "http://a:80", "169.254.1.1", "deny='169.254.0.0/16'"),
        (Guard(deny=["evil.example"]), "http://evil.example:80", None, "deny='evil.example'"),
        (Guard(deny=["evil.example"]), "http://evil.example.:80", None, "deny='evil.example'"),
        (Guard(deny=["EVIL.example."]), "http://evil.example:80", None, "deny='EVIL.example.'"),
        (Guard(deny=["*:22"]), "http://name.example:22", None, "deny='*:22'"),
        (Guard(deny=["http://*"]), "http://name.example:80", None, "deny='http://*'"),
        (Guard(deny=["http://*"]), "https://name.example:443", "1.1.1.1", None),
        (Guard(deny=["1.1.1.0/24"]), "http://name.example:80", None, None),
        (Guard(deny=["1.1.1.0/24"]), "http://name.example:80", "1.1.1.1", "deny='1.1.1.0/24'"),
        (Guard(deny=["[2606:4700::]:443"]), "https://a:443", "2606:4700::", "deny='[2606:4700::]:443'"),
        (Guard(only=["https://*"]), "http://name.example:80", None, "only="),
        (Guard(only=["https://*:443"]), "https://name.example:443", "1.1.1.1", None),
        (Guard(only=["https://*:443"]), "https://name.example:8443", None, "only="),
        (Guard(only=["https://*:443"]), "https://name.example:443", "10.0.0.1", "10.0.0.0/8 (private)"),
        (Guard(only=["1.1.1.0/24"]), "http://name.example:80", None, None),
        (Guard(only=["1.1.1.0/24"]), "http://name.example:80", "8.8.8.8", "only="),
        (Guard(only=[]), "http://name.example:80", None, "only="),
        (Guard(only=["10.0.0.0/8"], allow=["10.0.0.0/8"]), "http://a:80", "10.0.0.1", None),
        # each form of an address has to be permitted
        (Guard(allow=["::ffff:0:0/96"]), "http://a:80", "::ffff:8.8.8.8", None),
        (Guard(allow=["::ffff:0:0/96"]), "http://a:80", "::ffff:127.0.0.1", "127.0.0.0/8 (loopback)"),
        (Guard(allow=["::ffff:0:0/96", "127.0.0.1"]), "http://a:80", "::ffff:127.0.0.1", None),
        (Guard(allow=["127.0.0.1"]), "http://a:80", "::ffff:127.0.0.1", "::ffff:0:0/96 (IPv4-mapped)"),
        (Guard(allow=["64:ff9b::/96"]), "http://a:80", "64:ff9b::a00:1", "10.0.0.0/8 (private)"),
        (Guard(allow=["64:ff9b::/96"], deny=["8.8.8.8"]), "http://a:80", "64:ff9b::808:808", "deny='8.8.8.8'"),
        (Guard(allow=["64:ff9b::/96"], only=["64:ff9b::/96"]), "http://a:80", "64:ff9b::808:808", None),
    ],
)  # fmt: skip
def test_decisions(guard: Guard, url: str, address: str | None, rule: str | None) -> None:
    assert rule_of(guard, url, address) == rule


@pytest.mark.parametrize(
    ("guard", "host", "rule"),
    [
        (Guard(trust_proxy=True), "name.example", None),
        (Guard(trust_proxy=True), "localhost", "localhost (loopback)"),
        (Guard(trust_proxy=True), "a.LOCALHOST".lower() + ".", "localhost (loopback)"),
        (Guard(trust_proxy=True, allow=["localhost:80"]), "localhost", None),
        (Guard(trust_proxy=True), "127.0.0.1", "127.0.0.0/8 (loopback)"),
        (Guard(trust_proxy=True, only=["1.1.1.0/24"]), "name.example", "only="),
        (Guard(trust_proxy=True, deny=["name.example"]), "name.example", "deny='name.example'"),
    ],
)
def test_decisions_about_names_that_a_proxy_looks_up(guard: Guard, host: str, rule: str | None) -> None:
    assert rule_of(guard, f"http://{host}:80", is_last=True) == rule


@pytest.mark.parametrize(
    "text",
    [
        "", "http://", "a b", "10.0.0.1/8", "10.0.0.0/33", "a:", "a:x", "a:70000", "[::1", "[::1]x", "a.*", "*a", "**",
        "*.127.0.0.1", "a/b", "*.", "::1:80/x", "http://a/", "user@host", "[::1]:٣",
    ],
)  # fmt: skip
@pytest.mark.parametrize("parameter", ["allow", "deny", "only"])
def test_wrong_entries_are_named(parameter: str, text: str) -> None:
    with pytest.raises(ValueError, match=f"{parameter}= takes entries as"):
        Guard(**{parameter: [text]})


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"allow": "10.0.0.0/8"}, "allow= takes several texts"),
        ({"deny": 5}, "deny= takes several texts"),
        ({"only": [5]}, "only= takes texts, not int"),
        ({"unix_sockets": "/run/a"}, "unix_sockets= takes several texts"),
        ({"routes": [Guard]}, "routes= takes texts, not type"),
        ({"allow": None}, "allow= takes several texts"),
        ({"trust_proxy": 1}, "trust_proxy= takes True or False"),
    ],
)
def test_wrong_parameters_are_named(given: dict[str, Any], message: str) -> None:
    with pytest.raises(TypeError, match=message):
        Guard(**given)


def test_entries_are_read_as_urls_write_hosts() -> None:
    assert parse_rule("127.1").block == parse_rule("127.0.0.1").block
    assert parse_rule("BÜCHER.example").host == "xn--bcher-kva.example"
    assert parse_rule("[fd00::/8]:80").block == parse_rule("fd00::/8").block
    assert parse_rule("HTTP://a").scheme == "http"


def test_guards_are_values() -> None:
    guard = Guard(allow=iter(["10.0.0.0/8"]), only=["*:443"])
    assert guard == Guard(allow=("10.0.0.0/8",), only=("*:443",))
    assert guard != Guard()
    assert pickle.loads(pickle.dumps(guard)) == guard
    assert repr(guard).startswith("Guard(allow=('10.0.0.0/8',), deny=(), only=('*:443',)")
    assert hash(guard) == hash(Guard(allow=["10.0.0.0/8"], only=["*:443"]))


def test_what_a_guard_remembers_is_bounded() -> None:
    guard = Guard()
    for number in range(5000):
        guard._remember(("http", f"host-{number}.example", 80))
    assert 0 < len(guard._permitted) <= 1024
    assert guard == Guard()


def test_values_of_the_option() -> None:
    guard = Guard()
    assert as_guard(guard) is guard
    assert (as_guard(True), as_guard(False)) == (Guard(), False)
    for wrong in ("yes", 1, [], Guard):
        with pytest.raises(TypeError, match="guard= takes a Guard, True or False"):
            as_guard(wrong)
