"""The directive `reference` of the site: signatures and docstrings of public names, taken from the code.

    ```{reference}
    HttpClient Timeout
    ```

writes a section for each name of `hookline`, in Markdown. Docstrings are plain text: their parts are recognised here, and
the signatures are those that `inspect` shows.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from types import FunctionType
from typing import Any

import hookline

# A line that explains a parameter or an attribute: one or more names, then a colon.
_EXPLAINED = re.compile(r"((?:[a-z_]\w*(?:, )?)+): (.*)").fullmatch
# One that begins within a line, behind the end of a sentence.
_EXPLAINED_WITHIN = re.compile(r"(?<=[.?]) (?=(?:[a-z_]\w*(?:, )?)+: )").split
_LABELLED = re.compile(r"(Raises|Returns|Yields)\b:? ?(.*)", re.DOTALL).fullmatch
# What typing shows of a union with None is long; the names of modules say nothing to a reader.
_MODULE_NAMES = re.compile(r"\b(?:[a-z_]\w*\.)+(?=[A-Z])")


def markdown_of(name: str) -> str:
    """Return the section of a name in `hookline.__all__`."""
    found = getattr(hookline, name)
    if inspect.isclass(found):
        return "\n\n".join([f"### {name}", *_class_parts(name, found)])
    if callable(found):
        return "\n\n".join([f"### {name}", _signature(name, found), *paragraphs(inspect.getdoc(found) or "")])
    return f"### {name}\n\n`{found!r}`"


def members_of(cls: type) -> dict[str, Any]:
    """Return the public members that Hookline's own classes define, by name, in the order of their definition."""
    found: dict[str, Any] = {}
    for base in reversed(cls.__mro__):
        if base.__module__.partition(".")[0] == "hookline":
            found.update(vars(base))
    return {name: member for name, member in found.items() if not name.startswith("_") and is_documented(member)}


def is_documented(member: Any) -> bool:
    """Say whether a member of a class is a method or a property with a docstring of its own."""
    return isinstance(member, (property, classmethod, staticmethod, FunctionType)) and bool(member.__doc__)


def _class_parts(name: str, cls: type) -> Iterator[str]:
    bases = ", ".join(_base_names(cls))
    yield f"```python\nclass {name}{f'({bases})' if bases else ''}\n```"
    yield from paragraphs(inspect.cleandoc(cls.__doc__ or ""))
    if _has_own_constructor(cls):
        yield _signature(name, cls)
    for member_name, member in members_of(cls).items():
        yield f"#### {name}.{member_name}"
        if isinstance(member, property):
            returns = inspect.signature(member.fget).return_annotation if member.fget is not None else "Any"
            kind = "property" if member.fset is None else "property, can be set"
            yield f"```python\n{member_name}: {_shown(str(returns))}  # {kind}\n```"
            yield from paragraphs(inspect.getdoc(member) or "")
        else:
            function = getattr(member, "__func__", member)
            yield _signature(member_name, function, is_async=inspect.iscoroutinefunction(function))
            yield from paragraphs(inspect.getdoc(getattr(cls, member_name)) or "")


def _base_names(cls: type) -> list[str]:
    return [base.__name__ for base in cls.__bases__ if base is not object and not base.__name__.startswith("_")]


def _has_own_constructor(cls: type) -> bool:
    """Say whether users call the class: exceptions are made by Hookline."""
    return not issubclass(cls, BaseException) and (issubclass(cls, tuple) or cls.__init__ is not object.__init__)


def _signature(name: str, function: Any, *, is_async: bool = False) -> str:
    try:
        signature = inspect.signature(function)
    except ValueError:
        return f"```python\n{name}(...)\n```"
    text = f"{'async ' if is_async else ''}{name}{_shown(str(signature))}"
    if len(text) > 100:
        parameters = [_shown(str(parameter)) for parameter in _with_separators(signature)]
        returns = (
            "" if signature.return_annotation is signature.empty else f" -> {_shown(str(signature.return_annotation))}"
        )
        lines = "".join(f"    {parameter},\n" for parameter in parameters)
        text = f"{'async ' if is_async else ''}{name}(\n{lines}){returns}"
    return f"```python\n{text}\n```"


def _with_separators(signature: inspect.Signature) -> Iterator[Any]:
    """Yield the parameters, with the `*` before those that are keywords only."""
    has_star = False
    for parameter in signature.parameters.values():
        if parameter.kind is parameter.VAR_POSITIONAL:
            has_star = True
        elif parameter.kind is parameter.KEYWORD_ONLY and not has_star:
            has_star = True
            yield "*"
        yield parameter


def _shown(text: str) -> str:
    """Return the text of a signature without quotes around annotations and without names of modules."""
    return _MODULE_NAMES.sub("", text.replace("'", "") if "'" in text and '"' not in text else text)


def paragraphs(docstring: str) -> Iterator[str]:
    """Yield the paragraphs of a docstring as Markdown: explanations of parameters as lists, code as code."""
    for block in re.split(r"\n\s*\n", docstring.strip("\n")):
        lines = block.split("\n")
        if not block.strip():
            continue
        if all(line.startswith("    ") for line in lines):
            yield "```text\n" + inspect.cleandoc(block) + "\n```"
        elif (label := _LABELLED(" ".join(line.strip() for line in lines))) is not None and lines[0].startswith(
            label[1]
        ):
            yield f"*{label[1]}:* {label[2]}"
        elif _EXPLAINED(lines[0]):
            yield "\n".join(_explained(lines))
        else:
            yield block


def _explained(lines: list[str]) -> list[str]:
    """Return lines that explain parameters as the items of a list; other lines continue the item before them."""
    items: list[str] = []
    for line in (part for whole in lines for part in _EXPLAINED_WITHIN(whole)):
        match = _EXPLAINED(line)
        if match is not None:
            names = ", ".join(f"`{name}`" for name in match[1].split(", "))
            items.append(f"- {names}: {match[2]}")
        else:
            items[-1] += f" {line.strip()}"
    return items


def setup(app: Any) -> dict[str, bool]:
    """Add the directive to Sphinx."""
    from docutils import nodes  # only the site needs them
    from sphinx.util.docutils import SphinxDirective

    class Reference(SphinxDirective):
        """Write a section for each of the names."""

        has_content = True

        def run(self) -> list[nodes.Node]:
            text = "\n\n".join(markdown_of(name) for line in self.content for name in line.split())
            found: list[nodes.Node] = self.parse_text_to_nodes(text, allow_section_headings=True)
            return found

    app.add_directive("reference", Reference)
    return {"parallel_read_safe": True}
