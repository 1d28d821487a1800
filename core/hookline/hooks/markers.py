"""The names of the events, and the markers of pluggy with which plugins implement them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple, TypeVar, overload

import pluggy

PROJECT = "hookline"
ONE_TIME_EVENTS = ("pre_request", "on_headers", "post_request")
DATA_EVENTS = ("data_received", "data_processed")
EVENTS = ONE_TIME_EVENTS + DATA_EVENTS

F = TypeVar("F", bound=Callable[..., Any])

hookspec = pluggy.HookspecMarker(PROJECT)
_mark = pluggy.HookimplMarker(PROJECT)


class Conditions(NamedTuple):
    """When an implementation has anything to do. Each of the first three that is given must hold; None always holds.

    One of the last three that are given is enough.
    """

    statuses: frozenset[int] | None = None
    headers: frozenset[bytes] | None = None
    schemes: frozenset[str] | None = None
    options: frozenset[str] | None = None
    fields: frozenset[str] | None = None
    switch: str | None = None

    @property
    def is_conditional(self) -> bool:
        """Are there requests for which it has nothing to do, by options, fields and switch?"""
        return self.options is not None or self.fields is not None or self.switch is not None


UNCONDITIONAL = Conditions()


def conditions_of(function: Any) -> Conditions:
    """The preconditions that `hookimpl` left on a function."""
    found = getattr(function, "hook_conditions", None)
    return found if isinstance(found, Conditions) else UNCONDITIONAL


@overload
def hookimpl(function: F) -> F: ...
@overload
def hookimpl(
    *,
    wrapper: bool = ...,
    tryfirst: bool = ...,
    trylast: bool = ...,
    optionalhook: bool = ...,
    specname: str | None = ...,
    statuses: Iterable[int] | None = ...,
    headers: Iterable[str] | None = ...,
    schemes: Iterable[str] | None = ...,
    options: Iterable[str] | None = ...,
    fields: Iterable[str] | None = ...,
    switch: str | None = ...,
) -> Callable[[F], F]: ...
def hookimpl(
    function: F | None = None,
    *,
    wrapper: bool = False,
    tryfirst: bool = False,
    trylast: bool = False,
    optionalhook: bool = False,
    specname: str | None = None,
    statuses: Iterable[int] | None = None,
    headers: Iterable[str] | None = None,
    schemes: Iterable[str] | None = None,
    options: Iterable[str] | None = None,
    fields: Iterable[str] | None = None,
    switch: str | None = None,
) -> Any:
    """Mark a method as the implementation of the event of its name (or of `specname`).

    wrapper: a generator that yields once; what it returns is the answer. Not on data events.
    tryfirst, trylast: before or after the others, after `before` and `after` of the plugins.
    optionalhook: an unknown name is no error.
    statuses, headers, schemes: preconditions that core answers from the raw head, for all plugins at once, so that an
        implementation with nothing to do costs nothing. One member of each that is given must fit. `statuses` and
        `headers` belong to on_headers and post_request, `schemes` to pre_request too.
    options, fields, switch: preconditions of pre_request. It has something to do where one of these options was given to
        the client or the call, where the call gave a header field of one of these names, or once the plugin's attribute
        of the name `switch`, a `Switch`, was turned on. Follow-ups, sub-requests and URLs with userinfo always count.
        As soon as one implementation has something to do, or has no such precondition, all run: an early one may set
        what a later one looks at. So it has to look for itself all the same; a plain request costs nothing.
    """

    def mark(target: F) -> F:
        conditions = Conditions(
            None if statuses is None else frozenset(statuses),
            None if headers is None else frozenset(name.lower().encode("ascii") for name in headers),
            None if schemes is None else frozenset(scheme.lower() for scheme in schemes),
            None if options is None else frozenset(options),
            None if fields is None else frozenset(name.lower() for name in fields),
            switch,
        )
        target.hook_conditions = conditions  # type: ignore[attr-defined]  # functions take attributes
        return _mark(
            target,
            wrapper=wrapper,
            tryfirst=tryfirst,
            trylast=trylast,
            optionalhook=optionalhook,
            specname=specname,
        )

    return mark if function is None else mark(function)
