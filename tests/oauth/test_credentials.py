"""No token, secret or signature reaches another origin, a connection without TLS, a message, a repr or a log."""

import asyncio
import logging
import traceback
from collections.abc import Callable
from typing import Any

import pytest

from hookline import HttpClient, PluginError
from hookline_oauth import InsecureTransport, OAuth2, TokenRefused
from hookline_testing.server import ScriptedServer, response
from kit.oauth import TOKENS, holds_secret, moved, oauth1, oauth2
from servers.addresses import Site
from servers.oauth2_provider import SECRET, Grant, OAuth2Provider

Make = Callable[..., ScriptedServer]


@pytest.mark.usefixtures("insecure")
async def test_token_endpoint_that_redirects_gets_no_second_request(make_scripted: Make) -> None:
    own, other = make_scripted(), make_scripted()
    own.answer(moved(other.url("/")))
    async with HttpClient() as client:
        with pytest.raises(TokenRefused, match="are not sent after a redirect"):
            await oauth2(token_url=own.url("/token")).refresh(client)
    assert not other.requests


async def test_nothing_goes_out_without_tls(scripted: ScriptedServer) -> None:
    auth = oauth2(token_url=scripted.url("/token"), redirect_uri="http://example.com/callback")
    async with HttpClient() as client:
        for call in (
            lambda: client.get(scripted.url("/"), auth=auth),
            lambda: auth.refresh(client),
            lambda: auth.fetch_token(client, code="c0de"),
            lambda: auth.fetch_client_token(client),
            lambda: auth.device_authorization(client, scripted.url("/device")),
        ):
            with pytest.raises(InsecureTransport, match=r"is not https.*OAUTHLIB_INSECURE_TRANSPORT=1"):
                await call()
        with pytest.raises(InsecureTransport) as caught:
            auth.authorization_url(scripted.url("/authorize?x=s3cret").replace("//", "//user:s3cret@"))
        assert "s3cret" not in str(caught.value)
        for url in ("http:/user:s3cret@h/", "http://user:s3#cret@h/", "http://user:s3cret/", "user:s3cret@h/"):
            with pytest.raises(InsecureTransport) as caught:
                auth.authorization_url(url)
            assert "s3" not in str(caught.value)
        with pytest.raises(InsecureTransport, match="could read the code"):
            await auth.fetch_token(client, "http://example.com/callback?code=x&state=y", state="y")
    assert not scripted.requests


@pytest.mark.usefixtures("insecure")
async def test_token_of_two_clients_does_not_mix(make_scripted: Make) -> None:
    server = make_scripted()
    server.always(response(b""))
    async with HttpClient(auth=OAuth2(token="one")) as one, HttpClient(auth=OAuth2(token="two")) as two:
        await asyncio.gather(*(client.get(server.url("/" + name)) for client, name in ((one, "1"), (two, "2"))))
        await one.get(server.url("/3"), auth=OAuth2(token="three"))
        await one.get(server.url("/4"), auth=None)
    sent = {request.path: request.header("authorization") for request in server.requests}
    assert sent == {"/1": "Bearer one", "/2": "Bearer two", "/3": "Bearer three", "/4": None}


@pytest.mark.parametrize("token", ["a\r\nX-Evil: 1", "a\0", "", "ü", "a b", 7, {"token": "x"}, {"access_token": 1}])
def test_token_that_no_field_can_carry_is_refused(token: Any) -> None:
    with pytest.raises((ValueError, TypeError)) as caught:
        OAuth2(token=token)
    assert "Evil" not in str(caught.value)


def test_other_token_types_are_refused() -> None:
    for kind in ("mac", "DPoP", "bearer mac", 7):
        with pytest.raises(ValueError, match="not Bearer"):
            OAuth2(token={"access_token": "x", "token_type": kind})


@pytest.mark.usefixtures("insecure")
@pytest.mark.parametrize("kind", ["bEARER", "BearerToken", "bearertoken", " Bearer", "", None], ids=repr)
async def test_token_type_is_bearer_however_it_is_written(scripted: ScriptedServer, kind: str | None) -> None:
    scripted.always(response())
    async with HttpClient() as client:
        await client.get(scripted.url(), auth=OAuth2(token={"access_token": "x", "token_type": kind}))
    assert scripted.requests[0].header("authorization") == "Bearer x"


async def test_server_that_echoes_secrets(client2: HttpClient, site2: Site, provider2: OAuth2Provider) -> None:
    provider2.echo_secrets = True
    auth = OAuth2("basic", token=TOKENS, client_secret=SECRET, token_url=site2.url("/token"))
    provider2.tokens.append(Grant("basic", access_token="x", refresh_token="y"))
    for call in (
        lambda: auth.refresh(client2),
        lambda: auth.fetch_token(client2, code="c0de-of-the-user"),
        lambda: client2.get(site2.url("/api"), auth=auth),
    ):
        with pytest.raises(TokenRefused) as caught:
            await call()
        shown = "".join(traceback.format_exception(caught.value)) + repr(caught.value) + caught.value.description
        for secret in (SECRET, "c0de-of-the-user", *TOKENS.values()):
            assert secret not in shown


@pytest.mark.usefixtures("insecure")
async def test_no_secret_in_repr_and_logs(scripted: ScriptedServer, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    scripted.always(response(b""))
    shown = []
    async with HttpClient() as client:
        for auth in (oauth1(), oauth1("QUERY"), oauth1("BODY"), oauth2()):
            answer = await client.post(scripted.url("/x"), data={"a": "1"}, auth=auth)
            shown += [repr(auth), repr(answer), repr(answer.request), answer.url, repr(client.plugins)]
            shown += [str(auth), f"{auth}"]
            with pytest.raises(ConnectionError) as caught:
                await client.post("http://127.0.0.1:1/x", data={"a": "1"}, auth=auth)
            shown += ["".join(traceback.format_exception(caught.value))]
    assert not [text for text in [*shown, caplog.text] if holds_secret(text)]


async def test_bound_without_its_plugin_is_an_error(scripted: ScriptedServer) -> None:
    async with HttpClient(disable=["oauth"]) as client:
        for auth, name in ((oauth1(), "oauth1"), (oauth2(), "oauth2")):
            with pytest.raises(PluginError, match=f"needs the plugin '{name}'"):
                await client.get(scripted.url("/"), pre_request=auth)
            with pytest.raises(PluginError, match=f"needs the plugin '{name}'"):
                auth(object())
    assert not scripted.requests
