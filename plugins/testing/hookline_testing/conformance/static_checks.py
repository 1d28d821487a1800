"""The checks that send no request: that a plugin loads with core alone, its hooks and its options."""

from __future__ import annotations

import inspect
import os
import subprocess
import sys
from collections.abc import Iterable
from importlib.metadata import distributions, packages_distributions
from typing import Any

from hookline import Attribute, Body, Credential, DefaultHeader, HooklineError, MediaType, Option, Scheme

from .plugin_under_test import PluginUnderTest

HOOKS = ("declare", "pre_request", "on_headers", "post_request", "data_received", "data_processed")
_KINDS = (Attribute, Body, Credential, DefaultHeader, MediaType, Option, Scheme)

# It sends one request, whatever the outcome, since a hook may import modules.
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


def alone(tested: PluginUnderTest) -> list[str]:
    """Load the plugin and send a request in a new interpreter, with core alone; find imports of other plugins' packages.

    This package may be imported: the plugin may be defined in a module of tests.
    """
    target = importable(tested.plugin)
    if target is None:
        try:
            tested.client()
        except (HooklineError, TypeError, ValueError, ImportError, AttributeError) as error:
            return [f"{type(error).__name__}: {error}"]
        return []
    environment = {name: value for name, value in os.environ.items() if not name.startswith("HOOKLINE_")}
    environment["PYTHONPATH"] = os.pathsep.join(path for path in sys.path if path)
    done = subprocess.run(  # noqa: S603  # this interpreter, with the program above
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
    """Return the entry point or module:class by which a new interpreter can import a plugin; None if it cannot."""
    if isinstance(plugin, str):
        return plugin
    module, name = getattr(plugin, "__module__", "__main__"), getattr(plugin, "__qualname__", "<")
    return None if module == "__main__" or "<" in name else f"{module}:{name}"


def plugin_packages() -> set[str]:
    """Return the packages of all installed plugins."""
    points = [
        point
        for found in distributions()
        for point in found.entry_points
        if point.group in ("hookline", "hookline.optional")
    ]
    return {point.module.partition(".")[0] for point in points}


def own_packages(target: str) -> set[str]:
    """Return the packages of the plugin's distribution, and of the distributions that it requires."""
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


def hooks(tested: PluginUnderTest) -> list[str]:
    """Check that core accepts the hooks, and that no method with the name of a hook lacks @hookimpl."""
    try:
        client = tested.client()
    except HooklineError as error:
        return [str(error)]
    found = []
    for plugin in tested.objects(client):
        for name in HOOKS:
            method = inspect.getattr_static(type(plugin), name, None)
            if inspect.isfunction(method) and not hasattr(method, "hookline_impl"):
                found.append(
                    f"{type(plugin).__name__}.{name} has the name of a hook, but no @hookimpl: it is never called"
                )
    return found


def options(tested: PluginUnderTest) -> list[str]:
    """Check that all declarations are of known kinds, and that each option has a description and accepts its default."""
    found: list[str] = []
    for plugin in tested.objects(tested.client()):
        declare = getattr(plugin, "declare", None)
        for declared in declare() if declare is not None else ():
            if not isinstance(declared, _KINDS):
                found.append(f"declare returns {declared!r}, which is not a declaration")
            elif isinstance(declared, Option):
                found += option_problems(tested, declared)
    return found


def option_problems(tested: PluginUnderTest, option: Option) -> Iterable[str]:
    """Yield the problems of one option."""
    if not option.doc:
        yield f"the option {option.name!r} has no doc="
    if not option.name.isidentifier():
        yield f"the option {option.name!r} cannot be the name of a keyword"
    elif option.default is not None:
        try:
            if option.client:
                tested.client(**{option.name: option.default})
            elif option.convert is not None:
                option.convert(option.default)
        except Exception as error:  # noqa: BLE001  # anything that its convert raises
            yield f"the option {option.name!r} refuses its own default {option.default!r}: {type(error).__name__}: {error}"
            return
        converted = option.default if option.convert is None else option.convert(option.default)
        try:
            if option.convert is not None and converted is not None:
                option.convert(converted)
        except Exception as error:  # noqa: BLE001  # anything that its convert raises
            yield f"the option {option.name!r} refuses what its convert has made of the default: {error}"
