import hashlib
import json
import os

import pytest

from minigrad.io import (
    CorruptFileError,
    atomic,
    directory,
    load_directory,
    make_directory,
    remove_directory,
    save_directory,
    verify_directory,
)
from tests.minigrad.io.faults import PowerCuts, failing, watched, write_tree

CONTENTS = {"model.safetensors": b"weights", "state.json": b'{"step": 1}', "empty": b""}


@pytest.fixture
def saved(tmp_path):
    save_directory(tmp_path / "saved", CONTENTS)
    return tmp_path / "saved"


def names(folder):
    return sorted(p.name for p in folder.iterdir())


def test_round_trip_and_manifest(saved):
    assert load_directory(saved) == CONTENTS
    verify_directory(saved)
    manifest = json.loads((saved / "manifest.json").read_text())
    expected = {"sha256": hashlib.sha256(b"weights").hexdigest(), "size": 7}
    assert manifest["files"]["model.safetensors"] == expected
    assert names(saved.parent) == ["saved"]


def test_the_manifest_is_written_last(tmp_path, monkeypatch):
    written = []

    def note(name, *arguments):
        if name == "open" and arguments[1] == "wb":
            written.append(arguments[0].name)

    monkeypatch.setattr(atomic, "files", watched(note))
    save_directory(tmp_path / "saved", CONTENTS)
    assert written == [*CONTENTS, "manifest.json"]


def test_a_manifest_that_loading_would_not_read_is_not_written(tmp_path, monkeypatch):
    monkeypatch.setattr(directory, "_MAX_MANIFEST", 200)
    with pytest.raises(ValueError, match="3 files are too many"):
        save_directory(tmp_path / "saved", CONTENTS)
    assert names(tmp_path) == []


def test_existing_directory_is_never_replaced(saved):
    with pytest.raises(FileExistsError, match="saved"):
        save_directory(saved, {"other": b"x"})
    assert load_directory(saved) == CONTENTS
    (saved.parent / "link").symlink_to("nowhere")
    with pytest.raises(FileExistsError, match="link"):
        save_directory(saved.parent / "link", {"other": b"x"})


@pytest.mark.parametrize("name", ["", ".", "..", "../a", "a/b", "/a", ".hidden", "a\0b", "a\\b", "manifest.json"])
def test_names_outside_the_directory_are_refused_when_saving(tmp_path, name):
    with pytest.raises(ValueError, match="save_directory"):
        save_directory(tmp_path / "saved", {name: b"x"})
    assert names(tmp_path) == []


@pytest.mark.parametrize("name", ["../outside", "/etc/hostname", "manifest.json", "."])
def test_names_outside_the_directory_are_refused_when_loading(saved, name):
    (saved.parent / "outside").write_bytes(b"secret")
    entry = {"sha256": hashlib.sha256(b"secret").hexdigest(), "size": 6}
    (saved / "manifest.json").write_text(json.dumps({"files": {name: entry}, "version": 1}, indent=1) + "\n")
    with pytest.raises(CorruptFileError, match=r"manifest\.json"):
        load_directory(saved)


@pytest.mark.parametrize("name", ["state.json", "manifest.json"])
def test_symbolic_links_are_refused_even_to_the_right_bytes(saved, name):
    (saved / name).rename(saved.parent / "outside")
    (saved / name).symlink_to("../outside")
    with pytest.raises(CorruptFileError, match=name):
        load_directory(saved)


@pytest.mark.parametrize("name", [*CONTENTS, "manifest.json"])
def test_missing_file_is_named(saved, name):
    (saved / name).unlink()
    for check in (load_directory, verify_directory):
        with pytest.raises(CorruptFileError, match=f"{name}: missing"):
            check(saved)


