"""The plugins alone with core, disabled, replaced by another, and without oauthlib."""

import subprocess
import sys
from typing import Any

import pytest

import hookline
from hookline import HttpClient, Option, PluginError, hookimpl
from hookline_oauth import OAuth1, OAuth1Plugin, OAuth2, OAuth2Plugin
from hookline_testing.server import ScriptedServer, response

pytestmark = [pytest.mark.usefixtures("insecure"), pytest.mark.protocols("HTTP/1.1", "HTTP/2")]


def oauth1() -> OAuth1:
    return OAuth1("id", client_secret="s")


def oauth2() -> OAuth2:
    return OAuth2(token="t")


KINDS = [
    pytest.param("oauth1", OAuth1Plugin, oauth1, "OAuth oauth_nonce=", id="oauth1"),
    pytest.param("oauth2", OAuth2Plugin, oauth2, "Bearer t", id="oauth2"),
]


@pytest.mark.protocols("HTTP/1.1")
@pytest.mark.parametrize("is_object", [False, True])
@pytest.mark.parametrize(("name", "plugin", "make", "begin"), KINDS)
async def test_alone_with_core(
    scripted: ScriptedServer, name: str, plugin: Any, make: Any, begin: str, is_object: bool
) -> None:
    scripted.always(response())
    async with HttpClient(autoload=False, plugins=[plugin() if is_object else name]) as client:
        assert [found.name for found in client.plugins] == [name]
        await client.get(scripted.url(), auth=make())
        await client.get(scripted.url(), pre_request=make())
        await client.get(scripted.url())
        with pytest.raises(TypeError, match="auth= takes an OAuth"):
            await client.get(scripted.url(), auth=("user", "password"))
    sent = [request.header("authorization") or "" for request in scripted.requests]
    assert [field.startswith(begin) for field in sent] == [True, True, False]


@pytest.mark.parametrize(("name", "plugin", "make", "begin"), KINDS)
async def test_loaded_for_every_client(name: str, plugin: Any, make: Any, begin: str) -> None:
    async with HttpClient(require=[name]) as client:
        found = next(found for found in client.plugins if found.name == name)
    assert found.distribution == "hookline-oauth"
    assert found.options == ("auth",)
    assert getattr(hookline, type(make()).__name__) is type(make())


@pytest.mark.parametrize(("name", "plugin", "make", "begin"), KINDS)
async def test_disabled(scripted: ScriptedServer, name: str, plugin: Any, make: Any, begin: str) -> None:
    scripted.always(response())
    async with HttpClient(disable=["oauth"]) as client:
        await client.get(scripted.url())
        with pytest.raises((TypeError, PluginError), match="auth"):
            await client.get(scripted.url(), auth=make())
    async with HttpClient(disable=[name]) as client:
        with pytest.raises((TypeError, PluginError), match="auth"):
            await client.get(scripted.url(), auth=make())
    async with HttpClient(auth=make()) as client:
        await client.get(scripted.url(), disable=["oauth"])
        client.event("pre_request").bind(make())
        await client.get(scripted.url(), disable=["oauth"])
    assert [request.header("authorization") for request in scripted.requests] == [None] * 3


class Token:
    """Sends the same token for ever."""

    name = "token"

    @hookimpl
    def declare(self) -> list[Option]:
        return [Option("auth", None, accepts=(str,))]

    @hookimpl
    def pre_request(self, response: Any) -> None:
        if isinstance(response.request.auth, str):
            response.request.unredirected_headers["Authorization"] = f"Bearer {response.request.auth}"


@pytest.mark.parametrize(("name", "plugin", "make", "begin"), KINDS)
async def test_replaced(scripted: ScriptedServer, name: str, plugin: Any, make: Any, begin: str) -> None:
    class Mine(Token):
        replaces = name

    scripted.always(response())
    async with HttpClient(plugins=[Mine()]) as client:
        assert name not in [found.name for found in client.plugins]
        await client.get(scripted.url(), auth="mine")
        with pytest.raises((TypeError, PluginError)):
            await client.get(scripted.url(), auth=make())
    assert scripted.requests[0].header("authorization") == "Bearer mine"


async def test_option_is_shared_with_other_plugins(scripted: ScriptedServer) -> None:
    class Callables(Token):
        @hookimpl
        def declare(self) -> list[Option]:
            return [Option("auth", None, accepts=(str, callable))]

    scripted.always(response())
    async with HttpClient(plugins=[Callables()], auth="basic") as client:
        await client.get(scripted.url())
        await client.get(scripted.url(), auth=oauth1())
        await client.get(scripted.url(), auth=oauth2())
        await client.get(scripted.url(), auth=None)
    sent = [request.header("authorization") for request in scripted.requests]
    assert sent[0] == "Bearer basic"
    assert sent[1].startswith("OAuth ")
    assert sent[2:] == ["Bearer t", None]


@pytest.mark.parametrize(("name", "plugin", "make", "begin"), KINDS)
async def test_plugin_that_calls_it_instead_does_not_send_the_request_without(
    scripted: ScriptedServer, name: str, plugin: Any, make: Any, begin: str
) -> None:
    class Callables:
        name = "callables"

        @hookimpl
        def declare(self) -> list[Option]:
            return [Option("auth", None, accepts=(callable,))]

        @hookimpl
        def pre_request(self, response: Any) -> None:
            if response.request.auth is not None:
                response.request.auth(response)

    scripted.always(response())
    async with HttpClient(autoload=False, plugins=[Callables()]) as client:
        with pytest.raises(PluginError, match=f"needs the plugin '{name}'"):
            await client.get(scripted.url(), auth=make())
        with pytest.raises(PluginError, match=f"needs the plugin '{name}'"):
            await client.get(scripted.url(), pre_request=make())
    async with HttpClient(autoload=False, plugins=[Callables()], auth=make()) as client:
        with pytest.raises(PluginError, match=f"needs the plugin '{name}'"):
            await client.get(scripted.url())
    assert not scripted.requests


