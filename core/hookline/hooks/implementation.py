"""One implementation of one event: a plugin's method, or a handler that the user bound."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Container, Hashable, Mapping, Sequence
from functools import partial
from itertools import takewhile
from types import BuiltinFunctionType, CodeType, FunctionType, MethodType
from typing import Any

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
    "attached": ("client",),
    "closed": ("client",),
}


# The parameters of a function: the names of those that are passed by position, and of those that are passed by keyword; is there
# a `**parameter`?; the names of those that have a default.
Parameters = tuple[Sequence[str], Sequence[str], bool, frozenset[str]]


# By `signature_key`. A hit takes 1 us; `inspect` takes 15 for a function and 40 for a partial.
_parameters: dict[Hashable, Parameters] = {}
MAX_PARAMETERS = 1024
_STATE_PARAMETERS = {
    "__signature__",
    "__wrapped__",
}  # attributes with which a function states other parameters than its own


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
    if kind is MethodType and type(function.__func__) is FunctionType:  # first, because most are methods
        own = function.__func__.__dict__
        if "__wrapped__" not in own and "__signature__" not in own:
            return "self", function.__func__.__code__
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
    plain = function.__func__ if type(function) is MethodType else function
    if type(plain) is FunctionType and not _STATE_PARAMETERS & plain.__dict__.keys():
        return _read_code(plain, is_bound=plain is not function)
    try:
        found = inspect.signature(function).parameters.values()
    except ValueError:  # some functions written in C have no signature
        return ["response"], [], False, frozenset()
    positional = [each.name for each in found if each.kind in (each.POSITIONAL_ONLY, each.POSITIONAL_OR_KEYWORD)]
    keywords = [each.name for each in found if each.kind is each.KEYWORD_ONLY]
    optional = frozenset(each.name for each in found if each.default is not each.empty)
    return positional, keywords, any(each.kind is each.VAR_KEYWORD for each in found), optional


def _read_code(function: FunctionType, is_bound: bool) -> Parameters:
    """Return the parameters of a plain function from its code: 1 us, where `inspect` takes 16. is_bound: without the first."""
    code = function.__code__
    names, count = code.co_varnames, code.co_argcount
    positional, keywords = names[:count], names[count : count + code.co_kwonlyargcount]
    with_default = positional[count - len(function.__defaults__ or ()) :]
    optional = frozenset((*with_default, *(function.__kwdefaults__ or ())))
    takes_any = bool(code.co_flags & inspect.CO_VARKEYWORDS)
    return [*(positional[1:] if is_bound else positional)], [*keywords], takes_any, optional


class Shape:
    """How the implementations of one event with the same parameters are called.

    positional, keywords: the names of the arguments that are passed by position, and by keyword.
    named: the parameters that have their names: `**parameter` stands for none, because it is in handlers and implementations
        that know nothing of sub-requests and interim heads. Empty for handlers.
    adapt: makes of the function what every exchange calls; None = `call_by_names` serves.
    """

    __slots__ = ("adapt", "keywords", "named", "positional")

    def __init__(
        self,
        positional: Sequence[str],
        keywords: Sequence[str],
        named: Sequence[str],
        adapt: Callable[[Callable[..., Any]], Callable[..., Any]] | None,
    ) -> None:
        self.positional = positional
        self.keywords = keywords
        self.named = named
        self.adapt = adapt


_shapes: dict[Hashable, Shape] = {}  # by event, kind and `signature_key`: a hit saves 2 us of each binding
# The same for plain methods, by event, kind and the id of the code object, which takes long to hash: 0.5 us less. The value
# holds the code object, so that no other one can have its id.
_shapes_of_methods: dict[tuple[str, bool, int], tuple[CodeType, Shape]] = {}


def shape_of(event: str, function: Callable[..., Any], *, is_handler: bool) -> Shape:
    """Return how a function is called for an event. is_handler: a user's, which is called as f(response, exc=None)."""
    code: CodeType | None = None
    if type(function) is MethodType and type(function.__func__) is FunctionType and not function.__func__.__dict__:
        code = function.__func__.__code__
        known = _shapes_of_methods.get((event, is_handler, id(code)))
        if known is not None:
            return known[1]
    key = signature_key(function)
    found = _shapes.get((event, is_handler, key))
    if found is None or key is None:
        found = make_shape(event, function, is_handler)
        if key is not None:
            if len(_shapes) >= MAX_PARAMETERS:
                _shapes.clear()
            _shapes[event, is_handler, key] = found
    if code is not None:
        if len(_shapes_of_methods) >= MAX_PARAMETERS:
            _shapes_of_methods.clear()
        _shapes_of_methods[event, is_handler, id(code)] = code, found
    return found


