"""Fixtures of the tests of core."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from hookline.plugins import installed
from kit.distributions import Site


def forget_installed() -> None:
    """What is installed is read once per process; a test installs something else."""
    installed.installed.cache_clear()
    installed.required_by_root.cache_clear()


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """An empty folder for distributions on `sys.path`. Plugins that are installed really are hidden."""
    for variable in ("HOOKLINE_DISABLE", "HOOKLINE_PLUGINS", "HOOKLINE_DISABLE_PLUGIN_AUTOLOAD"):
        monkeypatch.delenv(variable, raising=False)
    path = tmp_path / "site"
    path.mkdir()
    found = Site(path)
    found.shadow_installed()
    monkeypatch.syspath_prepend(str(path))
    before = set(sys.modules)
    forget_installed()
    yield found
    forget_installed()
    for name in set(sys.modules) - before:
        if str(path) in str(getattr(sys.modules[name], "__file__", None)):
            del sys.modules[name]
