"""Where credentials come from, when they are renewed, and where their secrets do not appear."""

from __future__ import annotations

import asyncio
import copy
import gc
import pickle
import threading
import weakref
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from hookline import ClientClosed, HttpClient
from hookline_sigv4 import (
    BotocoreCredentials,
    Credentials,
    EnvironmentCredentials,
    NoCredentials,
    ProfileCredentials,
    SigV4,
    SigV4Error,
)
from hookline_testing.server import ScriptedServer, response
from kit.sigv4 import ACCESS_KEY, NOW, SECRET_KEY, TOKEN, Clock

VARIABLES = ["ACCESS_KEY_ID", "SECRET_ACCESS_KEY", "SESSION_TOKEN", "PROFILE", "REGION", "DEFAULT_REGION"]


@pytest.fixture(autouse=True)
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An empty home, no variables of AWS, and no requests for metadata."""
    for name in VARIABLES:
        monkeypatch.delenv(f"AWS_{name}", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    return tmp_path


class Source:
    """A provider that counts how often it is asked, and gives credentials that are good for so many seconds."""

    def __init__(self, clock: Clock, seconds: float | None = 3600) -> None:
        self.clock, self.seconds = clock, seconds
        self.asked = 0
        self.begun, self.gate = asyncio.Event(), asyncio.Event()
        self.gate.set()
        self.error: Exception | None = None

    async def __call__(self) -> Credentials:
        self.asked += 1
        self.begun.set()
        number = self.asked
        await self.gate.wait()
        if self.error is not None:
            raise self.error
        expires = None if self.seconds is None else self.clock.now + self.seconds
        return Credentials(f"KEY{number}", SECRET_KEY, expires_at=expires)


def used(scripted: ScriptedServer) -> list[str]:
    """The access keys of all requests that came."""
    return [(request.header("authorization") or "=none/").split("=")[1].split("/")[0] for request in scripted.requests]


@pytest.fixture
def always(scripted: ScriptedServer) -> ScriptedServer:
    scripted.always(response())
    return scripted


# -- kinds


@pytest.mark.parametrize(
    "credentials",
    [(ACCESS_KEY, SECRET_KEY), (ACCESS_KEY, SECRET_KEY, TOKEN), Credentials(ACCESS_KEY, SECRET_KEY),
     lambda: (ACCESS_KEY, SECRET_KEY), lambda: Credentials(ACCESS_KEY, SECRET_KEY, TOKEN)],
    ids=["pair", "triple", "object", "function-pair", "function-object"],
)  # fmt: skip
async def test_kinds(signer: HttpClient, always: ScriptedServer, credentials: Any) -> None:
    await signer.get(always.url(), auth=SigV4("s3", "r", credentials))
    assert used(always) == [ACCESS_KEY]


async def test_asynchronous_function(signer: HttpClient, always: ScriptedServer) -> None:
    async def provider() -> tuple[str, str]:
        await asyncio.sleep(0)
        return ACCESS_KEY, SECRET_KEY

    await signer.get(always.url(), auth=SigV4("s3", "r", provider))
    await signer.get(always.url(), auth=SigV4("s3", "r", lambda: provider()))
    assert used(always) == [ACCESS_KEY, ACCESS_KEY]


async def test_plain_function_does_not_block_the_loop(signer: HttpClient, always: ScriptedServer) -> None:
    where = []

    def provider() -> tuple[str, str]:
        where.append(threading.current_thread())
        return ACCESS_KEY, SECRET_KEY

    await signer.get(always.url(), auth=SigV4("s3", "r", provider))
    assert where != [threading.main_thread()]


def test_without_a_running_loop(always: ScriptedServer, clock: Clock) -> None:
    with HttpClient(autoload=False, plugins=["sigv4"], auth=SigV4("s3", "r", Source(clock), clock=clock)) as client:
        client.get(always.url())
        client.get(always.url())
    assert used(always) == ["KEY1", "KEY1"]


@pytest.mark.parametrize(
    ("given", "error", "text"),
    [
        ("key", TypeError, "a Credentials or a tuple"),
        ((ACCESS_KEY,), TypeError, "not tuple"),
        (("", SECRET_KEY), ValueError, "access_key is empty"),
        (("a/b", SECRET_KEY), ValueError, "access_key is empty, or has characters"),
        ((ACCESS_KEY, None), TypeError, "secret_key is a str, not NoneType"),
        ((ACCESS_KEY, "line\nbreak"), ValueError, "secret_key is empty, or has characters"),
        ((ACCESS_KEY, SECRET_KEY, ""), ValueError, "token is empty"),
    ],
)  # fmt: skip
def test_what_is_refused(given: Any, error: Any, text: str) -> None:
    with pytest.raises(error, match=text) as caught:
        SigV4("s3", "r", given)
    assert "line" not in str(caught.value)


async def test_wrong_result_of_a_function(signer: HttpClient, always: ScriptedServer) -> None:
    def provider() -> Any:
        return {"secret": SECRET_KEY}

    with pytest.raises(TypeError, match="provider: credentials are a Credentials or a tuple") as caught:
        await signer.get(always.url(), auth=SigV4("s3", "r", provider))
    assert SECRET_KEY not in str(caught.value)
    with pytest.raises(NoCredentials, match="lambda> has no credentials"):
        await signer.get(always.url(), auth=SigV4("s3", "r", lambda: None))
    assert always.requests == []


def test_time_of_expiry_is_a_number_or_has_a_zone() -> None:
    assert Credentials("a", "b", expires_at=datetime.fromtimestamp(NOW, UTC)).expires_at == NOW  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="no time zone"):
        Credentials("a", "b", expires_at=datetime.fromtimestamp(NOW))  # type: ignore[arg-type]


# -- environment, files, botocore


def set_environment(monkeypatch: pytest.MonkeyPatch, **values: str) -> None:
    for name, value in values.items():
        monkeypatch.setenv(f"AWS_{name}", value)


def test_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    assert EnvironmentCredentials()() is None
    set_environment(monkeypatch, ACCESS_KEY_ID=ACCESS_KEY)
    with pytest.raises(NoCredentials, match="AWS_SECRET_ACCESS_KEY is not"):
        EnvironmentCredentials()()
    set_environment(monkeypatch, SECRET_ACCESS_KEY=SECRET_KEY, SESSION_TOKEN="")
    assert EnvironmentCredentials()() == Credentials(ACCESS_KEY, SECRET_KEY)
    set_environment(monkeypatch, SESSION_TOKEN=TOKEN)
    assert EnvironmentCredentials()() == Credentials(ACCESS_KEY, SECRET_KEY, TOKEN)


def test_region_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match="give region=, or set AWS_REGION"):
        SigV4("s3")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    assert SigV4("s3").region == "eu-west-1"
    monkeypatch.setenv("AWS_REGION", "eu-west-2")
    assert SigV4("s3").region == "eu-west-2"
    assert SigV4("s3", "eu-west-3").region == "eu-west-3"


FILE = f"""
[default]
aws_access_key_id = DEFAULT
aws_secret_access_key = {SECRET_KEY}%(x)s

