"""A URL that fails, wherever it came from, leaves no part of its password in errors and logs."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from hookline import HooklineError, HttpClient, InvalidURL, split_url
from hookline_cli import main
from hookline_cli.request.plan import with_scheme
from hookline_oauth import OAuth1, OAuth2
from hookline_testing.server import ScriptedServer, response

# A password is these words, with something between them that may end it too early. None of them may show.
WORDS = ("hunter", "s3cret", "correct")
BETWEEN = [
    "", "#", "/", "?", "@", ":", "\\", "%", "%2", "%ff", " ", "^", "[", "]", "&", "é", "☃", "\u2100", "\t", "\udcff", "\ud800",
]  # fmt: skip
URLS = [
    "{scheme}://user:{password}@host.invalid/",
    "{scheme}://user:{password}@host.invalid:99999/x",
    "{scheme}://user:{password}@host.invalid:port?x",
    "{scheme}://user:{password}@256.0.0.1/",
    "{scheme}://user:{password}@",
    "{scheme}://user:{password}@[::1/",
    "{scheme}://user:{password}@[fe80::1%25a..b]/",
    "{scheme}://user:{password}@xn--a/",
    "{scheme}://user:{password}@a\u2100b/",
    "{scheme}://user:{password}@host.invalid\\x",
    "{scheme}://[user:{password}@host.invalid/",
    "{scheme}://user:{password}",
    "{scheme}://user:{password}/",
    "{scheme}://user:{password}#@host.invalid/",
    "{scheme}://:{password}@/",
    "{scheme}:/user:{password}@host.invalid/",
    "{scheme}:user:{password}@host.invalid:port",
    "{scheme}:///user:{password}@host.invalid/",
    "user:{password}@host.invalid/",
    "//user:{password}@host.invalid/",
    "user name:{password}@host.invalid",
    "foreign://user:{password}@host.invalid/",
    "foreign:user:{password}@host.invalid",
    "{scheme}://host .invalid/?token={password}",
    "{scheme}://host.invalid:x/#{password}",
]

passwords = st.builds(
    lambda between: between[0].join([WORDS[0], between[1].join(WORDS[1:])]), st.tuples(*[st.sampled_from(BETWEEN)] * 2)
)


def urls(*schemes: str) -> st.SearchStrategy[str]:
    return st.builds(
        lambda written, scheme, password: written.replace("{scheme}", scheme).replace("{password}", password),
        st.sampled_from(URLS),
        st.sampled_from(schemes),
        passwords,
    ).filter(has_another_host)


def has_another_host(url: str) -> bool:
    """Is no part of the password what any reader takes for the host? That one would be asked for its address, too."""
    return not any(word in (host_of(one) or "") for one in (url, f"http:{url}", f"http://{url}") for word in WORDS)


def host_of(url: str) -> str | None:
    try:
        return split_url(url).host
    except InvalidURL:
        return None


quickly = settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.filter_too_much],
)


class Listening(logging.Handler):
    """All that is logged, with the errors that go with it."""

    def __init__(self) -> None:
        super().__init__()
        self.heard: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.heard.append(record.getMessage())
        if record.exc_info and record.exc_info[1] is not None:
            self.heard += told(record.exc_info[1])


@pytest.fixture
def runner() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as runner:
        yield runner


@pytest.fixture
def log() -> Iterator[Listening]:
    handler = Listening()
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield handler
    root.removeHandler(handler)
    root.setLevel(level)


def told(error: BaseException | None) -> list[str]:
    """All that an error says, and all that it is chained to, shown or not."""
    found: list[str] = []
    pending, seen = [error], set()
    while pending:
        one = pending.pop()
        if one is None or id(one) in seen:
            continue
        seen.add(id(one))
        found += [str(one), repr(one), *getattr(one, "__notes__", ())]
        pending += [one.__cause__, one.__context__]
    return found


def check(error: BaseException | None, log: Listening) -> None:
    for text in (*told(error), *log.heard):
        assert not any(word in text for word in WORDS), text
    log.heard.clear()


async def nowhere(host: str, port: int) -> list[str]:
    raise socket.gaierror(socket.EAI_NONAME, "no such host")


async def failure(call: Callable[[HttpClient], Awaitable[Any]], **options: Any) -> Exception | None:
    """What a call of a client fails with; a UnicodeError or a ValueError of others would be none of its errors."""
    try:
        async with HttpClient(resolver=nowhere, **options) as client:
            await call(client)
    except HooklineError as error:
        return error
    return None


@quickly
@given(url=urls("http", "https", "ws", "wss"))
@example(url="http://user:hunter#s3cret@host.invalid/")
@example(url="http:/user:hunter@host.invalid/")
@example(url="http://user:hunter/")
def test_url_of_a_call_hides_its_password(runner: asyncio.Runner, log: Listening, url: str) -> None:
    check(runner.run(failure(lambda client: client.get(url))), log)
    check(runner.run(failure(lambda client: client.get(url), base_url="http://host.invalid/")), log)


@quickly
@given(url=urls("http", "https", "ws"))
def test_base_url_hides_its_password(runner: asyncio.Runner, log: Listening, url: str) -> None:
    check(runner.run(failure(lambda client: client.get("x"), base_url=url)), log)


@quickly
@given(url=urls("http", "https", "socks5", "socks4"))
def test_proxy_hides_its_password(runner: asyncio.Runner, log: Listening, url: str) -> None:
    for given_proxies in ({"all": url}, {url: "http://proxy.invalid"}):
        check(runner.run(failure(lambda client: client.get("http://other.invalid"), proxies=given_proxies)), log)


@quickly
@given(url=urls("http", "https", "socks5"))
def test_proxy_of_the_environment_hides_its_password(
    runner: asyncio.Runner, log: Listening, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    try:
        monkeypatch.setitem(os.environ, "ALL_PROXY", url)
    except UnicodeEncodeError:
        assume(False)
    check(runner.run(failure(lambda client: client.get("http://other.invalid/"))), log)


@quickly
@given(url=urls("http", "https", "ws"))
def test_location_hides_its_password(
    runner: asyncio.Runner, log: Listening, scripted: ScriptedServer, url: str
) -> None:
    assume("\t" not in url)
    scripted.always(response(b"", 302, [("Location", url.encode("utf-8", "surrogatepass").decode("latin-1"))]))
    scripted.requests.clear()
    check(runner.run(failure(lambda client: client.get(scripted.url(), max_redirects=1))), log)


@quickly
@given(url=urls("http", "https"))
def test_link_hides_its_password(runner: asyncio.Runner, log: Listening, scripted: ScriptedServer, url: str) -> None:
    assume("\t" not in url)
    field = f'<{url.encode("utf-8", "surrogatepass").decode("latin-1")}>; rel="next"'
    scripted.always(response(b"", headers=[("Link", field)]))

    async def follow(client: HttpClient) -> None:
        links = (await client.get(scripted.url())).links
        await client.get(links["next"]["url"])

    check(runner.run(failure(follow)), log)


@quickly
@given(url=urls("http", "https"))
def test_oauth_endpoint_hides_its_password(runner: asyncio.Runner, log: Listening, url: str) -> None:
    one, two = OAuth1("id", client_secret="x"), OAuth2("id", token_url=url, redirect_uri="https://app.invalid/")

    async def authorize(client: HttpClient) -> None:
        two.authorization_url(url)

    async def come_back(client: HttpClient) -> None:
        await two.fetch_token(client, authorization_response=url, state="state")

    async def authorize_again(client: HttpClient) -> None:
        one.authorization_url(url)

    calls = (
        authorize,
        authorize_again,
        come_back,
        lambda client: two.fetch_client_token(client),
        lambda client: two.device_authorization(client, url),
        lambda client: one.fetch_request_token(client, url),
        lambda client: one.fetch_access_token(client, url, authorization_response=url),
    )

    async def failures() -> list[HooklineError]:
        found = []
        async with HttpClient(resolver=nowhere) as client:
            for call in calls:
                try:
                    await call(client)
                except HooklineError as error:
                    found.append(error)
        return found

    for error in runner.run(failures()):
        check(error, log)


@quickly
@given(url=urls("http", "https"))
def test_command_line_hides_the_password(capfd: pytest.CaptureFixture[str], url: str) -> None:
    assume(host_of(with_scheme(url)) is None)  # it has no resolver=, and asks for no address so
    with contextlib.suppress(SystemExit):
        main([url])
    said = capfd.readouterr()
    assert not any(word in said.out + said.err for word in WORDS), said


@pytest.mark.parametrize(
    "url",
    ["http://user:hunter/", "http://user:hunter@h:x", "user:hunter@h", "http:/user:hunter@h:x/", "//user:hunter@h"],
)
def test_split_hides_the_password(url: str) -> None:
    with pytest.raises(InvalidURL) as caught:
        split_url(url)
    assert not any("hunter" in text for text in told(caught.value))