def test_missing_directory_is_not_called_corrupt(tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere"):
        load_directory(tmp_path / "nowhere")


def test_unlisted_files_are_ignored(saved):
    (saved / ".DS_Store").write_bytes(b"x")
    assert load_directory(saved) == CONTENTS


@pytest.mark.parametrize("stride", [5, pytest.param(1, marks=pytest.mark.slow)])  # 5: every byte, each bit in turn
def test_every_bit_flip_is_found(saved, stride):
    for name in [*CONTENTS, "manifest.json"]:
        data = (saved / name).read_bytes()
        for bit in range(0, 8 * len(data), stride):
            flipped = bytearray(data)
            flipped[bit // 8] ^= 1 << bit % 8
            (saved / name).write_bytes(flipped)
            with pytest.raises(CorruptFileError):
                load_directory(saved)
        (saved / name).write_bytes(data)
    assert load_directory(saved) == CONTENTS


def test_every_truncation_and_extension_is_found(saved):
    for name in [*CONTENTS, "manifest.json"]:
        data = (saved / name).read_bytes()
        for other in [*(data[:length] for length in range(len(data))), data + b" ", data + data]:
            (saved / name).write_bytes(other)
            if other != data:
                with pytest.raises(CorruptFileError, match=name):
                    load_directory(saved)
        (saved / name).write_bytes(data)


@pytest.mark.parametrize(
    "manifest",
    [
        b"",
        b"{}",
        b"null",
        b"[]",
        b'{"files": []}',
        b'{"files": {"a": 1}}',
        b'{"files": {"a": {"size": "x", "sha256": 1}}}',
        b'{"files": {"a": {"size": ' + b"9" * 5000 + b', "sha256": ""}}}',
        b"[" * 100_000,
        b"\xff\xfe",
    ],
)
def test_hostile_manifests_are_refused(saved, manifest):
    (saved / "manifest.json").write_bytes(manifest)
    with pytest.raises(CorruptFileError, match=r"manifest\.json"):
        load_directory(saved)


def test_failure_of_any_call_leaves_nothing_behind(tmp_path, monkeypatch):
    failed = 0
    for n in range(1, 200):
        disk = failing(n)
        monkeypatch.setattr(atomic, "files", disk)
        target = tmp_path / f"save-{n}"
        try:
            save_directory(target, CONTENTS)
        except OSError as error:
            failed += 1
            assert str(target) in str(error)
            if "directory is not synced" not in str(error):
                assert "bytes" in str(error) and not target.exists()
        monkeypatch.setattr(atomic, "files", atomic.Files())
        if target.exists():
            assert load_directory(target) == CONTENTS
        save_directory(tmp_path / f"next-{n}", CONTENTS)
        assert all(name.startswith(("save-", "next-")) for name in names(tmp_path))
        if disk.calls < n:
            break
    assert disk.calls < n and failed > 20


def test_power_cut_at_any_moment_leaves_all_or_nothing(tmp_path, monkeypatch):
    root = tmp_path / "disk"
    root.mkdir()
    disk = PowerCuts(root)
    monkeypatch.setattr(atomic, "files", disk.files)
    save_directory(root / "saved", CONTENTS)
    monkeypatch.setattr(atomic, "files", atomic.Files())
    for i, (done, tree) in enumerate(disk.states()):
        if "saved" in tree:
            write_tree(tmp_path / str(i), tree)
            assert load_directory(tmp_path / str(i) / "saved") == CONTENTS
        else:
            assert done < len(disk.log), "not durable on return"
    assert i > 50


@pytest.mark.parametrize("umask", [0o022, 0o077, 0o002])
def test_modes_are_those_that_open_and_mkdir_give(tmp_path, umask):
    before = os.umask(umask)
    try:
        save_directory(tmp_path / "saved", CONTENTS)
    finally:
        os.umask(before)
    assert (tmp_path / "saved").stat().st_mode & 0o777 == 0o777 & ~umask
    assert {p.stat().st_mode & 0o777 for p in (tmp_path / "saved").iterdir()} == {0o666 & ~umask}


def test_removed_directory_disappears_whole(tmp_path, monkeypatch, saved):
    disk = PowerCuts(tmp_path)
    monkeypatch.setattr(atomic, "files", disk.files)
    remove_directory(saved)
    monkeypatch.setattr(atomic, "files", atomic.Files())
    assert names(tmp_path) == []
    whole = disk.initial["saved"]
    assert {"saved" in tree for _, tree in disk.states()} == {True, False}
    assert all(tree.get("saved", whole) == whole for _, tree in disk.states())


def test_removing_reaches_everything_below_and_nothing_that_is_only_linked(tmp_path, saved):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "kept").write_bytes(b"x")
    (saved / "folder" / "deeper").mkdir(parents=True)
    (saved / "folder" / "deeper" / "file").write_bytes(b"x")
    (saved / "folder" / "link").symlink_to(outside)
    remove_directory(saved)
    assert names(tmp_path) == ["outside"] and names(outside) == ["kept"]


def test_a_directory_is_not_made_over_a_file(tmp_path):
    (tmp_path / "run").write_bytes(b"x")
    with pytest.raises(FileExistsError, match="not a directory"):
        make_directory(tmp_path / "run")
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to("folder")
    make_directory(tmp_path / "link")


def test_made_directory_survives_a_power_cut(tmp_path, monkeypatch):
    disk = PowerCuts(tmp_path)
    monkeypatch.setattr(atomic, "files", disk.files)
    make_directory(tmp_path / "run")
    make_directory(tmp_path / "run")
    assert all(tree == {"run": {}} for done, tree in disk.states() if done == len(disk.log))
    with pytest.raises(FileNotFoundError, match="nowhere"):
        make_directory(tmp_path / "nowhere" / "run")
