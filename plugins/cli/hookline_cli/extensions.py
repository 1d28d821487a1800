"""What installed plugins bring to the command line: options and commands, as entry points of two groups.

`hookline.options`: the name is that of a plugin, the object a module with `add_options(options)`.
`hookline.commands`: the name is the word behind `hookline`, the object a module with `add_arguments(parser)` and
`async run(arguments, context)`. docs/cli.md describes both.

The files of the distributions are read here, as core does it, since importlib.metadata takes 25 ms to import.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from typing import Any, NamedTuple

OPTIONS = "hookline.options"
COMMANDS = "hookline.commands"


class Extension(NamedTuple):
    """One entry point. value: what to import, `module` or `module:attribute`."""

    group: str
    name: str
    value: str
    distribution: str

    def load(self) -> Any:
        """Import what the entry point names. Raises: whatever the import raises."""
        module, _, attributes = self.value.partition(":")
        found: Any = import_module(module.strip())
        for attribute in filter(None, attributes.strip().split(".")):
            found = getattr(found, attribute)
        return found


@cache
def extensions(group: str) -> tuple[Extension, ...]:
    """Return the entry points of a group, sorted by name; of several with one name the first distribution by name."""
    found: dict[str, Extension] = {}
    for each in sorted(installed_extensions()):
        if each.group == group:
            found.setdefault(each.name, each)
    return tuple(found.values())


def find_command(name: str) -> Extension | None:
    """Return the command of a plugin by its name; None if there is none."""
    return next((each for each in extensions(COMMANDS) if each.name == name), None)


def help_of(command: Extension) -> str:
    """Return the line about the command of a plugin: the first of its module's docstring."""
    try:
        text = command.load().__doc__ or ""
    except Exception as error:  # noqa: BLE001  # `--help` works whatever is wrong with one plugin
        return f"cannot be loaded: {type(error).__name__}: {error}"
    return str(text.strip().partition("\n")[0])


@cache
def installed_extensions() -> tuple[Extension, ...]:
    """Return the entry points of both groups. If two distributions have the same name, the first on `sys.path` counts."""
    found: list[Extension] = []
    seen: set[str] = set()
    for folder in map(str, sys.path):
        for child in list_folder(folder):
            if child.endswith((".dist-info", ".egg-info")):
                distribution = child.partition("-")[0].removesuffix(".egg")
                key = re.sub(r"[-_.]+", "_", distribution).lower()
                if key not in seen:
                    seen.add(key)
                    found += entry_points_in(os.path.join(folder, child), key.replace("_", "-"))
    return tuple(found)


def list_folder(path: str) -> list[str]:
    """Return the names in a folder of `sys.path`; none if it cannot be read or is no folder."""
    try:
        return os.listdir(path or os.curdir)
    except OSError:
        return []


def entry_points_in(folder: str, distribution: str) -> Iterator[Extension]:
    """Yield the entry points of our groups in the entry_points.txt of one distribution."""
    try:
        with open(os.path.join(folder, "entry_points.txt"), "rb") as file:
            content = file.read()
    except OSError:
        return
    if b"[hookline." not in content:
        return
    group = ""
    for line in map(str.strip, content.decode("utf-8", "replace").splitlines()):
        if line.startswith("["):
            group = line.strip("[]")
        elif group in (OPTIONS, COMMANDS) and line and not line.startswith("#"):
            name, _, value = line.partition("=")
            yield Extension(group, name.strip(), value.strip(), distribution)
