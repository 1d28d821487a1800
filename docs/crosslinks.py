"""Links of the site: code that is a public name leads to its section, types lead there or to Python's documentation."""

from __future__ import annotations

import sys
from typing import Any

from python_pages import page_of

# The variables that all examples use, and what they are.
OWNERS = {"client": "HttpClient", "request": "HttpRequest", "response": "HttpResponse"}


def described_name(text: str, described: dict[str, Any], package: str | None) -> str | None:
    """Return the qualified name that code such as `HttpClient`, `response.text` or `Timeout()` stands for; None if unknown.

    described: what the site describes, by qualified name. package: the package that the page is about.
    """
    name = text.removesuffix("()")
    head, _, rest = name.partition(".")
    if rest and head in OWNERS:
        name = f"{OWNERS[head]}.{rest}"
    for prefix in (f"{package}." if package else "", "hookline.", ""):
        if prefix + name in described:
            return prefix + name
    return None


def setup(app: Any) -> dict[str, bool]:
    """Connect the resolvers to Sphinx."""
    from docutils import nodes
    from sphinx import addnodes
    from sphinx.util import logging

    log = logging.getLogger(__name__)

    def resolve(app: Any, env: Any, node: Any, contnode: Any) -> Any:
        """Link a type of a signature to Python's documentation; names that nobody describes stay text."""
        if node.get("refdomain") != "py":
            return None
        name = node["reftarget"]
        url = page_of(name)
        if url is not None:
            return nodes.reference("", "", contnode, refuri=url, internal=False, reftitle=f"{name} in Python")
        package, _, rest = name.partition(".")
        if package.startswith("hookline"):
            log.warning("%s is public, but on no page of the reference", name, location=node)
        elif rest and package in sys.stdlib_module_names:
            log.warning("%s has no page in python_pages.py", name, location=node)
        return contnode

    def link_code(app: Any, doctree: Any, page: str) -> None:
        """Make links of the code in prose: of each name once in a section."""
        described = app.env.domains.python_domain.objects
        package = f"hookline_{page.rpartition('/')[2]}" if page.startswith("packages/") else None
        seen: set[tuple[int, str]] = set()
        for literal in list(doctree.findall(nodes.literal)):
            parents = list(ancestors(literal))
            if any(isinstance(parent, (nodes.reference, nodes.title, addnodes.desc_signature)) for parent in parents):
                continue
            name = described_name(literal.astext(), described, package)
            place = next(
                (parent for parent in parents if isinstance(parent, (nodes.section, addnodes.desc_content))), doctree
            )
            if any(isinstance(parent, nodes.table) for parent in parents):
                place = literal  # rows of tables are read one by one
            if name is None:
                url = page_of(literal.astext().removesuffix("()"))
                if url is None or literal.astext() in ("None", "True", "False"):
                    continue
                target = {"refuri": url, "internal": False, "reftitle": f"{literal.astext()} in Python"}
            else:
                entry = described[name]
                uri = app.builder.get_relative_uri(page, entry.docname) if entry.docname != page else ""
                target = {"refuri": f"{uri}#{entry.node_id}", "internal": True, "reftitle": name}
                if entry.node_id in [
                    anchor for parent in parents if isinstance(parent, addnodes.desc) for anchor in parent[0]["ids"]
                ]:
                    continue  # it stands in its own description
            if (id(place), literal.astext()) not in seen:
                seen.add((id(place), literal.astext()))
                literal.replace_self(nodes.reference("", "", literal.deepcopy(), **target))

    def ancestors(node: Any) -> Any:
        while node.parent is not None:
            node = node.parent
            yield node

    app.connect("missing-reference", resolve)
    app.connect("doctree-resolved", link_code)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
