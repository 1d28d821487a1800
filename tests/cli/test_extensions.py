"""What other distributions bring to the command line: options and commands, by entry points."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from hookline_testing.server import ScriptedServer, response
from servers.addresses import Site as Server

Run = Callable[..., "subprocess.CompletedProcess[str]"]
Install = Callable[..., dict[str, str]]

OPTIONS = """
def add_options(options):
    options.add_argument("--token", dest="headers_of_acme", secret=True, metavar="TOKEN", help="the token of acme")
    options.add_argument("-v", "--acme", dest="acme", type=int, help="a number")

def diagnose(client):
    yield "token", "none"
"""
PLUGIN = """
from hookline import Option, hookimpl

class Acme:
    name = "acme"

    @hookimpl
    def declare(self):
        return [Option("acme"), Option("headers_of_acme")]

    @hookimpl
    def pre_request(self, response):
        request = response.request
        request.headers["X-Acme"] = f"{request.acme} {request.headers_of_acme}"
"""
COMMAND = '''
"""Say hello: a command of acme.

More about it.
"""

def add_arguments(parser):
    parser.add_argument("name")
    parser.add_argument("--loud", action="store_true")

async def run(arguments, context):
    if not arguments.name:
        raise context.usage_error("a name is missing")
    async with context.open_client() as client:
        url = context.complete_url(arguments.name)
        response = await client.get(url, headers=context.headers, **context.keywords)
    context.line(response.text + ("!" if arguments.loud else ""))
    context.note("done")
    return 7
'''


def write_distribution(site: Path, name: str, entry_points: str, sources: dict[str, str]) -> dict[str, str]:
    """Write a distribution of version 1.0 into a folder. Returns the variables that put the folder on the path."""
    metadata = site / f"{name.replace('-', '_')}-1.0.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(f"{entry_points}\n")
    for module, source in sources.items():
        (site / f"{module}.py").write_text(source)
    return {"PYTHONPATH": str(site)}


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A folder for distributions."""
    return tmp_path / "site"


@pytest.fixture
def install(site: Path) -> Install:
    """`install({"module": source}, entry_points)`: the distribution acme 1.0 on the path; gives the variables."""
    return lambda sources, entry_points: write_distribution(site, "acme", entry_points, sources)


def test_options_of_a_plugin_show_in_help_and_reach_it(run: Run, install: Install, scripted: ScriptedServer) -> None:
    variables = install(
        {"acme_options": OPTIONS, "acme_plugin": PLUGIN},
        "[hookline.optional]\nacme = acme_plugin:Acme\n[hookline.options]\nacme = acme_options\n",
    )
    scripted.answer(response(b"fine"))

    shown = run("--help", variables=variables).stdout
    done = run(scripted.url(), "--acme", "3", "--token", "hunter2", variables=variables)
    wrong = run(scripted.url(), "--acme", "x", variables=variables)
    checked = run("doctor", variables=variables).stdout
    code = run("--code", "h", "--token", "hunter2", variables=variables).stdout

    assert "plugin acme:\n  --token TOKEN" in shown
    assert (done.stdout, done.stderr) == ("fine", "")
    assert scripted.requests[0].header("x-acme") == "3 hunter2"
    assert wrong.returncode == 2
    assert wrong.stderr.startswith("hookline: --acme: invalid literal for int()")
    assert "-v of acme" in checked  # -v is ours, and stays
    assert "plugin acme\n  token" in checked
    assert 'headers_of_acme=os.environ["HEADERS_OF_ACME"]' in code


def test_command_of_a_plugin_runs_with_the_options_of_all(run: Run, install: Install, aiohttp_server: Server) -> None:
    variables = install({"acme_command": COMMAND}, "[hookline.commands]\nhello = acme_command\n")
    address = aiohttp_server.url("/echo").removeprefix("http://127.0.0.1")

    shown = run("--help", variables=variables).stdout
    own_help = run("hello", "--help", variables=variables).stdout
    done = run("hello", "--loud", "-u", "a:b", "-H", "X-Name: v", address, variables=variables)
    wrong = run("hello", "", variables=variables)
    unknown = run("hello", "x", "--lout", variables=variables)

    assert "  hello        Say hello: a command of acme." in shown
    assert "More about it." in own_help
    seen = dict(json.loads(done.stdout.rstrip("\n!"))["headers"])
    assert (done.returncode, done.stderr) == (7, "done\n")
    assert done.stdout.endswith("!\n")
    assert (seen["X-Name"], seen["Authorization"]) == ("v", "Basic YTpi")
    assert (wrong.returncode, wrong.stderr) == (2, "hookline: a name is missing\n")
    assert "did you mean --loud?" in unknown.stderr


