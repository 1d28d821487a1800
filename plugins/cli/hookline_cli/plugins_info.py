"""`hookline plugins info NAME`: show one plugin and its declarations."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from importlib.metadata import EntryPoint, PackageNotFoundError, distribution
from typing import Any, cast

from hookline import Attribute, Body, Credential, DefaultHeader, HttpClient, MediaType, Option, PluginError, Scheme

from .installed import InstalledPlugin, find_by_name, installed_plugins, normalized
from .loading import load_client, load_single, print_broken
from .output.printer import Printer, printable
from .running import DONE, WRONG_USE

PLUGIN_GROUPS = ("hookline", "hookline.optional")
NAMES_GROUP = "hookline.names"
NAME_WIDTH = 14  # characters of the first column
MAX_DEFAULT = 60  # characters of the default of an option


async def show_info(printer: Printer, name: str, disable: Sequence[str]) -> int:
    """Print the distribution, the state, the hooks and the declarations of a plugin; return the exit status.

    name: that of a plugin, or of a distribution, for all its plugins. A plugin that does not run is loaded for this, unless
    it is disabled.

    Raises: PluginError, for an unknown name, and for an error that leaving out plugins does not remove.
    """
    status = DONE
    async with load_client(disable) as client:
        for number, plugin in enumerate(find_by_name(name, installed_plugins(client))):
            if number:
                printer.line()
            for line in describe_distribution(plugin):
                printer.line(printable(line))
            try:
                for line in describe_plugin(client, plugin):
                    printer.line(printable(line))
            except PluginError as error:
                printer.error(error)
                status = WRONG_USE
            status = print_broken(printer, [plugin]) or status
    return status


def describe_distribution(plugin: InstalledPlugin) -> Iterator[str]:
    """Yield the lines for which the plugin need not be loaded."""
    yield plugin.name
    if plugin.distribution is not None:
        yield field("distribution", f"{plugin.distribution} {plugin.version}")
        summary, points = read_metadata(plugin.distribution)
        if summary:
            yield field("summary", summary)
        for point in points:
            if point.group in PLUGIN_GROUPS and normalized(point.name) == plugin.name:
                yield field("entry point", f"{point.group}: {point.value}")
        exported = [point.name for point in points if point.group == NAMES_GROUP]
        if exported:
            yield field("exports", ", ".join(sorted(exported)))
    yield field("state", plugin.state)


def read_metadata(name: str) -> tuple[str, Sequence[EntryPoint]]:
    """Return the summary of a distribution, and its entry points."""
    try:
        found = distribution(name)
    except PackageNotFoundError:  # uninstalled meanwhile
        return "", ()
    return str(found.metadata.json.get("summary", "")), tuple(found.entry_points)


def describe_plugin(client: HttpClient, plugin: InstalledPlugin) -> Iterator[str]:
    """Yield the lines for which the plugin must be loaded; none if it is disabled or broken.

    Raises: PluginError, if it cannot be loaded.
    """
    if plugin.state == "disabled" or plugin.error:
        return
    home = client if plugin.is_enabled else load_single(plugin.name)
    if plugin.name not in home.plugins:  # HOOKLINE_PLUGINS has loaded a plugin that replaces it
        return
    loaded = home.plugins[plugin.name].plugin
    for relation in ("replaces", "before", "after"):
        names = getattr(loaded, relation, ())
        if names:
            yield field(relation, names if isinstance(names, str) else ", ".join(names))
    yield from section("events", positions(home, plugin.name))
    yield from declarations(declared_by(home, plugin.name))


def positions(client: HttpClient, name: str) -> Iterator[str]:
    """Yield a line for each event at which a plugin runs: its position in the order, and the reason."""
    for event in client.plugins[name].hooks:
        order = client.plugins.order(event)
        for number, (owner, reason) in enumerate(order, 1):
            if owner == name:
                yield f"{event.ljust(NAME_WIDTH)}  {number} of {len(order)}: {reason}"


def declared_by(client: HttpClient, name: str) -> list[Any]:
    """Return all declarations of a plugin."""
    declaring = client.plugins.manager.hook.declare.get_hookimpls()
    return [
        each for hook in declaring if hook.plugin_name == name for each in cast("Iterable[Any]", hook.function() or ())
    ]


def declarations(declared: Sequence[object]) -> Iterator[str]:
    """Yield a section for each kind of declaration."""
    yield from section("options", (option_in_words(o) for o in declared if isinstance(o, Option)))
    yield from section("bodies", (names_in_words(b) for b in declared if isinstance(b, Body)))
    yield from section("media types", (names_in_words(m) for m in declared if isinstance(m, MediaType)))
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
    """Return the default and the description of an option, and where it may be given if not on clients and requests."""
    where = "" if option.client and option.request else f" ({'client' if option.client else 'request'} only)"
    default = repr(option.default)
    default = default if len(default) <= MAX_DEFAULT else f"{default[:MAX_DEFAULT]}…"
    return f"{option.name} = {default}: {option.doc or 'no description'}{where}"


def names_in_words(declaration: Body | MediaType) -> str:
    """Return the keywords of a body, or the media types that are decoded, and the description."""
    return f"{', '.join(declaration.names)}: {declaration.doc or 'no description'}"


def field(name: str, value: str) -> str:
    """Return a line with a name and a value."""
    return f"  {name.ljust(NAME_WIDTH)}{value}"


def section(title: str, lines: Iterable[str]) -> Iterator[str]:
    """Yield a title and the lines below it; nothing if there are no lines."""
    indented = [f"    {line}" for line in lines]
    if indented:
        yield f"  {title}"
        yield from indented
