"""The fragments in docs/changelog have names that towncrier knows, and make a section of CHANGELOG.md."""

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "docs" / "changelog"
FRAGMENTS = sorted(FOLDER.glob("[!.]*.*.md"))

Table = dict[str, Any]


def towncrier(folder: Path, *options: str) -> "subprocess.CompletedProcess[str]":
    """Assemble the release 9.8.7 of 2 January 2030 in a folder."""
    command = [sys.executable, "-m", "towncrier", "build", "--version", "9.8.7", "--date", "2030-01-02", *options]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60)


def shown(text: str) -> str:
    """The words of a fragment or page, without line breaks and indentation."""
    return " ".join(text.split())


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The settings, the changelog and the fragments, to write to."""
    for name in ("pyproject.toml", "CHANGELOG.md"):
        shutil.copy(ROOT / name, tmp_path / name)
    shutil.copytree(FOLDER, tmp_path / "docs" / "changelog")
    return tmp_path


@pytest.mark.parametrize("fragment", FRAGMENTS, ids=lambda path: path.name)
def test_fragment_has_an_issue_a_kind_and_text(fragment: Path, settings: Table) -> None:
    issue, kind, _ = fragment.name.split(".")
    assert re.fullmatch(settings["tool"]["towncrier"]["issue_pattern"], issue)
    assert kind in settings["tool"]["towncrier"]["fragment"]
    assert fragment.read_text(encoding="utf-8").strip()


def test_folder_holds_nothing_but_fragments() -> None:
    assert {path.name for path in FOLDER.iterdir()} == {path.name for path in FRAGMENTS} | {"README.md", "template.md"}


def test_readme_of_the_folder_lists_the_kinds(settings: Table) -> None:
    rows = re.findall(r"^\| `(\w+)` \|", (FOLDER / "README.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert rows == list(settings["tool"]["towncrier"]["fragment"])


def test_draft_shows_every_fragment() -> None:
    done = towncrier(ROOT, "--draft")
    assert done.returncode == 0, done.stderr
    assert "## 9.8.7 (2030-01-02)\n" in done.stdout
    for fragment in FRAGMENTS:
        text, number = shown(fragment.read_text(encoding="utf-8")), int(re.split(r"\D", fragment.name)[0])
        assert f"- {text} (#{number})" in shown(done.stdout), fragment.name


def test_release_writes_a_section_below_the_introduction(copy: Path) -> None:
    folder = copy / "docs" / "changelog"
    for fragment in FRAGMENTS:
        (folder / fragment.name).unlink()
    (folder / "13.fixed.md").write_text("Thirteen\nin two lines.\n")
    (folder / "2-word.fixed.md").write_text("Two.\n")
    (folder / "3.added.md").write_text("Three.\n")
    before = (copy / "CHANGELOG.md").read_text(encoding="utf-8")

    assert towncrier(copy, "--keep").returncode == 0

    introduction, marker, rest = before.partition("<!-- towncrier release notes start -->\n")
    assert marker
    section = (
        "\n## 9.8.7 (2030-01-02)\n\n"
        "### Added\n\n- Three. (#3)\n\n"
        "### Fixed\n\n- Two. (#2)\n- Thirteen\n  in two lines. (#13)\n"
    )
    assert (copy / "CHANGELOG.md").read_text(encoding="utf-8") == introduction + marker + section + rest


@pytest.mark.parametrize(
    "name", ["2.improved.md", "word.added.md", "2_word.added.md", "+word.added.md", "2.md"], ids=str
)
def test_fragment_with_a_wrong_name_is_refused(copy: Path, name: str) -> None:
    (copy / "docs" / "changelog" / name).write_text("Text.\n")
    done = towncrier(copy, "--draft")
    assert done.returncode != 0
    assert name.removesuffix(".md").removesuffix(".added") in done.stderr
