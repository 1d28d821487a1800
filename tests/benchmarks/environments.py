"""Environments with this repository or with one client each, as a user installs them."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# {client: what pip installs}. uvloop is there for the labels that end with +uv.
PACKAGES = {
    "aiohttp": ("aiohttp", "uvloop"),
    "httpx2": ("httpx2[http2]",),
    "niquests": ("niquests",),
    "pyreqwest": ("pyreqwest",),
    "curl_cffi": ("curl_cffi",),
    "websockets": ("websockets", "uvloop"),
    "picows": ("picows", "uvloop"),
}


class NotInstalled(Exception):
    """pip could not install a client; the message is its last line."""


def members() -> list[Path]:
    """Return the folders of the distributions that `pip install hookline` brings, core first."""
    with open(ROOT / "pyproject.toml", "rb") as file:
        required = " ".join(tomllib.load(file)["project"]["dependencies"])
    names = re.findall(r"hookline-([a-z0-9]+)", required)
    return [ROOT / "core", *(ROOT / "plugins" / name for name in names if name != "core")]


def make(folder: Path, *requirements: str | Path) -> Path:
    """Make an environment in a folder, install these there, and return the folder of its programs.

    Raises: NotInstalled.
    """
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    programs = folder / "bin"
    done = subprocess.run([programs / "pip", "install", "-q", *requirements], capture_output=True, text=True)
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if "error" in line.lower()] or done.stderr.splitlines()
        raise NotInstalled(lines[-1].strip() if lines else f"pip ended with {done.returncode}")
    return programs


def environment_of(label: str, folder: Path) -> str:
    """Return the interpreter of an environment with one client; it is made below `folder`, unless it is there.

    That of Hookline is made anew from this repository each time, with its extras `http2` and `speedups`.

    Raises: NotInstalled.
    """
    place = folder / label
    python = place / "bin" / "python"
    if label == "hookline" and place.exists():
        shutil.rmtree(place)
    if not (place / "complete").exists():
        requirements: list[str | Path] = [*PACKAGES.get(label, ())]
        if label == "hookline":
            websocket = f"{ROOT / 'plugins' / 'websocket'}[speedups]"
            requirements = [ROOT, *members(), ROOT / "plugins" / "http2", websocket, "uvloop"]
        make(place, *requirements)
        (place / "complete").touch()
    return str(python)
