"""The command `lm tok`: tokenizers trained, used, converted between formats, and looked at."""

from __future__ import annotations

import argparse
import errno
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lm.tokenizer import BPETokenizer, CharacterTokenizer, Pipeline
    from lm.tokenizer.files import AnyTokenizer

SHOWN_WORDS = 12
FORMATS = ("minigrad", "huggingface", "gpt2", "tiktoken", "bert")  # `files.FORMATS`, which takes NumPy to import
PATTERNS = ("gpt2", "cl100k", "llama3", "o200k", "han")


def tok(argv: Sequence[str]) -> int:
    """Train a tokenizer, turn text into token ids and back, convert its files, and see what it does."""
    parser = argparse.ArgumentParser("lm tok", description=tok.__doc__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    command = commands.add_parser("train", help="learn a vocabulary from a text")
    command.add_argument(
        "--data", default=None, metavar="PATH", help="a text file or folder (default: pydoc_data.topics)"
    )
    command.add_argument("--vocab-size", type=int, default=2048, metavar="N", help="default: 2048")
    command.add_argument("--type", choices=("bpe", "wordpiece"), default="bpe", help="default: bpe, over bytes")
    command.add_argument("--pattern", choices=PATTERNS, default="gpt2", help="how bpe cuts words (default: gpt2)")
    command.add_argument(
        "--min-frequency", type=int, default=2, metavar="N", help="of a pair to be joined (default: 2)"
    )
    command.add_argument(
        "--special", action="append", metavar="TOKEN", help="a special token of bpe, may be repeated (<|endoftext|>)"
    )
    command.add_argument("--cased", action="store_true", help="wordpiece: keep capitals and accents")
    command.add_argument("--out", required=True, metavar="PATH", help="the tokenizer's file; must not exist")
    command.add_argument("--format", choices=FORMATS, default="minigrad", help="of --out (default: minigrad)")

    for name, help in (("encode", "standard input to token ids"), ("decode", "token ids on standard input to text")):
        command = commands.add_parser(name, help=help)
        command.add_argument("--tokenizer", required=True, metavar="PATH", help="a tokenizer's file or folder")
        if name == "encode":
            command.add_argument("--special", action="store_true", help="special tokens in the text become their ids")

    command = commands.add_parser("convert", help="write a tokenizer in another format")
    command.add_argument("path", metavar="PATH", help="a tokenizer's file or folder, in any of the formats")
    command.add_argument("--to", choices=FORMATS, required=True, help="the format to write")
    command.add_argument(
        "--out", required=True, metavar="PATH", help="a file, for gpt2 and bert a folder; must not exist"
    )

    command = commands.add_parser("inspect", help="tokens in colour, merges step by step, bytes per token by script")
    command.add_argument("text", nargs="?", default=None, metavar="TEXT", help="what to show (default: standard input)")
    command.add_argument("--tokenizer", required=True, metavar="PATH", help="a tokenizer's file or folder")
    command.add_argument("--data", default=None, metavar="PATH", help="a text file or folder: report its scripts alone")
    command.add_argument("--color", choices=("auto", "always", "never"), default="auto", help="default: on a terminal")

    args = parser.parse_args(argv)
    return _COMMANDS[args.command](args)


def _train(args: argparse.Namespace) -> int:
    from lm.data.text import open_text
    from lm.tokenizer import save_tokenizer, train_bpe, train_wordpiece
    from lm.tokenizer.normalizers import BertNormalizer
    from lm.training.run import END_OF_TEXT

    _must_not_exist(args.out)
    pieces = open_text(args.data).pieces()
    tokenizer: AnyTokenizer
    if args.type == "wordpiece":
        normalizer = BertNormalizer(lowercase=not args.cased)
        tokenizer = train_wordpiece(pieces, args.vocab_size, normalizer=normalizer, min_frequency=args.min_frequency)
    else:
        with _bar() as progress:
            tokenizer = train_bpe(
                pieces,
                args.vocab_size,
                special_tokens=[END_OF_TEXT] if args.special is None else args.special,
                min_frequency=args.min_frequency,
                pattern=args.pattern,
                progress=progress,
            )
    save_tokenizer(tokenizer, args.out, args.format)
    print(f"{args.out}: {tokenizer.vocab_size:,} tokens")
    return 0


@contextmanager
def _bar() -> Iterator[Callable[[int, int], None] | None]:
    """What training reports its merges to, on a terminal."""
    if not sys.stderr.isatty():
        yield None
        return
    from tqdm import tqdm

    with tqdm(unit="merge", dynamic_ncols=True) as bar:

        def progress(done: int, wanted: int) -> None:
            bar.total = wanted
            bar.update(done - bar.n)

        yield progress


def _encode(args: argparse.Namespace) -> int:
    from lm.tokenizer import load_tokenizer

    text, tokenizer = sys.stdin.buffer.read(), load_tokenizer(args.tokenizer)
    allowed = "all" if args.special else ()
    print(*tokenizer.encode(text, allowed_special=allowed, disallowed_special=()))
    return 0


def _decode(args: argparse.Namespace) -> int:
    from lm.tokenizer import load_tokenizer

    words = sys.stdin.read().split()
    if wrong := next((word for word in words if not word.isdecimal()), None):
        raise ValueError(f"{wrong[:40]!r} is no token id")
    sys.stdout.buffer.write(load_tokenizer(args.tokenizer).decode_bytes(int(word) for word in words))
    return 0


def _convert(args: argparse.Namespace) -> int:
    from lm.tokenizer import load_tokenizer, save_tokenizer

    _must_not_exist(args.out)
    tokenizer = load_tokenizer(args.path)
    save_tokenizer(tokenizer, args.out, args.to)
    print(f"{args.out}: {tokenizer.vocab_size:,} tokens, as {args.to}")
    return 0


def _must_not_exist(path: str) -> None:
    if os.path.lexists(path):
        raise FileExistsError(errno.EEXIST, "exists; choose another --out", path)


def _inspect(args: argparse.Namespace) -> int:
    from lm.data.text import open_text
    from lm.tokenizer import CharacterTokenizer, Pipeline, WordTokenizer, load_tokenizer
    from lm.tokenizer.inspection import merge_steps, paint, show_token, words_of

    tokenizer = load_tokenizer(args.tokenizer)
    print(f"{args.tokenizer}: {tokenizer!r}")
    if isinstance(tokenizer, WordTokenizer):
        return 0  # its tokens are its words
    if args.data is not None:
        _report(tokenizer, open_text(args.data).pieces())
        return 0

    color = args.color == "always" or (args.color == "auto" and sys.stdout.isatty())
    text = sys.stdin.read() if args.text is None else args.text
    ids = tokenizer.encode(text, disallowed_special=())
    tokens = [tokenizer.spelling(id) if isinstance(tokenizer, Pipeline) else tokenizer.decode_bytes([id]) for id in ids]
    print(f"{len(text):,} characters, {len(ids):,} tokens\n\n{paint(tokens, color)}\n")
    if args.text is None or isinstance(tokenizer, CharacterTokenizer):
        _report(tokenizer, [text])
        return 0
    print("\n".join(f"  {id:>8}  {show_token(token)}" for id, token in zip(ids, tokens)))
    words = list(dict.fromkeys(word for word in words_of(tokenizer, text) if len(word.encode()) > 1))
    for word in words[:SHOWN_WORDS]:
        print(f"\n{show_token(word.encode())!r}")
        for step, (rank, joined) in enumerate(merge_steps(tokenizer, word)):
            how = f"merge {rank}" if rank is not None else "whole word" if step else "bytes"
            print(f"  {how:>12}  {paint(joined, color)}")
    if len(words) > SHOWN_WORDS:
        print(f"\n... and {len(words) - SHOWN_WORDS} words more")
    print()
    _report(tokenizer, [text])
    return 0


def _report(tokenizer: BPETokenizer | CharacterTokenizer | Pipeline, texts: Sequence[str] | Iterator[str]) -> None:
    from lm.tokenizer.inspection import compression_by_script

    print(f"{'script':16}{'characters':>12}{'bytes':>12}{'tokens':>12}{'bytes per token':>17}")
    for line in compression_by_script(tokenizer, texts):
        print(f"{line.script:16}{line.characters:>12,}{line.bytes:>12,}{line.tokens:>12,}{line.bytes_per_token:>17.2f}")


_COMMANDS = {"train": _train, "encode": _encode, "decode": _decode, "convert": _convert, "inspect": _inspect}
