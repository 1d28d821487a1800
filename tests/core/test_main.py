"""`python -m hookline`: core runs the command line that is installed, and without one says how to install it."""

from __future__ import annotations

import pytest

from hookline.__main__ import main
from kit.distributions import Site

GROUP = "hookline.main"


def test_without_a_command_line_it_says_how_to_install_one(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    assert main() == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err == "hookline: no command line is installed\nTo install it: pip install hookline-cli\n"


def test_status_is_that_of_the_command_line(site: Site) -> None:
    site.install("acme-shell", "def run():\n    return 7\n", {"acme": "run"}, group=GROUP)

    assert main() == 7


def test_of_several_command_lines_the_first_distribution_by_name_counts(site: Site) -> None:
    site.install("zeta-shell", "def run():\n    return 9\n", {"a": "run"}, group=GROUP)
    site.install("acme-shell", "def run():\n    return 7\n", {"z": "run"}, group=GROUP)

    assert main() == 7
