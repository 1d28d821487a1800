"""Which plugins a client gets: groups, disable, plugins, autoload, require, the environment, replacements."""

from __future__ import annotations

import re
from typing import Any

import pytest

from hookline import HttpClient, PluginError, hookimpl
from hookline.plugins import installed as installed_plugins
from kit.distributions import Site, plugin_source
from kit.recorder import Recorder, plugin


def names(**options: Any) -> list[str]:
    return [info.name for info in HttpClient(**options).plugins]


@pytest.fixture
def installed(site: Site) -> Site:
    """Two defaults of the project (one with two entries), one of another project, one optional."""
    site.install("hookline", version="1.0", requires=["hookline-core==1.0", "hookline-cookies==1.0", "hookline-auth"])
    site.install("hookline-cookies", plugin_source("Cookies"), {"cookies": "Cookies"})
    site.install("hookline-auth", plugin_source("Basic", "Digest"), {"basic": "Basic", "digest": "Digest"})
    site.install("acme-trace", plugin_source("Trace"), {"trace": "Trace"}, version="2.1")
    site.install("hookline-gate", plugin_source("Gate"), {"gate": "Gate"}, group="hookline.optional")
    return site


ALL = ["basic", "cookies", "digest", "trace"]
SELECTIONS = [
    ({}, ALL),
    ({"disable": ["cookies"]}, ["basic", "digest", "trace"]),
    ({"disable": ["auth"]}, ["cookies", "trace"]),
    ({"disable": ["hookline-auth"]}, ["cookies", "trace"]),
    ({"disable": ["basic"]}, ["cookies", "digest", "trace"]),
    ({"disable": ["acme_trace"]}, ["basic", "cookies", "digest"]),
    ({"disable": ["Acme-Trace", "AUTH"]}, ["cookies"]),
    ({"plugins": ["gate"]}, ["basic", "cookies", "digest", "gate", "trace"]),
    ({"require": ["gate"]}, ["basic", "cookies", "digest", "gate", "trace"]),
    ({"require": ["cookies"]}, ALL),
    ({"autoload": False}, []),
    ({"autoload": False, "plugins": ["auth", "gate"]}, ["basic", "digest", "gate"]),
    ({"autoload": False, "require": ["trace"]}, ["trace"]),
    ({"autoload": "default"}, ["basic", "cookies", "digest"]),
    ({"autoload": "default", "plugins": ["trace"], "disable": ["auth"]}, ["cookies", "trace"]),
]


@pytest.mark.parametrize(("options", "expected"), SELECTIONS)
def test_arguments_choose_plugins(installed: Site, options: Any, expected: list[str]) -> None:
    assert names(**options) == expected


ENVIRONMENTS = [
    ({"HOOKLINE_DISABLE": "cookies, auth"}, {}, ["trace"]),
    ({"HOOKLINE_DISABLE": "nobody,,cookies"}, {}, ["basic", "digest", "trace"]),
    ({"HOOKLINE_PLUGINS": "gate,nobody"}, {}, ["basic", "cookies", "digest", "gate", "trace"]),
    ({"HOOKLINE_DISABLE_PLUGIN_AUTOLOAD": "1"}, {}, []),
    ({"HOOKLINE_DISABLE_PLUGIN_AUTOLOAD": "0"}, {}, ALL),
    ({"HOOKLINE_DISABLE_PLUGIN_AUTOLOAD": "1"}, {"plugins": ["gate"]}, ["gate"]),
    ({"HOOKLINE_DISABLE_PLUGIN_AUTOLOAD": "1", "HOOKLINE_PLUGINS": "trace"}, {}, ["trace"]),
    ({"HOOKLINE_DISABLE_PLUGIN_AUTOLOAD": "1"}, {"autoload": "default"}, []),
    ({"HOOKLINE_DISABLE": "cookies"}, {"trust_env": False}, ["basic", "digest", "trace"]),
]


@pytest.mark.parametrize(("variables", "options", "expected"), ENVIRONMENTS)
def test_environment_chooses_plugins(
    installed: Site, monkeypatch: pytest.MonkeyPatch, variables: Any, options: Any, expected: list[str]
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert names(**options) == expected


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"disable": ["cookie"]}, "disable=['cookie']: no plugin of that name is installed; did you mean 'cookies'?"),
        ({"plugins": ["gatee"]}, "plugins=['gatee']: no plugin of that name is installed; did you mean 'gate'?"),
        ({"require": ["tracer"]}, "require=['tracer']: no plugin of that name is installed; did you mean 'trace'?"),
        ({"disable": ["qqq"]}, "disable=['qqq']: no plugin of that name is installed; known are "),
        ({"disable": "cookies"}, "take lists of names, not one string"),
        ({"plugins": [Recorder]}, "names a class; give an object: Recorder()"),
        ({"disable": ["cookies"], "require": ["cookies"]}, "'cookies' is in disable= and in plugins= or require="),
        ({"autoload": "all"}, "autoload= takes True, False or 'default', not 'all'"),
    ],
)
def test_wrong_arguments_are_errors_with_the_nearest_name(installed: Site, options: Any, words: str) -> None:
    with pytest.raises(PluginError, match=re.escape(words)):
        HttpClient(**options)


