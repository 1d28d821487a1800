"""`hookline doctor`: versions, plugins, TLS, proxies and environment, as the client sees them, without secrets."""

from __future__ import annotations

import os
import platform
import ssl
import sys
from collections.abc import Iterable, Iterator, Sequence
from importlib.metadata import distributions
from typing import Any

from .arguments.client_options import OptionTable
from .arguments.config import config_path
from .arguments.parser import Parser
from .extensions import COMMANDS, OPTIONS, extensions, refused_commands
from .output.printer import Printer, printable
from .output.secrets import hide_password
from .running import WRONG_USE, run

WIDTH = 20  # characters of the first column
VARIABLES = ("NO_COLOR", "TERM", "COLUMNS", "SSL_CERT_FILE", "SSL_CERT_DIR", "SSLKEYLOGFILE", "LANG", "LC_ALL")


def run_doctor(words: Sequence[str], printer: Printer) -> int:
    """Run `hookline doctor`, and return its exit status: 2 if a plugin or its options cannot be loaded.

    Raises: UsageError; SystemExit, for --help.
    """
    parser = Parser(
        "hookline doctor",
        description="Show versions, plugins, TLS, proxies and environment, as the client sees them. Sends nothing.",
    )
    parser.parse_args(words)
    return run(show_findings(printer), printer)


async def show_findings(printer: Printer) -> int:
    """Print all findings, and return the exit status.

    Raises: PluginError, for an error that leaving out plugins does not remove.
    """
    from .installed import installed_plugins
    from .loading import load_client, print_broken
    from .request.request_parser import request_parser

    _, table = request_parser()
    async with load_client(()) as client:
        show_section(printer, "versions", versions())
        show_section(printer, "distributions", hookline_distributions())
        plugins = installed_plugins(client)
        states = [(plugin.name, f"{plugin.state} ({plugin.distribution} {plugin.version})") for plugin in plugins]
        show_section(printer, "plugins", states)
        show_section(printer, "command line", command_line(table))
        show_section(printer, "TLS", tls(client))
        for name, module in table.modules.items():
            diagnose = getattr(module, "diagnose", None)
            if diagnose is not None:
                show_section(printer, f"plugin {name}", diagnose(client))
        show_section(printer, "environment", environment())
    status = print_broken(printer, plugins)
    for failure in table.failures:
        printer.error(failure)
    return WRONG_USE if table.failures else status


def show_section(printer: Printer, title: str, rows: Iterable[tuple[str, str]]) -> None:
    """Print a title and a line for each row; nothing if there are no rows."""
    found = list(rows)
    if found:
        printer.line(printer.style(printer.out, "title", title))
    for name, value in found:
        printer.line(f"  {printer.style(printer.out, 'name', f'{name:<{WIDTH}}')} {printable(hide_password(value))}")


def versions() -> Iterator[tuple[str, str]]:
    """Yield the versions of what everything runs on."""
    yield "Python", f"{platform.python_version()} ({sys.executable})"
    yield "OpenSSL", ssl.OPENSSL_VERSION
    yield "system", platform.platform(terse=True)


def hookline_distributions() -> Iterator[tuple[str, str]]:
    """Yield the installed distributions that bring something to Hookline, with their versions."""
    found: dict[str, str] = {}
    for each in distributions():
        if (
            any(point.group.partition(".")[0] == "hookline" for point in each.entry_points)
            or each.name == "hookline-core"
        ):
            found.setdefault(each.name, each.version)
    yield from sorted(found.items())


def command_line(table: OptionTable) -> Iterator[tuple[str, str]]:
    """Yield what plugins bring to the command line, and where the configuration is."""
    yield "options of", ", ".join(each.name for each in extensions(OPTIONS)) or "none"
    yield "commands", ", ".join(each.name for each in extensions(COMMANDS)) or "none"
    for plugin, flag in table.refused():
        yield "taken already", f"{flag} of {plugin}"
    for command in refused_commands():
        yield "taken already", f"command {command.name} of {command.distribution}"
    yield "configuration", config_path() if os.path.exists(config_path()) else f"{config_path()} (not there)"


def tls(client: Any) -> Iterator[tuple[str, str]]:
    """Yield how certificates are checked."""
    from hookline import TLS

    yield "verify", str(client.verify)
    context = client.contexts.get(TLS())
    yield "authorities", f"{context.cert_store_stats()['x509_ca']} loaded"
    paths = ssl.get_default_verify_paths()
    yield "authority file", str(paths.cafile or f"{paths.openssl_cafile} (not there)")
    yield "versions", f"{context.minimum_version.name} to {context.maximum_version.name}".replace("_SUPPORTED", "")


def environment() -> Iterator[tuple[str, str]]:
    """Yield the variables that Hookline and its command line read."""
    for name, value in sorted(os.environ.items()):
        if name.startswith("HOOKLINE_") or name in VARIABLES:
            yield name, value
