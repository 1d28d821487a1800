"""The options of core and of plugins on the command line, and what a command line gives to the client."""

from __future__ import annotations

import argparse
import ast
import inspect
from collections.abc import Collection, Mapping, Sequence
from types import ModuleType
from typing import Any

from ..extensions import OPTIONS, extensions
from ..running import UsageError
from . import core_options
from .parser import Parser, one_line_errors

_PREFIX = "option:"  # of the names in the namespace, so that no plugin's keyword is taken for one of our own arguments


class ClientOptions:
    """What a command line gives to a client and its call.

    keywords: options by their keyword. plugins: names of plugins to load, and plugin objects. disable: names of plugins to
    leave out. secrets: the keywords whose values are secrets. modules: what the plugins brought, by plugin.
    """

    def __init__(
        self,
        keywords: dict[str, Any] | None = None,
        plugins: Sequence[Any] = (),
        disable: Sequence[str] = (),
        secrets: frozenset[str] = frozenset(),
        modules: Mapping[str, Any] | None = None,
    ) -> None:
        self.keywords = {} if keywords is None else keywords
        self.plugins = list(plugins)
        self.disable = list(disable)
        self.secrets = secrets
        self.modules = {} if modules is None else modules


class OptionGroup:
    """The options of one plugin: what `add_options` of its entry point gets.

    keywords: of the client, that the options set. secrets: those whose values are never shown.
    """

    def __init__(self, parser: Parser, title: str) -> None:
        self._parser = parser
        self._group = parser.add_argument_group(title, argument_default=argparse.SUPPRESS)
        self.keywords: set[str] = set()
        self.secrets: set[str] = set()
        self.refused: list[str] = []  # options that another plugin has already

    def add_argument(self, *flags: str, secret: bool = False, **settings: Any) -> None:
        """Add an option, as argparse's `add_argument` does. Its `dest` is the keyword of the client that it sets.

        secret: its value is a credential. A flag that is taken already is left out.
        """
        known = self._parser.flags
        free = [flag for flag in flags if flag not in known]
        self.refused += [flag for flag in flags if flag in known]
        if not free:
            return
        long = next((flag for flag in flags if flag.startswith("--")), flags[0])
        keyword = settings.pop("dest", long.lstrip("-").replace("-", "_"))
        if "type" in settings:
            settings["type"] = one_line_errors(settings["type"])
        if settings.get("action") in (None, "store", "append"):
            settings.setdefault("metavar", "VALUE")
        self._group.add_argument(*free, dest=_PREFIX + keyword, **settings)
        self.keywords.add(keyword)
        if secret:
            self.secrets.add(keyword)


class OptionTable:
    """All options of core and of plugins, added to one parser.

    failures: a message for each plugin whose options could not be loaded.
    """

    def __init__(
        self, parser: Parser, words: Sequence[str] | None = None, *, asks_plugins: Collection[str] = ()
    ) -> None:
        """parser: the options are added to it. words: those of the command line; without an option of a plugin among them, and
        without one of `asks_plugins`, no plugin is asked for its options. None = all are asked.
        """
        self.failures: list[str] = []
        self._groups: dict[str, OptionGroup] = {}
        self._modules: dict[str, Any] = {}
        self._own = OptionGroup(parser, "connection")
        core_options.add_options(self._own)
        add_plugin_arguments(parser)
        known = frozenset(parser.flags).difference(asks_plugins)
        if words is not None and all(flag_of(word) in known for word in words if word.startswith("-")):
            return
        for extension in extensions(OPTIONS):
            group = OptionGroup(parser, f"plugin {extension.name}")
            try:
                module = extension.load()
                module.add_options(group)
            except (Exception, SystemExit) as error:  # noqa: BLE001  # whatever is wrong with one plugin must not end the others
                self.failures.append(
                    f"the options of {extension.distribution} cannot be loaded: {type(error).__name__}: {error}"
                )
            else:
                self._groups[extension.name] = group
                self._modules[extension.name] = module

    @property
    def modules(self) -> Mapping[str, Any]:
        """What the plugins brought, by plugin."""
        return self._modules

    def refused(self) -> list[tuple[str, str]]:
        """Return the plugin and the flag of each option that was left out, because another plugin has it."""
        return [(name, flag) for name, group in self._groups.items() for flag in group.refused]

    def given(self, namespace: argparse.Namespace) -> ClientOptions:
        """Return what a command line gives. A plugin with an option that is given is loaded, also if it is optional.

        Raises: UsageError.
        """
        values = {
            name.removeprefix(_PREFIX): value for name, value in vars(namespace).items() if name.startswith(_PREFIX)
        }
        used = [name for name, group in self._groups.items() if not group.keywords.isdisjoint(values)]
        values.update(map(parse_setting, namespace.opt))
        groups = [self._own, *self._groups.values()]
        return ClientOptions(
            keywords=values,
            plugins=[*dict.fromkeys([*used, *namespace.plugin]), *load_folder(namespace.plugins_dir)],
            disable=namespace.disable,
            secrets=frozenset().union(*(group.secrets for group in groups)),
            modules=self._modules,
        )


