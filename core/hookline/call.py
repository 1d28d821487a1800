"""One call of a user: an exchange, and the follow-ups that plugins answer it with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .errors import PluginError
from .events.implementation import Implementation
from .exchange import exchange
from .request import HttpRequest

if TYPE_CHECKING:
    from .response import HttpResponse

MAX_FOLLOW_UPS = 100


class Call:
    """What the user gave to one call alone: it goes with every follow-up, and never into sub-requests."""

    __slots__ = ("handlers",)

    def __init__(self, handlers: dict[str, tuple[Implementation, ...]]) -> None:
        self.handlers = handlers


async def follow(request: HttpRequest) -> HttpResponse:
    """Send what post_request answered with, and whatever that is answered with, until there is a response for the user.

    Raises: PluginError, past 100 follow-ups.
    """
    outcome: Any = request
    follow_ups = 0
    while isinstance(outcome, HttpRequest):
        follow_ups += 1
        if follow_ups > MAX_FOLLOW_UPS:
            raise PluginError(
                f"more than {MAX_FOLLOW_UPS} follow-ups in one call, the last with cause {outcome.cause!r}"
                f" from {outcome.history[-1].answered_by}; disable=[...] leaves that plugin out",
            )
        outcome = await exchange(outcome)
    return outcome  # type: ignore[no-any-return]  # what is no request is what the caller gets
