"""The examples of the README and of docs/testing.md, run by pytest as their readers would."""

from pathlib import Path

import pytest

from hookline_testing.server import ScriptedServer, response
from kit.readme import python_blocks

pytest_plugins = ["pytester"]

PAGE = Path(__file__).parents[2] / "docs/testing.md"


def examples_with_tests(text: str) -> list[str]:
    """The blocks that hold tests."""
    return [block for block in text if "def test_" in block]


@pytest.mark.parametrize(
    "code", examples_with_tests(python_blocks("testing")), ids=["mock", "app", "server", "conformance"]
)
def test_example_of_the_readme_passes(code: str, pytester: pytest.Pytester) -> None:
    pytester.makeini("[pytest]\nasyncio_default_fixture_loop_scope = function\n")
    pytester.makepyfile(code)
    pytester.runpytest_subprocess("-W", "error").assert_outcomes(passed=1)


@pytest.mark.parametrize(
    "code",
    examples_with_tests(python_blocks("testing", PAGE)),
    ids=["mock", "server", "frames", "cassette", "conformance"],
)
def test_example_of_the_page_passes(code: str, pytester: pytest.Pytester, scripted: ScriptedServer) -> None:
    scripted.always(response(b"{}"))
    pytester.makeini("[pytest]\nasyncio_default_fixture_loop_scope = function\n")
    pytester.makepyfile(code.replace("http://127.0.0.1:8000/", scripted.url()))
    pytester.runpytest_subprocess("-W", "error").assert_outcomes(passed=1)
