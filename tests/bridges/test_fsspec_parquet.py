"""pandas and pyarrow read Parquet from nginx through the file system for fsspec, in an environment of their own."""

from __future__ import annotations

from pathlib import Path

import pytest

from kit.environments import ROOT, Environment, run
from servers.addresses import Site

_PROGRAM = """
import sys
import fsspec, pandas, pyarrow.parquet
from hookline_bridges.fsspec import HooklineFileSystem, register

url = sys.argv[1]
frame = pandas.DataFrame({"number": range(200_000), "text": [f"{n * n} {n}" for n in range(200_000)]})
fs = HooklineFileSystem()
with fs.open(url, "wb") as file:
    frame.to_parquet(file, row_group_size=20_000)
size = fs.size(url)

read = []
class Counting(HooklineFileSystem):
    async def _cat_file(self, path, start=None, end=None, **kwargs):
        content = await super()._cat_file(path, start, end, **kwargs)
        read.append(len(content))
        return content

register()
assert isinstance(fsspec.filesystem("http"), HooklineFileSystem)
assert pandas.read_parquet(url).equals(frame)
assert pandas.read_parquet(url, columns=["number"]).equals(frame[["number"]])
table = pyarrow.parquet.read_table(url, filesystem=fs)
assert table.to_pandas().equals(frame)
part = pyarrow.parquet.read_table(url, filesystem=fs, columns=["number"], filters=[("number", "<", 100)])
assert part.num_rows == 100
with fsspec.open(url) as file:
    groups = pyarrow.parquet.ParquetFile(file)
    assert groups.read_row_group(9).to_pandas()["text"].iloc[-1] == f"{199_999 ** 2} 199999"
from fsspec.parquet import open_parquet_file
counting = Counting()
with open_parquet_file(url, fs=counting, columns=["number"], engine="pyarrow") as file:
    assert len(pandas.read_parquet(file, columns=["number"])) == 200_000
assert 0 < sum(read) < size, (read, size)
frame.to_csv(url.replace("parquet", "csv"))
assert len(pandas.read_csv(url.replace("parquet", "csv"))) == 200_000
fs.rm([url, url.replace("parquet", "csv")])
print("all read", size)
"""


@pytest.mark.slow
def test_pandas_and_pyarrow_read_parquet_from_nginx(nginx: Site, tmp_path: Path) -> None:
    environment = Environment(tmp_path / "environment")
    environment.install("-e", ROOT / "core", "-e", f"{ROOT / 'plugins' / 'bridges'}[fsspec]", "pandas", "pyarrow")
    output = run(environment.python, "-c", _PROGRAM, nginx.url("/store/table.parquet"))
    assert output.startswith("all read")
