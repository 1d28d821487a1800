"""The files of a new plugin, before the names are filled in (`string.Template`)."""

from __future__ import annotations

PYPROJECT = """\
[build-system]
requires = ["flit_core>=3.12,<5"]
build-backend = "flit_core.buildapi"

[project]
name = "$distribution"
version = "0.1.0"
description = "The plugin $plugin of the HTTP client Hookline"
readme = "README.md"
requires-python = ">=3.11"
dependencies = ["$core"]

[project.optional-dependencies]
test = ["$testing", "pytest>=8.4"]

# Loaded for every client. In the group "hookline.optional": where somebody asks for it by name.
[project.entry-points.hookline]
$plugin = "$package:$class_name"

[tool.flit.module]
name = "$package"

[tool.pytest.ini_options]
testpaths = ["tests"]
filterwarnings = ["error"]
"""

MODULE = '''\
"""Send the field $field with each request that asks for it."""

from __future__ import annotations

from typing import Any

from hookline import HttpResponse, Option, hookimpl

__all__ = ["$class_name"]


class $class_name:
    """One object for each client: what belongs to a client may be kept in it."""

    @hookimpl
    def declare(self) -> list[Option]:
        return [
            Option(
                "$plugin",
                None,
                convert=str,
                doc="the value of $field; None = no field",
            ),
        ]

    # A request without the option costs nothing.
    @hookimpl(options=("$plugin",))
    def pre_request(self, response: HttpResponse) -> None:
        # An option is an attribute, of a name that types do not know.
        request: Any = response.request
        value = request.$plugin
        if value is not None:
            # For this hop alone: the next one, behind a redirect, comes by itself.
            request.unredirected_headers["$field"] = value
'''

TESTS = '''\
"""What the plugin does, against a server on 127.0.0.1."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hookline import HttpClient
from hookline_testing.server import ScriptedServer, response

NAME = "$plugin"


def test_is_loaded_for_every_client() -> None:
    assert NAME in HttpClient().plugins


def test_field_is_sent_where_it_is_asked_for(
    hookline_server: ScriptedServer,
) -> None:
    hookline_server.always(response(b"ok"))
    url = hookline_server.url()

    with HttpClient(plugins=[NAME], autoload=False) as client:
        client.get(url, $plugin="one")
        client.get(url)

    first, second = hookline_server.requests
    assert first.header("$field") == "one"
    assert second.header("$field") is None


def test_conforms(hookline_conformance: Callable[..., Any]) -> None:
    hookline_conformance(NAME, $plugin="one")
'''

README = """\
# $distribution

Sends the field `$field` with each request that asks for it. A plugin of the HTTP client Hookline.

```python
from hookline import HttpClient

with HttpClient() as client:
    client.get("http://127.0.0.1:8000/", $plugin="one")
```

`HttpClient(disable=["$plugin"])` leaves the plugin out.

## Working on it

```sh
pip install -e '.[test]'
pytest
hookline plugins info $plugin
hookline plugins check $plugin $plugin=one
```

The hooks are in `$package/__init__.py`. `check` puts the plugin through what every plugin has to do.
`pip wheel --no-deps .` builds what others can install.
"""

FILES = {
    "pyproject.toml": PYPROJECT,
    "README.md": README,
    "$package/__init__.py": MODULE,
    "$package/py.typed": "",
    "tests/test_$plugin.py": TESTS,
}
