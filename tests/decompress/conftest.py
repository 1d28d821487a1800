"""The tests of gzip and deflate run with each of the libraries that decode them."""

from __future__ import annotations

import pytest

from hookline_decompress import zlib_members

WITH_BOTH = ("test_decoding", "test_exchange", "test_bombs")
OTHER_CODINGS = ("br", "zstd")


@pytest.fixture
def inflater(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of the library; zlib is used as if isal was not installed."""
    name: str = request.param
    if name == "zlib":
        monkeypatch.setattr(zlib_members, "isal_zlib", None)
    else:
        pytest.importorskip("isal")
        monkeypatch.setattr(zlib_members, "LEAST_FOR_ISAL", 0)  # the bodies of most tests are small
    return name


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if metafunc.module.__name__.rpartition(".")[2] in WITH_BOTH:
        metafunc.fixturenames.append("inflater")
        metafunc.parametrize("inflater", ["zlib", "isal"], indirect=True)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the tests of other codings once."""

    def is_repeated(item: pytest.Item) -> bool:
        parameters = getattr(getattr(item, "callspec", None), "params", {})
        return parameters.get("inflater") == "isal" and parameters.get("coding") in OTHER_CODINGS

    items[:] = [item for item in items if not is_repeated(item)]