[work]
aws_access_key_id=WORK
aws_secret_access_key={SECRET_KEY}
aws_session_token={TOKEN}

[half]
aws_access_key_id=HALF

[role]
role_arn = arn:aws:iam::1:role/r
"""


def test_profile(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert ProfileCredentials()() is None
    (home / "credentials").write_text(FILE)
    (home / "config").write_text(f"[profile other]\naws_access_key_id=OTHER\naws_secret_access_key={SECRET_KEY}\n")
    assert ProfileCredentials()() == Credentials("DEFAULT", f"{SECRET_KEY}%(x)s")
    assert ProfileCredentials("work")() == Credentials("WORK", SECRET_KEY, TOKEN)
    assert ProfileCredentials("other")() == Credentials("OTHER", SECRET_KEY)
    assert ProfileCredentials("work", path=home / "credentials")() == Credentials("WORK", SECRET_KEY, TOKEN)
    assert ProfileCredentials("role")() is None
    monkeypatch.setenv("AWS_PROFILE", "work")
    assert ProfileCredentials()() == Credentials("WORK", SECRET_KEY, TOKEN)
    with pytest.raises(NoCredentials, match=r"'half' in .*credentials has no aws_secret_access_key"):
        ProfileCredentials("half")()
    with pytest.raises(NoCredentials, match=r"no profile 'missing' in .*credentials, .*config"):
        ProfileCredentials("missing")()


def test_default_places_of_files(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_SHARED_CREDENTIALS_FILE")
    monkeypatch.delenv("AWS_CONFIG_FILE")
    (home / ".aws").mkdir()
    (home / ".aws" / "credentials").write_text(FILE)
    assert ProfileCredentials("work")() == Credentials("WORK", SECRET_KEY, TOKEN)


@pytest.mark.parametrize("text", [f"aws_secret_access_key={SECRET_KEY}\n", f"[a]\n{SECRET_KEY}\n"])
def test_file_that_is_no_file_of_profiles(home: Path, text: str) -> None:
    (home / "credentials").write_text(text)
    with pytest.raises(SigV4Error, match="credentials is not a file of profiles") as caught:
        ProfileCredentials()()
    assert SECRET_KEY not in str(caught.value)
    assert caught.value.__cause__ is None


def test_folder_in_place_of_the_file(home: Path) -> None:
    (home / "credentials").mkdir()
    with pytest.raises(SigV4Error, match="credentials cannot be read: Is a directory"):
        ProfileCredentials()()


async def test_default_is_the_environment_then_the_profile(
    signer: HttpClient, always: ScriptedServer, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (home / "credentials").write_text(FILE)
    await signer.get(always.url(), auth=SigV4("s3", "r"))
    set_environment(monkeypatch, ACCESS_KEY_ID="VARIABLE", SECRET_ACCESS_KEY=SECRET_KEY)
    await signer.get(always.url(), auth=SigV4("s3", "r"))
    assert used(always) == ["DEFAULT", "VARIABLE"]


async def test_default_without_credentials(signer: HttpClient, always: ScriptedServer) -> None:
    with pytest.raises(NoCredentials, match="DefaultCredentials has no credentials"):
        await signer.get(always.url(), auth=SigV4("s3", "r"))
    assert always.requests == []


PROCESS = f"""
[profile process]
credential_process = echo '{{"Version": 1, "AccessKeyId": "PROCESS", "SecretAccessKey": "{SECRET_KEY}"}}'
"""


async def test_chain_of_botocore(
    signer: HttpClient, always: ScriptedServer, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("botocore", reason="LOUD: botocore is not installed (Python package botocore)")
    (home / "config").write_text(PROCESS)
    await signer.get(always.url(), auth=SigV4("s3", "r", BotocoreCredentials("process")))
    monkeypatch.setenv("AWS_PROFILE", "process")
    await signer.get(always.url(), auth=SigV4("s3", "r"))
    assert used(always) == ["PROCESS", "PROCESS"]
    with pytest.raises(SigV4Error, match="botocore has no credentials: ProfileNotFound"):
        BotocoreCredentials("missing")()
    provider = BotocoreCredentials("process")
    provider()
    assert pickle.loads(pickle.dumps(provider)) == provider


def test_botocore_that_renews_is_asked_again(home: Path) -> None:
    pytest.importorskip("botocore", reason="LOUD: botocore is not installed (Python package botocore)")
    process = PROCESS.replace('"Version": 1', '"Version": 1, "SessionToken": "t", "Expiration": "2999-01-01T00:00:00Z"')
    (home / "config").write_text(process)
    found = BotocoreCredentials("process")()
    assert found is not None
    assert found.token == "t"
    assert found.expires_at is not None


# -- renewal


async def test_concurrent_requests_ask_once(signer: HttpClient, always: ScriptedServer, clock: Clock) -> None:
    source = Source(clock)
    source.gate.clear()
    auth = SigV4("s3", "r", source, clock=clock)
    calls = [asyncio.ensure_future(signer.get(always.url(), auth=auth)) for _ in range(8)]
    await source.begun.wait()
    source.gate.set()
    await asyncio.gather(*calls)
    assert (source.asked, set(used(always))) == (1, {"KEY1"})
    assert len(always.requests) == 8


async def test_cancelled_call_harms_no_other(signer: HttpClient, always: ScriptedServer, clock: Clock) -> None:
    source = Source(clock)
    source.gate.clear()
    auth = SigV4("s3", "r", source, clock=clock)
    first, second = (asyncio.ensure_future(signer.get(always.url(), auth=auth)) for _ in range(2))
    await source.begun.wait()
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    source.gate.set()
    await second
    assert (source.asked, used(always)) == (1, ["KEY1"])


async def test_closed_client_harms_no_other_client(signer: HttpClient, always: ScriptedServer, clock: Clock) -> None:
    source = Source(clock)
    source.gate.clear()
    auth = SigV4("s3", "r", source, clock=clock)
    async with HttpClient(autoload=False, plugins=["sigv4"]) as other:
        first = asyncio.ensure_future(other.get(always.url(), auth=auth))
        await source.begun.wait()
        second = asyncio.ensure_future(signer.get(always.url(), auth=auth))
        await asyncio.sleep(0)
        first.cancel()
        await asyncio.wait([first])
    source.gate.set()
    await second
    assert used(always)[-1:] == [f"KEY{source.asked}"]
    assert first.cancelled()


async def test_provider_that_hangs_does_not_hold_up_the_end_of_the_client(always: ScriptedServer, clock: Clock) -> None:
    source = Source(clock)
    source.gate.clear()
    async with HttpClient(autoload=False, plugins=["sigv4"]) as client:
        call = asyncio.ensure_future(client.get(always.url(), auth=SigV4("s3", "r", source, clock=clock)))
        await source.begun.wait()
        closing = asyncio.ensure_future(client.close())
        with pytest.raises(ClientClosed):
            await asyncio.wait_for(call, 3)  # handlers that go on are waited for 5 s
        source.gate.set()
        await closing


async def test_renewed_before_they_expire(signer: HttpClient, always: ScriptedServer, clock: Clock) -> None:
    source = Source(clock, 3600)
    auth = SigV4("s3", "r", source, clock=clock)
    for seconds in (0, 3299, 1, 3299, 1):
        clock.now += seconds
        await signer.get(always.url(), auth=auth)
    assert used(always) == ["KEY1", "KEY1", "KEY2", "KEY2", "KEY3"]


async def test_short_ones_are_used_for_three_quarters_of_their_time(
    signer: HttpClient, always: ScriptedServer, clock: Clock
) -> None:
    source = Source(clock, 60)
    auth = SigV4("s3", "r", source, clock=clock)
    for seconds in (0, 44, 1):
        clock.now += seconds
        await signer.get(always.url(), auth=auth)
    assert used(always) == ["KEY1", "KEY1", "KEY2"]


async def test_failed_renewal_leaves_the_old_ones_while_they_are_good(
    signer: HttpClient, always: ScriptedServer, clock: Clock
) -> None:
    source = Source(clock, 3600)
    auth = SigV4("s3", "r", source, clock=clock)
    await signer.get(always.url(), auth=auth)
    source.error = LookupError("no network")
    for seconds, asked in ((3400, 2), (9, 2), (1, 3)):
        clock.now += seconds
        await signer.get(always.url(), auth=auth)
        assert source.asked == asked
    assert used(always) == ["KEY1"] * 4
    clock.now += 300
    with pytest.raises(LookupError, match="no network"):
        await signer.get(always.url(), auth=auth)
    source.error = None
    await signer.get(always.url(), auth=auth)
    assert used(always)[4:] == ["KEY5"]


async def test_expired_ones_are_not_used(signer: HttpClient, always: ScriptedServer, clock: Clock) -> None:
    given = Credentials(ACCESS_KEY, SECRET_KEY, expires_at=clock.now + 10)
    auth = SigV4("s3", "r", given, clock=clock)
    await signer.get(always.url(), auth=auth)
    clock.now += 10
    with pytest.raises(NoCredentials, match="have expired"):
        await signer.get(always.url(), auth=auth)
    with pytest.raises(NoCredentials, match="have expired"):
        await signer.get(always.url(), auth=SigV4("s3", "r", Source(clock, -1), clock=clock))
    assert len(always.requests) == 1


def test_loops_one_after_another(always: ScriptedServer, clock: Clock) -> None:
    auth = SigV4("s3", "r", lambda: Credentials("KEY", SECRET_KEY, expires_at=clock.now + 60), clock=clock)

    loops = []

    async def once() -> None:
        loops.append(weakref.ref(asyncio.get_running_loop()))
        async with HttpClient(autoload=False, plugins=["sigv4"], auth=auth) as client:
            await client.get(always.url())

    for _ in range(2):
        asyncio.run(once())
        clock.now += 50
    assert used(always) == ["KEY", "KEY"]
    gc.collect()
    assert [loop() for loop in loops] == [None, None]


# -- secrets and copies


async def test_no_secret_is_shown(signer: HttpClient, always: ScriptedServer, caplog: pytest.LogCaptureFixture) -> None:
    credentials = Credentials(ACCESS_KEY, SECRET_KEY, TOKEN)
    auth = SigV4("s3", "r", credentials)
    with caplog.at_level(0):
        answer = await signer.get(always.url(), auth=auth)
    shown = [repr(each) for each in (auth, credentials, answer, answer.request, auth._credentials, vars(auth))] + [
        caplog.text
    ]
    for text in shown:
        assert SECRET_KEY not in text
        assert TOKEN not in text
        assert "Signature=" not in text
    assert repr(auth) == "SigV4('s3', 'r')"


@pytest.mark.parametrize("make", [copy.copy, copy.deepcopy, lambda auth: pickle.loads(pickle.dumps(auth))])
async def test_copies_have_what_was_given(
    signer: HttpClient, always: ScriptedServer, make: Callable[[SigV4], SigV4]
) -> None:
    auth = SigV4("s3", "r", (ACCESS_KEY, SECRET_KEY, TOKEN), signed_headers=["range"])
    await signer.get(always.url(), auth=auth)
    twin = make(auth)
    await signer.get(always.url(), auth=twin, headers={"Range": "bytes=0-"})
    assert used(always) == [ACCESS_KEY, ACCESS_KEY]
    assert "range" in (always.requests[1].header("authorization") or "")
    assert twin._key is not None
    assert make(auth)._key is None


async def test_pickled_copy_asks_the_provider_anew(always: ScriptedServer, monkeypatch: pytest.MonkeyPatch) -> None:
    set_environment(monkeypatch, ACCESS_KEY_ID=ACCESS_KEY, SECRET_ACCESS_KEY=SECRET_KEY)
    auth = SigV4("s3", "r", EnvironmentCredentials())
    await auth.load()
    data = pickle.dumps(auth)
    assert SECRET_KEY.encode() not in data
    set_environment(monkeypatch, ACCESS_KEY_ID="OTHER")
    assert "OTHER" in pickle.loads(data).presign("GET", always.url())
    assert ACCESS_KEY in auth.presign("GET", always.url())


async def test_pickled_response_has_no_secrets(signer: HttpClient, always: ScriptedServer) -> None:
    body = b"x" * 10_000
    auth = SigV4("s3", "r", (ACCESS_KEY, SECRET_KEY, TOKEN), payload="streamed")
    answer = await signer.put(always.url(), data=body, auth=auth)
    data = pickle.dumps(answer)
    for secret in (SECRET_KEY, TOKEN, "Signature"):
        assert secret.encode() not in data
