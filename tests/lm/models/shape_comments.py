"""The shapes that trailing comments such as `# (B, T, 3C)` give, held against what the lines compute."""

import ast
import functools
import inspect
import re
import sys


def check_shape_comments(module, sizes, run, at_least, cached=True):
    """Call `run()` while tracing the lines of `module`, and compare every value that a commented statement assigns or
    returns with the shape in its comment.

    `sizes` says what the letters stand for; integers among a frame's local variables are added to it, and, if `cached`,
    S is the tokens in the cache and the new ones, `past + T`, wherever a frame has both. Every commented statement must
    be met, and at least `at_least` of them.
    """
    source = inspect.getsource(module)
    lines = source.splitlines()
    commented = {}  # line number -> the statement it belongs to, and the shape that is said
    for node in ast.walk(ast.parse(source)):
        said = isinstance(node, (ast.Assign, ast.Return)) and re.search(r"#.*?\(([^)]+)\)", lines[node.end_lineno - 1])
        if said:
            commented |= dict.fromkeys(range(node.lineno, node.end_lineno + 1), (node, said[1].rstrip(",").split(", ")))
    sizes, checked = dict(sizes), set()

    def check(node, dims, values):
        shape = tuple(int(n or 1) * (sizes[letter] if letter else 1) for n, letter in map(_factors, dims))
        for value in values:
            where = f"{module.__name__} line {node.lineno}"
            assert value.shape == shape, f"{where}: {value.shape} is no ({', '.join(dims)})"
        checked.add(node)

    def trace(frame, event, arg, running=None):
        if frame.f_code.co_filename != module.__file__:
            return None
        sizes.update({name: value for name, value in frame.f_locals.items() if isinstance(value, int)})
        if {"past", "T"} <= frame.f_locals.keys() and cached:
            sizes["S"] = sizes["past"] + sizes["T"]
        done = running if running is not commented.get(frame.f_lineno) or event == "return" else None
        if done and isinstance(done[0], ast.Assign):
            targets = [part for target in done[0].targets for part in ast.walk(target)]
            names = [part.id for part in targets if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store)]
            values = [frame.f_locals[name] for name in names]
            values += [
                getattr(frame.f_locals["self"], part.attr) for part in targets if isinstance(part, ast.Attribute)
            ]
            check(*done, [value for value in values if value is not None])
        elif done and event == "return" and arg is not None:
            check(*done, [arg])
        return functools.partial(trace, running=commented.get(frame.f_lineno))

    previous = sys.gettrace()
    sys.settrace(trace)
    try:
        run()
    finally:
        sys.settrace(previous)
    missed = {node.lineno for node, _ in commented.values() if node not in checked}
    assert not missed, f"{module.__name__}: lines {sorted(missed)} were not run"
    assert len(checked) >= at_least


def _factors(dim):
    """ "3C" as ("3", "C"), "T" as ("", "T"), "3" as ("3", "")."""
    return re.fullmatch(r"(\d*)(\w*)", dim).groups()
