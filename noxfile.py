"""The tasks of a contributor: `nox -l` lists them, `nox -s NAME` runs one in an environment of its own.

Arguments after `--` go to the program that the session runs: `nox -s test -- tests/core -k timeout`.
"""

import shutil
import sys
from pathlib import Path

import nox

nox.needs_version = ">=2024.3.2"  # the first with the backend uv, and with a choice of backends
nox.options.default_venv_backend = "uv|virtualenv"
nox.options.reuse_venv = "yes"
nox.options.sessions = ["lint", "types", "test"]

REQUIREMENTS = "tests/requirements.txt"
MEMBERS = [".", "core", *sorted(str(path.parent) for path in Path("plugins").glob("*/pyproject.toml"))]


def requirement(name: str) -> str:
    """Return the line of one tool in tests/requirements.txt, so that its version is written there only."""
    lines = Path(REQUIREMENTS).read_text(encoding="utf-8").splitlines()
    return next(line for line in lines if line.startswith((f"{name}>", f"{name}=")))


def run_tests(session: nox.Session, *options: str) -> None:
    session.install("-r", REQUIREMENTS)
    session.run("pytest", *options, *session.posargs)


@nox.session
def lint(session: nox.Session) -> None:
    """Check style and format with ruff; changes no file."""
    session.install(requirement("ruff"))
    session.run("ruff", "check", *session.posargs)
    session.run("ruff", "format", "--check", *session.posargs)


@nox.session
def types(session: nox.Session) -> None:
    """Check the types with mypy --strict."""
    session.install("-r", REQUIREMENTS)
    session.run("mypy", *session.posargs)


@nox.session
def test(session: nox.Session) -> None:
    """Run the tests that are neither slow nor soak, in parallel."""
    run_tests(session, "-n", "auto")


@nox.session
def slow(session: nox.Session) -> None:
    """Run the slow tests: more than ten seconds each."""
    run_tests(session, "-m", "slow and not soak")


@nox.session
def soak(session: nox.Session) -> None:
    """Run the soak tests: more than two minutes each, never run by .ci/run."""
    run_tests(session, "-m", "soak")


@nox.session
def docs(session: nox.Session) -> None:
    """Build the site of the documentation in build/site; a warning is an error."""
    session.install("-r", "docs/requirements.txt")
    session.run("sphinx-build", "-q", "-W", "--keep-going", "-n", "docs", "build/site", *session.posargs)
    session.run("python", "docs/check_site.py", "build/site")


@nox.session
def bench(session: nox.Session) -> None:
    """Measure CPU time per request against other clients, about two minutes."""
    session.install("-r", REQUIREMENTS)
    session.run("python", "tests/benchmarks/run.py", *session.posargs)


@nox.session
def instructions(session: nox.Session) -> None:
    """Count the instructions of a small GET and POST; needs valgrind."""
    session.install("-r", REQUIREMENTS)
    session.run("python", "tests/benchmarks/instructions.py", *session.posargs)


@nox.session
def changelog(session: nox.Session) -> None:
    """Show the next section of CHANGELOG.md, made from the fragments; changes no file."""
    session.install(requirement("towncrier"))
    session.run("towncrier", "build", "--draft", "--version", *(session.posargs or ["Unreleased"]))


@nox.session(venv_backend="none")
def version(session: nox.Session) -> None:
    """Print the version, or set a new one in all members: nox -s version -- 0.2.0."""
    session.run(sys.executable, "tools/version.py", *session.posargs)


@nox.session(venv_backend="none")
def links(session: nox.Session) -> None:
    """Write the links of a public repository into what is built: nox -s links -- https://HOST/OWNER/NAME."""
    session.run(sys.executable, "tools/links.py", *session.posargs)


@nox.session
def build(session: nox.Session) -> None:
    """Build and check the sdists and wheels of the root and all members, in dist/; the same bytes for the same commit."""
    session.install(*map(requirement, ("build", "flit_core", "hatchling", "twine")))
    # Archives hold no time but that of the commit.
    session.env["SOURCE_DATE_EPOCH"] = str(
        session.run("git", "log", "-1", "--format=%ct", external=True, silent=True)
    ).strip()
    shutil.rmtree("dist", ignore_errors=True)
    for member in MEMBERS:
        session.run("python", "-m", "build", "--no-isolation", "--outdir", "dist", member, *session.posargs)
    session.run("twine", "check", "--strict", *map(str, sorted(Path("dist").glob("hookline*"))))
