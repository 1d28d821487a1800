"""The directive `reference` of the site: signatures and docstrings of public names, taken from the code.

    ```{reference}
    HttpClient Timeout
    ```

writes a section for each of these names of `hookline`, in Markdown;

    ```{reference} hookline_cache
    ```

writes one for each public name of a package. Docstrings are plain text: their parts are recognised here. Types become links
(crosslinks.py).
"""

from __future__ import annotations

import ast
import builtins
import functools
import importlib
import importlib.metadata
import inspect
import re
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from types import FunctionType
from typing import Any

DOCS = Path(__file__).parent
# A line that explains a parameter or an attribute: one or more names, then a colon.
_EXPLAINED = re.compile(r"([a-z_]\w*(?:, [a-z_]\w*)*): (.*)").fullmatch
# One that begins within a line, behind the end of a sentence.
_EXPLAINED_WITHIN = re.compile(r"(?<=[.?]) (?=[a-z_]\w*(?:, [a-z_]\w*)*: )").split
_LABELLED = re.compile(r"(Raises|Returns|Yields)\b:? ?(.*)", re.DOTALL).fullmatch
# The last line of a docstring without an example of its own: where one is.
_EXAMPLE_ELSEWHERE = re.compile(r"^Example: (\S+\.md)(?:#(\S+))?$")
# A page that a docstring names.
_PAGE = re.compile(r"(?<![\w/])docs/[\w/-]+\.md")
_NAME = re.compile(r"(?<![\w.'\"])[A-Za-z_]\w*(?:\.\w+)*")
_FORWARD = re.compile(r"ForwardRef\('([^']*)'\)")
_EXCEPTION = re.compile(r"(?<![\w`.])[A-Z]\w+(?![\w`])")
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


def public_names(module: str) -> list[str]:
    """Return the public names of a module in the order of its reference; those that its package lists too are left out."""
    names: list[str] = importlib.import_module(module).__all__
    package = module.partition(".")[0]
    above = [] if package == module else getattr(importlib.import_module(package), "__all__", [])
    return [name for name in names if name not in above]


def markdown_of(name: str, module: str = "hookline") -> str:
    """Return the section of a public name of a module."""
    found = getattr(importlib.import_module(module), name)
    parts = [f"### {name}"]
    if module != "hookline" and name in _names_of_plugins().get(module, ()):
        parts.append(f"`from hookline import {name}` imports it.")
    if inspect.isclass(found):
        parts.append(_class_description(name, found))
    elif callable(found):
        texts = paragraphs(inspect.getdoc(found) or "", found)
        parts.append(_described("function", _call(name, found), texts, is_async=inspect.iscoroutinefunction(found)))
    else:
        parts.append(_described("data", name, [f"`{found!r}`"]))
    return "\n\n".join(parts)


def members_of(cls: type) -> dict[str, Any]:
    """Return the public members that a class and its bases in the same package define, in the order of definition."""
    found: dict[str, Any] = {}
    for base in reversed(cls.__mro__):
        if _package(base) == _package(cls):
            found.update(vars(base))
    return {name: member for name, member in found.items() if not name.startswith("_") and is_documented(member)}


def is_documented(member: Any) -> bool:
    """Say whether a member of a class is a method or a property with a docstring of its own."""
    return isinstance(member, (property, classmethod, staticmethod, FunctionType)) and bool(member.__doc__)


def _package(cls: type) -> str:
    return cls.__module__.partition(".")[0]


@functools.cache
def _names_of_plugins() -> dict[str, set[str]]:
    """Return by package the names that `from hookline import ...` finds in it."""
    found: dict[str, set[str]] = {}
    for point in importlib.metadata.entry_points(group="hookline.names"):
        found.setdefault(point.value.partition(":")[0].partition(".")[0], set()).add(point.name)
    return found


def _described(kind: str, signature: str, parts: list[str] | Iterator[str], **options: Any) -> str:
    """Return a directive of Sphinx's domain for Python, with a fence longer than those within it."""
    content = "\n\n".join(parts)
    fence = "`" * (2 + max(map(len, re.findall(r"^``(`+)", content, re.MULTILINE)), default=0) + 1)
    lines = [
        f":{name.removeprefix('is_')}: {'' if value is True else value}".rstrip()
        for name, value in options.items()
        if value
    ]
    return "\n".join([f"{fence}{{py:{kind}}} {signature}", *lines, "", content, fence])


def _class_description(name: str, cls: type) -> str:
    kind = "exception" if issubclass(cls, BaseException) else "class"
    signature = _call(name, cls) if _has_own_constructor(cls) else name
    parts = [f"Bases: {bases}"] if (bases := ", ".join(_bases(cls))) else []
    parts += paragraphs(inspect.cleandoc(cls.__doc__ or ""), cls)
    parts += [_member_description(member_name, member, cls) for member_name, member in members_of(cls).items()]
    return _described(kind, signature, parts, **{"no-contents-entry": True})


