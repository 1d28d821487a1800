"""What can be said of a plugin without sending anything: that it loads alone, its hooks and its options."""

from __future__ import annotations

import inspect
import os
import subprocess
import sys
from collections.abc import Iterable
from importlib.metadata import distributions, packages_distributions
from typing import Any

from hookline import Attribute, Credential, DefaultHeader, HooklineError, Option, Scheme

from .subject import Subject

HOOKS = ("declare", "pre_request", "on_headers", "post_request", "data_received", "data_processed")
_KINDS = (Attribute, Credential, DefaultHeader, Option, Scheme)

# With one request, of which nobody minds the outcome: an import may stand in a hook.
_ALONE = """
import contextlib, importlib, socket, sys, threading
from hookline import HttpClient
module, _, attributes = sys.argv[1].partition(":")
plugin = module
if attributes:
    plugin = importlib.import_module(module)
    for attribute in attributes.split("."):
        plugin = getattr(plugin, attribute)
    plugin = plugin()

def serve(listener):
    connection, _ = listener.accept()
    with connection:
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 200 OK\\r\\nContent-Length: 0\\r\\nConnection: close\\r\\n\\r\\n")

client = HttpClient(autoload=False, plugins=[plugin], trust_env=False, timeout=5)
with socket.create_server(("127.0.0.1", 0)) as listener:
    threading.Thread(target=serve, args=(listener,), daemon=True).start()
    with contextlib.suppress(Exception), client:
        client.get("http://127.0.0.1:%d/" % listener.getsockname()[1])
print(*{name.partition(".")[0] for name in sys.modules})
"""


def alone(subject: Subject) -> list[str]:
    """Load and use it in a new interpreter, with core alone; which modules of other plugins came along?

    This package may: a plugin may stand in a module of tests.
    """
    target = importable(subject.plugin)
    if target is None:
        try:
            subject.client()
        except (HooklineError, TypeError, ValueError, ImportError, AttributeError) as error:
            return [f"{type(error).__name__}: {error}"]
        return []
    environment = {name: value for name, value in os.environ.items() if not name.startswith("HOOKLINE_")}
    environment["PYTHONPATH"] = os.pathsep.join(path for path in sys.path if path)
    done = subprocess.run(  # noqa: S603  # this interpreter, and a program of ours
        [sys.executable, "-W", "error", "-c", _ALONE, target],
        capture_output=True,
        text=True,
        timeout=60,
        env=environment,
    )
    if done.returncode:
        return [done.stderr.strip().splitlines()[-1] if done.stderr.strip() else f"status {done.returncode}"]
    others = set(done.stdout.split()) & (plugin_packages() - own_packages(target) - {"hookline_testing"})
    return [
        f"it imports the package {name} of another plugin, which its distribution does not require"
        for name in sorted(others)
    ]


def importable(plugin: Any) -> str | None:
    """How a new interpreter can name it: by its entry point, or as module:class. None where it cannot."""
    if isinstance(plugin, str):
        return plugin
    module, name = getattr(plugin, "__module__", "__main__"), getattr(plugin, "__qualname__", "<")
    return None if module == "__main__" or "<" in name else f"{module}:{name}"


def plugin_packages() -> set[str]:
    """The packages of all plugins that are installed."""
    points = [
        point
        for found in distributions()
        for point in found.entry_points
        if point.group in ("hookline", "hookline.optional")
    ]
    return {point.module.partition(".")[0] for point in points}


def own_packages(target: str) -> set[str]:
    """The packages of its distribution, and of those that it requires."""
    found = {target.partition(":")[0].partition(".")[0]}
    for each in distributions():
        names = {point.name for point in each.entry_points if point.group.startswith("hookline")}
        modules = {point.module.partition(".")[0] for point in each.entry_points}
        if target in names or target == each.name.removeprefix("hookline-") or found & modules:
            wanted = {
                each.name,
                *(requirement.split(" ")[0].partition(">")[0].partition("=")[0] for requirement in each.requires or ()),
            }
            found |= {package for package, owners in packages_distributions().items() if wanted & set(owners)} | modules
    return found


def hooks(subject: Subject) -> list[str]:
    """Does core accept its hooks, and is none of its methods a hook by its name alone?"""
    try:
        client = subject.client()
    except HooklineError as error:
        return [str(error)]
    found = []
    for plugin in subject.objects(client):
        for name in HOOKS:
            method = inspect.getattr_static(type(plugin), name, None)
            if inspect.isfunction(method) and not hasattr(method, "hookline_impl"):
                found.append(
                    f"{type(plugin).__name__}.{name} has the name of a hook, and no @hookimpl: nobody calls it"
                )
    return found


def options(subject: Subject) -> list[str]:
    """Are its declarations of the known kinds, and does each option say what it is and take its own default?"""
    found: list[str] = []
    for plugin in subject.objects(subject.client()):
        declare = getattr(plugin, "declare", None)
        for declared in declare() if declare is not None else ():
            if not isinstance(declared, _KINDS):
                found.append(f"declare gives {declared!r}, which is no declaration")
            elif isinstance(declared, Option):
                found += of_option(subject, declared)
    return found


def of_option(subject: Subject, option: Option) -> Iterable[str]:
    """What is wrong with one option."""
    if not option.doc:
        yield f"the option {option.name!r} has no doc="
    if not option.name.isidentifier():
        yield f"the option {option.name!r} is no name of a keyword"
    elif option.default is not None:
        try:
            if option.client:
                subject.client(**{option.name: option.default})
            elif option.convert is not None:
                option.convert(option.default)
        except Exception as error:  # noqa: BLE001  # whatever its convert raises
            yield f"the option {option.name!r} refuses its own default {option.default!r}: {type(error).__name__}: {error}"
