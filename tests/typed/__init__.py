"""Programs with types, which mypy and pyright check and the tests run."""
