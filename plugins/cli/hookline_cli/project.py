"""`hookline plugins new NAME`: a project that can be installed, with a plugin that conforms and a test."""

from __future__ import annotations

import keyword
import re
import shutil
from importlib.metadata import PackageNotFoundError, distribution, requires
from importlib.util import find_spec
from pathlib import Path
from string import Template

from hookline import HttpClient, Option, PluginError, hookimpl
from hookline.cli.console import DONE, OutputRefused
from hookline.cli.printer import Printer

from .loading import load
from .states import find_all
from .template import FILES

TAKEN = ("core", "cli", "testing", "retry")  # distributions of the project that need not be installed
_IS_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*").fullmatch


async def make_project(printer: Printer, name: str) -> int:
    """Write the folder `hookline-NAME` into the current one, and say what comes next; returns the exit status.

    Raises: PluginError, for a name that cannot be one or is taken. OutputRefused, where the folder cannot be written.
    """
    words = read_name(name)
    names = names_of(words)
    check_free(names["plugin"], names["distribution"], names["package"])
    folder = Path(names["distribution"])
    for path in write_files(folder, names):
        printer.line(str(path))
    printer.line()
    printer.line(f"cd {folder} && pip install -e '.[test]' && pytest")
    return DONE


def read_name(name: str) -> list[str]:
    """The words of a plugin's name, in lower case.

    Raises: PluginError.
    """
    plain = re.sub(r"[-_.]+", "-", name).lower().removeprefix("hookline-")
    if not _IS_NAME(plain) or keyword.iskeyword(plain):
        raise PluginError(
            f"{name!r} cannot be the name of a plugin: expected letters of ASCII and digits, with - between words, a letter"
            " first, and no keyword of Python"
        )
    return plain.split("-")


def names_of(words: list[str]) -> dict[str, str]:
    """All names that the files need."""
    return {
        "plugin": "_".join(words),
        "distribution": "-".join(["hookline", *words]),
        "package": "_".join(["hookline", *words]),
        "class_name": "".join(word.capitalize() for word in [*words, "plugin"]),
        "field": "-".join(["X", *(word.capitalize() for word in words)]),
        "core": own_requirement("hookline-core"),
        "testing": own_requirement("hookline-testing"),
    }


def own_requirement(name: str) -> str:
    """What the command line itself requires of a member of the project, without the extra that it belongs to."""
    found = (line.partition(";")[0].strip() for line in requires("hookline-cli") or ())
    return next((line for line in found if re.split(r"[^\w-]", line)[0] == name), name)


def check_free(plugin: str, distribution_name: str, package: str) -> None:
    """Is there neither a plugin, nor an option, a distribution or a package of these names?

    Raises: PluginError.
    """
    client, broken = load(())
    if any(found.answers_to(plugin) for found in find_all(client, broken)):
        raise PluginError(f"a plugin {plugin!r} is installed; `hookline plugins info {plugin}` shows it")
    try:
        distribution(distribution_name)
        is_taken = True
    except PackageNotFoundError:
        is_taken = find_spec(package) is not None or distribution_name.removeprefix("hookline-") in TAKEN
    if is_taken:
        raise PluginError(f"there is a distribution {distribution_name} already; take another name")
    try:
        len(HttpClient(plugins=[NewOne(plugin)], disable=list(broken)).plugins)
    except PluginError as error:
        raise PluginError(f"{plugin!r} cannot be the name of the plugin and of its option: {error}") from error


class NewOne:
    """A plugin of the name that is asked for, with an option of that name: core says whether they go with the others."""

    def __init__(self, name: str) -> None:
        self.name = name

    @hookimpl
    def declare(self) -> list[Option]:
        return [Option(self.name)]


def write_files(folder: Path, names: dict[str, str]) -> list[Path]:
    """Write all files and return them, in a folder that is not there yet; when that fails nothing of it stays.

    Raises: OutputRefused.
    """
    try:
        folder.mkdir()
    except FileExistsError as error:
        raise OutputRefused(f"{folder} is there already; nothing is overwritten") from error
    except OSError as error:
        raise OutputRefused(f"cannot make {folder}: {error.strerror or error}") from error
    written: list[Path] = []
    try:
        for path, text in FILES.items():
            file = folder / Template(path).substitute(names)
            file.parent.mkdir(exist_ok=True)
            file.write_text(Template(text).substitute(names), encoding="utf-8")
            written.append(file)
    except OSError as error:
        shutil.rmtree(folder, ignore_errors=True)
        raise OutputRefused(f"cannot write {folder}: {error.strerror or error}") from error
    return written
