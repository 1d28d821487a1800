"""Where Python's own documentation describes a name: no inventory is fetched, since the site is built without a network."""

from __future__ import annotations

import builtins
import sys

PYTHON = "https://docs.python.org/3/library/"
# The pages of modules that are not named after them, and those of names that stand apart from their module.
_PAGES_OF_MODULES = {"asyncio": "asyncio-eventloop", "http.cookies": "http.cookies", "os.path": "os.path"}
_PAGES = {
    "asyncio.AbstractEventLoop": "asyncio-eventloop",
    "asyncio.BaseProtocol": "asyncio-protocol",
    "asyncio.BaseTransport": "asyncio-protocol",
    "asyncio.BufferedProtocol": "asyncio-protocol",
    "asyncio.CancelledError": "asyncio-exceptions",
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
    "asyncio.timeout": "asyncio-task",
    "asyncio.to_thread": "asyncio-task",
    "False": "constants",
    "None": "constants",
    "True": "constants",
    "object": "functions",
    "super": "functions",
    "type": "functions",
}


def page_of(name: str) -> str | None:
    """Return the URL of a name of Python such as `ssl.SSLContext`, `str` or `TimeoutError`; None for another name."""
    module, _, last = name.rpartition(".")
    if name in _PAGES:
        page = _PAGES[name]
    elif module:
        if module.partition(".")[0] not in sys.stdlib_module_names:
            return None
        page = _PAGES_OF_MODULES.get(module, module)
    else:
        found = getattr(builtins, last, None)
        if not isinstance(found, type):
            return None
        page = "exceptions" if issubclass(found, BaseException) else "stdtypes"
    return f"{PYTHON}{page}.html#{name}"
