"""The messages of the exceptions of Hookline's tree, as the sources of core and plugins have them.

A message is the first argument of a call of a class of the tree, wherever the call stands. What varies in it becomes `…`.
Names are followed to what they were assigned, parameters to what callers give; if nothing but `…` would remain, so are the
parts of an f-string, and calls to what the functions return.
"""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TypeAlias

ROOT = Path(__file__).parents[2]
GAP = "…"
ENOUGH = 7  # letters of constant text, by which a reader finds a message
# Exceptions of a library that code of ours raises within a plugin, and the class of the tree that gets their text.
INSIDE = {"ParseFailed": "WebSocketError"}
DEEPEST = 6  # steps from a message to its text; more would be a circle

Function: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef


@cache
def walked(node: ast.AST) -> tuple[ast.AST, ...]:
    """Return a node and all below it. The same ones are asked for often: this halves the time, from 7.4 s of CPU."""
    return tuple(ast.walk(node))


@dataclass(frozen=True, order=True)
class Message:
    """A message. cls: the name of its class. where: path and line of the call."""

    cls: str
    text: str
    where: str


def letters_of(text: str) -> int:
    """Return how many letters a text has: of a template, those that do not vary."""
    return sum(map(str.isalpha, text))


class Sources:
    """The syntax trees of the project, and where things are in them."""

    def __init__(self, folders: tuple[Path, ...] = (ROOT / "core", ROOT / "plugins")) -> None:
        paths = sorted(path for folder in folders for path in folder.rglob("*.py"))
        self.trees = {path: ast.parse(path.read_text(encoding="utf-8")) for path in paths}
        self._parents: dict[ast.AST, ast.AST] = {}
        self._functions: dict[str, list[Function]] = defaultdict(list)
        self._calls: dict[str, list[ast.Call]] = defaultdict(list)
        self._constants: dict[str, ast.expr] = {}
        for tree in self.trees.values():
            self._index(tree)
        self.classes = self._classes_of_the_tree()

    def _index(self, tree: ast.Module) -> None:
        for node in walked(tree):
            for child in ast.iter_child_nodes(node):
                self._parents[child] = node
            if isinstance(node, Function):
                self._functions[node.name].append(node)
            elif isinstance(node, ast.Call) and (name := name_called(node)):
                self._calls[name].append(node)
        for node in tree.body:
            if isinstance(node, ast.Assign) and isinstance(node.value, (ast.Constant, ast.JoinedStr)):
                self._constants.update(
                    {target.id: node.value for target in node.targets if isinstance(target, ast.Name)}
                )

    def _classes_of_the_tree(self) -> set[str]:
        defined = [node for tree in self.trees.values() for node in walked(tree) if isinstance(node, ast.ClassDef)]
        found, size = {"HooklineError"}, 0
        while len(found) > size:
            size = len(found)
            found |= {
                node.name for node in defined if any(isinstance(b, ast.Name) and b.id in found for b in node.bases)
            }
        return found

    def messages(self) -> Iterator[Message]:
        """Yield each message as often as it is in the sources."""
        for path, tree in self.trees.items():
            foreign = names_from_elsewhere(tree)
            for node in walked(tree):
                if not isinstance(node, ast.Call):
                    continue
                inside = INSIDE.get(name_called(node) or "")
                cls = inside or self._class_called(node)
                if cls is None or (cls in foreign and not inside):
                    continue
                given = (
                    node.args[0] if node.args else next((k.value for k in node.keywords if k.arg == "message"), None)
                )
                for text in [] if given is None else self._texts(given):
                    if text != GAP:  # else it is the message of another error, as it is
                        yield Message(cls, text, f"{path.name}:{node.lineno}")

    def _class_called(self, node: ast.Call) -> str | None:
        """Return the class of the tree that a call makes; of a variable, the one that it is annotated or assigned with."""
        name = name_called(node) if isinstance(node.func, ast.Name) else None
        if name is None or name in self.classes:
            return name
        function = self._function_around(node)
        if function is None:
            return None
        kinds = [arg.annotation for arg in arguments_of(function) if arg.arg == name and arg.annotation is not None]
        kinds += [value for value in assigned(function, name) if not isinstance(value, ast.Call)]
        names = [part.id for kind in kinds for part in walked(kind) if isinstance(part, ast.Name)]
        return next((found for found in names if found in self.classes), None)

    def _function_around(self, node: ast.AST) -> Function | None:
        while node in self._parents:
            node = self._parents[node]
            if isinstance(node, Function):
                return node
        return None

    def _texts(self, given: ast.expr) -> list[str]:
        found = {re.sub(f"{GAP}+", GAP, text) for text in self._read(given, 0, deep=False)}
        if min(map(letters_of, found)) < ENOUGH:
            deeper = {re.sub(f"{GAP}+", GAP, text) for text in self._read(given, 0, deep=True)}
            known = {text for text in found | deeper if letters_of(text) >= ENOUGH}
            found = known or deeper
        return sorted(found)

    def _read(self, node: ast.AST | None, depth: int, *, deep: bool) -> list[str]:
        """Return the texts that an expression may have."""
        if depth > DEEPEST:
            return [GAP]
        match node:
            case ast.Constant(value=str(text)):
                return [text]
            case ast.JoinedStr(values=values):
                return joined([self._read(value, depth, deep=deep) for value in values])
            case ast.FormattedValue(value=ast.Name(id=name)) if name in self._constants and not deep:
                return self._read(self._constants[name], depth + 1, deep=deep)
            case ast.FormattedValue(value=value, conversion=conversion):
                return self._read(value, depth + 1, deep=deep) if deep and conversion < 0 else [GAP]
            case ast.BinOp(left=left, op=ast.Add(), right=right):
                return joined([self._read(left, depth, deep=deep), self._read(right, depth, deep=deep)])
            case ast.IfExp(body=body, orelse=other):
                return [*self._read(body, depth, deep=deep), *self._read(other, depth, deep=deep)]
            case ast.BoolOp(values=values):
                return [text for value in values for text in self._read(value, depth, deep=deep)]
            case ast.Name(id=name):
                return self._read_name(node, name, depth + 1, deep=deep)
            case ast.Attribute(value=ast.Name(id="self"), attr=name) if deep:
                return self._read_attribute(node, name, depth + 1)
            case ast.Subscript(
                value=ast.Attribute(value=ast.Name(id="self"), attr=name), slice=ast.Constant(value=int(at))
            ):
                return self._read_attribute(node.value, name, depth + 1, at) if deep else [GAP]
            case ast.Call(func=ast.Attribute(value=value, attr="rstrip" | "strip")):
                return self._read(value, depth, deep=deep)
            case ast.Call(func=ast.Attribute(value=value, attr="format")):
                return [re.sub(r"\{[^}]*\}", GAP, text) for text in self._read(value, depth + 1, deep=True)]
            case ast.Call(func=ast.Name(id="next"), args=[call, *_]) if deep:
                return self._read(call, depth, deep=deep)
            case ast.Call(func=ast.Name(id=name)) if deep and len(self._functions.get(name, [])) == 1:
                return self._read_results(self._functions[name][0], depth + 1)
        return [GAP]

    def _read_name(self, node: ast.AST, name: str, depth: int, *, deep: bool) -> list[str]:
        function = self._function_around(node)
        if function is not None:
            found = [text for value in assigned(function, name) for text in self._read(value, depth, deep=deep)]
            for part in walked(function):
                if isinstance(part, ast.AugAssign) and isinstance(part.target, ast.Name) and part.target.id == name:
                    found += joined([found or [GAP], self._read(part.value, depth, deep=deep)])
            if found:
                return found
            if any(arg.arg == name for arg in arguments_of(function)):
                return self._read_callers(function, name, depth, deep=deep)
        return self._read(self._constants[name], depth, deep=deep) if name in self._constants else [GAP]

    def _read_callers(self, function: Function, name: str, depth: int, *, deep: bool) -> list[str]:
        around = self._parents[function]
        called = around.name if function.name == "__init__" and isinstance(around, ast.ClassDef) else function.name
        positional = [
            arg.arg for arg in [*function.args.posonlyargs, *function.args.args] if arg.arg not in ("self", "cls")
        ]
        found: list[str] = []
        for call in self._calls[called]:
            given: list[ast.expr] = [keyword.value for keyword in call.keywords if keyword.arg == name]
            if name in positional and positional.index(name) < len(call.args):
                given.append(call.args[positional.index(name)])
            found += [text for value in given for text in self._read(value, depth, deep=deep)]
        return found or [GAP]

    def _read_attribute(self, node: ast.AST, name: str, depth: int, at: int | None = None) -> list[str]:
        """Return the texts that an attribute of `self` may have. at: of an item of a tuple; None = it is no tuple."""
        while not isinstance(node, ast.ClassDef):
            node = self._parents[node]
        found: list[str] = []
        for part in walked(node):
            if isinstance(part, ast.Assign) and any(
                isinstance(t, ast.Attribute) and t.attr == name for t in part.targets
            ):
                if at is None:
                    found += self._read(part.value, depth, deep=True)
                elif isinstance(part.value, ast.Tuple) and at < len(part.value.elts):
                    found += self._read(part.value.elts[at], depth, deep=True)
        return found or [GAP]

    def _read_results(self, function: Function, depth: int) -> list[str]:
        found: list[str] = []
        for part in walked(function):
            if isinstance(part, (ast.Return, ast.Yield)) and part.value is not None:
                found += self._read(part.value, depth, deep=True)
        return found or [GAP]


