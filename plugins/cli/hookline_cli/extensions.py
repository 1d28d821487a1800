"""What installed plugins bring to the command line: options and commands, as entry points of two groups.

`hookline.options`: the name is that of a plugin, the object a module with `add_options(options)`.
`hookline.commands`: the name is the word behind `hookline`, the object a module with `add_arguments(parser)` and
`async run(arguments, context)`. docs/plugins/command-line.md describes both.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hookline import EntryPoint

OPTIONS = "hookline.options"
COMMANDS = "hookline.commands"
BUILT_IN = {  # the commands of the command line itself
    "plugins": "list, describe, order, check and create plugins",
    "doctor": "show versions, plugins, TLS, proxies and environment as the client sees them",
    "completion": "print a script that completes the arguments in bash, zsh or fish",
    "demo": "a tour of what the client and its plugins do, with a built-in server; needs no network",
}


@cache
def extensions(group: str) -> tuple[EntryPoint, ...]:
    """Return the entry points of a group, sorted by name; of several with one name the first distribution by name."""
    found: dict[str, EntryPoint] = {}
    for each in installed_extensions():
        if each.group == group:
            found.setdefault(each.name, each)
    return tuple(found.values())


@cache
def installed_extensions() -> tuple[EntryPoint, ...]:
    """Return the entry points of both groups, sorted by name and distribution."""
    from hookline import entry_points

    return tuple(sorted(entry_points(OPTIONS, COMMANDS), key=lambda point: (point.name, point.distribution)))


def find_command(name: str) -> EntryPoint | None:
    """Return the command of a plugin by its name; None if there is none."""
    return next((each for each in extensions(COMMANDS) if each.name == name), None)


def refused_commands() -> list[EntryPoint]:
    """Return the commands that never run, because the command line itself or another plugin has one of this name."""
    found = extensions(COMMANDS)
    of_group = [each for each in installed_extensions() if each.group == COMMANDS]
    return [each for each in of_group if each.name in BUILT_IN or each not in found]


def help_of(command: EntryPoint) -> str:
    """Return the line about the command of a plugin: the first of its module's docstring."""
    try:
        text = command.load().__doc__ or ""
    except (Exception, SystemExit) as error:  # noqa: BLE001  # `--help` works whatever is wrong with one plugin
        return f"cannot be loaded: {type(error).__name__}: {error}"
    return str(text.strip().partition("\n")[0])