def test_require_fails_closed(installed: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOOKLINE_DISABLE", "cookies")
    with pytest.raises(PluginError, match=re.escape("require=['cookies']: it is disabled")):
        HttpClient(require=["cookies"])


@pytest.mark.parametrize("is_core_alone", [False, True])
def test_autoload_default_without_the_root_distribution_is_an_error(
    site: Site, monkeypatch: pytest.MonkeyPatch, is_core_alone: bool
) -> None:
    monkeypatch.setattr(installed_plugins, "ROOT_DISTRIBUTION", "a-distribution-that-is-not-there")
    if not is_core_alone:
        site.install("hookline-cookies", plugin_source("Cookies"), {"cookies": "Cookies"})
    with pytest.raises(PluginError, match=r"autoload='default' loads what the distribution 'a-dist.* is not installed"):
        HttpClient(autoload="default")


def test_what_an_extra_of_the_root_requires_is_no_default_plugin(installed: Site) -> None:
    requires = ["hookline-auth", 'hookline-cookies==1.0; extra == "cookies"', "acme-trace>=2; python_version >= '3.11'"]
    installed.install("hookline", version="1.0", requires=requires)
    assert names(autoload="default") == ["basic", "digest", "trace"]


def test_each_client_has_plugins_of_its_own(installed: Site) -> None:
    one, two = HttpClient(), HttpClient()
    assert one.plugins["cookies"].plugin is not two.plugins["cookies"].plugin
    assert type(one.plugins["cookies"].plugin) is type(two.plugins["cookies"].plugin)


def test_nothing_is_scanned_before_the_first_client_and_once_after(installed: Site) -> None:
    HttpClient()
    installed.install("acme-late", plugin_source("Late"), {"late": "Late"})
    assert names() == ALL


def test_optional_plugins_are_not_imported(site: Site) -> None:
    site.install("hookline-gate", "raise ImportError", {"gate": "Gate"}, group="hookline.optional")
    assert names() == []


REPLACING = plugin_source("Jar", attributes="replaces = 'cookies'")


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, ["basic", "digest", "jar", "trace"]),
        ({"disable": ["cookies"]}, ["basic", "digest", "trace"]),
        ({"disable": ["hookline_cookies"]}, ["basic", "digest", "trace"]),
        ({"disable": ["acme_cookies"]}, ALL),
        ({"disable": ["jar"]}, ALL),
        ({"autoload": False, "plugins": ["jar"]}, ["jar"]),
    ],
)
def test_replacement_stands_in_for_the_default(installed: Site, options: Any, expected: list[str]) -> None:
    installed.install("acme-cookies", REPLACING, {"jar": "Jar"})
    assert names(**options) == expected


def test_environment_that_disables_the_replaced_one_leaves_out_both(
    installed: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed.install("acme-cookies", REPLACING, {"jar": "Jar"})
    monkeypatch.setenv("HOOKLINE_DISABLE", "cookies")
    assert names() == ["basic", "digest", "trace"]


def test_object_may_replace_several(installed: Site) -> None:
    mine = plugin("mine", replaces=("cookies", "auth"), pre_request=hookimpl(specname="pre_request")(lambda self: None))
    assert names(plugins=[mine]) == ["mine", "trace"]


def test_object_that_is_replaced_is_absent_with_the_reason(site: Site) -> None:
    marked = hookimpl(specname="pre_request")(lambda self: None)
    new, old = plugin("new", replaces="old", pre_request=marked), plugin("old", pre_request=marked)
    client = HttpClient(plugins=[new, old])
    assert [info.name for info in client.plugins] == ["new"]
    (absent,) = client.plugins.absent
    assert (absent.name, absent.why, absent.by, absent.plugin) == ("old", "replaced", client.plugins["new"], old)


def test_broken_plugin_that_is_replaced_does_no_harm(installed: Site) -> None:
    installed.install("hookline-cookies", "raise ImportError('gone')", {"cookies": "Cookies"})
    installed.install("acme-cookies", REPLACING, {"jar": "Jar"})
    assert names() == ["basic", "digest", "jar", "trace"]


def test_two_that_replace_one_are_an_error_that_names_both(installed: Site) -> None:
    installed.install("acme-cookies", REPLACING, {"jar": "Jar"})
    installed.install("brown-cookies", REPLACING, {"box": "Jar"}, version="3.0")
    with pytest.raises(PluginError, match=r"brown-cookies 3\.0.*acme-cookies 1\.0.*both replace 'cookies'"):
        HttpClient()


def test_two_that_replace_each_other_are_an_error(site: Site) -> None:
    site.install("acme-a", plugin_source("A", attributes="replaces = 'b'"), {"a": "A"})
    site.install("acme-b", plugin_source("B", attributes="replaces = 'a'"), {"b": "B"})
    with pytest.raises(PluginError, match=r"acme-b 1\.0.*acme-a 1\.0.*replace each other"):
        HttpClient()


def test_two_entries_of_one_name_are_an_error_that_names_both(installed: Site) -> None:
    installed.install("acme-cookies", plugin_source("Jar"), {"Cookies": "Jar"})
    with pytest.raises(
        PluginError, match=r"two plugins are named 'cookies': one of acme-cookies 1\.0 and one of hookline-cookies"
    ):
        HttpClient()
    assert names(disable=["acme_cookies"]) == ALL


def test_require_of_a_replaced_plugin_fails(installed: Site) -> None:
    installed.install("acme-cookies", REPLACING, {"jar": "Jar"})
    with pytest.raises(
        PluginError, match=r"require=\['cookies'\]: it is replaced by plugin 'jar' \(acme-cookies 1\.0\)"
    ):
        HttpClient(require=["cookies"])


async def test_properties_of_a_plugin_are_not_run_by_registering_it():
    class Lazy:
        asked = 0

        @property
        def jar(self):
            self.asked += 1

        @hookimpl
        def pre_request(self, response):
            pass

    lazy = Lazy()
    async with HttpClient(autoload=False, plugins=[lazy]) as client:
        assert client.plugins.explain()
    assert lazy.asked == 0
