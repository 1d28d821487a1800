"""`--code`: the request of a command line as a Python program. Credentials are read from the environment there."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..arguments.client_options import ClientOptions
from ..output.secrets import SECRET_FIELDS, hide_password
from .plan import RequestPlan

WIDTH = 100  # characters of a line of the program


class Code:
    """An expression, which shows as it is."""

    def __init__(self, text: str, *imports: str) -> None:
        self.text = text
        self.imports = imports

    def __repr__(self) -> str:
        return self.text


def as_python(plan: RequestPlan, options: ClientOptions) -> str:
    """Return the program."""
    imports = {"import asyncio", "from hookline import HttpClient"}
    plugins = [name for name in options.plugins if isinstance(name, str) and not is_default(name)]
    of_client = {"disable": options.disable, "plugins": plugins}
    keywords: dict[str, Any] = {**plan.keywords, **options.keywords}
    if plan.headers:
        keywords["headers"] = [(name, secret_field(name, value)) for name, value in plan.headers]
    for name in options.keywords:
        keywords[name] = option_as_code(name, options)
    text = {name: written(value, imports) for name, value in keywords.items()}
    method = plan.method.lower()
    is_own = method in ("get", "post", "put", "patch", "delete", "head", "options")
    function = f"client.{method}" if is_own else "client.request"
    first = [repr(hide_password(plan.url))] if is_own else [repr(plan.method), repr(hide_password(plan.url))]
    call = written_call(f"response = await {function}", [*first, *(f"{name}={each}" for name, each in text.items())])
    client = ", ".join(f"{name}={value!r}" for name, value in of_client.items() if value)
    return "\n".join(
        [
            *sorted(imports, key=lambda line: (line.startswith("from hookline"), line.startswith("from"), line)),
            "",
            "",
            "async def main() -> None:",
            f"    async with HttpClient({client}) as client:",
            *(f"        {line}" for line in call),
            "        print(response.status_code, response.text)",
            "",
            "",
            "asyncio.run(main())",
        ]
    )


def is_default(name: str) -> bool:
    """Say whether a plugin is loaded without being named."""
    from hookline import HttpClient

    return all(absent.name != name for absent in HttpClient().plugins.absent)


def secret_field(name: str, value: str | None) -> Any:
    """Return the value of a field as code: a credential comes from the environment."""
    if value is None or name.lower() not in SECRET_FIELDS:
        return value
    return from_environment(name)


def from_environment(name: str) -> Code:
    """Return the expression of an environment variable named after a field or an option."""
    return Code(f'os.environ["{name.upper().replace("-", "_")}"]', "import os")


def option_as_code(name: str, options: ClientOptions) -> Any:
    """Return the value of an option as code: the plugin knows its own objects, and a secret is never written."""
    value = options.keywords[name]
    for module in options.modules.values():
        convert = getattr(module, "as_code", None)
        found = convert(name, value) if convert is not None else None
        if found is not None:
            return Code(*found)
    if name in options.secrets:
        return from_environment(name)
    return value


def written(value: Any, imports: set[str]) -> str:
    """Return a value as code, and add what it needs to the imports."""
    if isinstance(value, Code):
        imports.update(value.imports)
        return value.text
    if isinstance(value, Path):
        imports.add("from pathlib import Path")
        return f"Path({str(value)!r})"
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{name!r}: {written(each, imports)}' for name, each in value.items())}}}"
    if isinstance(value, list):
        return f"[{', '.join(written(each, imports) for each in value)}]"
    if isinstance(value, tuple):
        return f"({', '.join(written(each, imports) for each in value)}{',' * (len(value) == 1)})"
    return repr(hide_password(value)) if isinstance(value, str) else repr(value)


def written_call(function: str, arguments: list[str]) -> list[str]:
    """Return the lines of a call: one if it fits, else one for each argument."""
    line = f"{function}({', '.join(arguments)})"
    if len(line) <= WIDTH:
        return [line]
    return [f"{function}(", *(f"    {argument}," for argument in arguments), ")"]
