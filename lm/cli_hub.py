"""`lm import` and `lm export`, and what `lm count` and `lm generate` do with models in Hugging Face's format."""

from __future__ import annotations

import argparse
import errno
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any


def import_(argv: Sequence[str]) -> int:
    """Read a model in Hugging Face's format, from a folder or the hub, check all of it, and write it anew.

    What is written has one layout and float32 weights (bfloat16 is widened exactly), whatever was read.
    """
    parser = argparse.ArgumentParser("lm import", description=import_.__doc__)
    parser.add_argument("source", metavar="SOURCE", help="a folder, or a name on the Hugging Face Hub")
    parser.add_argument("--out", required=True, metavar="DIR", help="the folder to write; must not exist")
    parser.add_argument("--revision", default=None, metavar="NAME", help="a branch, tag or commit on the hub")
    args = parser.parse_args(argv)

    from lm.hub import find, load_pretrained, save_pretrained

    _require_new(args.out)
    model, tokenizer, generation = load_pretrained(find(args.source, args.revision), dtype="float32")
    save_pretrained(model, tokenizer, args.out, generation)
    _say(args.out, model, tokenizer)
    if tokenizer is not None and hasattr(model, "context_length"):
        print(f"  lm generate --pretrained {args.out} --prompt=...")
    return 0


def export(argv: Sequence[str]) -> int:
    """Write a run's best checkpoint, and its tokenizer, as a folder that Hugging Face's transformers reads."""
    parser = argparse.ArgumentParser("lm export", description=export.__doc__)
    parser.add_argument("--run", required=True, metavar="DIR", help="a run's folder; its best checkpoint is used")
    parser.add_argument("--out", required=True, metavar="DIR", help="the folder to write; must not exist")
    args = parser.parse_args(argv)

    from lm.generation import GenerationConfig
    from lm.hub import save_pretrained
    from lm.hub.families import family_of
    from lm.training.loop import load_best
    from lm.training.run import open_run

    _require_new(args.out)
    run = open_run(Path(args.run))
    model, step = load_best(run)
    try:
        _, _, family = family_of(model)
    except TypeError as error:
        raise ValueError(f"{run.folder}: {error}") from None
    specials, named = getattr(run.tokenizer, "special_tokens", {}), family.special_tokens
    own = named.keys() & {"bos_token", "eos_token"}  # a family that names one of them has no others
    ids: dict[str, Any] = dict.fromkeys(("bos_token_id", "eos_token_id"), None if own else run.tokenizer.eot_token)
    for use in own:
        ids[f"{use}_id"] = specials.get(named[use])
    for name in ("eos_token_id", "pad_token_id", "decoder_start_token_id"):  # those that the model was made with
        if getattr(model.config, name, None) is not None:
            ids[name] = getattr(model.config, name)
    save_pretrained(model, run.tokenizer, args.out, GenerationConfig(**ids))
    print(f"the model after step {step}")
    _say(args.out, model, run.tokenizer)
    return 0


def count_pretrained(argv: Sequence[str]) -> int:
    """How many parameters a model in Hugging Face's format has, before anything is allocated."""
    parser = argparse.ArgumentParser("lm count", description=count_pretrained.__doc__)
    parser.add_argument(
        "--pretrained", required=True, metavar="NAME", help="a family (its usual size), a config.json, or its folder"
    )
    name = parser.parse_args(argv).pretrained

    from lm.hub.configs import read_config
    from lm.hub.families import FAMILIES
    from lm.hub.folders import CONFIG
    from lm.hub.json_files import read_json
    from lm.models.count import count_parameters

    if name in FAMILIES and not os.path.exists(name):
        architecture, config = next(iter(FAMILIES[name].architectures.items()))[0], FAMILIES[name].config()
        family = FAMILIES[name]
    else:
        path = Path(name) / CONFIG if Path(name).is_dir() else Path(name)
        model_type, architecture, config = read_config(read_json(path), str(path))
        family = FAMILIES[model_type]
    rows = count_parameters(family.architectures[architecture], config)
    print(f"{architecture}: parameters")
    for row, value in [*rows.items(), ("total", sum(rows.values()))]:
        print(f"  {row:40}{value:>18,}")
    return 0


def open_pretrained(source: str) -> tuple[Any, Any, tuple[int, ...]]:
    """(model, tokenizer, tokens that end a text) of a folder in Hugging Face's format, or of a name on the hub."""
    from lm.hub import find, load_pretrained

    folder = find(source)
    model, tokenizer, generation = load_pretrained(folder)
    if tokenizer is None:
        raise ValueError(f"{folder}: there is no tokenizer that is known here, and so no way from text to ids")
    if not hasattr(model, "context_length"):
        raise ValueError(f"{folder}: a {type(model).__name__} writes no text")
    return model, tokenizer, generation.ends


def _require_new(out: str) -> None:
    if os.path.lexists(out):
        raise FileExistsError(errno.EEXIST, "exists; choose another --out", out)


def _say(out: str, model: Any, tokenizer: Any) -> None:
    parameters = sum(parameter.numel() for parameter in model.parameters())
    vocabulary = "no tokenizer" if tokenizer is None else f"a tokenizer of {tokenizer.vocab_size:,} tokens"
    print(f"{out}: a {type(model).__name__} of {parameters:,} parameters, and {vocabulary}", file=sys.stdout)