async def test_value_of_the_call_goes_before_bound_handlers(scripted: ScriptedServer) -> None:
    scripted.always(response())
    async with HttpClient(auth=OAuth2(token="client")) as client:
        client.event("pre_request").bind(OAuth2(token="bound"))
        await client.get(scripted.url())
        await client.get(scripted.url(), pre_request=OAuth2(token="handler"))
        await client.get(scripted.url(), auth=OAuth2(token="call"))
        await client.get(scripted.url(), auth=None)
    sent = [request.header("authorization") for request in scripted.requests]
    assert sent == ["Bearer bound", "Bearer handler", "Bearer call", None]


@pytest.mark.parametrize(("name", "plugin", "make", "begin"), KINDS)
async def test_field_of_the_call_goes_before_the_value_of_the_client(
    scripted: ScriptedServer, name: str, plugin: Any, make: Any, begin: str
) -> None:
    scripted.always(response())
    own = {"Authorization": "mine"}
    async with HttpClient(auth=make()) as client:
        await client.get(scripted.url(), headers=own)
        await client.get(scripted.url(), headers=own, auth=make())
        await client.get(scripted.url(), headers=own, auth=OAuth1("id", client_secret="s", signature_type="QUERY"))
    assert [request.header("authorization") for request in scripted.requests][::2] == ["mine", "mine"]
    assert (scripted.requests[1].header("authorization") or "").startswith(begin)
    assert "oauth_signature=" in scripted.requests[2].target


async def test_handlers_of_the_user_change_the_request_before_it_is_signed(scripted: ScriptedServer) -> None:
    def change(response: Any) -> None:
        response.request.url += "?late=1"

    class Target:
        after = ("oauth1",)

        @hookimpl(trylast=True)
        def pre_request(self, response: Any) -> None:
            targets.append(response.request.target)

    targets: list[str] = []
    scripted.always(response())
    async with HttpClient(plugins=[Target()]) as client:
        client.event("pre_request").bind(OAuth1("id", client_secret="s", signature_type="QUERY"))
        client.event("pre_request").bind(change)
        await client.get(scripted.url("/x"))
    assert targets[0].startswith("/x?late=1&oauth_nonce=")


@pytest.mark.protocols("HTTP/1.1")
async def test_query_of_a_target_in_absolute_form_is_signed(scripted: ScriptedServer) -> None:
    class Proxy:
        name = "tunnel"

        @hookimpl(trylast=True)
        def pre_request(self, response: Any) -> None:
            request = response.request
            request.target = f"http://api.example{request._destination.target}"

    scripted.always(response())
    async with HttpClient(autoload=False, plugins=["oauth1", Proxy()]) as client:
        await client.get(scripted.url("/x?a=1"), auth=OAuth1("id", client_secret="s", signature_type="QUERY"))
    assert scripted.requests[0].target.startswith("http://api.example/x?a=1&oauth_nonce=")


def test_synchronous_mode(scripted: ScriptedServer) -> None:
    scripted.always(response())
    with HttpClient(auth=oauth2()) as client:
        client.get(scripted.url())
        client.get(scripted.url(), auth=oauth1())
    assert [(request.header("authorization") or "")[:6] for request in scripted.requests] == ["Bearer", "OAuth "]


def test_oauthlib_is_imported_at_first_use() -> None:
    code = """if True:
        import sys
        import hookline, hookline_oauth

        def loaded():
            return [name for name in sys.modules if name.partition(".")[0] == "oauthlib"]

        with hookline.HttpClient() as client:
            assert {"oauth1", "oauth2"} <= {found.name for found in client.plugins}
        hookline_oauth.OAuth2(token="t")
        assert not loaded(), loaded()
        hookline_oauth.OAuth1("id")
        assert loaded()
    """
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True, timeout=30)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: OAuth1(), "needs client_id"),
        (lambda: OAuth1("id", client_secrets="x"), "client_secrets"),
        (lambda: OAuth1("id", signature_method="HMAC-MD5"), "there are"),
        (lambda: OAuth1("id", signature_type="COOKIE"), "there are"),
        (lambda: OAuth1("id", client=oauth1()), "not both"),
        (lambda: OAuth2("id", tokn="x"), "unexpected keyword 'tokn'"),
        (lambda: OAuth2(state="x"), "needs client_id= with state="),
        (lambda: OAuth2("id", client=object()), "not both"),
        (lambda: OAuth2("id", client_auth="digest"), "there are basic, body"),
    ],
)
def test_wrong_arguments_are_named(make: Any, message: str) -> None:
    with pytest.raises((TypeError, ValueError), match=message):
        make()


async def test_oauthlib_client_may_be_given(scripted: ScriptedServer) -> None:
    from oauthlib.oauth1 import Client

    scripted.always(response())
    async with HttpClient() as client:
        await client.get(scripted.url(), auth=OAuth1(client=Client("given", nonce="n", timestamp="1")))
    assert 'oauth_nonce="n", oauth_timestamp="1"' in (scripted.requests[0].header("authorization") or "")