GREET = '''
"""Greet somebody: a plugin, its option and its command, in one distribution."""

from hookline import Option, hookimpl

class Greet:
    @hookimpl
    def declare(self):
        return [Option("greet", convert=str, doc="whom to greet")]

    @hookimpl(options=("greet",))
    def pre_request(self, response):
        response.request.unredirected_headers["X-Greet"] = f"hello {response.request.greet}"

def add_options(options):
    options.add_argument("--greet", metavar="NAME", help="greet somebody")

def add_arguments(parser):
    parser.add_argument("url")

async def run(arguments, context):
    async with context.open_client() as client:
        response = await client.get(context.complete_url(arguments.url), **context.keywords)
    context.line(f"greeted: {response.text}")
    return 0
'''


def test_one_distribution_brings_a_plugin_its_option_and_its_command(
    run: Run, site: Path, scripted: ScriptedServer
) -> None:
    points = ["[hookline.optional]", "greet = hookline_greet:Greet", "[hookline.options]", "greet = hookline_greet"]
    points += ["[hookline.commands]", "greet = hookline_greet"]
    variables = write_distribution(site, "hookline-greet", "\n".join(points), {"hookline_greet": GREET})
    scripted.always(response(b"fine"))

    request = run(scripted.url(), "--greet", "Ada", variables=variables)
    command = run("greet", scripted.url(), "--greet", "Grace", variables=variables)
    without = run("greet", scripted.url(), variables=variables)
    checked = run("doctor", variables=variables).stdout

    assert [done.stdout for done in (request, command, without)] == ["fine", "greeted: fine\n", "greeted: fine\n"]
    assert [done.stderr for done in (request, command, without)] == ["", "", ""]
    assert [seen.header("x-greet") for seen in scripted.requests] == ["hello Ada", "hello Grace", None]
    assert re.search(r"options of .*\bgreet\b", checked)
    assert re.search(r"commands .*\bgreet\b", checked)
    assert "taken already" not in checked


def test_command_whose_name_is_taken_is_left_out_and_named(run: Run, site: Path) -> None:
    second = COMMAND.replace("Say hello: a command of acme.", "Say hello again.")
    variables = write_distribution(site, "acme", "[hookline.commands]\nhello = acme\ndemo = acme", {"acme": COMMAND})
    write_distribution(site, "brown", "[hookline.commands]\nhello = brown", {"brown": second})

    shown = run("--help", variables=variables).stdout
    checked = run("doctor", variables=variables).stdout

    assert "  hello        Say hello: a command of acme." in shown
    assert "Say hello again." not in shown
    assert [line.split("  ")[-1].strip() for line in checked.splitlines() if "taken already" in line] == [
        "command demo of acme",
        "command hello of brown",
    ]


FAULTY = {
    "without-run": ("def add_arguments(parser): pass", "AttributeError: module 'acme' has no attribute 'run'"),
    "without-arguments": ("async def run(arguments, context): return 0", "has no attribute 'add_arguments'"),
    "plain-run": (
        "def add_arguments(parser): pass\ndef run(arguments, context): return 0",
        "TypeError: its run is no coroutine function (async def)",
    ),
    "taken-option": (
        "def add_arguments(parser): parser.add_argument('-H')\nasync def run(arguments, context): return 0",
        "conflicting option string",
    ),
    "raises": ("def add_arguments(parser): 1 / 0", "ZeroDivisionError: division by zero"),
    "ends-the-program": ("raise SystemExit(0)", "SystemExit: 0"),
}


@pytest.mark.parametrize("fault", FAULTY)
def test_command_that_breaks_the_rules_is_one_line_that_names_it(run: Run, site: Path, fault: str) -> None:
    source, words = FAULTY[fault]
    variables = write_distribution(site, "acme", "[hookline.commands]\nhello = acme", {"acme": source})

    done = run("hello", "x", variables=variables)
    shown = run("--help", variables=variables)

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("hookline: the command hello of acme cannot be loaded: ")
    assert words in done.stderr
    assert done.stderr.count("\n") == 1
    assert shown.returncode == 0
    assert re.search(r"^  hello\b", shown.stdout, re.MULTILINE)


