"""Distributions that a test writes: a module beside a dist-info folder, as pip installs them."""

from __future__ import annotations

import shutil
import zipfile
from collections.abc import Iterable, Mapping
from importlib.metadata import distributions
from pathlib import Path


class Site:
    """A folder on `sys.path` that distributions are written to."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def install(
        self,
        distribution: str,
        source: str = "",
        entries: Mapping[str, str] | None = None,
        *,
        version: str = "1.0",
        group: str = "hookline",
        requires: Iterable[str] = (),
    ) -> None:
        """Write a distribution, in place of an earlier version of it.

        source: the text of its module, which has the name of the distribution. entries: {name of the entry point: class}.
        """
        for old in self.path.glob(f"{distribution.replace('-', '_')}-*.dist-info"):
            shutil.rmtree(old)
        for name, text in members(distribution, source, entries, version, group, requires).items():
            file = self.path / name
            file.parent.mkdir(exist_ok=True)
            file.write_text(text)

    def shadow_installed(self) -> None:
        """Hide the plugins that are really installed: of two distributions of one name, the first on the path is used."""
        for found in list(distributions()):
            if found.name == "hookline" or any(point.group.startswith("hookline") for point in found.entry_points):
                self.install(found.name.replace("-", "_"), version=found.version)


def members(
    distribution: str,
    source: str,
    entries: Mapping[str, str] | None,
    version: str = "1.0",
    group: str = "hookline",
    requires: Iterable[str] = (),
) -> dict[str, str]:
    """Return the files of an installed distribution: {path: text}."""
    module = distribution.replace("-", "_")
    info = f"{module}-{version}.dist-info"
    lines = [f"[{group}]", *(f"{name} = {module}:{value}" for name, value in (entries or {}).items()), ""]
    needs = "".join(f"Requires-Dist: {requirement}\n" for requirement in requires)
    files = {
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {version}\n{needs}",
        f"{info}/entry_points.txt": "\n".join(lines) if entries else "",
    }
    return {f"{module}.py": source, **files} if source else files


def build_wheel(folder: Path, distribution: str, source: str, entries: Mapping[str, str], version: str = "1.0") -> Path:
    """Write a wheel that pip can install, and return its path."""
    files = members(distribution, source, entries, version)
    module = distribution.replace("-", "_")
    info = f"{module}-{version}.dist-info"
    files[f"{info}/WHEEL"] = "Wheel-Version: 1.0\nGenerator: kit\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    files[f"{info}/RECORD"] = "".join(f"{name},,\n" for name in [*files, f"{info}/RECORD"])
    path = folder / f"{module}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        for name, text in files.items():
            wheel.writestr(name, text)
    return path


def plugin_source(
    *classes: str, body: str = "", attributes: str = "", hook: str = "pre_request(self, response)"
) -> str:
    """Return the source of a module with plugin classes. Each sets the request field X-<its name>.

    body: code before the classes. attributes: class attributes of each class. hook: the signature of the implementation.
    """
    lines = ["from hookline import *", "import hookline", body]
    for name in classes:
        lines += [f"class {name}:", f"    {attributes or 'pass'}", "    @hookimpl", f"    def {hook}:"]
        lines += [f"        response.request.headers['X-{name}'] = 'here'", ""]
    return "\n".join(lines)
