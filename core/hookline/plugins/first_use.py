"""Packages whose names are imported at their first use (PEP 562), so that a client loads only what it needs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any


def names_at_first_use(package: str, modules: Mapping[str, str]) -> Callable[[str], Any]:
    """Return the `__getattr__` of a package that imports some of its names when they are first used.

        if TYPE_CHECKING:
            from .jar import CookieJar

        __getattr__ = names_at_first_use(__name__, {"CookieJar": "jar"})

    package: its name. modules: for each name, the module of the package that has it.

    Example::

        from hookline import names_at_first_use

        name = names_at_first_use("json", {"JSONDecoder": "decoder"})  # in a package: __getattr__ = …
        print(name("JSONDecoder"))
    """

    def __getattr__(name: str) -> Any:  # its name in tracebacks
        if name not in modules:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        found = getattr(import_module(f"{package}.{modules[name]}"), name)
        setattr(import_module(package), name, found)
        return found

    return __getattr__
