"""`hookline plugins`."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

Run = Callable[..., "subprocess.CompletedProcess[str]"]


def rows(output: str) -> dict[str, list[str]]:
    lines = [line.split() for line in output.splitlines()]
    assert lines[0] == ["name", "distribution", "version", "state", "events", "options"]
    return {line[0]: line[1:] for line in lines[1:]}


def test_list_has_the_default_plugins(run: Run) -> None:
    done = run("plugins")

    found = rows(done.stdout)
    assert (done.returncode, done.stderr) == (0, "")
    assert found["redirects"][0] == "hookline-redirects"
    assert found["redirects"][2] == "enabled"
    assert "post_request" in found["redirects"]
    assert "allow_redirects" in found["redirects"]
    assert found["decompress"][2] == "enabled"


def test_list_says_why_a_plugin_does_not_run(run: Run) -> None:
    by_argument = rows(run("plugins", "--disable", "redirects").stdout)
    by_variable = rows(run("plugins", variables={"HOOKLINE_DISABLE": "decompress"}).stdout)
    all_off = rows(run("plugins", variables={"HOOKLINE_DISABLE_PLUGIN_AUTOLOAD": "1"}).stdout)

    assert by_argument["redirects"][2:] == ["disabled", "-", "-"]
    assert by_variable["decompress"][2:] == ["disabled", "-", "-"]
    assert all_off["redirects"][2:4] == ["not", "autoloaded"]


def test_named_plugin_is_shown_with_its_options(run: Run) -> None:
    done = run("plugins", "redirects")

    assert "decompress" not in done.stdout
    assert "options of redirects" in done.stdout
    assert "max_redirects = 10" in done.stdout


def test_unknown_name_is_an_error(run: Run) -> None:
    done = run("plugins", "nosuch")

    assert done.returncode == 2
    assert "no plugin 'nosuch' is installed" in done.stderr


def test_explain_names_events(run: Run) -> None:
    done = run("plugins", "--explain")

    assert done.returncode == 0
    behind = done.stdout.partition("post_request\n")[2].partition("data_received\n")[0]
    assert ". redirects: statuses 301" in behind


def test_broken_plugin_is_one_line_that_says_how_to_leave_it_out(run: Run, tmp_path: Path) -> None:
    metadata = tmp_path / "acme_broken-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-broken\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text("[hookline]\nbroken = no_such_module:Broken\n")
    variables = {"PYTHONPATH": str(tmp_path)}

    refused = run("plugins", variables=variables)
    listed = run("plugins", "--disable", "broken", variables=variables)

    assert refused.returncode == 2
    assert refused.stderr.startswith("hookline: PluginError: plugin 'broken' of acme-broken 1.0 cannot be imported")
    assert refused.stderr.count("\n") == 1
    assert rows(listed.stdout)["broken"][:3] == ["acme-broken", "1.0", "disabled"]