def name_called(node: ast.Call) -> str | None:
    """Return the name of what is called, without what stands before a dot."""
    return node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", None)


def arguments_of(function: Function) -> list[ast.arg]:
    """Return the parameters of a function."""
    return [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]


@cache
def assignments(function: Function) -> dict[str, list[ast.expr]]:
    """Return the expressions that a function assigns, by name; an item of a tuple that is unpacked is a subscript."""
    found: dict[str, list[ast.expr]] = defaultdict(list)
    pairs: list[tuple[ast.expr, ast.expr]] = [
        (node.target, node.value) for node in walked(function) if isinstance(node, ast.NamedExpr)
    ]
    pairs += [(to, node.value) for node in walked(function) if isinstance(node, ast.Assign) for to in node.targets]
    while pairs:
        target, value = pairs.pop()
        if isinstance(target, ast.Name):
            found[target.id].append(value)
        elif isinstance(target, ast.Tuple):
            for number, item in enumerate(target.elts):
                part: ast.expr = ast.Subscript(value, ast.Constant(number))
                if isinstance(value, ast.Tuple) and len(value.elts) == len(target.elts):
                    part = value.elts[number]
                pairs.append((item, part))
    return found


def assigned(function: Function, name: str) -> list[ast.expr]:
    """Return the expressions that a function assigns to a name."""
    return assignments(function).get(name, [])


def names_from_elsewhere(tree: ast.Module) -> set[str]:
    """Return the names that a module imports from other packages than the project's."""
    found: set[str] = set()
    for node in walked(tree):
        if isinstance(node, ast.ImportFrom) and not node.level and not (node.module or "").startswith("hookline"):
            found |= {alias.asname or alias.name for alias in node.names}
    return found


def joined(parts: list[list[str]]) -> list[str]:
    """Return all texts that are made of one of each part."""
    texts = [""]
    for part in parts:
        texts = [text + other for text in texts for other in dict.fromkeys(part)]
    return texts


def matches(row: str, text: str) -> bool:
    """Say whether a row of the page, in which `…` stands for anything, is about a message of the code.

    A row of few words is about a message that is the same alone: it would fit too many.
    """
    if letters_of(row) < ENOUGH:
        return row == text
    pattern = ".*".join(re.escape(part) for part in row.split(GAP))
    return re.fullmatch(pattern, text, re.DOTALL) is not None
