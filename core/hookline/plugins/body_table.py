"""The bodies that core and plugins declare: which of them encodes which keyword of a request, and how its body is set."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from ..errors import LocalProtocolError, PluginError
from ..hooks.declarations import Body, MediaType
from ..messages.request_body import as_body

D = TypeVar("D", Body, MediaType)


class Encoder:
    """A body that core or a plugin declares.

    names: its keywords. label: these in words, for messages. encode: its function. core: the encoders of core in whose place
    it is, by keyword, each of which has one keyword; they encode what it leaves to core.
    """

    __slots__ = ("core", "encode", "label", "names")

    def __init__(self, body: Body, core: Mapping[str, Encoder]) -> None:
        self.names = body.names
        self.label = " and ".join(f"{name}=" for name in body.names)
        self.encode = body.encode
        self.core = {name: core[name] for name in body.names if name in core}


class BodyTable:
    """The bodies of one set of plugins. keywords: for each keyword its encoder, that of a plugin before core's."""

    def __init__(self, core: Iterable[Body], declared: Sequence[tuple[str, Body]], taken: Collection[str]) -> None:
        """Make the table.

        core: the bodies of core. declared: the label of a plugin, for messages, and a body of it. taken: names of options,
        of other keywords and of attributes of requests.

        Raises: PluginError, for a name that is taken or that two plugins declare.
        """
        of_core = {name: Encoder(body, {}) for body in core for name in body.names}
        for label, body in declared:
            for name in body.names:
                if not name.isidentifier() or (name in taken and name not in of_core):
                    raise PluginError(
                        f"{label} declares a body with the keyword {name!r}, a name that core or an option has or that is no"
                        " identifier"
                    )
        found = declarations_by_name("the keyword", (), declared)
        encoders = {body: Encoder(body, of_core) for body in found.values()}
        self.keywords = {**of_core, **{name: encoders[body] for name, body in found.items()}}

    def take(self, data: Any, keywords: dict[str, Any]) -> dict[str, Any]:
        """Remove the keywords of bodies from those of a call, and return them with `data`; without those that are None."""
        given = {} if data is None else {"data": data}
        if not self.keywords.keys().isdisjoint(keywords):
            for name in self.keywords:
                value = keywords.pop(name, None)
                if value is not None:
                    given[name] = value
        return given

    def set_body(self, request: Any, given: Mapping[str, Any]) -> None:
        """Set the body and the Content-Type of a request, which has its options and fields already.

        given: the keywords of bodies, none of them None. Bytes and text as `data` alone are sent as they are.

        Raises: LocalProtocolError, if several bodies are given; PluginError, for an encoder that returns something else; what
        the encoder raises.
        """
        if len(given) == 1:
            ((name, value),) = given.items()
            if name == "data" and isinstance(value, (bytes, str)):
                request.body = as_body(value, "data=")
                return
            encoders: Iterable[Encoder] = (self.keywords[name],)
        else:
            encoders = dict.fromkeys(self.keywords[name] for name in given)
        found = None
        for encoder in encoders:
            encoded = encoder.encode(request, *map(given.get, encoder.names))
            if encoded is NotImplemented:
                encoded = encode_in_core(encoder, request, given)
            if not isinstance(encoded, tuple) or len(encoded) != 2:
                raise PluginError(
                    f"the encoder of {encoder.label} returned {type(encoded).__name__}, not (content, content_type) or"
                    " NotImplemented"
                )
            content, content_type = encoded
            if content is None:
                continue
            if found is not None:
                raise LocalProtocolError(f"give {found.label}, or {encoder.label}, but not both")
            found = encoder
            request._set_body(as_body(content, encoder.label), content_type)


def encode_in_core(encoder: Encoder, request: Any, given: Mapping[str, Any]) -> Any:
    """Return what core's encoder makes of the keyword that an encoder of a plugin leaves to it.

    Raises: PluginError, if core has no encoder for what was given; what the encoder raises.
    """
    for name, core in encoder.core.items():
        if name in given:
            return core.encode(request, given[name])
    raise PluginError(f"the encoder of {encoder.label} returned NotImplemented for what core cannot encode")


def declarations_by_name(what: str, core: Iterable[D], declared: Iterable[tuple[str, D]]) -> dict[str, D]:
    """Return declarations by each of their names. Those of plugins replace those of core.

    what: the kind of name, for messages. declared: the label of a plugin and a declaration of it.

    Raises: PluginError, for a name that two plugins declare.
    """
    found = {name: declaration for declaration in core for name in declaration.names}
    labels: dict[str, str] = {}
    for label, declaration in declared:
        for name in declaration.names:
            if name in labels:
                raise PluginError(f"{labels[name]} and {label} both declare {what} {name!r}; disable one of them")
            labels[name], found[name] = label, declaration
    return found
