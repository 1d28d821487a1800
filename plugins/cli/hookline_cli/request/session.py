"""Sessions: what `--session NAME` keeps for the next request to the same host: fields, and the state of plugins.

A session is a JSON file of mode 600: `sessions/SCHEME_HOST/NAME.json` in the folder of the configuration, or NAME if that has
a slash. Plugins keep their state by `export_state(client, keywords)` of their module in the group `hookline.options`, and get it
back by `import_state(state)`, which returns options of the client.
"""

from __future__ import annotations

import json
import os
import re
import tempfile
from collections.abc import Mapping
from typing import Any

from hookline import HttpClient, split_url

from ..arguments.config import config_folder
from ..running import UsageError, refusal
from .plan import RequestPlan

_LEFT_OUT = ("content-", "if-", "range", "host", "accept-encoding")  # fields that belong to one request, in lower case


class Session:
    """One session.

    Raises: UsageError, for a name that is none, or a file that is none.
    """

    def __init__(self, name: str, url: str) -> None:
        self.path = path_of(name, url)
        self._kept: dict[str, Any] = {"headers": [], "state": {}}
        try:
            with open(self.path, encoding="utf-8") as file:
                self._kept.update(json.load(file))
        except FileNotFoundError:
            pass
        except (OSError, ValueError, TypeError) as error:
            reason = getattr(error, "strerror", None) or "it is no JSON"
            raise UsageError(f"--session {name}: cannot read {self.path}: {reason}") from error

    def apply_fields(self, plan: RequestPlan) -> None:
        """Add the fields that are kept, unless the request has others of these names."""
        for name, value in self._kept["headers"]:
            plan.set_default(name, value)

    def keywords(self, modules: Mapping[str, Any]) -> dict[str, Any]:
        """Return the options of the client that restore the state of plugins. modules: those of plugins."""
        found: dict[str, Any] = {}
        for name, state in self._kept["state"].items():
            restore = getattr(modules.get(name), "import_state", None)
            if restore is not None:
                found |= restore(state)
        return found

    def save(
        self, plan: RequestPlan, client: HttpClient, keywords: Mapping[str, Any], modules: Mapping[str, Any]
    ) -> None:
        """Write the session. keywords: options of the call.

        Raises: OutputRefused.
        """
        given = {name.lower(): (name, value) for name, value in plan.headers if not name.lower().startswith(_LEFT_OUT)}
        self._kept["headers"] = [[name, value] for name, value in given.values() if value is not None]
        for name, module in modules.items():
            keep = getattr(module, "export_state", None)
            if keep is not None:
                self._kept["state"][name] = keep(client, keywords)
        with refusal(f"cannot write {self.path}"):
            write_private(self.path, json.dumps(self._kept, indent=2) + "\n")


def path_of(name: str, url: str) -> str:
    """Return the path of a session.

    Raises: UsageError.
    """
    if os.sep in name:
        return os.path.expanduser(name)
    if not re.fullmatch(r"[\w.@-]*[\w@-][\w.@-]*", name):
        raise UsageError(f"--session {name!r}: expected letters, digits, - and _, or a path with /")
    parts = split_url(url)
    port = f"_{parts.port}" if parts.port else ""
    folder = re.sub(r"[^\w.-]", "_", f"{parts.scheme}_{parts.host}{port}")
    return os.path.join(config_folder(), "sessions", folder, f"{name}.json")


def write_private(path: str, text: str) -> None:
    """Replace a file by one that only its owner can read (mode 600), in folders of mode 700.

    Raises: OSError.
    """
    folder = os.path.dirname(path)
    os.makedirs(folder, mode=0o700, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(prefix=".session-", dir=folder)  # made with mode 600
    try:
        with open(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise
