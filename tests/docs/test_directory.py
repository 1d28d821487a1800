"""docs/directory.md lists each plugin of the project once, with what installs it; rows of others have the same form."""

from __future__ import annotations

import re
import tomllib

from kit.site import DOCS

ROOT = DOCS.parent
OURS, _, OTHERS = (DOCS / "directory.md").read_text(encoding="utf-8").partition("\n## Of others\n")
ROW = re.compile(
    r"^\| (`\w+`(?:, `\w+`)*) \| ([^|]+) \| `([\w-]+(?:\[\w+\])?)` \| (\[[^|]+\]\([^|]+\)) \|$", re.MULTILINE
)
HEAD = "| plugin | does | installed by | read |\n| --- | --- | --- | --- |\n"


def rows(text: str) -> list[tuple[list[str], str, str]]:
    """Return the rows of a table: the plugins, what installs them, and the links."""
    return [(re.findall(r"\w+", names), installed, read) for names, _, installed, read in ROW.findall(text)]


def plugins_of_members() -> dict[str, tuple[set[str], str]]:
    """Return by member the names of its plugins and the requirement that installs them."""
    root = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    brought = {requirement.partition("==")[0] for requirement in root["dependencies"]}
    found: dict[str, tuple[set[str], str]] = {}
    for path in ROOT.glob("plugins/*/pyproject.toml"):
        project = tomllib.loads(path.read_text(encoding="utf-8"))["project"]
        groups = project.get("entry-points", {})
        names = {*groups.get("hookline", ()), *groups.get("hookline.optional", ())}
        member = path.parent.name
        if project["name"] in brought:
            found[member] = names, "hookline"
        else:
            assert member in root["optional-dependencies"]
            found[member] = names, f"hookline[{member}]"
    return found


def test_each_plugin_of_the_project_is_listed_once_with_what_installs_it() -> None:
    listed = sorted((name, installed, read) for names, installed, read in rows(OURS) for name in names)
    expected = [
        (name, installed, member) for member, (names, installed) in plugins_of_members().items() for name in names
    ]
    assert [(name, installed) for name, installed, _ in listed] == sorted(
        (name, installed) for name, installed, _ in expected
    )
    pages = {name: read for name, _, read in listed}
    assert [name for name, _, member in expected if f"(packages/{member}.md)" not in pages[name]] == []


def test_members_without_a_plugin_are_named_below_the_table() -> None:
    below = OURS.rpartition("|\n")[2]
    for member, (names, _) in plugins_of_members().items():
        if not names:
            assert f"[hookline-{member}](packages/{member}.md)" in below


def test_rows_are_in_alphabetical_order_and_of_one_form() -> None:
    for text in (OURS, OTHERS.partition("\n## List yours\n")[0]):
        table = text.partition(HEAD)[2].partition("\n\n")[0].strip()
        assert HEAD in text
        lines = [line for line in table.splitlines() if line.startswith("|")]
        assert len(lines) == len(rows(text))
        assert lines == sorted(lines, key=lambda line: line.split("`")[1])


def test_the_entry_that_the_page_shows_has_the_form_of_a_row() -> None:
    (entry,) = re.findall(r"^```text\n(.*?)^```$", OTHERS, re.DOTALL | re.MULTILINE)
    assert len(rows(entry)) == 1
