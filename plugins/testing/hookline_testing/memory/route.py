"""The way to a server in memory."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from hookline import Route

from .line import Lines, Place

if TYPE_CHECKING:
    from hookline import HttpClient


@dataclass(frozen=True)
class PlaceRoute(Route):
    """See the module. Connections are shared by requests to one place of one server alone."""

    lines: Lines = field(repr=False)
    place: Place

    @property
    def key(self) -> Hashable:
        return self

    async def open(self, client: HttpClient) -> Any:
        return await self.lines.open(client, self.place)
