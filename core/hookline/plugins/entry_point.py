"""Entry points: objects that an installed distribution offers by name, imported when they are needed."""

# Without `from __future__ import annotations`, with which NamedTuple would compile the text of each one: 0.1 ms a class.

import re
import sys
from functools import lru_cache
from typing import Any, NamedTuple

from ..errors import PluginError

DEFAULT_GROUP = "hookline"
OPTIONAL_GROUP = "hookline.optional"


@lru_cache
def normalized(name: str) -> str:
    """Return the name of a plugin or a distribution in the one spelling that core compares: `Acme-Retry` as `acme_retry`."""
    return re.sub(r"[-_.]+", "_", name).lower()


class EntryPoint(NamedTuple):
    """One entry point, and the distribution that it belongs to.

    group: the section of entry_points.txt, such as `hookline`. name: for a plugin, its name. value: what to import,
    `module` or `module:attribute`. distribution, version: of the distribution, as its metadata have them.

    Example::

        from hookline import EntryPoint

        entry = EntryPoint("hookline", "stamp", "acme_stamp:Stamp", "acme-stamp", "1.0")
        print(entry.label, sorted(entry.names), entry.is_optional)
    """

    group: str
    name: str
    value: str
    distribution: str
    version: str

    @property
    def is_optional(self) -> bool:
        """Is the plugin loaded only by clients whose arguments name it?"""
        return self.group == OPTIONAL_GROUP

    @property
    def label(self) -> str:
        """The distribution and its version, for messages."""
        return f"{self.distribution} {self.version}"

    @property
    def names(self) -> frozenset[str]:
        """The names by which users call the plugin: its own, and those of its distribution, with `hookline-` and without."""
        distribution = normalized(self.distribution)
        return frozenset({normalized(self.name), distribution, distribution.removeprefix("hookline_")})

    def load(self) -> Any:
        """Import what the entry point names.

        Example::

            from hookline import entry_points

            for entry in entry_points("hookline"):
                if not entry.is_optional:
                    print(entry.name, entry.load())
        """
        module, _, attributes = self.value.partition("[")[0].partition(":")
        name = module.strip()
        __import__(name)  # `importlib.import_module` takes 1.5 us more for a module that is there
        found: Any = sys.modules[name]
        for attribute in filter(None, attributes.strip().split(".")):
            found = getattr(found, attribute)
        return found

    def load_plugin(self) -> Any:
        """Import the factory of a plugin: a class, or a function that returns the plugin.

        Raises: PluginError, whatever goes wrong.

        Example::

            from hookline import entry_points

            for entry in entry_points("hookline"):
                print(entry.make_plugin(entry.load_plugin()))
        """
        with plugin_error("plugin {0.name!r} of {0.label} cannot be imported", self, disable=self.name):
            return self.load()

    def make_plugin(self, factory: Any) -> Any:
        """Make the plugin of one client. factory: what `load_plugin` returned.

        Raises: PluginError, whatever goes wrong.
        """
        with plugin_error("plugin {0.name!r} of {0.label} cannot be made", self, disable=self.name):
            return factory()


class plugin_error:  # used like a function
    """Raise a PluginError in place of what code of a plugin raises, so that the message names the plugin.

    That includes SystemExit, which would end the program without a message, but not KeyboardInterrupt.

    message: what cannot be done. It is formatted with `values`, if it comes to that: three such blocks for each plugin of each
        client have nothing to report. disable: the name of the plugin that the message says how to leave out; None: none.
    """

    __slots__ = ("_disable", "_message", "_values")

    def __init__(self, message: str, *values: object, disable: str | None = None) -> None:
        self._message = message
        self._values = values
        self._disable = disable

    def __enter__(self) -> None: ...

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        if error is not None and not isinstance(error, KeyboardInterrupt):
            message = self._message.format(*self._values)
            hint = "" if self._disable is None else how_to_disable(self._disable)
            raise PluginError(f"{message}: {type(error).__name__}: {error}{hint}") from error


def how_to_disable(name: str) -> str:
    """Return the end of a message about a plugin that cannot be used."""
    return f"; disable=[{name!r}] leaves it out"
