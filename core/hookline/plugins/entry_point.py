"""Entry points: what an installed distribution offers by name, to be imported when it is needed."""

from __future__ import annotations

import re
from importlib import import_module
from typing import Any, NamedTuple

from ..errors import PluginError

DEFAULT_GROUP = "hookline"
OPTIONAL_GROUP = "hookline.optional"


def normalized(name: str) -> str:
    """One spelling for names of plugins and distributions: `Acme-Retry` is `acme_retry`."""
    return re.sub(r"[-_.]+", "_", name).lower()


class EntryPoint(NamedTuple):
    """One entry point, and the distribution that it belongs to."""

    group: str
    name: str
    value: str
    distribution: str
    version: str

    @property
    def is_optional(self) -> bool:
        """Is the plugin known by name only, and loaded when a client asks for it?"""
        return self.group == OPTIONAL_GROUP

    @property
    def short_name(self) -> str:
        """The distribution's name without the project's: it stands for all its plugins."""
        return normalized(self.distribution).removeprefix("hookline_")

    @property
    def label(self) -> str:
        return f"{self.distribution} {self.version}"

    def answers_to(self, name: str) -> bool:
        """Does the name mean this plugin, or the plugins of this distribution?"""
        return normalized(name) in (normalized(self.name), self.short_name, normalized(self.distribution))

    def load(self) -> Any:
        """Import what it names: `module`, or `module:attribute`."""
        module, _, attributes = self.value.partition("[")[0].partition(":")
        found: Any = import_module(module.strip())
        for attribute in filter(None, attributes.strip().split(".")):
            found = getattr(found, attribute)
        return found

    def load_plugin(self) -> Any:
        """Import the factory of a plugin.

        Raises: PluginError.
        """
        try:
            return self.load()
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # SystemExit too: a program must not end without a word of who ended it
            raise self.failure("cannot be imported", error) from error

    def make_plugin(self, factory: Any) -> Any:
        """Make the plugin of one client. factory: what `load_plugin` gave.

        Raises: PluginError.
        """
        try:
            return factory()
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # see load_plugin
            raise self.failure("cannot be made", error) from error

    def failure(self, what: str, error: BaseException) -> PluginError:
        """The error for a plugin of a distribution that fails. what: what could not be done."""
        return PluginError(
            f"plugin {self.name!r} of {self.label} {what}: {type(error).__name__}: {error};"
            f" disable=[{self.name!r}] leaves it out"
        )
