"""A broken plugin that is installed is an error, unless the client or the environment says to skip it."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from typing import Any

import pytest

from hookline import HttpClient, Option, PluginError, Scheme, SyncHttpClient, hookimpl
from hookline.client import plugin_host
from hookline_testing.server import ScriptedServer, response
from kit.distributions import Site, plugin_source
from kit.recorder import plugin

NAMED = "plugin 'acme' of acme-bad 1.2"
LABEL = "plugin 'acme' (acme-bad 1.2)"


def declares(what: str, attributes: str = "pass") -> str:
    """A plugin class Acme that declares something."""
    return f"from hookline import *\nclass Acme:\n  {attributes}\n  @hookimpl\n  def declare(self): return [{what}]\n"


BROKEN = {
    "import": ("import nowhere_at_all", f"{NAMED} cannot be imported: ModuleNotFoundError"),
    "exit": ("raise SystemExit(3)", f"{NAMED} cannot be imported: SystemExit: 3"),
    "class": ("Other = 1", f"{NAMED} cannot be imported: AttributeError"),
    "made": ("class Acme:\n  def __init__(self): raise ValueError('at once')", f"{NAMED} cannot be made: ValueError: at"),
    "no-hooks": ("class Acme: pass", f"{LABEL} implements no hook"),
    "unknown-hook": (plugin_source("Acme", hook="on_header(self)"), f"{LABEL} implements the unknown hook 'on_header'"),
    "after": (plugin_source("Acme", attributes="after = 5"), f"{LABEL}: after must be the name of a plugin"),
    "replaces": (plugin_source("Acme", attributes="replaces = 5"), f"{LABEL}: replaces must be the name of a plugin"),
    "declare": (declares("1 / 0"), f"{LABEL}: declare failed: ZeroDivisionError"),
    "declaration": (declares("7"), f"{LABEL}: declare returned int"),
    "option-of-core": (declares("Option('timeout')"), f"{LABEL} declares the option 'timeout', a name that core has"),
    "option": (declares("Option('colour')"), "both declare the option 'colour'"),
    "scheme": (declares("Scheme('https', 443)"), f"core and {LABEL} both serve the scheme 'https'"),
    "cycle": (plugin_source("Acme", attributes="before = after = 'paint'"), "the plugins' before and after form a cycle"),
}  # fmt: skip


@pytest.fixture(autouse=True)
def _no_warning_yet() -> Iterator[None]:
    plugin_host._warned_of.clear()
    yield
    plugin_host._warned_of.clear()


@pytest.fixture
def installed(site: Site) -> Site:
    """A plugin of the project, which the distribution `hookline` requires, and one that works."""
    site.install("hookline", version="1.0", requires=["hookline-core==1.0", "hookline-paint==1.0"])
    source = declares("Option('colour'), Scheme('paint', 9)").replace("Acme", "Paint")
    site.install("hookline-paint", source, {"paint": "Paint"})
    site.install("hookline-gate", plugin_source("Gate"), {"gate": "Gate"})
    return site


@pytest.mark.parametrize("fault", BROKEN)
def test_broken_plugin_is_an_error_by_default(installed: Site, fault: str) -> None:
    source, words = BROKEN[fault]
    installed.install("acme-bad", source, {"acme": "Acme"}, version="1.2")
    for given in ({}, {"broken_plugins": "error"}, {"broken_plugins": None}):
        with pytest.raises(PluginError, match=re.escape(words)):
            HttpClient(**given)


@pytest.mark.parametrize("by", ["argument", "environment"])
@pytest.mark.parametrize("fault", BROKEN)
def test_broken_plugin_is_skipped_where_that_is_said(
    installed: Site,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    scripted: ScriptedServer,
    fault: str,
    by: str,
) -> None:
    source, words = BROKEN[fault]
    installed.install("acme-bad", source, {"acme": "Acme"}, version="1.2")
    given: dict[str, Any] = {"broken_plugins": "skip"}
    if by == "environment":
        monkeypatch.setenv("HOOKLINE_BROKEN_PLUGINS", "skip")
        given = {}
    scripted.always(response(b"ok"))

    with SyncHttpClient(**given) as client:
        client.get(scripted.url(), colour="blue")
        HttpClient(**given)

    assert [info.name for info in client.plugins] == ["gate", "paint"]
    (absent,) = client.plugins.absent
    assert (absent.name, absent.why, absent.plugin, absent.hooks, absent.options) == ("acme", "broken", None, (), ())
    assert words in absent.error
    assert f"not running: acme (broken: {absent.error})" in client.plugins.explain().splitlines()
    assert [(record.levelname, record.name) for record in caplog.records] == [("WARNING", "hookline")]
    assert caplog.messages == [f"a broken plugin is skipped: {absent.error}"]
    assert scripted.requests[0].header("x-gate") == "here"


@pytest.mark.parametrize("what", ["DefaultHeader('no name', 'x')", "Credential(5)", "MediaType(5, len)"])
def test_declaration_that_cannot_be_used_is_of_a_broken_plugin(installed: Site, what: str) -> None:
    installed.install("acme-bad", declares(what), {"acme": "Acme"}, version="1.2")
    client = HttpClient(broken_plugins="skip")
    assert [info.name for info in client.plugins] == ["gate", "paint"]
    assert client.plugins.absent[0].error.startswith(f"{LABEL}: what it declares cannot be used: ")
    with pytest.raises(PluginError, match="what it declares cannot be used"):
        HttpClient(broken_plugins="skip", require=["acme"])


def test_warning_goes_to_the_logger_of_the_client(installed: Site, caplog: pytest.LogCaptureFixture) -> None:
    installed.install("acme-bad", "import nowhere", {"acme": "Acme"})
    HttpClient(broken_plugins="skip", logger=logging.getLogger("mine"))
    assert [record.name for record in caplog.records] == ["mine"]


def test_argument_precedes_the_environment(installed: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    installed.install("acme-bad", "import nowhere", {"acme": "Acme"})
    monkeypatch.setenv("HOOKLINE_BROKEN_PLUGINS", " Skip ")
    assert HttpClient().plugins.absent
    with pytest.raises(PluginError, match="cannot be imported"):
        HttpClient(broken_plugins="error")


@pytest.mark.parametrize("value", ["ignore", "", True, ["skip"]], ids=["word", "empty", "true", "list"])
def test_wrong_value_is_an_error(installed: Site, value: Any) -> None:
    with pytest.raises(TypeError, match=re.escape(f"broken_plugins= takes 'error', 'skip' or None, not {value!r}")):
        HttpClient(broken_plugins=value)


def test_wrong_value_of_the_variable_is_an_error(installed: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOOKLINE_BROKEN_PLUGINS", "1")
    with pytest.raises(PluginError, match="HOOKLINE_BROKEN_PLUGINS takes skip or error, not '1'"):
        HttpClient()


@pytest.mark.parametrize("fault", [fault for fault in BROKEN if fault not in ("option", "cycle")])  # there it stays
@pytest.mark.parametrize("name", ["acme", "acme-bad"])
def test_required_plugin_fails_closed(installed: Site, fault: str, name: str) -> None:
    source, words = BROKEN[fault]
    installed.install("acme-bad", source, {"acme": "Acme"}, version="1.2")
    with pytest.raises(PluginError, match=re.escape(words)):
        HttpClient(broken_plugins="skip", require=[name])


@pytest.mark.parametrize("fault", ["option", "cycle"])
def test_of_two_that_do_not_fit_the_required_one_stays(installed: Site, fault: str) -> None:
    installed.install("acme-bad", BROKEN[fault][0], {"acme": "Acme"})
    client = HttpClient(broken_plugins="skip", require=["acme"])
    assert [info.name for info in client.plugins] == ["acme", "gate"]
    with pytest.raises(PluginError, match=r"both declare the option|form a cycle"):
        HttpClient(broken_plugins="skip", require=["acme", "paint"])


def test_object_is_an_error_and_the_installed_one_gives_way_to_it(installed: Site) -> None:
    bad = plugin("bad", on_header=hookimpl(specname="on_header")(lambda self: None))
    with pytest.raises(PluginError, match="unknown hook 'on_header'"):
        HttpClient(broken_plugins="skip", plugins=[bad])
    clashing = plugin("mine", declare=hookimpl(specname="declare")(lambda self: [Scheme("paint", 9), Option("colour")]))
    client = HttpClient(broken_plugins="skip", plugins=[clashing])
    assert [info.name for info in client.plugins.absent] == ["paint"]
    with pytest.raises(PluginError, match="an object named 'paint', as is a plugin of hookline-paint"):
        HttpClient(broken_plugins="skip", plugins=[plugin("paint", declare=hookimpl(specname="declare")(lambda s: []))])


@pytest.mark.parametrize("fault", ["import", "made", "unknown-hook", "declare", "option-of-core", "two"])
def test_what_a_broken_plugin_would_have_replaced_runs(installed: Site, fault: str) -> None:
    source = {
        "import": "replaces = 'gate'\nimport nowhere",
        "made": "class Acme:\n  replaces = 'gate'\n  def __init__(self): raise ValueError",
        "unknown-hook": plugin_source("Acme", attributes="replaces = 'gate'", hook="on_header(self)"),
        "declare": declares("1 / 0", "replaces = 'gate'"),
        "option-of-core": declares("Option('timeout')", "replaces = 'gate'"),
        "two": plugin_source("Acme", attributes="replaces = 'gate'"),
    }[fault]
    installed.install("acme-bad", source, {"acme": "Acme"})
    if fault == "two":  # the first by name replaces it
        installed.install("brown-bad", source, {"brown": "Acme"})
    client = HttpClient(broken_plugins="skip")
    expected = ["acme", "paint"] if fault == "two" else ["gate", "paint"]
    assert [info.name for info in client.plugins] == expected
    absent = {info.name: info.why for info in client.plugins.absent}
    assert absent == ({"brown": "broken", "gate": "replaced"} if fault == "two" else {"acme": "broken"})


def test_of_two_of_one_name_that_of_the_project_stays(installed: Site) -> None:
    installed.install("acme-paint", plugin_source("Fake"), {"paint": "Fake"})
    client = HttpClient(broken_plugins="skip")
    assert client.plugins["paint"].distribution == "hookline-paint"
    (absent,) = client.plugins.absent
    assert (absent.distribution, absent.why) == ("acme-paint", "broken")
    assert "two plugins are named 'paint': one of hookline-paint 1.0 and one of acme-paint 1.0" in absent.error


def test_several_are_skipped_and_the_order_stays(installed: Site, caplog: pytest.LogCaptureFixture) -> None:
    names = ["alpha", "beta", "gamma", "zeta"]
    for name in names:
        source = plugin_source("Acme") if name in "alphazeta" else BROKEN["declare" if name == "beta" else "option"][0]
        installed.install(f"acme-{name}", source, {name: "Acme"})
    client = HttpClient(broken_plugins="skip")
    assert [info.name for info in client.plugins] == ["alpha", "gate", "paint", "zeta"]
    assert [info.name for info in client.plugins.absent] == ["beta", "gamma"]
    assert len(caplog.messages) == 2


def test_unknown_keyword_names_the_broken_plugins(installed: Site) -> None:
    installed.install("acme-bad", "import nowhere", {"acme": "Acme"})
    with pytest.raises(TypeError, match="has this option; skipped, because they are broken: acme"):
        HttpClient(broken_plugins="skip", wobble=1)
    installed.install("acme-bad", declares("Option('wobble'), Option('timeout')"), {"acme": "Acme"})
    with pytest.raises(TypeError, match="it belongs to plugin 'acme', which is broken"):
        HttpClient(broken_plugins="skip", wobble=1)


def test_call_that_names_a_broken_plugin_is_an_error(installed: Site, scripted: ScriptedServer) -> None:
    installed.install("acme-bad", "import nowhere", {"acme": "Acme"})
    with SyncHttpClient(broken_plugins="skip") as client, pytest.raises(PluginError, match="cannot be imported"):
        client.get(scripted.url(), plugins=["acme"])


def test_wrong_value_of_an_option_is_not_taken_for_a_broken_plugin(installed: Site) -> None:
    installed.install("acme-bad", declares("Option('size', convert=int)"), {"acme": "Acme"})
    with pytest.raises(ValueError, match="size="):
        HttpClient(broken_plugins="skip", size="x")