def _member_description(name: str, member: Any, cls: type) -> str:
    texts = paragraphs(inspect.getdoc(getattr(cls, name)) or "", cls)
    if isinstance(member, property):
        getter: Any = member.fget
        returned = inspect.signature(getter).return_annotation
        if member.fset is not None:
            texts = [*texts, "It can be set."]
        return _described("property", name, texts, type=_annotation(returned, getter.__module__))
    function = getattr(member, "__func__", member)
    return _described(
        "method",
        _call(name, function, is_bound=not isinstance(member, staticmethod)),
        texts,
        is_async=inspect.iscoroutinefunction(function),
        is_classmethod=isinstance(member, classmethod),
        is_staticmethod=isinstance(member, staticmethod),
    )


def _bases(cls: type) -> Iterator[str]:
    for base in cls.__bases__:
        if base is not object and base.__name__ not in ("Generic", "Protocol") and not base.__name__.startswith("_"):
            name = qualified(base.__name__, cls.__module__)
            if name != base.__name__ or base.__module__ == "builtins":
                yield f"{{py:obj}}`~{name}`"


def _has_own_constructor(cls: type) -> bool:
    """Say whether users call the class: exceptions are made by Hookline."""
    return not issubclass(cls, BaseException) and (issubclass(cls, tuple) or cls.__init__ is not object.__init__)


def _call(name: str, function: Any, *, is_bound: bool = False) -> str:
    """Return a signature in one line, with the qualified names of types."""
    try:
        signature = inspect.signature(function)
    except ValueError:
        return f"{name}(...)"
    module = function.__module__ if not inspect.isclass(function) else _module_of_constructor(function)
    texts: list[str] = []
    kind = None
    for number, parameter in enumerate(signature.parameters.values()):
        if number == 0 and is_bound:
            continue
        if kind is parameter.POSITIONAL_ONLY and parameter.kind is not kind:
            texts.append("/")
        if parameter.kind is parameter.KEYWORD_ONLY and kind not in (parameter.KEYWORD_ONLY, parameter.VAR_POSITIONAL):
            texts.append("*")
        kind = parameter.kind
        star = "*" if kind is parameter.VAR_POSITIONAL else "**" if kind is parameter.VAR_KEYWORD else ""
        text = f"{star}{parameter.name}"
        if parameter.annotation is not parameter.empty:
            text += f": {_annotation(parameter.annotation, module)}"
        if parameter.default is not parameter.empty:
            text += f"{'=' if parameter.annotation is parameter.empty else ' = '}{_default(parameter.default)}"
        texts.append(text)
    returned = signature.return_annotation
    has_result = returned is not signature.empty and not inspect.isclass(function)
    return f"{name}({', '.join(texts)})" + (f" -> {_annotation(returned, module)}" if has_result else "")


def _module_of_constructor(cls: type) -> str:
    """Return the module whose imports the annotations of a class's parameters use."""
    makers = [vars(base).get(name) for base in cls.__mro__ for name in ("__init__", "__new__")]
    return next(
        (maker.__module__ for maker in makers if isinstance(maker, FunctionType) and maker.__module__ in sys.modules),
        cls.__module__,
    )


def _default(value: Any) -> str:
    text = repr(value)
    try:
        ast.parse(text, mode="eval")
    except SyntaxError:  # such as <object object at 0x...>
        return "..."
    return text


def _annotation(annotation: Any, module: str) -> str:
    """Return an annotation with the qualified names of types, marked to be shown without their modules."""
    text = annotation if isinstance(annotation, str) else inspect.formatannotation(annotation)
    text = _FORWARD.sub(r"\1", text).replace("_asyncio.", "asyncio.")
    if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"":
        text = text[1:-1]

    def marked(match: re.Match[str]) -> str:
        name = qualified(match[0], module)
        return f"~{name}" if "." in name else name

    return _NAME.sub(marked, text)


def qualified(name: str, module: str) -> str:
    """Return the name under which the reference, or Python, describes what a module calls `name`.

    A name that neither describes, such as that of a type variable, is returned without a module.
    """
    head, _, rest = name.partition(".")
    imported = _imports(module).get(head, head)
    if imported.partition(".")[0] in sys.stdlib_module_names:
        return f"{imported}.{rest}" if rest else imported
    last = name.rpartition(".")[2]
    for owner in dict.fromkeys((imported.partition(".")[0], module.partition(".")[0], "hookline")):
        if owner.startswith("hookline") and last in getattr(importlib.import_module(owner), "__all__", ()):
            return f"{owner}.{last}"
    parts = module.split(".")  # a package within, such as hookline_testing.server
    if len(parts) > 1 and parts[0] != "hookline":
        within = ".".join(parts[:2])
        if last in getattr(importlib.import_module(within), "__all__", ()):
            return f"{within}.{last}"
    return last


@functools.cache
def _imports(module: str) -> dict[str, str]:
    """Return what each name imported in a module stands for, with the imports for annotations alone."""
    try:
        source = inspect.getsource(importlib.import_module(module))
    except (OSError, TypeError):
        return {}
    found: dict[str, str] = {}
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            for item in node.names:
                package = item.name.partition(".")[0]
                found[item.asname or package] = item.name if item.asname else package
        elif isinstance(node, ast.ImportFrom):
            origin = node.module or ""
            if node.level:
                origin = module.partition(".")[0]
            found.update({item.asname or item.name: f"{origin}.{item.name}" for item in node.names})
    return found


