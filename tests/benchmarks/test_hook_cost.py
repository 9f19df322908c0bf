"""That hook_cost measures what it says: a package without hooks beside one with all. Nothing is timed here."""

import pytest

from benchmarks import hook_cost


def copies(folder, deleted):
    folders = {name: folder / name for name in deleted}
    for name, path in folders.items():
        hook_cost.make_copy(path, deleted[name])
    return folders


def test_the_copies_without_hooks_have_none_and_the_other_has_all(tmp_path):
    """Fails as well when the source changes and the text to delete is not found."""
    hook_cost.check(copies(tmp_path, hook_cost.DELETED))


@pytest.mark.parametrize("left", ["watched(self", "watcher.record", "hooks.begin", "hooks.end", "_run_hooked"])
def test_a_hook_that_is_left_in_the_copy_is_noticed(left, tmp_path):
    deleted = [each for each in hook_cost.HOOKS if left not in each[1] or "raw" in each[1]]
    assert len(deleted) == len(hook_cost.HOOKS) - 1
    with pytest.raises(SystemExit, match="NoHooks calls hooks"):
        hook_cost.check(copies(tmp_path, {"NoHooks": deleted}))
