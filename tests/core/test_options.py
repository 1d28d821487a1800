"""The keywords of clients and requests: who owns them, how they read back, and the errors for unknown ones."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from hookline import Attribute, HttpClient, Option, Timeout, hookimpl
from hookline_testing.server import ScriptedServer, response
from kit.distributions import Site, plugin_source
from kit.recorder import client_with, plugin


def owner(name: str, *options: Option, **attributes: Any) -> Any:
    """A plugin that declares options."""
    return plugin(name, declare=hookimpl(specname="declare")(lambda self: options), **attributes)


@dataclass(frozen=True)
class Hue:
    """What a plugin makes of a text."""

    name: str

    @classmethod
    def parse(cls, text: str) -> Hue:
        """Make one of a text, and of nothing else."""
        if not isinstance(text, str):
            raise TypeError("Hue.parse takes a str")
        return cls(text)


REDIRECTS = (Option("allow_redirects", True, convert=bool), Option("max_redirects", 10, convert=int))


async def message(client: HttpClient, **options: Any) -> str:
    """The TypeError of a call."""
    with pytest.raises(TypeError) as caught:
        await client.get("http://nobody.invalid/", **options)
    return str(caught.value)


async def read(client: HttpClient, server: ScriptedServer, name: str, **options: Any) -> Any:
    """An option as a plugin reads it from the request of a call."""
    server.answer(response())
    return getattr((await client.get(server.url(), **options)).request, name)


async def test_option_is_read_from_the_request_and_the_client(scripted: ScriptedServer) -> None:
    async with client_with(owner("redirects", *REDIRECTS), max_redirects="3") as client:
        assert client.max_redirects == 3  # as the plugin wants it
        assert client.allow_redirects is True
        assert await read(client, scripted, "max_redirects") == 3
        assert await read(client, scripted, "max_redirects", max_redirects="5") == 5
        assert await read(client, scripted, "max_redirects", max_redirects=None) is None
        assert await read(client, scripted, "allow_redirects", allow_redirects=0) is False
        assert await read(client, scripted, "max_redirects") == 3


async def test_option_that_is_set_later_counts_at_the_next_request(scripted: ScriptedServer) -> None:
    async with client_with(owner("redirects", *REDIRECTS)) as client:
        assert await read(client, scripted, "max_redirects") == 10
        client.max_redirects = "4"
        assert client.max_redirects == 4
        assert await read(client, scripted, "max_redirects") == 4
        client.timeout = 5
        assert (await read(client, scripted, "timeout")).total == 5
        with pytest.raises(ValueError, match="max_redirects= invalid literal"):
            client.max_redirects = "many"
        assert client.max_redirects == 4
        with pytest.raises(AttributeError, match="HttpClient has no option 'max_redirect'"):
            client.max_redirect = 3


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("timeout", Timeout(read=1)), ("verify", False), ("stream", True), ("version", "HTTP/1.0"), ("trust_env", False),
        ("pool_size", 3), ("keep_alive", 7.5), ("close_connections", True), ("max_body", 9), ("client_version", "me/1"),
        ("unix_socket", "socket"), ("hue", ["any"]), ("sensitive_headers", frozenset({"x-key"})),
        ("source_address", ("127.0.0.1", 0)), ("cert", ("certificate", "key")), ("json_encoder", str),
    ],
)  # fmt: skip
def test_attributes_of_the_client_read_back_as_given(name: str, value: Any) -> None:
    client = HttpClient(plugins=[owner("color", Option("hue"))], autoload=False, **{name: value})
    assert getattr(client, name) == value


CONVERTED = (
    ("timeout", 5, Timeout(5)), ("timeout", None, Timeout()), ("verify", Path("ca.pem"), "ca.pem"), ("stream", 1, True),
    ("sensitive_headers", ["X-Key"], frozenset({"x-key"})), ("source_address", "127.0.0.1", ("127.0.0.1", 0)),
    ("unix_socket", Path("socket"), "socket"), ("cert", (Path("a"), Path("b")), ("a", "b")), ("version", None, "HTTP/1.1"),
    ("server_hostname", "bücher.test", "xn--bcher-kva.test"), ("hue", "red", Hue("red")),
)  # fmt: skip


@pytest.mark.parametrize(("name", "value", "converted"), CONVERTED)
async def test_option_reads_back_converted_and_can_be_given_again(name: str, value: Any, converted: Any) -> None:
    async with client_with(owner("color", Option("hue", convert=Hue.parse)), **{name: value}) as client:
        found = getattr(client, name)
        assert (type(found), found) == (type(converted), converted)
        setattr(client, name, found)
        assert getattr(client, name) == converted
        setattr(client, name, value)
        assert getattr(client, name) == converted


async def test_converted_value_that_was_read_is_not_converted_again(scripted: ScriptedServer) -> None:
    async with client_with(owner("color", Option("hue", Hue("red"), convert=Hue.parse))) as client:
        client.hue = client.hue  # the default
        assert await read(client, scripted, "hue", hue=client.hue) is client.hue
        client.hue = "blue"
        blue = client.hue
        client.hue = blue
        assert client.hue is await read(client, scripted, "hue", hue=blue) is blue
        client.event("on_headers").bind(lambda response: None)  # a new configuration
        assert client.hue is blue
        with pytest.raises(TypeError, match=r"hue= Hue\.parse takes a str"):
            client.hue = Hue("green")  # never read here, and this converter does not take its own results


async def test_plain_value_is_converted_even_if_it_equals_what_was_read(scripted: ScriptedServer) -> None:
    doubled = Option("size", convert=lambda value: value * 2)
    async with client_with(owner("sizes", doubled), size=2) as client:
        assert client.size == 4
        assert await read(client, scripted, "size", size=4) == 8
        client.size = 4
        assert client.size == 8


async def test_owner_of_a_shared_option_keeps_what_was_read(scripted: ScriptedServer) -> None:
    async with client_with(*sharing((Basic,), (tuple,)), auth=Basic()) as client:
        scripted.always(response())
        request = (await client.get(scripted.url(), auth=client.auth)).request
        assert (request.owner("auth"), request.auth) == ("a", client.auth)


async def test_option_of_a_plugin_that_is_gone_is_no_attribute() -> None:
    async with client_with(redirects := owner("redirects", *REDIRECTS), max_redirects="3") as client:
        client.plugins.manager.unregister(redirects)
        with pytest.raises(AttributeError, match="no attribute 'max_redirects'"):
            _ = client.max_redirects
        client.plugins.manager.register(redirects)
        assert client.max_redirects == 3


def test_loop_and_logger_of_the_client_read_back_as_given() -> None:
    loop, logger = asyncio.new_event_loop(), logging.getLogger("mine")
    client = HttpClient(autoload=False, loop=loop, logger=logger)
    assert client.loop is loop
    assert client.logger is logger
    loop.close()


def raises(error: Exception) -> Callable[[Any], Any]:
    def convert(value: Any) -> Any:
        raise error

    return convert


class OwnError(ValueError):
    """An error of a plugin."""


@pytest.mark.parametrize(
    ("error", "expected", "words"),
    [
        (ValueError("bad"), "", "hue= bad (an option of plugin 'paint' (acme-paint 1.0))"),
        (TypeError("bad"), "a colour", "hue= takes a colour: bad (an option of plugin 'paint' (acme-paint 1.0))"),
        (ValueError("hue= takes red"), "a colour", "hue= takes red (an option of plugin 'paint' (acme-paint 1.0))"),
        (ValueError("hues are bad"), "", "hue= hues are bad (an option of plugin 'paint' (acme-paint 1.0))"),
        (
            OwnError("own"),
            "a colour",
            "own\nin hue=, an option of plugin 'paint' (acme-paint 1.0), which takes a colour",
        ),
        (KeyError("red"), "", "'red'\nin hue=, an option of plugin 'paint' (acme-paint 1.0)"),
    ],
)
async def test_refusal_names_option_plugin_distribution_and_what_is_accepted(
    site: Site, error: Exception, expected: str, words: str
) -> None:
    site.install("acme-paint", declares("Paint", "brush"), {"paint": "Paint"})
    paint = owner("paint", Option("hue", convert=raises(error), expected=expected))
    async with HttpClient() as client:
        client.plugins.manager.unregister(name="paint")
        client.plugins.manager.register(paint)
        for refused in (partial(setattr, client, "hue"), lambda value: client.get("http://nobody.invalid/", hue=value)):
            with pytest.raises(type(error)) as caught:
                await (refused("red") or nothing())
            assert "\n".join([str(caught.value), *getattr(caught.value, "__notes__", ())]) == words
            error.__dict__.pop("__notes__", None)


async def nothing() -> None:
    """Do nothing."""


@pytest.mark.parametrize(
    ("option", "value", "words"),
    [
        ("timeout", "soon", "timeout= takes seconds for the whole call, or a Timeout: timeout total: expected seconds"),
        ("timeout", -1, "timeout= takes seconds for the whole call, or a Timeout: timeout total: expected seconds"),
        ("version", "HTTP/3", "version= takes 'HTTP/1.1' or 'HTTP/1.0', not 'HTTP/3'"),
        ("max_body", "x", "max_body= takes a number (0 (no limit) or more bytes) or None, not str"),
        (
            "unix_socket",
            5,
            "unix_socket= takes the path of a socket: expected str, bytes or os.PathLike object, not int",
        ),
        ("cert", (5, None), "cert= takes a path, (certificate, key) or (certificate, key, password): expected str"),
        ("json_encoder", 5, "json_encoder= takes a callable(object): expected a callable, got int"),
    ],
)
def test_refusal_of_core_names_option_and_what_is_accepted(option: str, value: Any, words: str) -> None:
    with pytest.raises((TypeError, ValueError)) as caught:
        HttpClient(autoload=False, **{option: value})
    assert str(caught.value).startswith(words)


@pytest.fixture
async def client() -> AsyncIterator[HttpClient]:
    only = (Option("here", client=False), Option("there", request=False))
    async with client_with(owner("redirects", *REDIRECTS), owner("only", *only)) as made:
        yield made


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (
            {"allow_redirect": True},
            "HttpClient.get() got an unexpected keyword 'allow_redirect'. Did you mean 'allow_redirects'?",
        ),
        ({"header": {}}, "HttpClient.get() got an unexpected keyword 'header'. Did you mean 'headers'?"),
        ({"on_header": len}, "HttpClient.get() got an unexpected keyword 'on_header'. Did you mean 'on_headers'?"),
        (
            {"qqq": 1},
            "HttpClient.get() got an unexpected keyword 'qqq': neither core nor an installed plugin has this option",
        ),
        (
            {"disable": ["redirects"], "allow_redirects": True},
            "HttpClient.get() got an unexpected keyword 'allow_redirects': it belongs to plugin 'redirects', which is"
            " disabled",
        ),
        ({"there": 1}, "HttpClient.get() got an unexpected keyword 'there': it is an option of the client only"),
    ],
)
async def test_unknown_keyword_of_a_call_word_for_word(client: HttpClient, options: Any, words: str) -> None:
    assert await message(client, **options) == words


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"allow_redirect": True}, "unexpected keyword 'allow_redirect'. Did you mean 'allow_redirects'?"),
        ({"header": {}}, "unexpected keyword 'header'. Did you mean 'headers'?"),
        ({"here": 1}, "unexpected keyword 'here': it is an option of the request only"),
        ({"disable": ["redirects"], "max_redirects": 1}, "it belongs to plugin 'redirects', which is disabled"),
        (
            {"qqq": 1},
            "HttpClient() got an unexpected keyword 'qqq': neither core nor an installed plugin has this option",
        ),
    ],
)
def test_unknown_keyword_of_a_client_word_for_word(options: Any, words: str) -> None:
    plugins = [owner("redirects", *REDIRECTS), owner("only", Option("here", client=False))]
    with pytest.raises(TypeError, match=re.escape(words)):
        HttpClient(plugins=plugins, autoload=False, **options)


def declares(name: str, option: str, attributes: str = "") -> str:
    body = f"class Base:\n    @hookimpl\n    def declare(self): return [Option({option!r}, 1)]"
    return plugin_source(name, body=body, attributes=attributes).replace(f"class {name}:", f"class {name}(Base):")


async def test_error_for_a_keyword_of_an_absent_plugin_says_why_it_is_absent(site: Site) -> None:
    site.install("hookline-redirects", declares("Redirects", "allow_redirects"), {"redirects": "Redirects"})
    site.install("hookline-cookies", declares("Cookies", "cookies"), {"cookies": "Cookies"})
    site.install("acme-cookies", declares("Jar", "jar_file", "replaces = 'cookies'"), {"jar": "Jar"})
    site.install("hookline-again", declares("Again", "retries"), {"again": "Again"}, group="hookline.optional")
    site.install("acme-broken", "raise ImportError", {"broken": "Broken"}, group="hookline.optional")
    async with HttpClient(disable=["redirects"]) as client:
        assert "it belongs to plugin 'redirects', which is disabled" in await message(client, allow_redirects=True)
        assert "it belongs to plugin 'cookies', which is replaced by acme-cookies 1.0" in await message(
            client, cookies={}
        )
        assert "it belongs to the optional plugin 'again', which plugins=['again'] would load" in await message(
            client, retries=3
        )
        assert "unexpected keyword 'zzzzz'" in await message(client, zzzzz=3)
        with pytest.raises(TypeError, match=r"belongs to plugin 'cookies', which is replaced by acme-cookies 1.0"):
            HttpClient(cookies={})
    async with HttpClient(autoload=False) as client:
        assert "belongs to plugin 'redirects', which is not loaded" in await message(client, allow_redirects=True)


async def test_replacement_may_declare_the_keywords_itself(site: Site, scripted: ScriptedServer) -> None:
    site.install("hookline-cookies", declares("Cookies", "cookies"), {"cookies": "Cookies"})
    site.install("acme-cookies", declares("Jar", "cookies", "replaces = 'cookies'"), {"jar": "Jar"})
    async with HttpClient() as client:
        assert await read(client, scripted, "cookies", cookies="mine") == "mine"


async def test_disabled_for_a_call_the_clients_value_is_ignored(client: HttpClient, scripted: ScriptedServer) -> None:
    client.max_redirects = 3
    assert await read(client, scripted, "max_redirects") == 3
    assert await read(client, scripted, "max_redirects", disable=["redirects"]) == 10
    assert await read(client, scripted, "max_redirects") == 3


async def test_replacement_is_disabled_for_a_call_with_what_it_replaces(scripted: ScriptedServer) -> None:
    async with client_with(
        owner("mine", *REDIRECTS, replaces="redirects"), owner("redirects"), max_redirects=3
    ) as made:
        assert await read(made, scripted, "max_redirects") == 3
        assert await read(made, scripted, "max_redirects", disable=["redirects"]) == 10


async def test_optional_plugin_of_a_call_is_one_object_for_all_calls(site: Site, scripted: ScriptedServer) -> None:
    site.install("hookline-again", declares("Again", "retries"), {"again": "Again"}, group="hookline.optional")
    async with HttpClient() as client:
        assert await read(client, scripted, "retries", plugins=["again"], retries=3) == 3
        (again,) = client.plugins.absent
        first = again.plugin
        client.event("on_headers").bind(lambda response: None)
        assert await read(client, scripted, "retries", plugins=["again"]) == 1
        assert again.plugin is first


class Basic:
    """What one plugin accepts."""


class Digest(Basic):
    """What the other one accepts."""


def sharing(*accepts: Any) -> list[Any]:
    return [
        owner("abcde"[n], Option("auth", accepts=kinds, convert=lambda v, n=n: (n, v)))
        for n, kinds in enumerate(accepts)
    ]


@pytest.mark.parametrize(
    ("accepts", "value", "chosen"),
    [
        ([(Basic,), (Digest,)], Basic(), 0),
        ([(Basic,), (Digest,)], Digest(), 1),  # the nearest class decides
        ([(Basic,), (tuple, callable)], len, 1),
        ([(Basic,), (tuple, callable)], ("a", "b"), 1),
        ([(callable,), (type(len),)], len, 1),  # a bare callable comes last
    ],
)
async def test_shared_option_goes_to_the_plugin_that_accepts_the_value(
    scripted: ScriptedServer, accepts: Any, value: Any, chosen: int
) -> None:
    async with client_with(*sharing(*accepts)) as client:
        scripted.always(response())
        found = (await client.get(scripted.url(), auth=value)).request
        assert found.auth == (chosen, value)
        assert found.owner("auth") == "ab"[chosen]
        assert found.copy().owner("auth") == "ab"[chosen]
        assert (await client.get(scripted.url())).request.owner("auth") is None
        client.auth = value
        assert (await client.get(scripted.url())).request.owner("auth") == "ab"[chosen]
        assert client.auth == (chosen, value)


async def test_value_of_a_shared_option_is_ignored_where_its_owner_is_disabled_for_a_call(
    scripted: ScriptedServer,
) -> None:
    plugins = sharing((Basic,), (Digest,), (tuple,))
    async with client_with(*plugins, auth=("a", "b")) as client:
        assert await read(client, scripted, "auth", disable=["a"]) == (2, ("a", "b"))
        assert await read(client, scripted, "auth", disable=["c"]) is None
        assert "no plugin takes: plugin 'a' takes Basic" in await message(client, auth=("a", "b"), disable=["c"])


async def test_function_as_the_clients_value_is_read_as_it_is(scripted: ScriptedServer) -> None:
    scripted.always(response())

    def function(response: Any) -> None:
        pass

    async with client_with(owner("calls", Option("called")), called=function) as client:
        request = (await client.get(scripted.url())).request
        assert request.called is type(request).called is client.called is function


async def test_owner_of_an_option_that_is_not_shared(scripted: ScriptedServer) -> None:
    scripted.always(response())
    async with client_with(*sharing((tuple,))) as client:
        assert (await client.get(scripted.url(), auth=("a", "b"))).request.owner("auth") == "a"
        client.auth = ("a", "b")
        assert (await client.get(scripted.url())).request.owner("auth") == "a"
        assert (await client.get(scripted.url(), auth=None)).request.owner("auth") is None


@pytest.mark.parametrize(
    ("accepts", "value", "words"),
    [
        (
            [(Basic,), (Basic,)],
            Basic(),
            "auth= got Basic, which plugin 'a' and plugin 'b' both take; disable one of them",
        ),
        ([(callable,), (callable,)], len, "which plugin 'a' and plugin 'b' both take"),
        (
            [(Basic,), (Digest,)],
            7,
            "auth= got int, which no plugin takes: plugin 'a' takes Basic; plugin 'b' takes Digest",
        ),
    ],
)
async def test_tie_and_misfit_are_type_errors_that_name_both(accepts: Any, value: Any, words: str) -> None:
    async with client_with(*sharing(*accepts)) as client:
        assert words in await message(client, auth=value)
        with pytest.raises(TypeError, match=re.escape(words)):
            client.auth = value


async def test_attribute_of_requests_is_read_from_each(scripted: ScriptedServer) -> None:
    class Shouted:
        @hookimpl
        def declare(self) -> list[Attribute]:
            return [Attribute("shouted", lambda request: request.method + "!", of="request")]

    async with client_with(Shouted()) as client:
        scripted.always(response())
        request = (await client.get(scripted.url())).request
        assert (request.shouted, request.copy(method="PUT").shouted) == ("GET!", "PUT!")
        with pytest.raises(AttributeError):
            request.shouted = "no"
