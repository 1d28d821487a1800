"""`hookline plugins`, with its actions info and order."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

import hookline_redirects
from hookline_testing.server import ScriptedServer, response

Run = Callable[..., "subprocess.CompletedProcess[str]"]
Show = Callable[..., tuple[int, str, str]]


def rows(output: str) -> dict[str, list[str]]:
    lines = [re.split("  +", line) for line in output.splitlines()]
    assert lines[0] == ["name", "distribution", "version", "state", "events", "runs for", "options"]
    return {line[0]: line[1:] for line in lines[1:]}


def section(output: str, title: str) -> list[str]:
    """The lines below a title, up to the next one of its depth."""
    lines = output.splitlines()
    at = next(number for number, line in enumerate(lines) if line.strip() == title)
    depth = len(lines[at]) - len(lines[at].lstrip())
    found = []
    for line in lines[at + 1 :]:
        if len(line) - len(line.lstrip()) <= depth:
            break
        found.append(line.strip())
    return found


Site = Callable[..., dict[str, str]]


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """`site("broken", "no_such_module:Broken")`: a distribution acme-broken 1.0 on the path; gives the variables."""

    def site(name: str, target: str, code: str = "", group: str = "hookline") -> dict[str, str]:
        metadata = tmp_path / f"acme_{name}-1.0.dist-info"
        metadata.mkdir()
        (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: acme-{name}\nVersion: 1.0\n")
        (metadata / "entry_points.txt").write_text(f"[{group}]\n{name} = {target}\n")
        if code:
            (tmp_path / f"{target.partition(':')[0]}.py").write_text(code)
        return {"PYTHONPATH": str(tmp_path)}

    return site


JAR = """
from hookline import Attribute, Body, DefaultHeader, MediaType, Option, Scheme, hookimpl

class Jar:
    replaces = "cookies"
    before = ("redirects",)

    @hookimpl(specname="declare")
    def all_of_it(self):
        return [
            Option("jar", "x" * 100, request=False, doc="what to \\x1b[31mkeep"),
            Option("bare"),
            Attribute("jar_size", len, of="request"),
            Body(("lid", "glass"), len, doc="a jar"),
            MediaType("application/jar", len),
            DefaultHeader("X-Jar", "yes"),
            Scheme("jars", 99, tls=True),
        ]

    @hookimpl(tryfirst=True, statuses=range(400, 500))
    def on_headers(self, response): ...
