"""Disks that fail at the n-th call, and disks that lose power: replacements for `minigrad.io.atomic.files`."""

import errno
import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

from minigrad.io.atomic import Files

OPERATIONS = [name for name in vars(Files) if not name.startswith("_")]


def watched(before: Callable[..., None]) -> Files:
    """A Files that calls `before(operation, *arguments)` ahead of every operation."""

    def method(name):
        def call(self, *arguments):
            before(name, *arguments)
            return getattr(Files, name)(self, *arguments)

        return call

    return type("WatchedFiles", (Files,), {name: method(name) for name in OPERATIONS})()


def failing(n: int, code: int = errno.ENOSPC, only: str | None = None, forever: bool = False) -> Files:
    """Raises OSError(code) at the n-th call (of the operation `only`), half done if it is a write; `.calls` counts."""

    def before(name, *arguments):
        if only in (None, name):
            disk.calls += 1
            if disk.calls == n or (forever and disk.calls > n):
                if name == "write":
                    file, data = arguments
                    file.write(data[: len(data) // 2])
                raise OSError(code, "injected")

    disk = watched(before)
    disk.calls = 0
    return disk


class PowerCuts:
    """Records what is done below `root` and lists every state in which a power cut may leave it.

    A file or a directory has a synced content and a list of changes since. A cut at any moment keeps any subset
    of the changes of a directory (a rename is one change), and of a file nothing, all, half, or zeros.
    """

    def __init__(self, root: Path):
        self.root, self.log = root, []
        self.files = watched(self._record)
        self.initial = _snapshot(root)

    def _record(self, name, *arguments):
        if name in ("write", "fsync"):
            path = Path(arguments[0].name)
            self.log.append((name, path, bytes(arguments[1]) if name == "write" else b""))
        elif name == "open" and arguments[1] != "rb":
            self.log.append(("create", arguments[0], b""))
        elif name in ("mkdir", "remove", "rmdir", "replace", "fsync_directory"):
            self.log.append((name, *arguments))

    def states(self) -> Iterator[tuple[int, dict]]:
        """(number of operations done, tree), where a tree is {name: bytes or tree}."""
        for done in range(len(self.log) + 1):
            root = _directory(self.initial)
            for operation in self.log[:done]:
                self._apply(root, *operation)
            seen = []
            for tree in _survivors(root):
                if tree not in seen:
                    seen.append(tree)
                    yield done, tree

    def _apply(self, root, name, path, *rest):
        parent, node = self._find(root, path.parent), self._find(root, path)
        match name:
            case "create":
                if node is None:
                    parent.change({path.name: _Node(b"")})
                else:
                    node.synced, node.changes = b"", []
            case "write":
                node.changes.append(rest[0])
            case "fsync":
                node.synced, node.changes = node.now(), []
            case "fsync_directory":
                node.synced, node.changes = node.now(), []
            case "mkdir" if node is None:
                parent.change({path.name: _Node({})})
            case "remove" | "rmdir":
                parent.change({path.name: None})
            case "replace":
                target = rest[0]
                assert target.parent == path.parent, "a rename across directories is not modelled"
                parent.change({path.name: None, target.name: node})

    def _find(self, root, path):
        node = root
        for part in path.relative_to(self.root).parts if path != self.root.parent else ():
            node = None if node is None else node.now().get(part)
        return node


class _Node:
    """A file (synced: bytes; changes: writes) or a directory (synced: {name: _Node}; changes: dicts, None removes)."""

    def __init__(self, synced):
        self.synced, self.changes = synced, []

    def change(self, entries):
        self.changes.append(entries)

    def now(self):
        return _changed(self.synced, self.changes)


def _changed(synced, changes):
    if isinstance(synced, bytes):
        return synced + b"".join(changes)
    merged = dict(synced)
    for change in changes:
        merged.update(change)
    return {name: node for name, node in merged.items() if node is not None}


def _survivors(node):
    if isinstance(node.synced, bytes):
        written = b"".join(node.changes)
        for kept in {b"", written, written[: len(written) // 2], bytes(len(written))}:
            yield node.synced + kept
        return
    for keep in itertools.product([False, True], repeat=len(node.changes)):
        entries = _changed(node.synced, list(itertools.compress(node.changes, keep)))
        for trees in itertools.product(*(_survivors(child) for child in entries.values())):
            yield dict(zip(entries, trees))


def _snapshot(path):
    return {p.name: _snapshot(p) if p.is_dir() else p.read_bytes() for p in path.iterdir()}


def _directory(tree):
    return _Node({name: _directory(sub) if isinstance(sub, dict) else _Node(sub) for name, sub in tree.items()})


def write_tree(path: Path, tree: dict) -> None:
    path.mkdir()
    for name, content in tree.items():
        if isinstance(content, dict):
            write_tree(path / name, content)
        else:
            (path / name).write_bytes(content)
