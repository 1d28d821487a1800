"""The tables of docs/architecture.md name every module of core, and what it imports."""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
CORE = ROOT / "core" / "hookline"


def module_name(path: Path) -> str:
    """`events.plan`; a package stands under its own name."""
    parts = path.relative_to(CORE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts)


def imported(path: Path) -> set[str]:
    """The modules of core that a module imports when it is imported itself."""
    package = path.relative_to(CORE).parent.parts
    found = set()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ImportFrom) and node.level:
            base = package[: len(package) - node.level + 1]
            names = [node.module] if node.module else [alias.name for alias in node.names]
            found |= {".".join([*base, name]) for name in names}
    return found


def stated() -> dict[str, set[str]]:
    """What the tables say."""
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `([\w.]+)` \|.*\| (.*?) \|$", text, re.MULTILINE)
    return {name: set(re.findall(r"`([\w.]+)`", imports)) for name, imports in rows}


def test_tables_name_what_each_module_imports() -> None:
    modules = {module_name(path): imported(path) for path in sorted(CORE.rglob("*.py"))}
    packages = {"events", "plugins", "wire"}
    assert stated() == {name: imports for name, imports in modules.items() if name not in packages}
