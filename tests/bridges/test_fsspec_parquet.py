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

requests = []
read = []
class Counting(HooklineFileSystem):
    async def set_session(self):
        requests.append(1)
        return await super().set_session()

    async def _cat_file(self, path, start=None, end=None, **kwargs):
        content = await super()._cat_file(path, start, end, **kwargs)
        read.append(len(content))
        return content

def counted(found):
    assert requests, "it was read in another way"
    requests.clear()
    return found

fs = Counting()
assert counted(pandas.read_parquet(url, filesystem=fs)).equals(frame)
assert counted(pandas.read_parquet(url, filesystem=fs, columns=["number"])).equals(frame[["number"]])
with fs.open(url) as file:
    assert counted(pandas.read_parquet(file)).equals(frame)
assert counted(pyarrow.parquet.read_table(url, filesystem=fs)).to_pandas().equals(frame)
part = pyarrow.parquet.read_table(url, filesystem=fs, columns=["number"], filters=[("number", "<", 100)])
assert counted(part).num_rows == 100
with fs.open(url) as file:
    groups = pyarrow.parquet.ParquetFile(file)
    assert counted(groups.read_row_group(9)).to_pandas()["text"].iloc[-1] == f"{199_999 ** 2} 199999"
from fsspec.parquet import open_parquet_file
read.clear()
with open_parquet_file(url, fs=fs, columns=["number"], engine="pyarrow") as file:
    assert len(counted(pandas.read_parquet(file, columns=["number"]))) == 200_000
assert 0 < sum(read) < size, (read, size)

table = url.replace("parquet", "csv")
with fs.open(table, "w") as file:
    frame.to_csv(file, index=False)
with fs.open(table) as file:
    assert counted(pandas.read_csv(file)).equals(frame)
register()
assert isinstance(fsspec.filesystem("http"), HooklineFileSystem)
assert pandas.read_csv("simplecache::" + table).equals(frame)
fs.rm([url, table])
print("all read", size)
"""


@pytest.mark.slow
def test_pandas_and_pyarrow_read_parquet_from_nginx(nginx: Site, tmp_path: Path) -> None:
    environment = Environment(tmp_path / "environment")
    members = [argument for name in ("decompress", "redirects") for argument in ("-e", ROOT / "plugins" / name)]
    bridges = f"{ROOT / 'plugins' / 'bridges'}[fsspec]"
    environment.install("-e", ROOT / "core", *members, "-e", bridges, "pandas", "pyarrow")
    output = run(environment.python, "-c", _PROGRAM, nginx.url("/store/table.parquet"))
    assert output.startswith("all read")
