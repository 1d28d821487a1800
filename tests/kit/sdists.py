"""Source distributions whose tests are run: pip fetches them when a test needs them."""

from __future__ import annotations

import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

SECONDS = 240  # for one run of pip


def fetch_source(name: str, version: str, folder: Path) -> Path:
    """Unpack a source distribution into a folder, and return where it is. The test is skipped if pip cannot get it."""
    pip("download", "-q", "--no-binary", ":all:", "--no-deps", "-d", str(folder), f"{name}=={version}")
    with tarfile.open(folder / f"{name}-{version}.tar.gz") as archive:
        archive.extractall(folder, filter="data")
    return folder / f"{name}-{version}"


def fetch_packages(folder: Path, *requirements: str) -> Path:
    """Put packages into a folder for PYTHONPATH, without what they require, and return it. Skips as `fetch_source` does."""
    pip("install", "-q", "--no-deps", "--target", str(folder), *requirements)
    return folder


def pip(*arguments: str) -> None:
    """Run pip; skip the test if it fails, as without a network."""
    done = subprocess.run(
        [sys.executable, "-m", "pip", "--disable-pip-version-check", *arguments],
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    if done.returncode:
        pytest.skip(f"LOUD: pip cannot fetch it: pip {' '.join(arguments)}: {done.stderr.strip()[-300:]}")
