"""One implementation of one event: a plugin's method, or a handler that the user bound."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Container, Hashable, Mapping, Sequence
from functools import partial
from itertools import takewhile
from types import BuiltinFunctionType, FunctionType, MethodType
from typing import Any, NamedTuple

from .markers import DATA_EVENTS, UNCONDITIONAL, Conditions
from .switch import Switch

ARGUMENTS = {
    "declare": (),
    "pre_request": ("response", "exc", "cause"),
    "on_headers": ("response", "exc", "interim", "cause"),
    "post_request": ("response", "exc", "cause"),
    "data_received": ("response", "data"),
    "data_processed": ("response", "data"),
    "connecting": ("request", "host", "port", "addresses"),
    "connected": ("request", "connection"),
    "disconnected": ("connection", "exc"),
}


class Parameters(NamedTuple):
    """The parameters of a function.

    positional: the names of those that are passed by position. keywords: of those that are passed by keyword.
    takes_any: is there a `**parameter`? optional: the names of those that have a default.
    """

    positional: Sequence[str]
    keywords: Sequence[str]
    takes_any: bool = False
    optional: frozenset[str] = frozenset()


# By `signature_key`. A hit takes 1 us; `inspect` takes 15 for a function and 40 for a partial.
_parameters: dict[Hashable, Parameters] = {}
MAX_PARAMETERS = 1024


def parameters(function: Callable[..., Any]) -> Parameters:
    """Return the parameters of a function. They are cached, because handlers of calls are the same few functions."""
    key = signature_key(function)
    found = _parameters.get(key)
    if found is None:
        found = _inspect(function)
        if key is not None:
            if len(_parameters) >= MAX_PARAMETERS:
                _parameters.clear()
            _parameters[key] = found
    return found


def signature_key(function: Any) -> Hashable:
    """Return a key that only functions with the same parameters share: for most, the code object, which all closures and
    bound methods made of it have in common. None if only `inspect` knows the parameters.
    """
    kind = type(function)
    if kind is FunctionType:
        own = function.__dict__
        if "__signature__" in own:
            return None
        return signature_key(own["__wrapped__"]) if "__wrapped__" in own else function.__code__
    if kind is BuiltinFunctionType:
        return function.__module__, type(function.__self__), function.__name__
    if kind is partial:
        inner = signature_key(function.func)
        return None if inner is None else (inner, *map(type, function.args), frozenset(function.keywords))
    method = function.__func__ if kind is MethodType else getattr(kind, "__call__", None)  # noqa: B004  # of its class
    states_signature = kind is not MethodType and (
        hasattr(function, "__signature__") or hasattr(function, "__wrapped__")
    )
    if type(method) is not FunctionType or states_signature:
        return None
    inner = signature_key(method)
    return None if inner is None else ("self", inner)


def _inspect(function: Callable[..., Any]) -> Parameters:
    """Return the parameters of a function, as its signature has them."""
    try:
        found = inspect.signature(function).parameters.values()
    except ValueError:  # some functions written in C have no signature
        return Parameters(["response"], [])
    positional = [each.name for each in found if each.kind in (each.POSITIONAL_ONLY, each.POSITIONAL_OR_KEYWORD)]
    keywords = [each.name for each in found if each.kind is each.KEYWORD_ONLY]
    optional = frozenset(each.name for each in found if each.default is not each.empty)
    return Parameters(positional, keywords, any(each.kind is each.VAR_KEYWORD for each in found), optional)


class Implementation:
    """One implementation of one event: a plugin's method, or a handler that the user bound.

    event: the name of the event. function: the method or the handler.
    adapted: the function as `f(response)`, or `f(response, data)` on a data event: what every exchange calls. `call` is
        for the rest: when something went wrong, and for interim heads.
    owner: the plugin or the handler in words, for messages. plugin: the plugin's name, None for a user's handler.
    conditions: its preconditions. switch: the plugin's switch that they name, if they name one.
    is_wrapper: is it a generator that runs around the others? rank: -1 tryfirst, 1 trylast, else 0.
    wants_cause: does it have the parameter `cause`? If not, it is not called for sub-requests of plugins.
    wants_interim: does it have the parameter `interim`? If not, it is not called for interim heads.
    """

    __slots__ = (
        "_keywords", "_positional", "adapted", "conditions", "event", "function", "is_wrapper", "owner", "plugin",
        "rank", "switch", "wants_cause", "wants_interim",
    )  # fmt: skip

    def __init__(
        self,
        event: str,
        function: Callable[..., Any],
        owner: str,
        plugin: str | None = None,
        *,
        conditions: Conditions = UNCONDITIONAL,
        is_wrapper: bool = False,
        rank: int = 0,
        switch: Switch | None = None,
    ) -> None:
        self.switch = switch
        self.event = event
        self.function = function
        self.owner = owner
        self.plugin = plugin
        self.conditions = conditions
        self.is_wrapper = is_wrapper
        self.rank = rank
        positional, keywords, takes_any, optional = parameters(function)
        offered = ARGUMENTS[event]
        if plugin is None:  # a handler is called as f(response, exc=None) or f(response, data=data)
            self._positional: Sequence[str] = [] if "response" in keywords else ["response"]
            self._keywords = ["response"] if "response" in keywords else []
            self._keywords += [n for n in offered[1:2] if takes_any or n in positional[1:] or n in keywords]
        else:
            self._positional = positional
            self._keywords = [*keywords]
            if optional:  # those that this core does not offer keep their defaults; others behind one go by keyword
                self._positional = list(takewhile(offered.__contains__, positional))
                others = [*positional[len(self._positional) :], *keywords]
                self._keywords = [n for n in others if n in offered]
            self._keywords += [n for n in offered if takes_any and n not in positional and n not in keywords]
        # by name only: **kw is in handlers and implementations that know nothing of sub-requests and interim heads
        named = () if plugin is None else (*positional, *keywords)
        self.wants_interim = "interim" in named
        self.wants_cause = "cause" in named
        self.adapted = self._adapt()

    def call(self, response: Any, exc: BaseException | None = None, interim: bool = False, data: bytes = b"") -> Any:
        """Call the function with those arguments that it names."""
        values = {
            "response": response,
            "exc": exc,
            "interim": interim,
            "cause": response.request.cause,
            "data": data,
        }
        return self.call_with(values)

    def call_with(self, values: Mapping[str, Any]) -> Any:
        """Call the function with those of these arguments that it names."""
        return self.function(*[values[n] for n in self._positional], **{n: values[n] for n in self._keywords})

    def is_skippable(self, options: Container[str], fields: Container[str]) -> bool:
        """May core skip it for requests that give neither an option nor a field that its preconditions name?

        options, fields: see `reason_to_run`.
        """
        return self.conditions.has_request_conditions and self.reason_to_run(options, fields) is None

    def reason_to_run(self, options: Container[str], fields: Container[str]) -> str | None:
        """Return the precondition of pre_request that holds for all requests of a client, in words; None if none does.

        options, fields: those that the client was given.
        """
        given = {"option": options, "field": fields, "switch": ()}
        for kind, names in self.conditions.of_request().items():
            for name in names:
                if name in given[kind]:
                    return f"{kind} {name} is given"
        if self.switch is not None and self.switch.is_on:
            return f"switch {self.conditions.switch} is on"
        return None

    def _adapt(self) -> Callable[..., Any]:
        """Return the function as `f(response)`, or `f(response, data)` on a data event, with `exc` None and no interim head.

        A call of the method itself takes 0.03 us, of a lambda 0.06, of functools.partial with a keyword 0.13, and `call` 0.5.
        """
        function = self.function
        if self.event in DATA_EVENTS:
            if tuple(self._positional) == ("response", "data"):
                return function
            return lambda response, data: self.call(response, data=data)
        match tuple(self._positional), tuple(self._keywords):
            case ("response",), ():
                return function
            case ("response",), ("exc",):
                return lambda response: function(response, exc=None)
            case ("response", "exc"), ():
                return lambda response: function(response, None)
            case ("response", "cause"), ():
                return lambda response: function(response, response.request.cause)
            case ("response", "exc", "cause"), ():
                return lambda response: function(response, None, response.request.cause)
        return self.call
