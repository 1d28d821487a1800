"""The tables of docs/migrating-from-*.md: their rows, and whether the names in them exist in the other library and in Hookline.

A table has the columns "theirs", "Hookline" and "differs". A name of theirs is a dotted path from the library's module, such
as `Session.get`; `Session.request(params=)` is a parameter; `Payload(*)` stands for all parameters of a class, `Payload.*` for
its members too. In the column of Hookline each name in backticks is looked up, see `HooklineNames`.
"""

from __future__ import annotations

import builtins
import importlib
import inspect
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from functools import reduce
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal, NamedTuple

import hookline
from hookline import HttpClient, HttpResponse
from hookline.client.configuration import CALL_KEYWORDS

DOCS = Path(__file__).parents[2] / "docs"
SAME = "the same"

_CELLS = re.compile(r"^\| (.+?) \| (.+?) \| (.*?) ?\|$", re.MULTILINE)
_NAMES = re.compile(r"`([^`]+)`")
_PARAMETER = re.compile(r"([\w.]+)\((\w+)=\)")
_EVENT = re.compile(r'event\("(\w+)"\)')
_OF_HOOKLINE = re.compile(
    r'`((?:Http(?:Client|Request|Response)|request|event|hookline\w*)(?:\.\w+|\(\w+=\)|\("\w+"\)))`'
)


class Row(NamedTuple):
    """A line of a table: the names of the other library, those of Hookline, and what differs. says: the second column."""

    theirs: tuple[str, ...]
    ours: tuple[str, ...]
    says: str
    differs: str

    def __str__(self) -> str:
        return self.theirs[0]


def text_of(page: str) -> str:
    """Return a page of docs/."""
    return (DOCS / page).read_text(encoding="utf-8")


def rows_of(page: str, library: str) -> list[Row]:
    """Return the rows of all tables of a page whose first column is headed by the name of the library."""
    rows: list[Row] = []
    in_table = False
    for line in text_of(page).splitlines():
        cells = _CELLS.fullmatch(line)
        if cells is None or cells[1] == "---":
            in_table = in_table and cells is not None
        elif cells[2] == "Hookline":
            in_table = cells[1] == library
        elif in_table:
            rows.append(Row(tuple(_NAMES.findall(cells[1])), tuple(_NAMES.findall(cells[2])), cells[2], cells[3]))
    return rows


def names_in(rows: Iterable[Row]) -> list[str]:
    """Return all names of the other library, in the order of the page."""
    return [name for row in rows for name in row.theirs]


def missing(expected: Collection[str], rows: Iterable[Row]) -> list[str]:
    """Return the expected names that no row has."""
    listed = set(names_in(rows))
    for name in list(listed):
        owner = name.removesuffix(".*").removesuffix("(*)")
        if name != owner:
            kinds = (f"{owner}(", f"{owner}.") if name.endswith(".*") else (f"{owner}(",)
            listed |= {found for found in expected if found.startswith(kinds)}
    return sorted(set(expected) - listed)


def members(owner: Any, path: str) -> set[str]:
    """Return the public members of a class or an object, as names below `path`; without those that any exception has."""
    inherited = set(dir(OSError)) if isinstance(owner, type) and issubclass(owner, BaseException) else set()
    return {f"{path}.{name}" for name in dir(owner) if not name.startswith("_") and name not in inherited}


def parameters(function: Callable[..., Any], path: str) -> set[str]:
    """Return the parameters of a callable, as `path(name=)`."""
    named = [item for item in inspect.signature(function).parameters.values() if "VAR_" not in item.kind.name]
    return {f"{path}({item.name}=)" for item in named if item.name != "self"}


def is_there(module: Any, name: str, objects: Mapping[str, Any]) -> bool:
    """Return whether the other library has a name.

    objects: what stands for a path, such as an instance that has the attributes which the class has not.
    """
    path, parameter = name.removesuffix(".*").removesuffix("(*)"), None
    if found := _PARAMETER.fullmatch(name):
        path, parameter = found[1], found[2]
    if parameter is not None and path + "()" in objects:
        return f"{path}({parameter}=)" in parameters(objects[path + "()"], path)
    owner, _, last = path.rpartition(".")
    value = objects[owner] if owner in objects else reduce(getattr, filter(None, owner.split(".")), module)
    # Not hasattr, which would run properties; a module may hide some of its names from dir().
    if last not in dir(value) and last not in getattr(value, "__dict__", ()):
        return False
    return parameter is None or f"{path}({parameter}=)" in parameters(getattr(value, last), path)


class HooklineNames:
    """Looks up names of Hookline.

    | name | is there if |
    | --- | --- |
    | `HttpClient(x=)`, `request(x=)` | a client, or a call, takes this keyword |
    | `HttpClient.x`, `HttpRequest.x`, … | such an object has this attribute; `objects` has one of each |
    | `event("x")` | clients have this event |
    | `Name`, `Name.x`, `Name(x=)` | `from hookline import Name` works; the class has this member, or takes this argument |
    | `package.Name` | the package or module has this name |
    | `TypeError` | it is a name of Python |
    """

    def __init__(self, client: HttpClient, answer: HttpResponse, **more: Any) -> None:
        """Take a client, one of its responses, and other objects by the names of their classes."""
        self.client = client
        self.objects = {"HttpClient": client, "HttpResponse": answer, "HttpRequest": answer.request, **more}

    def takes(self, owner: str, keyword: str) -> bool:
        """Return whether a client or a call takes a keyword. owner: "HttpClient" or "request"."""
        where: Literal["client", "request"] = "client" if owner == "HttpClient" else "request"
        function = HttpClient.__init__ if owner == "HttpClient" else HttpClient.request
        configuration = self.client.configuration
        is_of_a_call = owner == "request" and (keyword in CALL_KEYWORDS or keyword in configuration.bodies.keywords)
        is_option = configuration.table.find(keyword, where) is not None
        return is_of_a_call or is_option or keyword in inspect.signature(function).parameters

    def has(self, name: str) -> bool:
        """Return whether a name is there."""
        if found := _EVENT.fullmatch(name):
            return self.client.event(found[1]).handlers() == []  # an unknown event raises
        if found := _PARAMETER.fullmatch(name):
            if found[1] in ("HttpClient", "request"):
                return self.takes(found[1], found[2])
            return name in parameters(self._find(found[1]), found[1])
        try:
            self._find(name)
        except (AttributeError, ImportError):
            return False
        return True

    def _find(self, path: str) -> Any:
        """Return the value of a dotted path.

        Raises: AttributeError, ImportError.
        """
        first, *rest = path.split(".")
        if first in self.objects:
            value = self.objects[first]
        elif first in dir(builtins):
            value = getattr(builtins, first)
        elif find_spec(first) is not None:
            value = importlib.import_module(first)
        else:
            value = getattr(hookline, first)
        for count, part in enumerate(rest):
            if inspect.ismodule(value) and not hasattr(value, part):
                value = importlib.import_module(".".join([first, *rest[: count + 1]]))
            else:
                value = getattr(value, part)
        return value


def names_of_hookline(page: str) -> list[str]:
    """Return the names of Hookline in the prose and the last columns of a page."""
    return sorted(set(_OF_HOOKLINE.findall(text_of(page))))
