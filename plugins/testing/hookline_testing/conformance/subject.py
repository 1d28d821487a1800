"""The plugin under test, and clients that have it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from hookline import HttpClient

PATIENCE = 10.0  # seconds that any call of a check may take


@dataclass(frozen=True)
class Subject:
    """A plugin by the name of its entry point, or by a factory: a class, or a function that gives a new object.

    options: keywords of each client that is made, which give the plugin something to do.
    """

    plugin: str | Callable[[], Any]
    options: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not isinstance(self.plugin, str) and not callable(self.plugin):
            raise TypeError(
                f"check_plugin takes a name, a class or a function that gives a new plugin, not {self.plugin!r}"
            )

    @property
    def label(self) -> str:
        return self.plugin if isinstance(self.plugin, str) else getattr(self.plugin, "__name__", repr(self.plugin))

    def client(self, *others: Any, **options: Any) -> HttpClient:
        """A client with this plugin, and core, alone.

        Raises: whatever the plugin, or core on its behalf, raises.
        """
        own = self.plugin if isinstance(self.plugin, str) else self.plugin()
        given = {"timeout": PATIENCE, "trust_env": False, **self.options, **options}
        return HttpClient(plugins=[own, *others], autoload=False, **given)

    def objects(self, client: HttpClient) -> list[Any]:
        """The plugin objects of a client that were asked for; a distribution's name may stand for several."""
        return [info.plugin for info in client.plugins if not isinstance(info.plugin, Bystander)]


class Bystander:
    """The base of the plugins that the checks bring themselves."""
