"""Write the links of a public repository into what is built: `python tools/links.py https://HOST/OWNER/NAME`.

An index shows `project.urls` and the README of a distribution, where a link such as `docs/quickstart.md` leads nowhere. So this
writes a table `project.urls` into each pyproject.toml, and makes the relative links of each README absolute, at the tag of this
version. Run it in the checkout from which a release is built; running it twice changes nothing. The workflow `publish` does.
"""

import re
import sys
from pathlib import Path

from version import ROOT, current_version

ANY_TABLE = re.compile(r"^\[", re.MULTILINE)
URLS = re.compile(r"^\[project\.urls\]\n(?:[^\[\n].*\n)*\n?", re.MULTILINE)
# A block of code, in which brackets are no links.
CODE = re.compile(r"(^```.*?^```$)", re.MULTILINE | re.DOTALL)
# A link or a picture of Markdown that leads neither to another host nor to a heading of the same page.
RELATIVE = re.compile(r"(?P<before>(?P<picture>!?)\[[^\]]*\]\()(?P<path>(?![a-z]+:|#|/)[^)\s#]+)")


def urls_of(repository: str) -> dict[str, str]:
    """Return the links that an index shows beside a distribution."""
    return {
        "Homepage": repository,
        "Documentation": f"{repository}/tree/v{current_version()}/docs",
        "Changelog": f"{repository}/blob/v{current_version()}/CHANGELOG.md",
        "Source": repository,
        "Issues": f"{repository}/issues",
        "Security": f"{repository}/security/policy",
    }


def with_urls(settings: str, repository: str) -> str:
    """Return the text of a pyproject.toml with this repository's links, behind its table `project`."""
    settings = URLS.sub("", settings)
    begin = settings.index("[project]\n")
    following = ANY_TABLE.search(settings, begin + 1)
    end = following.start() if following else len(settings)
    # Comments in front of the next table belong to that.
    project = re.sub(r"\n(?:#.*\n|\n)*\Z", "\n", settings[:end])
    lines = "".join(f'{name} = "{url}"\n' for name, url in urls_of(repository).items())
    return f"{project}\n[project.urls]\n{lines}{settings[len(project) :]}"


def with_absolute_links(page: str, repository: str, folder: Path) -> str:
    """Return the text of a page of this folder, whose links and pictures lead into the repository."""

    def absolute(found: re.Match[str]) -> str:
        path = (folder / found["path"]).resolve().relative_to(ROOT).as_posix()
        kind = "raw" if found["picture"] else "blob"
        return f"{found['before']}{repository}/{kind}/v{current_version()}/{path}"

    parts = CODE.split(page)
    parts[::2] = [RELATIVE.sub(absolute, part) for part in parts[::2]]
    return "".join(parts)


def main(words: list[str]) -> None:
    if len(words) != 1 or not re.fullmatch(r"https://[\w.-]+(?:/[\w.-]+)+", words[0]):
        raise SystemExit("expected the address of the repository, for example https://example.org/owner/hookline")
    (repository,) = words
    for settings in sorted(
        [ROOT / "pyproject.toml", ROOT / "core/pyproject.toml", *ROOT.glob("plugins/*/pyproject.toml")]
    ):
        readme = settings.with_name("README.md")
        for path, after in (
            (settings, with_urls(settings.read_text(encoding="utf-8"), repository)),
            (readme, with_absolute_links(readme.read_text(encoding="utf-8"), repository, readme.parent)),
        ):
            path.write_text(after, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main(sys.argv[1:])
