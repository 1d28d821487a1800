"""What other distributions bring to the command line: options and commands, by entry points."""

from __future__ import annotations

import json
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


@pytest.fixture
def install(tmp_path: Path) -> Install:
    """`install({"module": source}, entry_points)`: the distribution acme 1.0 on the path; gives the variables."""

    def install(sources: dict[str, str], entry_points: str) -> dict[str, str]:
        folder = tmp_path / "site"
        metadata = folder / "acme-1.0.dist-info"
        metadata.mkdir(parents=True)
        (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: acme\nVersion: 1.0\n")
        (metadata / "entry_points.txt").write_text(entry_points)
        for name, source in sources.items():
            (folder / f"{name}.py").write_text(source)
        return {"PYTHONPATH": str(folder)}

    return install


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


@pytest.mark.parametrize("group", ["options", "commands"])
def test_broken_extension_is_named_and_the_rest_works(
    run: Run, install: Install, scripted: ScriptedServer, group: str
) -> None:
    variables = install({}, f"[hookline.{group}]\nhello = no_such_module\n")
    scripted.answer(response(b"fine"))

    done = run(scripted.url(), variables=variables)
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