def make_shape(event: str, function: Callable[..., Any], is_handler: bool) -> Shape:
    """Work out how a function is called for an event."""
    positional, keywords, takes_any, optional = parameters(function)
    offered = ARGUMENTS[event]
    if is_handler:  # called as f(response, exc=None) or f(response, data=data)
        passed: Sequence[str] = [] if "response" in keywords else ["response"]
        by_name = ["response"] if "response" in keywords else []
        by_name += [n for n in offered[1:2] if takes_any or n in positional[1:] or n in keywords]
        return Shape(passed, by_name, (), adapter_of(event, passed, by_name))
    named = (*positional, *keywords)
    passed, by_name = positional, [*keywords]
    if optional:  # those that this core does not offer keep their defaults; others behind one go by keyword
        passed = list(takewhile(offered.__contains__, positional))
        by_name = [n for n in (*positional[len(passed) :], *keywords) if n in offered]
    by_name += [n for n in offered if takes_any and n not in named]
    return Shape(passed, by_name, named, adapter_of(event, passed, by_name))


def adapter_of(
    event: str, positional: Sequence[str], keywords: Sequence[str]
) -> Callable[[Callable[..., Any]], Callable[..., Any]] | None:
    """Return what makes of a function `f(response)`, with `exc` None and no interim head; for most, the function itself.

    On a data event it is `f(response, data)`. A call of the method itself takes 0.03 us, of a lambda 0.06, of
    functools.partial with a keyword 0.13, and `Implementation.call` 0.5.
    """
    if event in DATA_EVENTS:
        match tuple(positional), tuple(keywords):
            case ("response", "data"), ():
                return as_it_is
            case ("response",), ("data",):
                return lambda f: lambda response, data: f(response, data=data)
            case ("response",), ():
                return lambda f: lambda response, data: f(response)
        return None
    match tuple(positional), tuple(keywords):
        case ("response",), ():
            return as_it_is
        case ("response",), ("exc",):
            return lambda f: lambda response: f(response, exc=None)
        case ("response", "exc"), ():
            return lambda f: lambda response: f(response, None)
        case ("response", "cause"), ():
            return lambda f: lambda response: f(response, response.request.cause)
        case ("response", "exc", "cause"), ():
            return lambda f: lambda response: f(response, None, response.request.cause)
    return None


def call_by_names(function: Callable[..., Any], shape: Shape, values: Mapping[str, Any]) -> Any:
    """Call a function with those of these arguments that it names."""
    return function(*[values[n] for n in shape.positional], **{n: values[n] for n in shape.keywords})


def arguments(
    response: Any, exc: BaseException | None = None, interim: bool = False, data: bytes = b""
) -> dict[str, Any]:
    """Return the arguments of the events by name."""
    return {"response": response, "exc": exc, "interim": interim, "cause": response.request.cause, "data": data}


