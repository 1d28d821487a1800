"""The bodies that core and plugins declare: which of them encodes which keyword of a request, and how its body is set."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any, TypeVar

from ..errors import LocalProtocolError, PluginError
from ..hooks.declarations import Body, MediaType
from ..messages.request_body import as_body

D = TypeVar("D", Body, MediaType)


class BodyTable:
    """The bodies of one set of plugins. keywords: for each keyword the Body that encodes it, that of a plugin before core's."""

    def __init__(self, core: Iterable[Body], declared: Iterable[tuple[str, Body]], taken: Collection[str]) -> None:
        """Make the table.

        core: the bodies of core. declared: the label of a plugin, for messages, and a body of it. taken: names of options,
        of other keywords and of attributes of requests.

        Raises: PluginError, for a name that is taken or that two plugins declare.
        """
        self._core = declarations_by_name("the keyword", core, ())
        declared = list(declared)
        for label, body in declared:
            for name in body.names:
                if not name.isidentifier() or (name in taken and name not in self._core):
                    raise PluginError(
                        f"{label} declares a body with the keyword {name!r}, a name that core or an option has or that is no"
                        " identifier"
                    )
        self.keywords = declarations_by_name("the keyword", core, declared)

    def take(self, data: Any, keywords: dict[str, Any]) -> dict[str, Any]:
        """Remove the keywords of bodies from those of a call, and return them with `data`; without those that are None."""
        given = {"data": data, **{name: keywords.pop(name) for name in self.keywords if name in keywords}}
        return {name: value for name, value in given.items() if value is not None}

    def set_body(self, request: Any, given: Mapping[str, Any]) -> None:
        """Set the body and the Content-Type of a request, which has its options and fields already.

        given: the keywords of bodies, none of them None. Bytes as `data` alone are sent as they are.

        Raises: LocalProtocolError, if several bodies are given; PluginError, for an encoder that returns something else; what
        the encoder raises.
        """
        data = given.get("data")
        if data.__class__ is bytes and len(given) == 1:
            request.body = data
        else:
            request.body, request.content_type = encode_body(request, given, self.keywords, self._core)


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


def encode_body(
    request: Any, given: Mapping[str, Any], keywords: Mapping[str, Body], core: Mapping[str, Body]
) -> tuple[Any, str | None]:
    """Return the body of a request, None = none, and its Content-Type.

    given, keywords: see `BodyTable`. core: the bodies that encode what an encoder of a plugin leaves to core.

    Raises: as `BodyTable.set_body`.
    """
    content, content_type, source = None, None, ""
    for body in dict.fromkeys(keywords[name] for name in given):
        names = " and ".join(f"{name}=" for name in body.names)
        encoded = body.encode(request, *(given.get(name) for name in body.names))
        if encoded is NotImplemented:
            left = {name: given[name] for name in body.names if name in given and name in core}
            if not left:
                raise PluginError(
                    f"the encoder of {names} returned NotImplemented, and core has none for what was given"
                )
            encoded = encode_body(request, left, core, {})
        if not isinstance(encoded, tuple) or len(encoded) != 2:
            raise PluginError(
                f"the encoder of {names} returned {type(encoded).__name__}, not (content, content_type) or NotImplemented"
            )
        if encoded[0] is None:
            continue
        if content is not None:
            raise LocalProtocolError(f"give {source}, or {names}, but not both")
        content, content_type, source = as_body(encoded[0], names), encoded[1], names
    return content, content_type