def flag_of(word: str) -> str:
    """Return the option in a word of a command line: `--name` of `--name=value`, and the word itself of any other."""
    return word.partition("=")[0] if word.startswith("--") else word


def add_plugin_arguments(parser: Parser) -> None:
    """Add `--plugin`, `--disable`, `--plugins-dir` and `--opt`."""
    group = parser.add_argument_group("plugins")
    group.add_argument("--plugin", action="append", default=[], metavar="NAME", help="load an optional plugin")
    add_disable(group)
    group.add_argument(
        "--plugins-dir", metavar="DIR", help="load the plugins in the Python files of a folder; never by default"
    )
    group.add_argument(
        "--opt",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="any other option of a client; the value is a Python literal or text",
    )


def add_header_argument(parser: argparse._ActionsContainer) -> None:
    """Add `-H` to a parser; the fields are in `header`."""
    parser.add_argument(
        "-H",
        "--header",
        action="append",
        default=[],
        metavar="'NAME: VALUE'",
        help="a field; 'NAME:' removes a default",
    )


def add_disable(parser: argparse._ActionsContainer) -> None:
    """Add `--disable` to a parser."""
    parser.add_argument(
        "--disable", action="append", default=[], metavar="NAME", help="leave a plugin out; may be given again"
    )


def parse_setting(setting: str) -> tuple[str, Any]:
    """Parse `KEY=VALUE`. A value that is not a Python literal is taken as text.

    Raises: UsageError.
    """
    key, equals, text = setting.partition("=")
    if not equals or not key.isidentifier():
        raise UsageError(f"expected KEY=VALUE, an option of a client, got {setting!r}")
    try:
        return key, ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):  # literal_eval raises these for other text
        return key, text


def load_folder(path: str | None) -> list[Any]:
    """Return the plugins in the Python files of a folder, sorted by name; None = none.

    A file with hooks of its own is a plugin; else each of its classes with hooks is one, made without arguments.

    Raises: UsageError.
    """
    if path is None:
        return []
    from importlib.util import module_from_spec, spec_from_file_location
    from pathlib import Path

    if not Path(path).is_dir():
        raise UsageError(f"--plugins-dir {path}: no such folder")
    found: list[Any] = []
    for file in sorted(Path(path).glob("[!_]*.py")):
        try:
            spec = spec_from_file_location(file.stem, file)
            assert spec is not None  # a file that ends in .py has a loader
            assert spec.loader is not None
            module = module_from_spec(spec)
            spec.loader.exec_module(module)
            found += plugins_in(module)
        except Exception as error:
            raise UsageError(f"--plugins-dir: {file} cannot be loaded: {type(error).__name__}: {error}") from error
    return found


def plugins_in(module: ModuleType) -> list[Any]:
    """Return the plugins of a module."""
    if has_hooks(module):
        return [module]
    classes = [each for each in vars(module).values() if inspect.isclass(each) and each.__module__ == module.__name__]
    return [each() for each in classes if has_hooks(each)]


def has_hooks(holder: Any) -> bool:
    """Say whether a module or a class has functions that `hookimpl` has marked."""
    return any(isinstance(getattr(member, "hookline_impl", None), dict) for member in vars(holder).values())
