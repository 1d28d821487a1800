"""A plugin with a mistake in it is a PluginError at once, which says whose it is and how to go on without it."""

from __future__ import annotations

import re
from typing import Any

import pytest

from hookline import Attribute, HttpClient, Option, PluginError, PluginTypeError, Scheme, hookimpl
from kit.distributions import Site, plugin_source
from kit.recorder import Recorder, on, plugin

BAD = "plugin 'acme' (acme-bad 1.2)"
HOOKS = {
    "on_header(self, response)": f"{BAD} implements the unknown hook 'on_header'; did you mean 'on_headers'?",
    "zzz(self)": f"{BAD} implements the unknown hook 'zzz'; there are declare, pre_request",
    "on_headers(self, respons)": f"{BAD}: on_headers takes an unknown argument 'respons'; did you mean 'response'?",
    "on_headers(self, *, zzz)": f"{BAD}: on_headers takes an unknown argument 'zzz'; there are response, exc",
    "data_received(self, exc)": f"{BAD}: data_received takes an unknown argument 'exc'",
    "pre_request(self, interim)": f"{BAD}: pre_request takes an unknown argument 'interim'",
    "declare(self, client)": f"{BAD}: declare takes an unknown argument 'client'; there are none",
}
SOURCES = {
    "raise RuntimeError('at import')": (
        "plugin 'acme' of acme-bad 1.2 cannot be imported: RuntimeError: at import; disable=['acme'] leaves it out"
    ),
    "import nowhere_at_all": "plugin 'acme' of acme-bad 1.2 cannot be imported: ModuleNotFoundError",
    "Other = 1": "plugin 'acme' of acme-bad 1.2 cannot be imported: AttributeError",
    "class Acme:\n    def __init__(self): raise ValueError('at once')": (
        "plugin 'acme' of acme-bad 1.2 cannot be made: ValueError: at once; disable=['acme'] leaves it out"
    ),
    "class Acme:\n    def __init__(self, needed): ...": "plugin 'acme' of acme-bad 1.2 cannot be made: TypeError",
    "class Acme: pass": f"{BAD} implements no hook: mark its methods with @hookline.hookimpl; disable=['acme']",
}
SOURCES |= {plugin_source("Acme", hook=hook): words for hook, words in HOOKS.items()}


@pytest.mark.parametrize(("source", "words"), SOURCES.items())
def test_mistake_in_a_distribution_names_it_and_the_way_out(site: Site, source: str, words: str) -> None:
    site.install("acme-bad", source, {"acme": "Acme"}, version="1.2")
    with pytest.raises(PluginError, match=re.escape(words)) as caught:
        HttpClient()
    assert "disable=['acme'] leaves it out" in str(caught.value)
    assert len(HttpClient(disable=["acme"]).plugins) == 0


async def coroutine(self: Any, data: Any = None) -> None: ...


def generator(self: Any, response: Any) -> Any:
    yield


def plain(self: Any) -> None: ...


@pytest.mark.parametrize(
    ("event", "function", "marks", "words"),
    [
        ("data_received", coroutine, {}, "data_received must be a plain function, not a coroutine function"),
        ("data_processed", coroutine, {}, "data_processed must be a plain function, not a coroutine function"),
        ("data_received", generator, {"wrapper": True}, "data_received takes no wrappers"),
        ("declare", plain, {"wrapper": True}, "declare takes no wrappers"),
        ("on_headers", generator, {}, "on_headers is a generator; a wrapper needs @hookimpl(wrapper=True)"),
        ("on_headers", plain, {"wrapper": True}, "the wrapper of on_headers must be a plain generator function"),
    ],
)
def test_wrong_kind_of_function_is_refused(event: str, function: Any, marks: Any, words: str) -> None:
    bad = plugin("bad", **{event: hookimpl(specname=event, **marks)(function)})
    with pytest.raises(PluginError, match=re.escape(f"plugin 'bad': {words}; disable=['bad'] leaves it out")):
        HttpClient(plugins=[bad], autoload=False)
    client = HttpClient(autoload=False)
    with pytest.raises(PluginError, match=re.escape(words)):
        client.plugins.manager.register(bad)
    assert len(client.plugins) == 0


def test_optional_hook_may_be_unknown() -> None:
    future = plugin(
        "future",
        on_push=hookimpl(optionalhook=True, specname="on_push")(lambda self, response: None),
        pre_request=hookimpl(specname="pre_request")(lambda self: None),
    )
    assert [info.hooks for info in HttpClient(plugins=[future], autoload=False).plugins] == [("pre_request",)]


@pytest.mark.parametrize(
    "attributes",
    [
        [{"before": "b"}, {"before": ("c",)}, {"before": "a"}],
        [{"after": "b"}, {"after": "c"}, {"after": "a"}],
        [{"before": "b", "after": "b"}, {}, {}],
    ],
)
def test_cycle_of_before_and_after_is_an_error(attributes: Any) -> None:
    plugins = [on("pre_request", lambda self: None, name).__class__ for name in "abc"]
    for made, attribute in zip(plugins, attributes, strict=True):
        for key, value in attribute.items():
            setattr(made, key, value)
    with pytest.raises(PluginError, match=r"form a cycle: .*a.* before .*; disable=\['\w'\] breaks it"):
        HttpClient(plugins=[made() for made in plugins], autoload=False)


