"""`hookline completion SHELL`: print a script that completes options and commands in bash, zsh or fish.

The script holds what is installed when it is made: commands and options of plugins included.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from typing import NamedTuple

from .arguments.parser import Parser
from .extensions import BUILT_IN, COMMANDS, extensions
from .output.printer import Printer
from .running import DONE

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS")
PATHS = re.compile(r"FILE|PATH|DIR")  # in the metavar of options that take a path


class Completion(NamedTuple):
    """One option. flags: such as -v and --verbose. takes: "" = no value, `path`, or `value`."""

    flags: tuple[str, ...]
    help: str
    takes: str
    choices: tuple[str, ...]


def run_completion(words: Sequence[str], printer: Printer) -> int:
    """Run `hookline completion SHELL`, and return the exit status.

    Raises: UsageError; SystemExit, for --help.
    """
    from .request.request_parser import request_parser

    own = Parser(
        "hookline completion",
        description='Print a script for a shell: eval "$(hookline completion bash)"',
    )
    own.add_argument("shell", choices=tuple(SCRIPTS))
    shell = own.parse_args(words).shell
    parser, _ = request_parser()
    options = [completion_of(action) for action in parser._actions if action.option_strings]
    commands = [*BUILT_IN, *(each.name for each in extensions(COMMANDS))]
    printer.line(SCRIPTS[shell](options, commands))
    return DONE


def completion_of(action: argparse.Action) -> Completion:
    """Return what completes one option."""
    metavar = str(action.metavar or "")
    takes = "" if action.nargs == 0 else "path" if PATHS.search(metavar) else "value"
    text = re.sub(r"[\[\]'\"`:]", "", (action.help or "").partition(";")[0])
    return Completion(tuple(action.option_strings), text, takes, tuple(map(str, action.choices or ())))


def bash(options: Sequence[Completion], commands: Sequence[str]) -> str:
    """Return the script for bash."""
    flags = " ".join(flag for option in options for flag in option.flags)
    paths = "|".join(flag for option in options if option.takes == "path" for flag in option.flags)
    values = "|".join(
        flag for option in options if option.takes == "value" and not option.choices for flag in option.flags
    )
    chosen = "\n".join(
        f"        {'|'.join(option.flags)}) COMPREPLY=($(compgen -W '{' '.join(option.choices)}' -- \"$word\")); return ;;"
        for option in options
        if option.choices
    )
    return f"""\
_hookline() {{
    local word=${{COMP_WORDS[COMP_CWORD]}} before=${{COMP_WORDS[COMP_CWORD-1]}}
    COMPREPLY=()
    case $before in
{chosen}
        {paths}) COMPREPLY=($(compgen -f -- "$word")); return ;;
        {values}) return ;;
    esac
    if [[ $word == -* ]]; then
        COMPREPLY=($(compgen -W '{flags}' -- "$word"))
    elif [[ $COMP_CWORD -eq 1 ]]; then
        COMPREPLY=($(compgen -W '{" ".join([*commands, *METHODS])}' -- "$word"))
    fi
}}
complete -o filenames -F _hookline hookline"""


def zsh(options: Sequence[Completion], commands: Sequence[str]) -> str:
    """Return the script for zsh."""
    lines = []
    for option in options:
        action = {"": "", "path": ":file:_files", "value": ":value:"}[option.takes]
        if option.choices:
            action = f":value:({' '.join(option.choices)})"
        lines += [f"        '*{flag}[{option.help}]{action}' \\" for flag in option.flags]
    specs = "\n".join(lines)
    return f"""\
#compdef hookline
_hookline() {{
    _arguments \\
{specs}
        '1:command or method:({" ".join([*commands, *METHODS])})' \\
        '*::item:_files'
}}
compdef _hookline hookline"""


def fish(options: Sequence[Completion], commands: Sequence[str]) -> str:
    """Return the script for fish."""
    lines = [
        "complete -c hookline -f",
        f"complete -c hookline -n __fish_use_subcommand -a '{' '.join([*commands, *METHODS])}'",
    ]
    for option in options:
        parts = [f"-{'l' if flag.startswith('--') else 's'} {flag.lstrip('-')}" for flag in option.flags]
        if option.choices:
            parts.append(f"-x -a '{' '.join(option.choices)}'")
        elif option.takes:
            parts.append("-r -F" if option.takes == "path" else "-x")
        lines.append(f"complete -c hookline {' '.join(parts)} -d '{option.help}'")
    return "\n".join(lines)


SCRIPTS = {"bash": bash, "zsh": zsh, "fish": fish}