"""

# -- list


@pytest.mark.parametrize(("columns", "heading"), [(95, "name state events"), (200, "name distribution version state")])
def test_list_fits_a_narrow_terminal(on_terminal: Show, columns: int, heading: str) -> None:
    shown = on_terminal("plugins", columns=columns)[1].splitlines()

    assert max(map(len, shown)) <= columns
    assert " ".join(shown[0].split()).startswith(heading)


@pytest.mark.parametrize("words", [(), ("list",)])
def test_list_has_the_default_plugins(run: Run, words: tuple[str, ...]) -> None:
    done = run("plugins", *words)

    found = rows(done.stdout)
    assert (done.returncode, done.stderr) == (0, "")
    assert found["redirects"][0] == "hookline-redirects"
    assert found["redirects"][2] == "enabled"
    assert found["redirects"][3:5] == ["on_headers post_request", "-"]
    assert "allow_redirects" in found["redirects"][5].split()
    assert found["cookies"][4] == "option cookies, switch has_jar"
    assert found["expect"][4] == "option wait_continue, field expect"
    assert found["decompress"][2] == "enabled"
    assert found["retry"][2:] == ["optional", "-", "-", "-"]


def test_list_says_why_a_plugin_does_not_run(run: Run) -> None:
    by_argument = rows(run("plugins", "--disable", "redirects", "list", "--disable", "auth").stdout)
    by_variable = rows(run("plugins", variables={"HOOKLINE_DISABLE": "decompress"}).stdout)
    all_off = rows(run("plugins", variables={"HOOKLINE_DISABLE_PLUGIN_AUTOLOAD": "1"}).stdout)

    assert by_argument["redirects"][2:] == ["disabled", "-", "-", "-"]
    assert by_argument["basic"][2:] == by_argument["digest"][2:] == ["disabled", "-", "-", "-"]
    assert by_variable["decompress"][2:] == ["disabled", "-", "-", "-"]
    assert all_off["redirects"][2] == "not autoloaded"


def test_broken_plugin_is_listed_with_the_others_and_one_line_that_says_how_to_leave_it_out(
    run: Run, site: Site
) -> None:
    variables = site("broken", "no_such_module:Broken")

    refused = run("plugins", variables=variables)
    listed = run("plugins", "--disable", "broken", variables=variables)

    assert refused.returncode == 2
    assert refused.stderr.startswith("hookline: PluginError: plugin 'broken' of acme-broken 1.0 cannot be imported")
    assert refused.stderr.count("\n") == 1
    assert rows(refused.stdout)["broken"] == ["acme-broken", "1.0", "broken", "-", "-", "-"]
    assert rows(refused.stdout)["redirects"][2] == "enabled"
    assert (listed.returncode, listed.stderr) == (0, "")
    assert rows(listed.stdout)["broken"][:3] == ["acme-broken", "1.0", "disabled"]


def test_every_broken_plugin_is_named(run: Run, site: Site) -> None:
    site("broken", "no_such_module:Broken")
    variables = site(
        "wrong",
        "acme_wrong:Wrong",
        "from hookline import hookimpl\nclass Wrong:\n  on_heders = hookimpl()(lambda s: 0)\n",
    )

    done = run("plugins", variables=variables)

    assert done.returncode == 2
    assert done.stderr.count("\n") == 2
    assert "unknown hook 'on_heders'; did you mean 'on_headers'?" in done.stderr
    assert rows(done.stdout)["wrong"][2] == rows(done.stdout)["broken"][2] == "broken"


def test_broken_plugin_does_not_choose_who_else_is_left_out(run: Run, site: Site) -> None:
    variables = site("sly", "acme_sly:Sly", """raise ValueError("disable=['cookies'] leaves it out")""")

    found = rows(run("plugins", variables=variables).stdout)

    assert found["sly"][2] == "broken"
    assert found["cookies"][2] == "enabled"


def test_of_two_plugins_of_one_name_that_of_another_project_is_broken(run: Run, site: Site) -> None:
    variables = site("cookies", "acme_jar:Jar", JAR)

    done = run("plugins", variables=variables)

    assert done.returncode == 2
    lines = [re.split("  +", line) for line in done.stdout.splitlines() if line.startswith("cookies ")]
    assert sorted([line[1], line[3]] for line in lines) == [["acme-cookies", "broken"], ["hookline-cookies", "enabled"]]
    assert "two plugins are named 'cookies': one of hookline-cookies" in done.stderr


def test_plugins_that_the_environment_says_to_skip_are_listed_with_the_reason(run: Run, site: Site) -> None:
    variables = {**site("broken", "no_such_module:Broken"), "HOOKLINE_BROKEN_PLUGINS": "skip"}

    listed = run("plugins", variables=variables)
    ordered = run("plugins", "order", "pre_request", variables=variables)
    shown = run("plugins", "info", "broken", variables=variables)
    checked = run("doctor", variables=variables)

    reason = "hookline: PluginError: plugin 'broken' of acme-broken 1.0 cannot be imported: ModuleNotFoundError"
    for done in (listed, ordered, shown, checked):
        assert done.returncode == 0
        assert done.stderr.startswith(reason)
        assert done.stderr.count("\n") == 1
    assert rows(listed.stdout)["broken"] == ["acme-broken", "1.0", "skipped", "-", "-", "-"]
    assert "not running: broken (skipped)" in ordered.stdout
    assert shown.stdout.endswith("  state         skipped\n")
    assert re.search(r"broken +skipped \(acme-broken 1\.0\)", checked.stdout)


def test_request_beside_a_skipped_plugin_is_sent_with_a_warning(run: Run, site: Site, scripted: ScriptedServer) -> None:
    variables = site("broken", "no_such_module:Broken")
    scripted.always(response(b"fine"))

    refused = run(scripted.url(), variables=variables)
    sent = run(scripted.url(), variables={**variables, "HOOKLINE_BROKEN_PLUGINS": "skip"})

    assert (refused.returncode, refused.stdout) == (2, "")
    assert (sent.returncode, sent.stdout) == (0, "fine")
    assert sent.stderr.startswith("a broken plugin is skipped: plugin 'broken' of acme-broken 1.0 cannot be imported")


CIRCLE = """
from hookline import hookimpl