def as_it_is(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that needs no adapter."""
    return function


def name_of(function: Any) -> str:
    """Return the name of a function or another object, for messages."""
    return getattr(function, "__qualname__", None) or type(function).__qualname__


class Implementation:
    """One implementation of one event: a plugin's method, or a handler that the user bound.

    event: the name of the event. function: the method or the handler.
    adapted: the function as `f(response)`, or `f(response, data)` on a data event: what every exchange calls. `call` is
        for the rest: when something went wrong, and for interim heads.
    plugin: the plugin's name, None for a user's handler. shape: how the function is called.
    conditions: its preconditions. switch: the plugin's switch that they name, if they name one. when: so too its method.
    is_wrapper: is it a generator that runs around the others? rank: -1 tryfirst, 1 trylast, else 0.
    """

    __slots__ = (
        "_owner", "adapted", "conditions", "event", "function", "is_wrapper", "plugin", "rank", "shape", "switch",
        "when",
    )  # fmt: skip

    def __init__(
        self,
        event: str,
        function: Callable[..., Any],
        owner: str = "",
        plugin: str | None = None,
        *,
        conditions: Conditions = UNCONDITIONAL,
        is_wrapper: bool = False,
        rank: int = 0,
        switch: Switch | None = None,
        when: Callable[[Any], object] | None = None,
        shape: Shape | None = None,
    ) -> None:
        """owner: in words; "" = as the plugin, or the handler, is named. shape: None = found here."""
        self.event = event
        self.function = function
        self._owner = owner
        self.plugin = plugin
        self.conditions = conditions
        self.is_wrapper = is_wrapper
        self.rank = rank
        self.switch = switch
        self.when = when
        if shape is None:
            shape = shape_of(event, function, is_handler=plugin is None)
        self.shape = shape
        self.adapted: Callable[..., Any]
        if shape.adapt is not None:
            self.adapted = shape.adapt(function)
        else:  # no method of this object, which would make a reference cycle
            self.adapted = lambda response, data=b"": call_by_names(function, shape, arguments(response, data=data))

    @property
    def owner(self) -> str:
        """The plugin or the handler in words, for messages."""
        if self._owner:
            return self._owner
        return f"handler {name_of(self.function)}" if self.plugin is None else f"plugin {self.plugin!r}"

    @property
    def wants_interim(self) -> bool:
        """Does it have the parameter `interim`? If not, it is not called for interim heads."""
        return "interim" in self.shape.named

    @property
    def wants_cause(self) -> bool:
        """Does it have the parameter `cause`? If not, it is not called for sub-requests of plugins."""
        return "cause" in self.shape.named

    @property
    def is_switched_off(self) -> bool:
        """Does it name a switch that was not turned on?"""
        return self.switch is not None and not self.switch.is_on

    def call(self, response: Any, exc: BaseException | None = None, interim: bool = False, data: bytes = b"") -> Any:
        """Call the function with those arguments that it names."""
        return self.call_with(arguments(response, exc, interim, data))

    def call_with(self, values: Mapping[str, Any]) -> Any:
        """Call the function with those of these arguments that it names."""
        return call_by_names(self.function, self.shape, values)

    def adapted_to(self, *names: str) -> Callable[..., Any]:
        """Return what takes the arguments of these names by position: the function itself, if these are its parameters."""
        function, passed = self.function, tuple(self.shape.positional)
        if self.shape.keywords:
            return lambda *values: self.call_with(dict(zip(names, values, strict=True)))
        if passed == names:
            return function
        places = [names.index(name) for name in passed]
        return lambda *values: function(*[values[place] for place in places])

    def is_skippable(self, options: Container[str], fields: Container[str]) -> bool:
        """May core skip it for requests that give neither an option nor a field that its preconditions name?

        options, fields: see `reason_to_run`.
        """
        return self.conditions.has_request_conditions and (
            self.when is not None or self.reason_to_run(options, fields) is None
        )

    def is_asked(self, options: Container[str], fields: Container[str]) -> bool:
        """Is its `when` asked for each request of a client? options, fields: see `reason_to_run`."""
        return self.when is not None and (
            not self.conditions.of_request() or self.reason_to_run(options, fields) is not None
        )

    @property
    def runs_alone(self) -> bool:
        """Does it run for a request without the other implementations of pre_request, if their preconditions do not hold?"""
        return self.conditions.observes is True and not self.is_switched_off

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
