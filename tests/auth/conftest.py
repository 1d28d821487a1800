"""The vectors that the auth plugin is held against, and a home without a netrc."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

_DEFAULT = Path(__file__).parents[2].parent / "shared" / "conformance"


@pytest.fixture(scope="session")
def vectors() -> dict[str, Any]:
    """The content of auth_vectors.json."""
    path = Path(os.environ.get("HOOKLINE_CONFORMANCE") or _DEFAULT) / "auth_vectors.json"
    if not path.is_file():
        pytest.skip(f"conformance data is absent: {path}")
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home without a netrc: no test reads that of whoever runs it, nor their proxies."""
    for name in list(os.environ):
        if name.lower().endswith("_proxy") or name == "NETRC":
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    return tmp_path
