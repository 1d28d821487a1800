"""Bodies as people read them: JSON and XML indented, without a change to any value."""

from __future__ import annotations

import re

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\],:]|[^\s{}\[\],:"]+', re.DOTALL)
_BETWEEN = re.compile(r">\s+<")
INDENT = "  "
LEXERS = {
    "json": ("pygments.lexers.data", "JsonLexer"),
    "xml": ("pygments.lexers.html", "XmlLexer"),
    "html": ("pygments.lexers.html", "HtmlLexer"),
    "javascript": ("pygments.lexers.javascript", "JavascriptLexer"),
    "css": ("pygments.lexers.css", "CssLexer"),
}


def kind_of(content_type: str) -> str:
    """Return what a media type is for us: a key of `LEXERS`, `events`, `lines`, `text`, or "" for what may be binary."""
    media = content_type.partition(";")[0].strip().lower()
    subtype = media.partition("/")[2]
    if media == "text/event-stream":
        return "events"
    if subtype in ("x-ndjson", "jsonl", "x-jsonlines", "json-seq", "jsonlines"):
        return "lines"
    if subtype == "json" or subtype.endswith("+json"):
        return "json"
    if media == "text/html" or subtype == "xhtml+xml":
        return "html"
    if subtype == "xml" or subtype.endswith("+xml"):
        return "xml"
    if subtype in ("javascript", "ecmascript", "x-javascript"):
        return "javascript"
    if media == "text/css":
        return "css"
    return "text" if media.startswith("text/") or subtype == "x-www-form-urlencoded" else ""


def indent(text: str, kind: str) -> str:
    """Return a text with line ends and indentation; as it is if it has errors, or if its kind has no form of that sort."""
    if kind == "json":
        return indent_json(text)
    return indent_xml(text) if kind == "xml" else text


def indent_json(text: str) -> str:
    """Return JSON with one member or item per line. Its numbers and strings stay as they are written."""
    import json

    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return text
    lines = [""]
    depth = 0
    marks = _TOKEN.findall(text)
    for number, mark in enumerate(marks):
        before, after = marks[number - 1] if number else "", marks[number + 1 : number + 2]
        if mark in "}]" and before not in ("{", "["):
            depth -= 1
            lines.append(INDENT * depth)
        lines[-1] += ": " if mark == ":" else mark
        if mark in "{[" and after not in (["}"], ["]"]):
            depth += 1
            lines.append(INDENT * depth)
        elif mark == ",":
            lines.append(INDENT * depth)
    return "\n".join(lines)


def indent_xml(text: str) -> str:
    """Return XML with one element per line. A document with a DOCTYPE stays as it is: its entities could be endless."""
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        return text
    from xml.dom.minidom import parseString
    from xml.parsers.expat import ExpatError

    try:
        document = parseString(_BETWEEN.sub("><", text.strip()))  # noqa: S318  # no DOCTYPE, so no entities
    except (ExpatError, ValueError):
        return text
    declaration = re.match(r"<\?xml[^>]*\?>", text.strip())
    shown = document.documentElement.toprettyxml(indent=INDENT).rstrip("\n") if document.documentElement else text
    return f"{declaration[0]}\n{shown}" if declaration else shown


def highlight(text: str, kind: str) -> str:
    """Return a text in the colours of a terminal; as it is if there is no lexer for its kind, or no pygments."""
    if kind not in LEXERS:
        return text
    from importlib import import_module

    try:
        pygments = import_module("pygments")
        terminal = import_module("pygments.formatters.terminal")
    except ModuleNotFoundError:  # without the dependency rich
        return text
    module, name = LEXERS[kind]
    lexer = getattr(import_module(module), name)(stripnl=False, ensurenl=False)
    colours = {**terminal.TERMINAL_COLORS, pygments.token.Token.Text.Whitespace: ("", "")}
    return str(pygments.highlight(text, lexer, terminal.TerminalFormatter(bg="dark", colorscheme=colours)))
