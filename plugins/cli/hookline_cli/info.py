"""`hookline plugins info NAME`: one plugin, with all that it says of itself."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from importlib.metadata import EntryPoint, PackageNotFoundError, distribution
from typing import Any, cast

from hookline import Attribute, Credential, DefaultHeader, HttpClient, Option, PluginError, Scheme
from hookline.cli.console import DONE, WRONG_USE
from hookline.cli.printer import Printer, printable

from .loading import load, load_alone
from .states import Found, find_all, named, normalized

PLUGIN_GROUPS = ("hookline", "hookline.optional")
NAMES_GROUP = "hookline.names"
COLUMN = 14
WIDEST = 60  # characters of a default


async def show_info(printer: Printer, name: str, disable: Sequence[str]) -> int:
    """Print what a plugin is, does and declares; returns the exit status.

    name: of a plugin, or of a distribution, which stands for all its plugins. One that does not run is loaded alone, unless
    it is disabled.

    Raises: PluginError, for a name that is not there, and where leaving out one plugin is no remedy.
    """
    client, broken = load(disable)
    status = DONE
    async with client:
        for number, found in enumerate(named(name, find_all(client, broken))):
            if number:
                printer.line()
            for line in head(found):
                printer.line(printable(line))
            error = broken.get(found.name)
            try:
                for line in body(client, found):
                    printer.line(printable(line))
            except PluginError as failure:
                error = error or failure
            if error is not None:
                printer.error(error)
                status = WRONG_USE
    return status


def head(found: Found) -> Iterator[str]:
    """What is known without loading it."""
    yield found.name
    if found.distribution is not None:
        yield field("distribution", f"{found.distribution} {found.version}")
        summary, points = metadata(found.distribution)
        if summary:
            yield field("summary", summary)
        for point in points:
            if point.group in PLUGIN_GROUPS and normalized(point.name) == found.name:
                yield field("entry point", f"{point.group}: {point.value}")
        exported = [point.name for point in points if point.group == NAMES_GROUP]
        if exported:
            yield field("exports", ", ".join(sorted(exported)))
    yield field("state", found.state)


def metadata(name: str) -> tuple[str, Sequence[EntryPoint]]:
    """The summary of a distribution, and its entry points."""
    try:
        found = distribution(name)
    except PackageNotFoundError:  # uninstalled a moment ago
        return "", ()
    return str(found.metadata.json.get("summary", "")), tuple(found.entry_points)


def body(client: HttpClient, found: Found) -> Iterator[str]:
    """What only the plugin itself can say; nothing for one that must not, or cannot, be loaded.

    Raises: PluginError, when it cannot be loaded.
    """
    if found.state in ("disabled", "broken"):
        return
    home = client if found.is_enabled else load_alone(found.name)
    if found.name not in home.plugins:  # HOOKLINE_PLUGINS loads its replacement, even so
        return
    plugin = home.plugins[found.name].plugin
    for relation in ("replaces", "before", "after"):
        names = getattr(plugin, relation, ())
        if names:
            yield field(relation, names if isinstance(names, str) else ", ".join(names))
    yield from section("events", places(home, found.name))
    yield from declarations(declared_by(home, found.name))


def places(client: HttpClient, name: str) -> Iterator[str]:
    """Its turn at each event at which it runs, and why there."""
    for event in client.plugins[name].hooks:
        order = client.plugins.order(event)
        for number, (owner, why) in enumerate(order, 1):
            if owner == name:
                yield f"{event.ljust(COLUMN)}  {number} of {len(order)}: {why}"


def declared_by(client: HttpClient, name: str) -> list[Any]:
    """All that a plugin declares."""
    declaring = client.plugins.manager.hook.declare.get_hookimpls()
    return [
        each for hook in declaring if hook.plugin_name == name for each in cast("Iterable[Any]", hook.function() or ())
    ]


def declarations(declared: Sequence[object]) -> Iterator[str]:
    """A section for each kind of declaration."""
    yield from section("options", (option_in_words(o) for o in declared if isinstance(o, Option)))
    yield from section(
        "attributes",
        (f"{a.of}.{a.name}{f': {a.doc}' if a.doc else ''}" for a in declared if isinstance(a, Attribute)),
    )
    yield from section(
        "schemes",
        (f"{s.name}, port {s.port}{' with TLS' if s.tls else ''}" for s in declared if isinstance(s, Scheme)),
    )
    yield from section("credentials", (c.name for c in declared if isinstance(c, Credential)))
    yield from section("default fields", (f"{d.name}: {d.value}" for d in declared if isinstance(d, DefaultHeader)))


def option_in_words(option: Option) -> str:
    """Its default, what it means, and where it may be given, when that is not everywhere."""
    where = "" if option.client and option.request else f" ({'client' if option.client else 'request'} only)"
    default = repr(option.default)
    default = default if len(default) <= WIDEST else f"{default[:WIDEST]}…"
    return f"{option.name} = {default}: {option.doc or 'no description'}{where}"


def field(name: str, value: str) -> str:
    return f"  {name.ljust(COLUMN)}{value}"


def section(title: str, lines: Iterable[str]) -> Iterator[str]:
    """The lines below their title; nothing where there are none."""
    indented = [f"    {line}" for line in lines]
    if indented:
        yield f"  {title}"
        yield from indented
