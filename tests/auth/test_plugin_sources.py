"""Whose credentials go with a request: those given, those in the URL, those in netrc, or none."""

from __future__ import annotations

from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest

from auth.exchanges import ME, MINE, sent
from hookline import HttpClient, PluginError
from hookline_auth import AuthError
from hookline_testing.server import ScriptedServer, response

pytestmark = pytest.mark.protocols("HTTP/1.1", "HTTP/2")


async def test_none_switches_the_clients_default_off(scripted: ScriptedServer) -> None:
    scripted.always(response())
    async with HttpClient(auth=ME) as client:
        await client.get(scripted.url(), auth=None)
        await client.get(scripted.url())
        client.auth = None
        await client.get(scripted.url())
    assert sent(scripted) == [None, MINE, None]


async def test_own_field_goes_before_the_clients_default_and_behind_the_calls(scripted: ScriptedServer) -> None:
    scripted.always(response())
    async with HttpClient(auth=ME) as client:
        await client.get(scripted.url(), headers={"Authorization": "own"})
        await client.get(scripted.url(), headers={"Authorization": "own"}, auth=ME)
    assert sent(scripted) == ["own", MINE]
    assert len(scripted.requests[1].header_values("authorization")) == 1


async def test_userinfo_that_cannot_be_sent_is_an_error_that_does_not_show_it() -> None:
    async with HttpClient() as client:
        with pytest.raises(AuthError, match="control characters") as caught:
            await client.get("http://user:s3cret%0d%0a@127.0.0.1:9/")
    assert "s3cret" not in str(caught.value)


async def test_netrc_is_not_read_without_trust_env(scripted: ScriptedServer, home: Path) -> None:
    (home / ".netrc").write_text("machine 127.0.0.1 login me password p4ss\n")
    scripted.always(response())
    async with HttpClient(trust_env=False) as client:
        await client.get(scripted.url())
        client.trust_env = True
        await client.get(scripted.url())
        client.trust_env = False
        await client.get(scripted.url())
    assert sent(scripted) == [None, MINE, None]


async def test_netrc_entry_is_not_chosen_by_the_userinfo(scripted: ScriptedServer, home: Path) -> None:
    (home / ".netrc").write_text("machine known.example login me password p4ss\n")
    scripted.always(response())
    async with HttpClient() as client:
        await client.get(f"http://known.example:@127.0.0.1:{scripted.port}/")
    assert sent(scripted) == ["Basic " + b64encode(b"known.example:").decode()]


@pytest.mark.parametrize(
    ("userinfo", "expected"), [("", None), (":", None), ("user", b"user:"), ("user:", b"user:"), (":word", b":word")]
)
@pytest.mark.parametrize("entry", ["", "machine 127.0.0.1 login me password p4ss\n"], ids=["alone", "netrc"])
async def test_userinfo_that_is_empty_is_there_and_says_nothing(
    scripted: ScriptedServer, home: Path, userinfo: str, expected: bytes | None, entry: str
) -> None:
    (home / ".netrc").write_text(entry)
    scripted.always(response())
    async with HttpClient() as client:
        await client.get(f"http://{userinfo}@127.0.0.1:{scripted.port}/")
    assert sent(scripted) == [expected and "Basic " + b64encode(expected).decode()]


@pytest.mark.parametrize("entry", ["machine 127.0.0.1\n", "machine 127.0.0.1 password p4ss\n", "default\n"])
async def test_netrc_entry_without_a_login_sends_no_field(scripted: ScriptedServer, home: Path, entry: str) -> None:
    (home / ".netrc").write_text(entry)
    scripted.always(response())
    async with HttpClient() as client:
        await client.get(scripted.url())
    assert sent(scripted) == [None]


@pytest.mark.parametrize("pair", [("user", ""), ("", "word"), ("", "")], ids=["user", "word", "none"])
@pytest.mark.parametrize("place", ["client", "call"])
async def test_pair_that_is_given_is_sent_empty_or_not(
    scripted: ScriptedServer, pair: tuple[str, str], place: str
) -> None:
    scripted.always(response())
    async with HttpClient(auth=pair if place == "client" else None) as client:
        await client.get(scripted.url(), **({"auth": pair} if place == "call" else {}))
    assert sent(scripted) == ["Basic " + b64encode(":".join(pair).encode()).decode()]


def to_item(request: Any) -> None:
    request.headers["Authorization"] = "Token x"


def to_update(request: Any) -> Any:
    request.headers.update({"Authorization": "Token x"})
    return request


@pytest.mark.parametrize("sign", [to_item, to_update], ids=["item", "update"])
@pytest.mark.parametrize("place", ["client", "call"])
async def test_callable_in_the_manner_of_other_clients_is_told_where_to_write(
    scripted: ScriptedServer, sign: Any, place: str
) -> None:
    async with HttpClient(auth=sign if place == "client" else None) as client:
        with pytest.raises(PluginError, match=r"response\.request\.headers"):
            await client.get(scripted.url(), **({"auth": sign} if place == "call" else {}))
    assert scripted.requests == []
