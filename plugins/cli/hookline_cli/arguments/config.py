"""The files of the user: the configuration file, which has options that stand before those of each command line.

The folder is $HOOKLINE_CONFIG_DIR, else hookline in $XDG_CONFIG_HOME, else ~/.config/hookline. Its file `config` has one option
per line, as on the command line: `--timeout 10`. Lines that begin with # are comments.
"""

from __future__ import annotations

import os
from collections.abc import Collection

from ..running import UsageError


def config_folder() -> str:
    """Return the path of the folder, whether it exists or not."""
    own = os.environ.get("HOOKLINE_CONFIG_DIR")
    if own:
        return own
    base = os.environ.get("XDG_CONFIG_HOME") or os.path.join(os.path.expanduser("~"), ".config")
    return os.path.join(base, "hookline")


def config_path() -> str:
    """Return the path of the configuration file."""
    return os.path.join(config_folder(), "config")


def configured_words(flags: Collection[str] | None = None) -> list[str]:
    """Return the words of the configuration file; none if there is no file.

    flags: the options that a command has; lines with others are left out. None = all lines.

    Raises: UsageError.
    """
    path = config_path()
    try:
        with open(path, encoding="utf-8") as file:
            lines = file.read().splitlines()
    except FileNotFoundError:
        return []
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"cannot read {path}: {error}") from error
    import shlex

    words: list[str] = []
    for number, line in enumerate(lines, 1):
        try:
            found = shlex.split(line, comments=True)
        except ValueError as error:
            raise UsageError(f"{path}, line {number}: {error}") from error
        if found and not found[0].startswith("-"):
            raise UsageError(f"{path}, line {number}: expected an option such as --timeout 10, got {found[0]!r}")
        if flags is None or (found and found[0].partition("=")[0] in flags):
            words += found
    return words
