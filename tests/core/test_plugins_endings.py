"""Plugins that would end the program while they are loaded: they are named with their distribution, like every failure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

import hookline
from hookline import HttpClient, PluginError
from hookline.plugins import exports
from kit.distributions import Site

ENDINGS = {
    "exit": "SystemExit(3)",
    "exit_with_a_text": "SystemExit('no license')",
    "exit_in_order": "SystemExit",
    "cancelled": "__import__('asyncio').CancelledError()",
    "generator_exit": "GeneratorExit()",
    "own": "type('Stop', (BaseException,), {})()",
}
PLACES = {
    "import": "raise {error}",
    "constructor": "import hookline\nclass Acme:\n    def __init__(self): raise {error}\n"
    "    @hookline.hookimpl\n    def pre_request(self, response): ...",
    "declare": "import hookline\nclass Acme:\n    @hookline.hookimpl\n    def declare(self): raise {error}",
    "generator": "import hookline\nclass Acme:\n    @hookline.hookimpl\n    def declare(self):\n"
    "        yield hookline.Option('a')\n        raise {error}",
}


@pytest.fixture
def exported(site: Site) -> Iterator[Site]:
    """Exported names are read once per process, too."""
    exports.exported_names.cache_clear()
    yield site
    exports.exported_names.cache_clear()


def use_client(**options: Any) -> None:
    """What a program does first."""
    len(HttpClient(**options).plugins)


@pytest.mark.parametrize("error", ENDINGS.values(), ids=ENDINGS)
@pytest.mark.parametrize("place", PLACES)
def test_plugin_that_would_end_the_program_is_named(site: Site, place: str, error: str) -> None:
    site.install("acme-bad", PLACES[place].format(error=error), {"acme": "Acme"}, version="1.2")
    with pytest.raises(PluginError, match=r"plugin 'acme' .*acme-bad 1\.2.*disable=\['acme'\] leaves it out") as caught:
        use_client()
    assert not isinstance(caught.value.__cause__, Exception)
    assert type(caught.value.__cause__).__name__ in str(caught.value)
    use_client(disable=["acme"])


@pytest.mark.parametrize("place", PLACES)
def test_ctrl_c_while_a_plugin_is_loaded_is_no_failure_of_it(site: Site, place: str) -> None:
    site.install("acme-bad", PLACES[place].format(error="KeyboardInterrupt()"), {"acme": "Acme"})
    with pytest.raises(KeyboardInterrupt):
        use_client()


@pytest.mark.parametrize("place", ["import", "constructor"])
async def test_plugin_of_a_call_that_would_end_the_program_is_named(site: Site, place: str) -> None:
    site.install(
        "acme-bad",
        PLACES[place].format(error="SystemExit()"),
        {"acme": "Acme"},
        group="hookline.optional",
        version="1.2",
    )
    async with HttpClient() as client:
        with pytest.raises(PluginError, match=r"acme-bad 1\.2"):
            await client.get("http://127.0.0.1:1/", plugins=["acme"])


@pytest.mark.parametrize("place", PLACES)
def test_plugin_that_does_not_run_ends_no_program_over_an_unknown_keyword(site: Site, place: str) -> None:
    site.install("acme-bad", PLACES[place].format(error="SystemExit()"), {"acme": "Acme"}, group="hookline.optional")
    with pytest.raises(TypeError, match="unexpected keyword 'hue'"):
        use_client(hue=1)


@pytest.mark.parametrize(
    "error", [*ENDINGS.values(), "ValueError('no')", "ImportError('no')"], ids=[*ENDINGS, "value", "import_error"]
)
def test_exported_name_that_cannot_be_imported_is_named(exported: Site, error: str) -> None:
    exported.install("acme-bad", f"raise {error}", {"Thing": "Thing"}, version="1.2", group="hookline.names")
    words = re.escape("'Thing' of acme-bad 1.2 cannot be imported: ")
    with pytest.raises(PluginError, match=words):
        hookline.Thing  # noqa: B018
    with pytest.raises(PluginError, match=words):
        from hookline import Thing  # noqa: F401


def test_exported_name_that_its_module_has_not_is_named(exported: Site) -> None:
    exported.install("acme-bad", "Other = 1", {"Thing": "Thing"}, version="1.2", group="hookline.names")
    with pytest.raises(PluginError, match=r"'Thing' of acme-bad 1\.2 cannot be imported: AttributeError"):
        hookline.Thing  # noqa: B018


def test_ctrl_c_while_an_exported_name_is_imported_is_no_failure(exported: Site) -> None:
    exported.install("acme-bad", "raise KeyboardInterrupt", {"Thing": "Thing"}, group="hookline.names")
    with pytest.raises(KeyboardInterrupt):
        hookline.Thing  # noqa: B018
