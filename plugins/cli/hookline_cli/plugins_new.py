"""`hookline plugins new NAME`: write an installable project: a typed plugin that passes the checks, a test, and workflows."""

from __future__ import annotations

import keyword
import re
import shutil
from importlib.metadata import PackageNotFoundError, distribution, requires
from importlib.util import find_spec
from pathlib import Path
from string import Template

from hookline import HttpClient, Option, PluginError, hookimpl

from .installed import installed_plugins
from .loading import load_client
from .output.printer import Printer
from .project_template import FILES
from .running import DONE, OutputRefused

# The distributions of the project (docs/plugins/names.md), without `hookline-`. They are taken even if they are not installed.
OF_THE_PROJECT = (
    "auth", "bodies", "bridges", "cache", "cli", "cookies", "core", "decompress", "expect", "guard", "http2", "oauth",
    "redirects", "retry", "sigv4", "sse", "testing", "throttle", "tunnel", "websocket",
)  # fmt: skip
_IS_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*").fullmatch


async def write_project(printer: Printer, name: str) -> int:
    """Write the folder `hookline-NAME` into the current one, and print the next steps; return the exit status.

    Raises: PluginError, for a name that is not valid or is taken; OutputRefused, if the folder cannot be written.
    """
    words = split_name(name)
    names = names_of(words)
    check_free(names["plugin"], names["distribution"], names["package"])
    folder = Path(names["distribution"])
    for path in write_files(folder, names):
        printer.line(str(path))
    printer.line()
    printer.line(f"cd {folder} && pip install -e '.[test]' && pytest")
    return DONE


def split_name(name: str) -> list[str]:
    """Split the name of a plugin into its words, in lower case.

    Raises: PluginError, for a name that is not valid.
    """
    plain = re.sub(r"[-_.]+", "-", name).lower().removeprefix("hookline-")
    if not _IS_NAME(plain) or keyword.iskeyword(plain):
        raise PluginError(
            f"{name!r} cannot be the name of a plugin: expected ASCII letters and digits, with - between words, a letter"
            " first, and not a keyword of Python"
        )
    return plain.split("-")


def names_of(words: list[str]) -> dict[str, str]:
    """Return the values of the names in the template."""
    return {
        "plugin": "_".join(words),
        "distribution": "-".join(["hookline", *words]),
        "package": "_".join(["hookline", *words]),
        "class_name": "".join(word.capitalize() for word in [*words, "plugin"]),
        "field": "-".join(["X", *(word.capitalize() for word in words)]),
        "core": requirement("hookline-core"),
        "testing": requirement("hookline-testing"),
    }


def requirement(name: str) -> str:
    """Return the requirement of hookline-cli itself for another distribution of Hookline, without its extra."""
    found = (line.partition(";")[0].strip() for line in requires("hookline-cli") or ())
    return next((line for line in found if re.split(r"[^\w-]", line)[0] == name), name)


def check_free(plugin: str, distribution_name: str, package: str) -> None:
    """Check that no plugin, option, distribution or package has one of these names.

    Raises: PluginError.
    """
    installed = installed_plugins(load_client(()))
    if any(found.matches(plugin) for found in installed):
        raise PluginError(f"a plugin {plugin!r} is installed; `hookline plugins info {plugin}` shows it")
    try:
        distribution(distribution_name)
        is_taken = True
    except PackageNotFoundError:
        is_taken = find_spec(package) is not None or distribution_name.removeprefix("hookline-") in OF_THE_PROJECT
    if is_taken:
        raise PluginError(f"the name of the distribution {distribution_name} is taken; choose another name")
    try:
        broken = [found.name for found in installed if found.error]
        HttpClient(plugins=[Placeholder(plugin)], disable=broken, broken_plugins="error")
    except PluginError as error:
        raise PluginError(f"{plugin!r} cannot be the name of the plugin and of its option: {error}") from error


class Placeholder:
    """A plugin with an option of the same name: core raises an error for it if a name is taken."""

    def __init__(self, name: str) -> None:
        self.name = name

    @hookimpl
    def declare(self) -> list[Option]:
        return [Option(self.name)]


def write_files(folder: Path, names: dict[str, str]) -> list[Path]:
    """Write all files into a new folder, and return their paths. If that fails, the folder is removed.

    Raises: OutputRefused, also if the folder exists.
    """
    try:
        folder.mkdir()
    except FileExistsError as error:
        raise OutputRefused(f"{folder} exists already; nothing was written") from error
    except OSError as error:
        raise OutputRefused(f"cannot create {folder}: {error.strerror or error}") from error
    written: list[Path] = []
    try:
        for path, text in FILES.items():
            file = folder / Template(path).substitute(names)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(Template(text).substitute(names), encoding="utf-8")
            written.append(file)
    except OSError as error:
        shutil.rmtree(folder, ignore_errors=True)
        raise OutputRefused(f"cannot write {folder}: {error.strerror or error}") from error
    return written
