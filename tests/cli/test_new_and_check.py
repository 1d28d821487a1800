"""`hookline plugins new` and `check`: what they refuse, and their exit status. tests/packaging runs what `new` writes."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from hookline_cli.plugins_new import names_of, write_files
from hookline_cli.running import OutputRefused

Run = Callable[..., "subprocess.CompletedProcess[str]"]

# -- new


def test_new_writes_a_project_and_says_what_comes_next(run: Run, tmp_path: Path) -> None:
    done = run("plugins", "new", "Trace_Id")

    assert (done.returncode, done.stderr) == (0, "")
    *files, _, following = done.stdout.splitlines()
    found = [str(path.relative_to(tmp_path)) for path in (tmp_path / "hookline-trace-id").rglob("*") if path.is_file()]
    assert sorted(files) == sorted(found)
    assert "hookline-trace-id/tests/test_trace_id.py" in found
    assert following == "cd hookline-trace-id && pip install -e '.[test]' && pytest"
    assert "hookline-trace-id/.github/workflows/test.yml" in found
    left = "".join((tmp_path / name).read_text() for name in found).replace("${{ matrix.python }}", "")
    assert "$" not in left


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("9lives", "'9lives' cannot be the name of a plugin: expected ASCII letters"),
        ("../up", "cannot be the name of a plugin"),
        ("a b", "cannot be the name of a plugin"),
        ("", "cannot be the name of a plugin"),
        ("größe", "cannot be the name of a plugin"),
        ("import", "not a keyword of Python"),
        ("cookies", "a plugin 'cookies' is installed"),
        ("retry", "a plugin 'retry' is installed"),  # optional
        ("auth", "a plugin 'auth' is installed"),  # a distribution with others
        ("core", "the name of the distribution hookline-core is taken"),
        ("cli", "the name of the distribution hookline-cli is taken"),
        ("url", "'url' cannot be the name of the plugin and of its option"),  # an attribute of requests
        ("timeout", "a name that core has"),
        ("max-redirects", "both declare the option 'max_redirects'"),
    ],
)
def test_new_refuses_a_name_that_is_none_or_is_taken(run: Run, tmp_path: Path, name: str, why: str) -> None:
    done = run("plugins", "new", name)

    assert (done.returncode, done.stdout) == (2, "")
    assert why in done.stderr
    assert done.stderr.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_new_overwrites_nothing(run: Run, tmp_path: Path) -> None:
    (tmp_path / "hookline-mine").mkdir()
    (tmp_path / "hookline-mine/README.md").write_text("mine")

    done = run("plugins", "new", "mine")

    assert done.returncode == 1
    assert done.stderr == "hookline: hookline-mine exists already; nothing was written\n"
    assert [path.name for path in (tmp_path / "hookline-mine").iterdir()] == ["README.md"]


def test_new_says_that_a_folder_cannot_be_made(run: Run, tmp_path: Path) -> None:
    done = run("plugins", "new", "a" * 250)

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.endswith("File name too long\n")
    assert not list(tmp_path.iterdir())


def test_new_leaves_nothing_behind_when_a_file_cannot_be_written(tmp_path: Path) -> None:
    names = {**names_of(["mine"]), "package": "a" * 300}

    with pytest.raises(OutputRefused, match="File name too long"):
        write_files(tmp_path / "hookline-mine", names)

    assert not list(tmp_path.iterdir())


# -- check


def write_plugin(folder: Path, name: str, code: str) -> dict[str, str]:
    """A distribution on the path; returns the variables that put it there."""
    metadata = folder / f"acme_{name}-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: acme-{name}\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(f"[hookline]\n{name} = acme_{name}:Plugin\n")
    (folder / f"acme_{name}.py").write_text(code)
    return {"PYTHONPATH": str(folder)}


def test_check_prints_each_check_and_what_the_plugin_costs(run: Run) -> None:
    done = run("plugins", "check", "redirects")

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("redirects conforms\nok      alone\n")
    assert re.search(
        r"^ok      cost: a request takes \d\.\d\d times as long as with core alone$", done.stdout, re.MULTILINE
    )


LEAK = """
from hookline import Option, hookimpl

class Plugin:
    @hookimpl
    def declare(self):
        return [Option("key", doc="a secret")]

    @hookimpl
    def pre_request(self, response):
        if response.request.key is not None:
            response.request.headers["Authorization"] = str(response.request.key)
"""


@pytest.mark.parametrize(("settings", "status"), [((), 0), (("key=17",), 1)])
def test_check_fails_where_a_keyword_lets_a_credential_out(
    run: Run, tmp_path: Path, settings: tuple[str, ...], status: int
) -> None:
    done = run("plugins", "check", "leak", *settings, variables=write_plugin(tmp_path, "leak", LEAK))

    assert (done.returncode, done.stderr) == (status, "")
    assert ("FAILED  credentials" in done.stdout) is bool(status)


def test_check_of_a_plugin_that_cannot_be_loaded_fails_and_says_why(run: Run, tmp_path: Path) -> None:
    done = run("plugins", "check", "torn", variables=write_plugin(tmp_path, "torn", "import no_such_module"))

    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout.startswith("torn fails ")
    assert "ModuleNotFoundError" in done.stdout


def test_check_of_a_distribution_checks_all_its_plugins(run: Run) -> None:
    done = run("plugins", "check", "auth")

    assert done.returncode == 0
    assert [line for line in done.stdout.splitlines() if line.endswith("conforms")] == [
        "basic conforms",
        "digest conforms",
    ]


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("redirect",), "no plugin 'redirect' is installed; did you mean 'redirects'?"),
        (("redirects", "max_redirects"), "expected KEY=VALUE, an option of a client, got 'max_redirects'"),
        (("redirects", "max-redirects=1"), "expected KEY=VALUE"),
    ],
)
def test_check_refuses_what_it_cannot_read(run: Run, words: tuple[str, ...], why: str) -> None:
    done = run("plugins", "check", *words)

    assert (done.returncode, done.stdout) == (2, "")
    assert why in done.stderr
