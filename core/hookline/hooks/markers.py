"""The names of the events, and the markers with which plugins implement them, as pluggy reads them."""

# Without `from __future__ import annotations`, with which NamedTuple would compile the text of each one: 0.1 ms a class.

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple, TypeVar, overload

PROJECT = "hookline"
ONE_TIME_EVENTS = ("pre_request", "on_headers", "post_request")
DATA_EVENTS = ("data_received", "data_processed")
EVENTS = ONE_TIME_EVENTS + DATA_EVENTS
CONNECTION_HOOKS = ("connecting", "connected", "disconnected")
CLIENT_HOOKS = ("attached", "closed")
HOOKS = EVENTS + CONNECTION_HOOKS + CLIENT_HOOKS  # all but `declare`

F = TypeVar("F", bound=Callable[..., Any])

# The attributes in which the markers leave their options, where a pluggy.PluginManager finds them. pluggy itself is imported when
# somebody asks for a manager: that saves `import hookline` 3.3 ms.
IMPL_MARK, SPEC_MARK = f"{PROJECT}_impl", f"{PROJECT}_spec"


class Conditions(NamedTuple):
    """The preconditions of an implementation. None: not given.

    statuses, headers, schemes: each that is given must hold; of its members one is enough. headers: names in lower case.
    options, fields, switch: those of pre_request. One that holds is enough. fields: names in lower case. switch: the name
    of an attribute of the plugin. It is the only one of these that other events have.
    when: on pre_request, the name of a method of the plugin, f(request), which is asked where one of these holds for the client.
    observes: on pre_request, does it leave alone what the preconditions of others ask for?
    """

    statuses: frozenset[int] | None = None
    headers: frozenset[bytes] | None = None
    schemes: frozenset[str] | None = None
    options: frozenset[str] | None = None
    fields: frozenset[str] | None = None
    switch: str | None = None
    when: str | None = None
    observes: bool | None = None

    @property
    def has_request_conditions(self) -> bool:
        """Is one of options, fields, switch and when given, so that core skips the implementation where none of them holds?"""
        return any(given is not None for given in (self.options, self.fields, self.switch, self.when))

    def of_request(self) -> dict[str, list[str]]:
        """Return those of pre_request that are given, but `when`: for each kind (option, field, switch), the names in order."""
        names = {"option": self.options, "field": self.fields, "switch": self.switch and {self.switch}}
        return {kind: sorted(given) for kind, given in names.items() if given}


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
    when: str | None = ...,
    observes: bool | None = ...,
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
    when: str | None = None,
    observes: bool | None = None,
) -> Any:
    """Mark a method as the implementation of the event of its name (or of `specname`).

    Its parameters are those arguments of the hook that it uses. One that has a default is optional: a version of core that does
    not offer this argument calls the method without it.

    wrapper: the method is a generator that yields once, around the other implementations; its return value is the answer.
        Not on data events.
    tryfirst, trylast: run before or after the others. `before` and `after` of the plugins take precedence.
    optionalhook: a hook of this name that core does not know is no error; the method is not called then. It is for hooks that
        newer versions of core have, or no longer have.
    statuses, headers, schemes: preconditions. Core checks those of all plugins at once, on the raw head, and skips the
        implementation unless they hold. Each that is given must hold; of its members one is enough. `statuses` and
        `headers` (field names, of any case) are for on_headers and post_request, `schemes` for pre_request too.
    options, fields, switch: preconditions of pre_request; one that holds is enough. `options`: one of these options was
        given to the client or the call. `fields`: the client or the call was given a header field of one of these names.
        `switch`: the attribute of this name of the plugin, a `Switch`, was turned on. For follow-ups, sub-requests and
        URLs with userinfo they always hold. If a precondition of one implementation holds, or if one has none, core calls
        all implementations for the URL's scheme, because an early one may set what a later one reads. So an
        implementation must still check whether it has anything to do.
        On on_headers, post_request and the connection hooks there is `switch` alone: the implementation is left out, and
        costs nothing, until the switch is turned on.

    when: the name of a method of the plugin, `f(request)`, which is asked, instead of calling all implementations for every
        request, where an option or a field of the client or the switch would have them called; without these three, it is
        asked for each request. It returns whether the implementation has anything to do, at once, and changes nothing. It is
        not asked where a precondition holds for the call itself. On pre_request alone.

    observes: True, on pre_request, says that the implementation sets nothing that preconditions of others name. Core calls it
        for all requests, of its schemes and once its switch is on, and calls no others on its account.

    The default of a precondition is None: it always holds.

    Example: docs/plugins/index.md#plugins
    """

    def mark(target: F) -> F:
        conditions = Conditions(
            None if statuses is None else frozenset(statuses),
            None if headers is None else frozenset(name.lower().encode("ascii") for name in headers),
            None if schemes is None else frozenset(scheme.lower() for scheme in schemes),
            None if options is None else frozenset(options),
            None if fields is None else frozenset(name.lower() for name in fields),
            switch,
            when,
            observes,
        )
        target.hook_conditions = conditions  # type: ignore[attr-defined]  # functions take attributes
        of_pluggy = {
            "wrapper": wrapper,
            "hookwrapper": False,
            "optionalhook": optionalhook,
            "tryfirst": tryfirst,
            "trylast": trylast,
            "specname": specname,
        }
        setattr(target, IMPL_MARK, of_pluggy)
        return target

    return mark if function is None else mark(function)


@overload
def hookspec(function: F) -> F: ...
@overload
def hookspec(
    *,
    firstresult: bool = ...,
    historic: bool = ...,
    warn_on_impl: Warning | None = ...,
    warn_on_impl_args: Mapping[str, Warning] | None = ...,
) -> Callable[[F], F]: ...
def hookspec(
    function: F | None = None,
    *,
    firstresult: bool = False,
    historic: bool = False,
    warn_on_impl: Warning | None = None,
    warn_on_impl_args: Mapping[str, Warning] | None = None,
) -> Any:
    """Mark a method as the specification of the hook of its name, as a `pluggy.HookspecMarker` does.

    firstresult: a call of pluggy ends with the first result that is not None. historic: it reaches plugins that are registered
        later, too. warn_on_impl: the warning for each implementation. warn_on_impl_args: the same for each that has an
        argument, by its name. For hooks of core only the warnings have an effect.

    Raises: ValueError, for a hook that is both historic and firstresult.

    Example: docs/plugins/promises.md#deprecations
    """
    if historic and firstresult:
        raise ValueError("a hook cannot be both historic and firstresult")

    def mark(target: F) -> F:
        of_pluggy = {
            "firstresult": firstresult,
            "historic": historic,
            "warn_on_impl": warn_on_impl,
            "warn_on_impl_args": warn_on_impl_args,
        }
        setattr(target, SPEC_MARK, of_pluggy)
        return target

    return mark if function is None else mark(function)
