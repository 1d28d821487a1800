"""Where Python's own documentation describes a name: no inventory is fetched, since the site is built without a network."""

from __future__ import annotations

import builtins
import importlib

PYTHON = "https://docs.python.org/3/library/"
# Modules that have one page, which is named after them and describes all their public names.
_MODULES = {
    "collections.abc", "contextlib", "datetime", "decimal", "enum", "functools", "http.cookiejar", "http.cookies", "io", "json",
    "logging", "os", "pathlib", "socket", "ssl", "threading", "typing", "uuid",
}  # fmt: skip
# Names that stand on other pages than the rules below say.
_PAGES = {
    "asyncio.AbstractEventLoop": "asyncio-eventloop",
    "asyncio.BaseProtocol": "asyncio-protocol",
    "asyncio.BaseTransport": "asyncio-protocol",
    "asyncio.BufferedProtocol": "asyncio-protocol",
    "asyncio.CancelledError": "asyncio-exceptions",
    "asyncio.Event": "asyncio-sync",
    "asyncio.Future": "asyncio-future",
    "asyncio.Protocol": "asyncio-protocol",
    "asyncio.Server": "asyncio-eventloop",
    "asyncio.StreamReader": "asyncio-stream",
    "asyncio.StreamWriter": "asyncio-stream",
    "asyncio.Task": "asyncio-task",
    "asyncio.TaskGroup": "asyncio-task",
    "asyncio.Transport": "asyncio-protocol",
    "asyncio.gather": "asyncio-task",
    "asyncio.run": "asyncio-runner",
    "asyncio.run_coroutine_threadsafe": "asyncio-task",
    "asyncio.timeout": "asyncio-task",
    "asyncio.to_thread": "asyncio-task",
    "asyncio.wait_for": "asyncio-task",
    "None": "constants",
    "bool": "functions",
    "float": "functions",
    "int": "functions",
    "object": "functions",
    "super": "functions",
    "type": "functions",
}


def page_of(name: str) -> str | None:
    """Return the URL of a name of Python such as `ssl.SSLContext`, `str` or `TimeoutError`; None for any other name."""
    module, _, last = name.rpartition(".")
    if name in _PAGES:
        page = _PAGES[name]
    elif module in _MODULES:
        if not hasattr(importlib.import_module(module), last):
            return None
        page = module
    else:
        found = None if module else getattr(builtins, name, None)
        if not isinstance(found, type):
            return None
        page = "exceptions" if issubclass(found, BaseException) else "stdtypes"
    return f"{PYTHON}{page}.html#{name}"