class Round:
    before = after = "redirects"

    @hookimpl
    def pre_request(self, response): ...
"""


def test_plugins_that_form_a_circle_are_listed(run: Run, site: Site) -> None:
    done = run("plugins", variables=site("round", "acme_round:Round", CIRCLE))

    assert done.returncode == 2
    assert "form a cycle" in done.stderr
    assert [line for line in done.stdout.splitlines() if "  broken  " in line]


def test_unknown_name_to_disable_is_an_error(run: Run) -> None:
    done = run("plugins", "--disable", "redirect")

    assert (done.returncode, done.stdout) == (2, "")
    assert "did you mean 'redirects'?" in done.stderr


def test_name_of_a_plugin_is_no_action(run: Run) -> None:
    done = run("plugins", "redirects")

    assert done.returncode == 2
    assert "invalid choice: 'redirects'" in done.stderr


# -- info


def test_info_says_what_a_plugin_is_and_declares(run: Run) -> None:
    done = run("plugins", "info", "redirects")

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"redirects\n  distribution  hookline-redirects {hookline_redirects.__version__}\n")
    assert "  entry point   hookline: hookline_redirects:Redirects\n" in done.stdout
    assert "  exports       TooManyRedirects\n" in done.stdout
    assert "  state         enabled\n" in done.stdout
    assert "max_redirects = 10: how many to follow in one call; None = any" in section(done.stdout, "options")
    assert "Proxy-Authorization" in section(done.stdout, "credentials")
    assert [line.split()[0] for line in section(done.stdout, "events")] == ["on_headers", "post_request"]


def test_info_of_a_distribution_has_all_its_plugins(run: Run) -> None:
    done = run("plugins", "info", "hookline-auth")

    assert [line for line in done.stdout.splitlines() if line and not line.startswith(" ")] == ["basic", "digest"]


@pytest.mark.parametrize("name", ["red.jar", "Red-Jar", "red_jar", "acme-red.jar", "ACME_red_jar"])
def test_info_takes_a_name_in_every_form_that_disable_takes(run: Run, site: Site, name: str) -> None:
    variables = site("red.jar", "acme_red:Jar", JAR)

    done = run("plugins", "info", name, variables=variables)
    left_out = run("plugins", "--disable", name, variables=variables)

    assert done.stdout.startswith("red_jar\n  distribution  acme-red.jar 1.0\n")
    assert "  entry point   hookline: acme_red:Jar\n" in done.stdout
    assert rows(left_out.stdout)["red_jar"][2] == "disabled"


def test_info_loads_an_optional_plugin_alone(run: Run) -> None:
    done = run("plugins", "info", "retry")

    assert (done.returncode, done.stderr) == (0, "")
    assert "  state         optional\n" in done.stdout
    assert section(done.stdout, "events")[0].endswith("1 of 1: statuses 400-599")


def test_info_shows_the_replaced_and_the_replacement(run: Run, site: Site) -> None:
    variables = site("jar", "acme_jar:Jar", JAR)

    replaced = run("plugins", "info", "cookies", variables=variables)
    jar = run("plugins", "info", "acme-jar", variables=variables).stdout

    assert (replaced.returncode, replaced.stderr) == (0, "")
    assert "  state         replaced by jar\n" in replaced.stdout
    assert section(replaced.stdout, "attributes")[1] == "client.cookies: the jar"
    assert "  replaces      cookies\n  before        redirects\n" in jar
    assert section(jar, "events")[0].partition(" of ")[0].endswith(" 2")  # behind the guard
    assert section(jar, "events")[0].endswith(": before redirects; tryfirst; statuses 400-499")
    kept, bare = section(jar, "options")
    assert kept.endswith("xxx…: what to \\x1b[31mkeep (client only)")
    assert len(kept) < 120
    assert bare == "bare = None: no description"
    assert section(jar, "bodies") == ["lid, glass: a jar"]
    assert section(jar, "media types") == ["application/jar: no description"]
    assert section(jar, "attributes") == ["request.jar_size"]
    assert section(jar, "default fields") == ["X-Jar: yes"]
    assert section(jar, "schemes") == ["jars, port 99 with TLS"]


def test_info_of_a_plugin_that_a_variable_has_replaced_is_what_is_known_of_it(run: Run, site: Site) -> None:
    variables = {**site("jar", "acme_jar:Jar", JAR, group="hookline.optional"), "HOOKLINE_PLUGINS": "jar"}

    done = run("plugins", "info", "cookies", variables=variables)

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith("  state         replaced by jar\n")


def test_info_does_not_load_what_is_disabled(run: Run, site: Site) -> None:
    variables = site("loud", "acme_loud:Loud", "raise SystemExit('it was imported')")

    by_argument = run("plugins", "info", "loud", "--disable", "loud", variables=variables)
    by_variable = run("plugins", "info", "loud", variables={**variables, "HOOKLINE_DISABLE": "loud"})

    for done in (by_argument, by_variable):
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.endswith("  state         disabled\n")


@pytest.mark.parametrize(("group", "state"), [("hookline", "broken"), ("hookline.optional", "optional")])
def test_info_says_why_a_plugin_cannot_be_loaded(run: Run, site: Site, group: str, state: str) -> None:
    variables = site("broken", "no_such_module:Broken", group=group)

    done = run("plugins", "info", "broken", variables=variables)

    assert done.returncode == 2
    assert done.stdout.endswith(f"  entry point   {group}: no_such_module:Broken\n  state         {state}\n")
    assert "cannot be imported: ModuleNotFoundError" in done.stderr
    assert done.stderr.count("\n") == 1


def test_info_of_an_unknown_name_is_an_error_with_the_nearest(run: Run) -> None:
    near = run("plugins", "info", "redirect")
    far = run("plugins", "info", "nosuch")

    assert near.returncode == far.returncode == 2
    assert "no plugin 'redirect' is installed; did you mean 'redirects'?" in near.stderr
    assert "no plugin 'nosuch' is installed; installed are basic, bodies, cache, " in far.stderr


# -- order


def test_order_says_who_runs_when_and_why(run: Run) -> None:
    done = run("plugins", "order", "post_request")

    assert (done.returncode, done.stderr) == (0, "")
    turns = section(done.stdout, "post_request")
    assert [turn.partition(".")[0] for turn in turns] == [str(number + 1) for number in range(len(turns))]
    assert any("redirects  statuses 301, 302, 303, 307, 308; headers location" in turn for turn in turns)
    names = [turn.split()[1] for turn in turns]
    assert names.index("digest") < names.index("expect")
    assert "not running: retry (optional)" in done.stdout.splitlines()


def test_order_says_for_which_requests_a_plugin_runs(run: Run) -> None:
    turns = section(run("plugins", "order", "pre_request").stdout, "pre_request")

    whys = dict(turn.partition(". ")[2].split("  ", 1) for turn in turns)
    assert whys["cookies"].strip() == (
        "after cache, which says before; after throttle, which says before; runs for option cookies or switch has_jar"
    )
    assert whys["websocket"].strip() == "schemes ws, wss, for which no other is skipped"


def test_order_without_an_event_has_all_five_as_they_fire(run: Run) -> None:
    lines = run("plugins", "order").stdout.splitlines()

    events = [line for line in lines if not line.startswith((" ", "not running"))]
    assert events == ["pre_request", "data_received", "on_headers", "data_processed", "post_request"]
    assert lines[lines.index("data_received") + 1] == "  no plugin"


def test_order_follows_what_is_left_out_and_what_is_added(run: Run) -> None:
    less = run("plugins", "order", "on_headers", "--disable", "cookies").stdout
    more = run("plugins", "order", "on_headers", variables={"HOOKLINE_PLUGINS": "retry"}).stdout

    assert "cookies" not in " ".join(section(less, "on_headers"))
    assert "not running: cookies (disabled)" in less
    assert any(turn.split()[1] == "retry" for turn in section(more, "on_headers"))


def test_order_of_what_is_no_event_is_an_error(run: Run) -> None:
    done = run("plugins", "order", "post_requests")

    assert (done.returncode, done.stdout) == (2, "")
    assert "no event 'post_requests'; did you mean 'post_request'?" in done.stderr


def test_order_beside_a_broken_plugin_is_shown_with_its_error(run: Run, site: Site) -> None:
    done = run("plugins", "order", "post_request", variables=site("broken", "no_such_module:Broken"))

    assert done.returncode == 2
    assert section(done.stdout, "post_request")
    assert "not running: broken (broken)" in done.stdout
    assert done.stderr.count("\n") == 1
