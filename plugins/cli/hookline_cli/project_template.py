"""The files of a new plugin, as `string.Template`: `$plugin` and so on stand for its names."""

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

# Loaded for every client. In the group "hookline.optional" it would be loaded only where it is named.
[project.entry-points.hookline]
$plugin = "$package:$class_name"

[tool.flit.module]
name = "$package"

[tool.pytest.ini_options]
testpaths = ["tests"]
filterwarnings = ["error"]
"""

MODULE = '''\
"""Send the field $field with each request that has the option $plugin."""

from __future__ import annotations

from hookline import HttpRequest, HttpResponse, Option, hookimpl

__all__ = [
    "$class_name",
    "${class_name}Request",
]


class ${class_name}Request:
    """What this plugin adds to requests, for type checkers."""

    $plugin: str | None


class Request(${class_name}Request, HttpRequest):
    """A request with what this plugin adds."""


class $class_name:
    """The plugin. Each client has its own object, which may keep data of that client."""

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

    # Not called for requests without the option.
    @hookimpl(options=("$plugin",))
    def pre_request(self, response: HttpResponse[Request]) -> None:
        request = response.request
        value = request.$plugin
        if value is not None:
            # Fields here are not repeated when a redirect is followed: the hook is
            # called again for the next request.
            request.unredirected_headers["$field"] = value
'''

TESTS = '''\
"""What the plugin does, against a server on 127.0.0.1."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hookline import HttpClient, SyncHttpClient
from hookline_testing.server import ScriptedServer, response

NAME = "$plugin"


def test_is_loaded_for_every_client() -> None:
    assert NAME in HttpClient().plugins


def test_field_is_sent_with_the_option(
    hookline_server: ScriptedServer,
) -> None:
    hookline_server.always(response(b"ok"))
    url = hookline_server.url()

    with SyncHttpClient(plugins=[NAME], autoload=False) as client:
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

Sends the field `$field` with each request that has the option `$plugin`. A plugin of the HTTP client Hookline.

```python
from hookline import HttpClient

with HttpClient() as client:
    client.get("http://127.0.0.1:8000/", $plugin="one")
```

`HttpClient(disable=["$plugin"])` leaves the plugin out.

## Development

```sh
pip install -e '.[test]'
pytest
hookline plugins info $plugin
hookline plugins check $plugin $plugin=one
```

The hooks are in `$package/__init__.py`. `check` runs the checks that every plugin must pass.
`pip wheel --no-deps .` builds a wheel that others can install.
"""

FILES = {
    "pyproject.toml": PYPROJECT,
    "README.md": README,
    "$package/__init__.py": MODULE,
    "$package/py.typed": "",
    "tests/test_$plugin.py": TESTS,
}
