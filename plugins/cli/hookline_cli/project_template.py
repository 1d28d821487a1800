"""The files of a new plugin, as `string.Template`: `$plugin` and so on stand for its names, `$$` for a dollar sign."""

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
keywords = ["hookline", "http", "client"]
classifiers = [
    "Programming Language :: Python :: 3",
    "Programming Language :: Python :: 3.11",
    "Programming Language :: Python :: 3.12",
    "Programming Language :: Python :: 3.13",
    "Programming Language :: Python :: 3.14",
    "Typing :: Typed",
]
dependencies = ["$core"]

[project.optional-dependencies]
test = ["$testing", "pytest>=8.4"]
types = ["$testing", "mypy>=1.14", "pytest>=8.4"]

# Loaded for every client. In the group "hookline.optional" it would be loaded only where it is named.
[project.entry-points.hookline]
$plugin = "$package:$class_name"

[tool.flit.module]
name = "$package"

[tool.pytest.ini_options]
testpaths = ["tests"]
filterwarnings = ["error"]

[tool.mypy]
strict = true
files = ["$package", "tests"]
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

On GitHub, `.github/workflows/test.yml` runs the tests with each version of Python and checks the types.
`.github/workflows/publish.yml` uploads a release to the package index when it is published on GitHub. For that,
choose a licence, and tell the index once that it may trust this repository, the workflow `publish.yml` and the
environment `release`; no password is stored anywhere.
"""

TEST_WORKFLOW = """\
name: test

on:
  push:
    branches: [main]
  pull_request:
  workflow_call:

permissions:
  contents: read

jobs:
  test:
    runs-on: ubuntu-latest
    strategy:
      fail-fast: false
      matrix:
        python: ["3.11", "3.12", "3.13", "3.14"]
    steps:
      - uses: actions/checkout@v6
      - uses: actions/setup-python@v6
        with:
          python-version: $${{ matrix.python }}
      - run: python -m pip install -e ".[test]"
      - run: python -m pytest

  types:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v6
      - uses: actions/setup-python@v6
        with:
          python-version: "3.11"
      - run: python -m pip install -e ".[types]"
      - run: python -m mypy
"""

PUBLISH_WORKFLOW = """\
name: publish

on:
  release:
    types: [published]

permissions:
  contents: read

jobs:
  test:
    uses: ./.github/workflows/test.yml

  build:
    needs: test
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v6
      - uses: actions/setup-python@v6
        with:
          python-version: "3.14"
      - run: python -m pip install build twine
      - run: python -m build
      - run: python -m twine check --strict dist/*
      - uses: actions/upload-artifact@v7
        with:
          name: dist
          path: dist/

  # The only job that may ask for the token with which the index lets it upload (trusted publishing). It runs
  # nothing of this repository.
  publish:
    needs: build
    runs-on: ubuntu-latest
    environment: release
    permissions:
      id-token: write
    steps:
      - uses: actions/download-artifact@v8
        with:
          name: dist
          path: dist/
      - uses: pypa/gh-action-pypi-publish@release/v1
"""

GITIGNORE = """\
__pycache__/
*.egg-info/
.venv/
.mypy_cache/
.pytest_cache/
build/
dist/
"""

FILES = {
    "pyproject.toml": PYPROJECT,
    "README.md": README,
    "$package/__init__.py": MODULE,
    "$package/py.typed": "",
    "tests/test_$plugin.py": TESTS,
    ".github/workflows/test.yml": TEST_WORKFLOW,
    ".github/workflows/publish.yml": PUBLISH_WORKFLOW,
    ".gitignore": GITIGNORE,
}