NOT_NAMES: dict[str, tuple[Any, str]] = {
    "int": (5, "int"),
    "none": (None, "NoneType"),
    "bytes": (b"a", "bytes"),
    "list_with_int": (["a", 5], "list with int"),
    "tuple_with_none": ((None,), "tuple with NoneType"),
}


@pytest.mark.parametrize(("value", "found"), NOT_NAMES.values(), ids=NOT_NAMES)
@pytest.mark.parametrize("attribute", ["before", "after", "replaces"])
def test_before_after_and_replaces_that_are_no_names_are_an_error(attribute: str, value: Any, found: str) -> None:
    bad = on("pre_request", lambda self: None, "bad")
    setattr(type(bad), attribute, value)
    words = f"plugin 'bad': {attribute} must be the name of a plugin or a list of names, not {found}; disable=['bad']"
    with pytest.raises(PluginTypeError, match=re.escape(words)):
        HttpClient(plugins=[bad], autoload=False)
    client = HttpClient(autoload=False)
    with pytest.raises(PluginTypeError, match=re.escape(words)):
        client.plugins.manager.register(bad)
    assert len(client.plugins) == 0


@pytest.mark.parametrize("attribute", ["before", "after", "replaces"])
def test_installed_plugin_whose_place_is_no_name_is_named_with_its_distribution(site: Site, attribute: str) -> None:
    site.install("acme-bad", plugin_source("Bad", attributes=f"{attribute} = 5"), {"bad": "Bad"})
    words = f"plugin 'bad' (acme-bad 1.0): {attribute} must be the name of a plugin or a list of names, not int"
    with pytest.raises(PluginTypeError, match=re.escape(words)):
        HttpClient()
    assert "bad" not in HttpClient(disable=["bad"]).plugins


def declaring(name: str, *declarations: Any) -> Any:
    return plugin(name, declare=hookimpl(specname="declare")(lambda self: declarations))


@pytest.mark.parametrize(
    ("plugins", "words"),
    [
        ([declaring("a", Option("x")), declaring("b", Option("x"))], "'a' and plugin 'b' both declare the option 'x'"),
        ([declaring("a", Option("url"))], "plugin 'a' declares the option 'url', a name that core has"),
        ([declaring("a", Option("timeout"))], "plugin 'a' declares the option 'timeout', a name that core has"),
        ([declaring("a", Option("pool_size"))], "plugin 'a' declares the option 'pool_size', a name that core has"),
        ([declaring("a", Option("plugins"))], "plugin 'a' declares the option 'plugins', a name that core has"),
        ([declaring("a", Option("on_headers"))], "plugin 'a' declares the option 'on_headers', a name that core has"),
        ([declaring("a", Option("close"))], "plugin 'a' declares the option 'close', a name that core has"),
        ([declaring("a", Option("not-one"))], "plugin 'a' declares the option 'not-one'"),
        ([declaring("a", Scheme("ws", 80)), declaring("b", Scheme("ws", 80))], "both serve the scheme 'ws'"),
        ([declaring("a", Scheme("http", 80))], "core and plugin 'a' both serve the scheme 'http'"),
        ([declaring("a", Attribute("jar", len)), declaring("b", Attribute("jar", len))], "both declare the attribute"),
        ([declaring("a", Attribute("status_code", len))], "the attribute 'status_code' of 'response', which is taken"),
        ([declaring("a", Attribute("get", len, of="client"))], "the attribute 'get' of 'client', which is taken"),
        ([declaring("a", Attribute("url", len, of="request"))], "the attribute 'url' of 'request', which is taken"),
        ([declaring("a", Attribute("timeout", len, of="request"))], "'timeout' of 'request', which is taken"),
        ([declaring("a", Option("x"), Attribute("x", len, of="request"))], "'x' of 'request', which is taken"),
        ([declaring("a", Attribute("x", len, of="pool"))], "the attribute 'x' of 'pool', which is taken"),
        ([declaring("a", 7)], "plugin 'a': declare returned int, which is no declaration"),
    ],
)
def test_declarations_that_clash_are_errors(plugins: Any, words: str) -> None:
    with pytest.raises(PluginError, match=re.escape(words)):
        HttpClient(plugins=plugins, autoload=False)


def test_declare_that_fails_is_an_error_of_its_plugin() -> None:
    broken = plugin("a", declare=hookimpl(specname="declare")(lambda self: 1 / 0))
    with pytest.raises(PluginError, match="plugin 'a': declare failed: ZeroDivisionError"):
        HttpClient(plugins=[broken], autoload=False)


def test_manager_turns_pluggys_errors_into_ours() -> None:
    manager = HttpClient(autoload=False).plugins.manager
    one = Recorder([])
    manager.register(one)
    with pytest.raises(PluginError, match="plugin 'recorder': "):
        manager.register(one)
    with pytest.raises(PluginError, match="plugin 'recorder': "):
        manager.register(Recorder([]), "recorder")
    with pytest.raises(PluginError, match="Recorder is a class; register an object"):
        manager.register(Recorder)
    for wrong in ({"name": "nobody"}, {"plugin": Recorder([])}, {}):
        with pytest.raises(PluginError, match=r"unregister: no plugin .* is registered"):
            manager.unregister(**wrong)
    assert manager.unregister(one) is one
