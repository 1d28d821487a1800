"""Print the version of Hookline, or write a new one to all files that contain it: `python tools/version.py [VERSION]`.

The source is `__version__` in `core/hookline/__init__.py`. Each member is built alone, from an sdist that does not contain
the other members, so the plugins have copies of it. The root pins it, and members declare the range of versions of each
other that they accept.
"""

import re
import sys
from pathlib import Path

from packaging.version import InvalidVersion, Version

ROOT = Path(__file__).resolve().parents[1]
SOURCE = "core/hookline/__init__.py"
VARIABLE = re.compile(r'(?<=^__version__ = ")[^"]+', re.MULTILINE)
PROJECT_VERSION = re.compile(r'(?<=^version = ")[^"]+', re.MULTILINE)
PIN = re.compile(r'("hookline[\w-]*(?:\[[\w,]+\])?==)[^"]+')
RANGE = re.compile(r'("hookline[\w-]*(?:\[[\w,]+\])?)>=[^"]+')


def next_incompatible(version: Version) -> str:
    """Return the first version that may be incompatible with this one: the next minor version of 0.x, else the next major."""
    return str(version.major + 1) if version.major else f"0.{version.minor + 1}"


def places(version: Version) -> dict[str, list[tuple[re.Pattern[str], str]]]:
    """Return {glob of files: [(pattern, its replacement)]}."""
    in_package = [(VARIABLE, f"{version}")]
    in_requirements = [(RANGE, rf"\1>={version},<{next_incompatible(version)}")]
    return {
        SOURCE: in_package,
        "plugins/*/hookline_*/__init__.py": in_package,
        "pyproject.toml": [(PROJECT_VERSION, f"{version}"), (PIN, rf"\g<1>{version}")],
        "plugins/*/pyproject.toml": in_requirements,
        "docs/examples/*/pyproject.toml": in_requirements,
        "docs/plugins/*.md": in_requirements,
        "tests/*/acme-*/pyproject.toml": in_requirements,
    }


def current_version() -> str:
    found = VARIABLE.search((ROOT / SOURCE).read_text(encoding="utf-8"))
    if found is None:
        raise SystemExit(f"{SOURCE} has no line `__version__ = ...`")
    return found[0]


def set_version(version: Version) -> None:
    for glob, replacements in places(version).items():
        for path in sorted(ROOT.glob(glob)):
            before = after = path.read_text(encoding="utf-8")
            for pattern, replacement in replacements:
                after = pattern.sub(replacement, after)
            if after != before:
                path.write_text(after, encoding="utf-8", newline="\n")


def main(words: list[str]) -> None:
    if len(words) > 1:
        raise SystemExit("expected one version, or none to print the present one")
    if words:
        try:
            set_version(Version(words[0]))
        except InvalidVersion as error:
            raise SystemExit(f"{error}; expected one as PEP 440 describes, for example 0.2.0 or 0.2.0.dev0") from None
    print(current_version())


if __name__ == "__main__":
    main(sys.argv[1:])
