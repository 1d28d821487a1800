"""No module of a plugin needs itself by way of others: the modules of each package can be read from the bottom up.

Every import counts, also those of annotations (`if TYPE_CHECKING`) and those within functions.
"""

from __future__ import annotations

from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from kit.imports import imports_within

PLUGINS = Path(__file__).parents[2] / "plugins"
PACKAGES = sorted(folder for folder in PLUGINS.glob("*/hookline_*") if (folder / "__init__.py").is_file())


@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package.name)
def test_modules_of_a_plugin_import_each_other_one_way_only(package: Path) -> None:
    try:
        TopologicalSorter(imports_within(package)).prepare()
    except CycleError as error:
        pytest.fail(f"import circle: {' <- '.join(error.args[1])}")


def test_every_kind_of_import_counts(tmp_path: Path) -> None:
    package = tmp_path / "hookline_x"
    (package / "inner").mkdir(parents=True)
    (package / "__init__.py").write_text("from .a import A\n")
    (package / "a.py").write_text("from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from .b import B\n")
    (package / "b.py").write_text("def f():\n    from . import c\n    from hookline_x.inner.d import D\n")
    (package / "c.py").write_text("import os\nimport hookline_x.a\n")
    (package / "inner" / "__init__.py").write_text("from ..c import C\n")
    (package / "inner" / "d.py").write_text("from . import e\nfrom .e import E\nfrom .. import b\n")
    (package / "inner" / "e.py").write_text("")
    assert imports_within(package) == {
        "hookline_x": {"hookline_x.a"},
        "hookline_x.a": {"hookline_x.b"},
        "hookline_x.b": {"hookline_x.c", "hookline_x.inner.d"},
        "hookline_x.c": {"hookline_x.a"},
        "hookline_x.inner": {"hookline_x.c"},
        "hookline_x.inner.d": {"hookline_x.inner.e", "hookline_x.b"},
        "hookline_x.inner.e": set(),
    }