def test_options_that_end_the_program_are_named_and_the_rest_works(
    run: Run, site: Path, scripted: ScriptedServer
) -> None:
    variables = write_distribution(site, "acme", "[hookline.options]\nacme = acme", {"acme": "raise SystemExit(3)"})
    scripted.answer(response(b"fine"))

    done = run("--no-follow", scripted.url(), variables=variables)

    assert (done.returncode, done.stdout) == (0, "fine")
    assert "the options of acme cannot be loaded: SystemExit: 3" in done.stderr


def test_plugins_are_not_asked_for_options_without_one_of_theirs_on_the_command_line(
    run: Run, site: Path, scripted: ScriptedServer
) -> None:
    variables = write_distribution(site, "acme", "[hookline.options]\nacme = acme", {"acme": "raise SystemExit(3)"})
    scripted.always(response(b"fine"))

    for words in ([], ["-v"], ["--timeout=9"], ["-H", "X-A: b"], ["--method", "GET"]):
        done = run(*words, scripted.url(), variables=variables)

        assert (done.returncode, "fine" in done.stdout) == (0, True), words
        assert "acme" not in done.stderr, words


@pytest.mark.parametrize("group", ["options", "commands"])
def test_broken_extension_is_named_and_the_rest_works(
    run: Run, install: Install, scripted: ScriptedServer, group: str
) -> None:
    variables = install({}, f"[hookline.{group}]\nhello = no_such_module\n")
    scripted.answer(response(b"fine"))

    done = run("--no-follow", scripted.url(), variables=variables)
    used = run("hello", "x", variables=variables)
    shown = run("--help", variables=variables)

    assert (done.returncode, done.stdout) == (0, "fine")
    assert shown.returncode == 0
    if group == "options":
        assert "the options of acme cannot be loaded: ModuleNotFoundError" in done.stderr
    else:
        assert used.returncode == 2
        assert "the command hello of acme cannot be loaded: ModuleNotFoundError" in used.stderr
        assert "hello        cannot be loaded: ModuleNotFoundError" in shown.stdout


def test_plugins_of_a_folder_are_loaded_where_it_is_named(run: Run, aiohttp_server: Server, tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "stamp.py").write_text(PLUGIN.replace("Acme", "Stamp").replace("acme", "stamp"))
    (folder / "plain.py").write_text(
        "from hookline import hookimpl\n@hookimpl\ndef pre_request(response):\n"
        "    response.request.headers['X-Plain'] = 'yes'\n"
    )
    (folder / "_helper.py").write_text("raise SystemExit('not loaded')")
    url = aiohttp_server.url("/echo")

    loaded = dict(json.loads(run(url, "--plugins-dir", "mine").stdout)["headers"])
    (folder / "broken.py").write_text("import no_such_module\n")
    broken = run(url, "--plugins-dir", "mine")
    missing = run(url, "--plugins-dir", "nowhere")

    assert (loaded["X-Stamp"], loaded["X-Plain"]) == ("None None", "yes")
    assert broken.returncode == missing.returncode == 2
    assert "broken.py cannot be loaded: ModuleNotFoundError" in broken.stderr
    assert "--plugins-dir nowhere: no such folder" in missing.stderr


def test_working_folder_is_never_searched(run: Run, aiohttp_server: Server, tmp_path: Path) -> None:
    for name in ("hookline", "hookline_redirects", "argparse", "stamp"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('loaded from the working folder')")

    assert run(aiohttp_server.url("/echo")).returncode == 0


def test_plugin_that_fails_is_one_line_with_what_to_do(run: Run, scripted: ScriptedServer, tmp_path: Path) -> None:
    (tmp_path / "bad.py").write_text(
        "from hookline import hookimpl\nclass Bad:\n    name = 'bad'\n    @hookimpl\n    def pre_request(self, response):\n"
        "        {}['x']\n"
    )

    done = run(scripted.url(), "--plugins-dir", ".")

    assert done.returncode == 3
    assert done.stderr == "hookline: KeyError: 'x'; raised in pre_request of plugin 'bad'; --disable leaves it out\n"