def paragraphs(docstring: str, owner: Any = None) -> list[str]:
    """Return the paragraphs of a docstring as Markdown: explanations of parameters as lists, code as code.

    owner: what the docstring belongs to; the names of exceptions are those of its module.
    """
    found: list[str] = []
    for block in _blocks(docstring):
        lines = block.split("\n")
        if block.startswith("    "):
            found.append(_code(textwrap.dedent(block)))
        elif (label := _LABELLED(" ".join(line.strip() for line in lines))) is not None:
            if lines[0] == f"{label[1]}:" and all(line.startswith("    ") for line in lines[1:]):
                found += [f"*{label[1]}:*", "\n".join(_items_below_label(lines[1:], owner))]
            else:
                text = _with_exceptions(label[2], owner) if label[1] == "Raises" else label[2]
                found.append(f"*{label[1]}:* {text}")
        elif elsewhere := _EXAMPLE_ELSEWHERE.match(block):
            found.append(f"*Example:* {_link(elsewhere[1], elsewhere[2])}")
        elif block in ("Example::", "Example:"):
            found.append("*Example:*")
        elif _EXPLAINED(lines[0]):
            found.append("\n".join(_explained(lines)))
        else:
            found.append(block)
    return [part if part.startswith("```") else _PAGE.sub(lambda path: _link(path[0], None), part) for part in found]


def _blocks(docstring: str) -> Iterator[str]:
    """Yield the paragraphs of a docstring; indented lines are one, with their blank lines; an example begins a new one."""
    block: list[str] = []
    blank = False
    for line in [*docstring.strip("\n").split("\n"), ""]:
        if not line.strip():
            blank = True
            continue
        is_code = bool(block) and block[0].startswith("    ")
        goes_on = line.startswith("    ") if is_code else not blank and not line.startswith("Example:")
        if block and (not goes_on or block == ["Example::"]):
            yield "\n".join(block)
            block = []
        elif is_code and blank:
            block.append("")
        block.append(line)
        blank = False
    if block:
        yield "\n".join(block)


def _code(text: str) -> str:
    """Return a block of code, coloured if it is Python."""
    kind = "pycon" if text.startswith(">>> ") else "python"
    if kind == "python":
        try:
            compile(text, "docstring", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT | ast.PyCF_ONLY_AST)
        except SyntaxError:
            kind = "text"
    return f"```{kind}\n{text}\n```"


def _link(path: str, anchor: str | None) -> str:
    """Return a link to a page, given by its path from the root of the repository, with its title and that of the section."""
    page = DOCS.parent / path
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    titles = _HEADING.findall(text)
    title = titles[0]
    if anchor is not None:
        sections = {anchor_of(heading): heading for heading in titles}
        if anchor not in sections:
            raise ValueError(f"Example: {path}#{anchor}: the page has no such section, but {', '.join(sections)}")
        if sections[anchor] != title:
            title += f", {sections[anchor]}"
    if path.startswith("plugins/"):  # the page of a package includes its README
        target = f"/packages/{path.split('/')[1]}.md"
    else:
        target = f"/{path.removeprefix('docs/')}" if path.startswith("docs/") else "/contributing.md"
    return f"[{title.replace('`', '')}]({target}{f'#{anchor}' if anchor else ''})"


def anchor_of(heading: str) -> str:
    """Return the anchor that MyST, like GitHub, makes of a heading."""
    text = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading).replace("`", "").strip().lower()
    return re.sub(r"[^\w\u4e00-\u9fff\- ]", "", text).replace(" ", "-")


def _with_exceptions(text: str, owner: Any) -> str:
    """Return text with the names of exceptions as code, which becomes a link."""

    def coded(match: re.Match[str]) -> str:
        name = match[0]
        module = getattr(owner, "__module__", None) or "hookline"
        for place in (sys.modules.get(module), importlib.import_module("hookline"), builtins):
            found = getattr(place, name, None)
            if isinstance(found, type) and issubclass(found, BaseException):
                return f"`{name}`"
        return name

    return _EXCEPTION.sub(coded, text)


def _items_below_label(lines: list[str], owner: Any) -> list[str]:
    """Return the indented lines below a label as the items of a list; lines that are indented further continue an item."""
    items: list[str] = []
    for line in textwrap.dedent("\n".join(lines)).split("\n"):
        if line.startswith(" ") and items:
            items[-1] += f" {line.strip()}"
        else:
            items.append(f"- {_with_exceptions(line, owner)}")
    return items


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
        optional_arguments = 1

        def run(self) -> list[nodes.Node]:
            module = self.arguments[0] if self.arguments else "hookline"
            names = " ".join(self.content).split() or public_names(module)
            parts = [f"```{{py:currentmodule}} {module}\n```", *(markdown_of(name, module) for name in names)]
            found: list[nodes.Node] = self.parse_text_to_nodes("\n\n".join(parts), allow_section_headings=True)
            return found

    app.add_directive("reference", Reference)
    return {"parallel_read_safe": True}
