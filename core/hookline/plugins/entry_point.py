"""Entry points: objects that an installed distribution offers by name, imported when they are needed."""

from __future__ import annotations

import re
from importlib import import_module
from typing import Any, NamedTuple

from ..errors import PluginError

DEFAULT_GROUP = "hookline"
OPTIONAL_GROUP = "hookline.optional"


def normalized(name: str) -> str:
    """Return the name of a plugin or a distribution in the one spelling that core compares: `Acme-Retry` as `acme_retry`."""
    return re.sub(r"[-_.]+", "_", name).lower()


class EntryPoint(NamedTuple):
    """One entry point, and the distribution that it belongs to.

    group: the section of entry_points.txt, such as `hookline`. name: for a plugin, its name. value: what to import,
    `module` or `module:attribute`. distribution, version: of the distribution, as its metadata have them.
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
    def short_name(self) -> str:
        """The name of the distribution, normalized and without `hookline-`: it stands for all plugins of the distribution."""
        return normalized(self.distribution).removeprefix("hookline_")

    @property
    def label(self) -> str:
        """The distribution and its version, for messages."""
        return f"{self.distribution} {self.version}"

    def matches(self, name: str) -> bool:
        """Is it the name of this plugin or of its distribution?"""
        return normalized(name) in (normalized(self.name), self.short_name, normalized(self.distribution))

    def load(self) -> Any:
        """Import what the entry point names."""
        module, _, attributes = self.value.partition("[")[0].partition(":")
        found: Any = import_module(module.strip())
        for attribute in filter(None, attributes.strip().split(".")):
            found = getattr(found, attribute)
        return found

    def load_plugin(self) -> Any:
        """Import the factory of a plugin: a class, or a function that returns the plugin.

        Raises: PluginError, whatever goes wrong, so that the message names the plugin.
        """
        try:
            return self.load()
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # SystemExit too, which would end the program without a message
            raise self.failure("cannot be imported", error) from error

    def make_plugin(self, factory: Any) -> Any:
        """Make the plugin of one client. factory: what `load_plugin` returned.

        Raises: PluginError, whatever goes wrong, so that the message names the plugin.
        """
        try:
            return factory()
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # see load_plugin
            raise self.failure("cannot be made", error) from error

    def failure(self, what: str, error: BaseException) -> PluginError:
        """Return the error for a plugin that cannot be loaded. what: a predicate, such as "cannot be imported"."""
        return PluginError(
            f"plugin {self.name!r} of {self.label} {what}: {type(error).__name__}: {error};"
            f" disable=[{self.name!r}] leaves it out"
        )
