"""Credentials from a netrc file."""

from __future__ import annotations

import logging
import os
from pathlib import Path

import pytest

from hookline_auth import HTTPBasicAuth
from hookline_auth.netrc import credentials_for, read_netrc


def lookup(host: str) -> HTTPBasicAuth | None:
    return credentials_for(read_netrc(), host)


@pytest.fixture
def netrc_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "my.netrc"
    monkeypatch.setenv("NETRC", str(path))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    return path


def test_netrc_is_looked_up_by_host(netrc_file: Path) -> None:
    netrc_file.write_text(
        "machine Known.example login me password p4ss\nmachine other.example account acc password x\n"
    )

    assert lookup("known.example") == HTTPBasicAuth("me", "p4ss")
    assert lookup("other.example") == HTTPBasicAuth("acc", "x")
    assert lookup("unknown.example") is None


@pytest.mark.parametrize("machine", ["127.1", "2130706433", "127.0.0.1", "0x7f.0.0.1"])
def test_netrc_has_one_entry_for_all_spellings_of_a_host(netrc_file: Path, machine: str) -> None:
    netrc_file.write_text(
        f"machine {machine} login me password p\nmachine [::FFFF:1.2.3.4] login other password p\n"
        "machine Bücher.example login third password p\nmachine 256.0.0.1 login nobody password p\n",
        encoding="utf-8",
    )

    assert lookup("127.0.0.1") == HTTPBasicAuth("me", "p")
    assert lookup("::ffff:102:304") == HTTPBasicAuth("other", "p")
    assert lookup("xn--bcher-kva.example") == HTTPBasicAuth("third", "p")


@pytest.mark.parametrize("host", ["known.example:", "known.example:@evil.example", "known.example.", "example", ""])
def test_netrc_leaks_to_no_similar_host(netrc_file: Path, host: str) -> None:
    netrc_file.write_text("machine known.example login me password p4ss\n")

    assert lookup(host) is None


def test_netrc_default_entry_stands_for_every_other_host(netrc_file: Path) -> None:
    netrc_file.write_text("machine known.example login me password p\ndefault login any password q\n")

    assert lookup("known.example") == HTTPBasicAuth("me", "p")
    assert lookup("unknown.example") == HTTPBasicAuth("any", "q")


@pytest.mark.parametrize(
    "entry",
    ["", "password p4ss", 'login "" password p4ss', 'login "" password ""'],
    ids=["bare", "word", "named", "both"],
)
@pytest.mark.parametrize("default", ["", "default login any password q\n"], ids=["alone", "default"])
def test_netrc_entry_without_a_login_is_there_and_says_nothing(netrc_file: Path, entry: str, default: str) -> None:
    netrc_file.write_text(f"machine h {entry}\nmachine known.example login me password p\n{default}")

    assert lookup("h") is None
    assert lookup("known.example") == HTTPBasicAuth("me", "p")


def test_netrc_entry_without_a_password_sends_the_login(netrc_file: Path) -> None:
    netrc_file.write_text("machine h login me\ndefault\n")

    assert lookup("h") == HTTPBasicAuth("me", "")
    assert lookup("other") is None


def test_netrc_is_found_at_home(netrc_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NETRC")
    assert lookup("h") is None

    (netrc_file.parent / "_netrc").write_text("machine h login second password x")
    assert lookup("h") == HTTPBasicAuth("second", "x")

    (netrc_file.parent / ".netrc").write_text("machine h login first password x")
    assert lookup("h") == HTTPBasicAuth("first", "x")


def test_empty_variable_means_no_file(netrc_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (netrc_file.parent / ".netrc").write_text("machine h login me password x")
    monkeypatch.setenv("NETRC", "")

    assert lookup("h") is None


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"machine h login me password two hunter2", "malformed at line 1"),
        (b"machine h login me\n password x\n hunter2", "malformed at line 3"),
        (b"machine h login \xff\xfe hunter2", "is not text|malformed"),
    ],
)
def test_malformed_file_is_logged_without_its_text(
    netrc_file: Path, caplog: pytest.LogCaptureFixture, content: bytes, reason: str
) -> None:
    netrc_file.write_bytes(content)

    with caplog.at_level(logging.WARNING):
        assert read_netrc() == {}

    (record,) = caplog.records
    assert any(part in record.getMessage() for part in reason.split("|"))
    assert "hunter2" not in record.getMessage()
    assert record.exc_info is None


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_directory_and_pipe_are_ignored_without_waiting(netrc_file: Path, caplog: pytest.LogCaptureFixture) -> None:
    os.mkfifo(netrc_file)  # reading it would block the event loop for good
    assert lookup("h") is None

    netrc_file.unlink()
    netrc_file.mkdir()
    assert lookup("h") is None

    assert [record.getMessage().count("not a regular file") for record in caplog.records] == [1, 1]


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read every file")
def test_unreadable_file_is_ignored(netrc_file: Path, caplog: pytest.LogCaptureFixture) -> None:
    netrc_file.write_text("machine h login me password x")
    netrc_file.chmod(0)

    assert lookup("h") is None
    assert "cannot be read" in caplog.text


def test_entry_that_cannot_be_sent_is_ignored(netrc_file: Path, caplog: pytest.LogCaptureFixture) -> None:
    netrc_file.write_text('machine h login me password "hunter2\nx"')

    assert lookup("h") is None
    assert "hunter2" not in caplog.text
