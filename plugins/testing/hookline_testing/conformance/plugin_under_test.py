"""The plugin under test, and clients that have it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from hookline import HttpClient

CALL_TIMEOUT = 10.0  # seconds of each call in a check


@dataclass(frozen=True)
class PluginUnderTest:
    """The plugin under test.

    plugin: the name of its entry point, or a class or function that returns a new plugin object. options: the options of
    each client that is made, for a plugin that does nothing without them.
    """

    plugin: str | Callable[[], Any]
    options: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not isinstance(self.plugin, str) and not callable(self.plugin):
            raise TypeError(
                f"check_plugin takes a name, a class or a function that returns a new plugin, not {self.plugin!r}"
            )

    @property
    def label(self) -> str:
        """The name of the plugin in the report."""
        return self.plugin if isinstance(self.plugin, str) else getattr(self.plugin, "__name__", repr(self.plugin))

    def client(self, *others: Any, **options: Any) -> HttpClient:
        """Return a client with core, this plugin, and `others` only.

        Raises: what the plugin, or core because of it, raises.
        """
        own = self.plugin if isinstance(self.plugin, str) else self.plugin()
        given = {"timeout": CALL_TIMEOUT, "trust_env": False, **self.options, **options}
        return HttpClient(plugins=[own, *others], autoload=False, **given)

    def objects(self, client: HttpClient) -> list[Any]:
        """Return the plugin objects under test of a client: the name of a distribution may stand for several."""
        return [info.plugin for info in client.plugins if not isinstance(info.plugin, HelperPlugin)]


class HelperPlugin:
    """The base class of the plugins that the checks add themselves."""
