"""Settings from a YAML file and from flags, and back to YAML. What they are is in `settings.py`.

What jsonargparse and YAML let pass although it is most likely a mistake, a repeated key, say, is refused here.
"""

from __future__ import annotations

import dataclasses
import difflib
import functools
import re
import types
import typing
from argparse import SUPPRESS, ArgumentError
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .settings import Config, ConfigError


@dataclass(frozen=True)
class Arguments:
    """What the command line of `lm train` or `lm count` says."""

    config_file: str | None
    resume: bool
    flags: tuple[str, ...]  # all of it, for `load_config`


def parse_arguments(command: str, argv: Sequence[str], resumable: bool = False) -> Arguments:
    """Read the command line; prints the help and exits when that is asked for.

    Raises ConfigError for an unknown flag or a value of the wrong type.
    """
    # Both spellings of a flag, --max-steps and --max_steps; what follows "=" is left alone.
    flags = [re.sub(r"^--[\w.-]+", lambda flag: "--" + flag[0][2:].replace("-", "_"), argument) for argument in argv]
    _check_flags(flags)
    try:
        parsed = _parser(command, resumable).parse_args(flags)
    except ArgumentError as error:
        raise ConfigError(_flag_problem(flags, error)) from None
    return Arguments(parsed.config, resumable and parsed.resume, tuple(flags))


def load_config(path: str | Path | None = None, flags: Sequence[str] = ()) -> Config:
    """The defaults, changed by the YAML file at `path`, changed by `flags` (such as ["--model.n_layer", "2"]).

    Raises:
        ConfigError: an unknown key (naming the nearest known one), a wrong type, a value out of range.
        OSError: the file cannot be read.

    >>> load_config(flags=["--seed", "7"]).seed
    7
    """
    _check_flags(flags)
    parser = _parser("lm", resumable=True)
    settings = None if path is None else _read_yaml(parser, Path(path))
    try:
        settings = parser.parse_args(list(flags), namespace=settings)
    except ArgumentError as error:
        raise ConfigError(_flag_problem(flags, error)) from None
    try:
        config: Config = _build(Config, settings)
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}" if path else str(error)) from None
    return config


def dump_config(config: Config) -> str:
    """YAML that `load_config` reads back to an equal `Config`.

    >>> dump_config(Config()).splitlines()[:3]
    ['data: null', 'val_fraction: 0.1', 'out: null']
    """
    import yaml  # type: ignore[import-untyped,unused-ignore]

    text: str = yaml.safe_dump(_plain(config), sort_keys=False, allow_unicode=True)
    return text


def differences(one: Config, other: Config) -> list[str]:
    """The settings in which two configurations differ, one line each.

    >>> differences(Config(seed=1), Config(seed=2))
    ['seed: 1 and 2']
    """
    left, right = _flat(_plain(one)), _flat(_plain(other))
    return [f"{key}: {left[key]!r} and {right[key]!r}" for key in left if left[key] != right[key]]


def _plain(config: Config) -> dict[str, Any]:
    settings = dataclasses.asdict(config)
    settings["optimizer"]["betas"] = list(settings["optimizer"]["betas"])  # YAML knows no tuples
    return settings


