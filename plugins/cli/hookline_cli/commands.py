"""Run the command that the arguments name: one of ours, one of a plugin, or one request."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from .arguments.parser import Parser
from .extensions import find_command
from .output.printer import Printer
from .running import DONE, INTERRUPTED, WRONG_USE, UsageError, run


def run_command(arguments: Sequence[str] | None = None) -> int:
    """Run one command, and return its exit status. arguments: None = those of the program."""
    words = sys.argv[1:] if arguments is None else list(arguments)
    printer = Printer()
    try:
        return dispatch(words, printer)
    except UsageError as error:
        printer.error(error)
        return WRONG_USE
    except KeyboardInterrupt:  # while modules are imported
        return INTERRUPTED
    except SystemExit as end:  # --help and --version
        return end.code if isinstance(end.code, int) else DONE


def dispatch(words: list[str], printer: Printer) -> int:
    """Run the command that the first word names, and return the exit status.

    Raises: UsageError; SystemExit, for --help and --version.
    """
    name = words[0] if words else ""
    if name == "plugins":
        from .plugins_command import run_plugins

        return run_plugins(words[1:], printer)
    if name == "demo":
        from .arguments.client_options import add_disable
        from .demo.tour import run_tour

        about = "A tour of what the client and its plugins do, with a built-in server. Needs no network."
        parser = Parser("hookline demo", description=about)
        add_disable(parser)
        parser.add_argument("--fast", action="store_true", help="do not wait between the parts on a terminal")
        given = parser.parse_args(words[1:])
        return run(run_tour(printer, given.disable, is_fast=given.fast), printer)
    if name == "doctor":
        from .doctor import run_doctor

        return run_doctor(words[1:], printer)
    if name == "completion":
        from .completion import run_completion

        return run_completion(words[1:], printer)
    extension = find_command(name)
    if extension is not None:
        from .plugin_command import run_extension

        return run_extension(extension, words[1:], printer)
    return run_request(words, printer)


def run_request(words: list[str], printer: Printer) -> int:
    """Run `hookline [METHOD] URL`, and return the exit status.

    Raises: UsageError; SystemExit.
    """
    from .arguments.config import configured_words
    from .request.plan import make_plan
    from .request.request_parser import request_parser

    words = [*configured_words(), *words]
    parser, table = request_parser(words)
    given = parser.parse_intermixed_args(words)
    for failure in table.failures:
        printer.error(failure)
    plan = make_plan(given)
    options = table.given(given)
    if given.code:
        from .request.as_python import as_python

        printer.line(as_python(plan, options))
        return DONE
    if given.explain:
        from .request.explain import explain

        if given.session:
            from .request.session import Session

            session = Session(given.session, plan.url)
            session.apply_fields(plan)
            options.keywords = {**session.keywords(options.modules), **options.keywords}

        return run(explain(printer, given, plan, options), printer)
    from .request.send import Exchange

    return run(Exchange(printer, given, plan, options).run(), printer)