def _flat(settings: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in settings.items():
        flat |= _flat(value, f"{prefix}{key}.") if isinstance(value, dict) else {prefix + key: value}
    return flat


@functools.cache  # making one takes a tenth of a second
def _parser(command: str, resumable: bool) -> Any:
    from jsonargparse import ArgumentParser

    parser = ArgumentParser(prog=command, exit_on_error=False, allow_abbrev=False, print_config=None)
    parser.add_argument("--config", metavar="FILE", help="a YAML file of settings; flags come after it and win")
    if resumable:
        newest = "the newest of runs/<name of the config file>"
        parser.add_argument("--resume", action="store_true", help=f"go on with the run in --out, or with {newest}")
    parser.add_class_arguments(Config, as_group=False)
    for action in parser._actions:
        if action.dest in _groups():
            action.help = SUPPRESS  # `_check_flags` refuses it
    return parser


def _groups() -> dict[str, dict[str, Any]]:
    """The settings that are groups of settings, such as "model", with their defaults."""
    return {key: value for key, value in _plain(Config()).items() if isinstance(value, dict)}


def _check_flags(flags: Sequence[str]) -> None:
    """What jsonargparse lets pass on a command line: repeated flags, comments, groups whose files have no check."""
    name = ""
    seen: set[str] = set()
    for argument in flags:
        value = argument
        if argument.startswith("--"):
            name, _, value = argument[2:].partition("=")
            if group := _groups().get(name):
                key, default = next(iter(group.items()))
                raise ConfigError(
                    f"--{name} is a group of settings; give them one by one, such as --{name}.{key} {default}, or in "
                    f"the file of --config"
                )
            if name in seen:
                raise ConfigError(f"--{name} is there twice" + ("; add a text with --data+" if name == "data" else ""))
            seen.add(name.removesuffix("+"))  # --data+ adds to what came before it
        if value.lstrip().startswith("#") and name not in ("", "config"):  # --config is not read as YAML
            raise ConfigError(f"--{name} {value!r} is a comment in YAML, so nothing; name a file ./{value.lstrip()}")


def _flag_problem(flags: Sequence[str], error: ArgumentError) -> str:
    known = ["config", "resume", "help", "data+", *_flat(_plain(Config()))]
    names = [flag[2:].partition("=")[0] for flag in flags if flag.startswith("--")]
    for name in names:
        if name not in known and (near := difflib.get_close_matches(name, known, 1)):
            return f"unknown flag --{name}; did you mean --{near[0]}?"
    return _one_line(error)


def _one_line(error: ArgumentError) -> str:
    return " ".join(str(error).split())


def _read_yaml(parser: Any, path: Path) -> Any:
    import yaml  # type: ignore[import-untyped,unused-ignore]

    try:
        text = path.read_text(encoding="utf-8")
        yaml.safe_load(text)  # refuses tags of other languages
        settings = yaml.compose(text, yaml.SafeLoader)
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: not UTF-8 text (byte {error.start}); is it a configuration?") from None
    except (yaml.YAMLError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f" in line {mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None) or type(error).__name__
        raise ConfigError(f"{path}: not YAML{where}: {problem}") from None
    if settings is None:
        return parser.get_defaults()
    _check_keys(settings, Config, "", path)
    try:
        return parser.parse_string(text)
    except ArgumentError as error:
        raise ConfigError(f"{path}: {_one_line(error)}") from None


def _check_keys(settings: Any, kind: type, prefix: str, path: Path) -> None:
    """What jsonargparse lets pass in a YAML node: unknown and repeated keys, groups, nulls, numbers in quotes."""
    if settings.id != "mapping":
        where = f"{prefix[:-1]} is" if prefix else "holds"
        raise ConfigError(f"{path}: {where} no settings (key: value), but a {settings.id}")
    types_of = typing.get_type_hints(kind)
    seen: set[str] = set()
    for key_node, value in settings.value:
        key = key_node.value
        if key not in types_of:
            near = difflib.get_close_matches(str(key), types_of, 1)
            raise ConfigError(
                f"{path}: unknown key {prefix}{key}"
                + (f"; did you mean {prefix}{near[0]}?" if near else f"; known here: {', '.join(types_of)}")
            )
        if key in seen:
            raise ConfigError(f"{path}: {prefix}{key} is there twice, again in line {key_node.start_mark.line + 1}")
        seen.add(key)
        expected = types_of[key]
        choices = {expected, *typing.get_args(expected)}
        if dataclasses.is_dataclass(expected):
            _check_keys(value, typing.cast(type, expected), f"{prefix}{key}.", path)
        elif value.tag == "tag:yaml.org,2002:null" and types.NoneType not in choices:
            raise ConfigError(f"{path}: {prefix}{key} is null; give it a value, or leave it out for the default")
        elif choices & {int, float, bool}:
            for one in value.value if value.id == "sequence" else [value]:
                if one.id == "scalar" and one.style is not None:
                    raise ConfigError(f"{path}: {prefix}{key} is a string ({one.value!r}); write it without quotes")


def _build(kind: type[Any], settings: Any) -> Any:
    types_of = typing.get_type_hints(kind)
    return kind(
        **{
            f.name: _build(types_of[f.name], settings[f.name])
            if dataclasses.is_dataclass(types_of[f.name])
            else settings[f.name]
            for f in dataclasses.fields(kind)
        }
    )
