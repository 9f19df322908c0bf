"""The `lm` command. Each subcommand reads its arguments, calls the library and prints; the work is done elsewhere.

Nothing heavy is imported before a subcommand runs, so that `lm --help` answers at once.
"""

from __future__ import annotations

import argparse
import io
import math
import os
import shlex
import sys
import warnings
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from lm.cli_hub import count_pretrained, export, import_, open_pretrained
from lm.cli_tokenizer import tok

if TYPE_CHECKING:
    from lm.tokenizer import Tokenizer
    from lm.training.run import Run

RUNS = Path("runs")
TOO_LARGE = (
    "`lm count` with the same flags tells what a step needs; a smaller training.batch_size with more "
    "training.accumulation_steps, or a smaller model, needs less, in a new --out"
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line `argv`, that of the process if not given; returns the exit status.

    0 done, 1 an error (one line on standard error says which), 2 a command line that makes no sense, 130 and 143
    stopped by SIGINT and SIGTERM.
    """
    parser = argparse.ArgumentParser(
        prog="lm",
        description="Train language models and use them.",
        epilog="commands:\n" + "".join(f"  {name:10}{text}\n" for name, (_, text) in COMMANDS.items())
        + "\n`lm COMMAND --help` says more. `python -X dev -m lm.cli ...` shows where in the program an error arose.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    parser.add_argument("command", nargs="?", choices=COMMANDS, metavar="COMMAND", help="one of those below")
    parser.add_argument("arguments", nargs=argparse.REMAINDER, help=argparse.SUPPRESS)
    parsed = parser.parse_args(argv)
    if parsed.command is None:
        parser.print_help()
        return 2

    from lm.openblas import choose_kernels

    choose_kernels()
    from lm.training.run_lock import RunLockedError

    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a terminal that cannot show a character fails no finished run
    command, _ = COMMANDS[parsed.command]
    try:
        with warnings.catch_warnings():
            warnings.showwarning = lambda message, *_: print(
                f"lm {parsed.command}: warning: {message}", file=sys.stderr
            )
            return command(parsed.arguments)
    except KeyboardInterrupt as error:
        for note in getattr(error, "__notes__", []):
            print(note, file=sys.stderr)
        return 130
    except BrokenPipeError:  # the reader of the output has gone, as in `lm generate ... | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if sys.flags.dev_mode or package in ("lm", "minigrad", ""):
            raise
        extra = "hub" if package == "huggingface_hub" else "lm"
        print(
            f"lm {parsed.command}: needs {package}, which is not installed: pip install 'minigrad[{extra}]'",
            file=sys.stderr,
        )
        return 1
    except (OSError, ValueError, RunLockedError, FloatingPointError, MemoryError) as error:
        if sys.flags.dev_mode:
            raise
        print(f"lm {parsed.command}: {_message(error)}", file=sys.stderr)
        return 1


def _message(error: BaseException) -> str:
    if isinstance(error, OSError) and error.filename is not None:
        text = f"{error.filename}: {error.strerror}"
    else:
        text = str(error) or type(error).__name__
    return "; ".join([text, *getattr(error, "__notes__", [])])  # where it arose, and what to do


def train(argv: Sequence[str]) -> int:
    """Train a model; the settings are those of `lm.config.Config`."""
    from lm.config import load_config, parse_arguments

    arguments = parse_arguments("lm train", argv, resumable=True)
    config = load_config(arguments.config_file, arguments.flags)

    # What the run needs later: what is missing is said now.
    import matplotlib  # noqa: F401
    import yaml  # type: ignore[import-untyped,unused-ignore]  # noqa: F401

    from lm.training.loop import train
    from lm.training.run import how_to_go_on, newest_folder, resume_run, start_numbered_run, start_run
    from lm.training.signals import catch_stop_signals
    from minigrad.backends.numpy import keep_freed_memory

    keep_freed_memory()
    name = Path(arguments.config_file).stem if arguments.config_file else "default"
    if arguments.resume:
        folder = Path(config.out) if config.out else newest_folder(RUNS, name)
        opened = resume_run(folder, arguments.config_file, arguments.flags)
    elif config.out:
        opened = start_run(Path(config.out), config)
    else:
        opened = start_numbered_run(RUNS, name, config)
    with opened as run:
        print(_describe(run), file=sys.stderr)
        with catch_stop_signals() as stop:
            try:
                train(run, stop)
            except MemoryError as error:
                error.add_note(TOO_LARGE)
                raise
        _report(run)
    if stop:
        print(how_to_go_on(run.folder))
    else:
        _show_what_was_learnt(run)
    return stop.exit_code


def _describe(run: Run) -> str:
    corpus = run.corpus
    parameters = run.task.count_parameters()
    return (
        f"{run.folder}: {parameters:,} parameters, {run.tokenizer.vocab_size:,} tokens in the vocabulary, "
        f"{len(corpus.train.tokens):,} to train on and {len(corpus.val.tokens):,} to validate with ({corpus.name})"
    )


def _report(run: Run) -> None:
    """Draw the curve and say how well the run does."""
    from lm.training.log import read_log
    from lm.training.plot import plot_losses

    entries = read_log(run.folder)
    plot_losses(run.folder, entries, run.corpus, run.task.bits_per_byte(0.0) is not None)
    evaluations = [entry for entry in entries if entry["split"] == "val"]
    if evaluations:
        last, best = evaluations[-1], min(evaluations, key=lambda entry: float(entry["loss"]))
        bits = last["bits_per_byte"] is not None
        print(f"validation after {last['step']} steps: {last['loss']:.4f}{' nats per token' if bits else ''}", end="")
        if not bits:
            print("" if best is last else f" (best: {best['loss']:.4f}, after {best['step']} steps)")
            return
        print()
        print(f"  this model         {last['bits_per_byte']:.3f} bits per byte", end="")
        print("" if best is last else f" (best: {best['bits_per_byte']:.3f}, after {best['step']} steps)")
        print(f"  gzip -9            {run.corpus.val.gzip_bits_per_byte:.3f} bits per byte, of the same text")


def _show_what_was_learnt(run: Run) -> None:
    from lm.training.loop import load_best
    from lm.training.tasks.next_token import NextToken

    model, _ = load_best(run)
    folder = shlex.quote(str(run.folder))
    print(f"\n{run.task.title}:\n")
    print("\n".join(f"  | {line}" for line in run.task.show(model)))
    results = run.task.save_results(model, run.folder)
    also = "" if results is None else f", {results.name} for other programs"
    print(f"\nThe run is in {run.folder}: loss.png is its curve, log.jsonl every step{also}. Try next:")
    if isinstance(run.task, NextToken):
        print(f"  lm generate --run {folder} --prompt={shlex.quote(_first_word(run))}")
    print(f"  lm eval --run {folder}")
    config = "" if run.config.model.family == "gpt2" else f"--config {folder}/config.yaml "
    print(f"  lm train {config}--data your-text.txt")


def _first_word(run: Run) -> str:
    """A prompt whose characters the tokenizer has, whatever the language: the beginning of the text."""
    tokens = run.corpus.train.tokens
    text = run.tokenizer.decode(tokens.window(0, min(64, len(tokens))).tolist())
    return text.split()[0][:20] if text.strip() else text


def generate(argv: Sequence[str]) -> int:
    """Write text that goes on from a prompt."""
    parser = argparse.ArgumentParser("lm generate", description=generate.__doc__)
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--run", metavar="DIR", help="a run's folder; its best checkpoint is used")
    source.add_argument("--pretrained", metavar="DIR", help="a folder in Hugging Face's format, or a name on its hub")
    parser.add_argument("--prompt", required=True, metavar="TEXT", help="what the text begins with")
    parser.add_argument("--max-new-tokens", type=int, default=200, metavar="N", help="default: 200")
    parser.add_argument("--temperature", type=float, default=0.8, metavar="T", help="below 1 sharper (default: 0.8)")
    parser.add_argument("--top-k", type=int, default=None, metavar="K", help="only the K likeliest tokens")
    parser.add_argument("--top-p", type=float, default=None, metavar="P", help="only tokens that make up P together")
    parser.add_argument("--min-p", type=float, metavar="P", help="only tokens P times as likely as the top")
    parser.add_argument("--repetition-penalty", type=float, default=1.0, metavar="R", help="above 1: fewer repetitions")
    parser.add_argument("--no-repeat-ngram-size", type=int, default=0, metavar="N", help="no N tokens in a row twice")
    parser.add_argument("--num-beams", type=int, default=1, metavar="K", help="above 1: search for the likeliest text")
    parser.add_argument("--length-penalty", type=float, default=1.0, metavar="L", help="of beams; above 1: longer")
    parser.add_argument("--seed", type=int, default=0, metavar="S", help="another seed gives another text (default: 0)")
    parser.add_argument("--greedy", action="store_true", help="always the likeliest token")
    parser.add_argument("--stop", action="append", default=[], metavar="TEXT", help="ends the text; may be repeated")
    args = parser.parse_args(argv)

    from lm.config import check_seed
    from lm.generation import GenerationConfig, generate_batch
    from lm.generation import generate as generate_ids
    from lm.generation.stream import stream_text
    from lm.tokenizer import Pipeline, encode_batch
    from lm.training.loop import load_best
    from lm.training.run import open_run
    from lm.training.tasks.next_token import NextToken
    from minigrad.backends.numpy import keep_freed_memory

    check_seed(args.seed)
    keep_freed_memory()
    tokenizer: Tokenizer
    if args.pretrained:
        model, tokenizer, ends = open_pretrained(args.pretrained)
    else:
        run = open_run(Path(args.run))
        if not isinstance(run.task, NextToken):
            raise ValueError(f"{run.folder}: a {run.config.model.family} does not go on with a text")
        (model, _), tokenizer, ends = load_best(run), run.tokenizer, ()
    if isinstance(tokenizer, Pipeline):  # published models know texts by the special tokens around them
        prompt = encode_batch(tokenizer, [args.prompt], disallowed_special=()).input_ids[0].tolist()
    else:
        prompt = tokenizer.encode(args.prompt, disallowed_special=())
    if not ends and tokenizer.eot_token is not None:
        ends = (tokenizer.eot_token,)
    ids: Iterable[int]
    if args.num_beams > 1:
        settings = GenerationConfig(
            max_new_tokens=args.max_new_tokens,
            num_beams=args.num_beams,
            length_penalty=args.length_penalty,
            repetition_penalty=args.repetition_penalty,
            no_repeat_ngram_size=args.no_repeat_ngram_size,
            eos_token_id=ends,
        )
        [ids] = generate_batch(model, [prompt], settings)
    else:
        ids = generate_ids(
            model,
            prompt,
            args.max_new_tokens,
            temperature=args.temperature,
            top_k=args.top_k,
            top_p=args.top_p,
            min_p=args.min_p,
            repetition_penalty=args.repetition_penalty,
            no_repeat_ngram_size=args.no_repeat_ngram_size,
            greedy=args.greedy,
            seed=args.seed,
            stop_tokens=ends,
        )
    sys.stdout.write(args.prompt if not hasattr(model, "encode") else "")
    for text in stream_text(tokenizer, ids, args.stop):
        sys.stdout.write(text)
        sys.stdout.flush()
    sys.stdout.write("\n")
    return 0


def evaluate(argv: Sequence[str]) -> int:
    """The loss of a run's best checkpoint on its validation text, or on another text."""
    parser = argparse.ArgumentParser("lm eval", description=evaluate.__doc__)
    parser.add_argument("--run", required=True, metavar="DIR", help="a run's folder; its best checkpoint is used")
    parser.add_argument("--data", default=None, metavar="PATH", help="a text file or folder, all of it")
    args = parser.parse_args(argv)

    from lm.data.corpus import tokenize
    from lm.data.text import open_text
    from lm.training.evaluate import evaluate as evaluate_loss
    from lm.training.loop import load_best
    from lm.training.run import open_run
    from lm.training.signals import catch_stop_signals
    from lm.training.tasks.next_token import NextToken
    from minigrad.backends.numpy import keep_freed_memory

    keep_freed_memory()
    run = open_run(Path(args.run))
    if not isinstance(run.task, NextToken):
        return _evaluate_task(run, args.data)
    split = run.corpus.val if args.data is None else tokenize(open_text(args.data), run.tokenizer)
    model, step = load_best(run)
    with catch_stop_signals() as stop:
        loss = evaluate_loss(model, split.tokens, run.config.training.batch_size, stop)
    if loss is None:
        return stop.exit_code
    print(f"{args.data or run.corpus.name + ', validation part'}: {len(split.tokens):,} tokens, {split.bytes:,} bytes")
    print(f"model after step   {step}")
    print(f"loss               {loss:.4f} nats per token")
    print(f"perplexity         {math.exp(loss) if loss < 709 else math.inf:.2f}")
    print(f"bits per byte      {split.bits_per_byte(loss):.4f}")
    print(f"gzip -9            {split.gzip_bits_per_byte:.4f} bits per byte")
    return 0


def _evaluate_task(run: Run, data: str | None) -> int:
    """What is held out of a run that does not predict a text's next token, and what it has learnt."""
    from lm.training.loop import load_best
    from lm.training.signals import catch_stop_signals

    if data is not None:
        raise ValueError(
            f"--data: a {run.config.model.family} is evaluated on what its own run holds out; leave it out"
        )
    model, step = load_best(run)
    with catch_stop_signals() as stop:
        loss = run.task.evaluate(model, stop)
    if loss is None:
        return stop.exit_code
    print(f"model after step   {step}")
    print(f"loss               {loss:.4f}")
    print(f"\n{run.task.title}:\n")
    print("\n".join(f"  | {line}" for line in run.task.show(model)))
    return 0


def count(argv: Sequence[str]) -> int:
    """What a model costs: parameters, and of a GPT-2 operations and memory of a training step. Allocates nothing."""
    if any(argument.partition("=")[0] == "--pretrained" for argument in argv):
        return count_pretrained(argv)
    from lm.config import load_config, parse_arguments

    arguments = parse_arguments("lm count", argv)
    config = load_config(arguments.config_file, arguments.flags)

    from lm.data.text import open_text
    from lm.models import GPT2
    from lm.models.count import count_flops, count_memory, count_parameters
    from lm.training.run import make_tokenizer

    if config.model.family != "gpt2":
        from lm.training.families import make_task

        tokenizer = make_tokenizer(config, open_text(config.data))
        task = make_task(config, tokenizer, None)
        print(f"vocabulary of {tokenizer.vocab_size:,}")
        _table("parameters", count_parameters(task.family.make, task), 1, "")
        return 0
    if config.tokenizer.path is None and config.tokenizer.vocab_size is not None:
        vocab_size = config.tokenizer.vocab_size
    else:
        vocab_size = make_tokenizer(config, open_text(config.data)).vocab_size
    model, training = config.model.gpt2(vocab_size), config.training
    tokens = training.batch_size * training.accumulation_steps * model.n_positions
    flops = count_flops(model, training.batch_size * training.accumulation_steps)
    sequences = f"{training.accumulation_steps} x {training.batch_size} sequences of {model.n_positions} tokens"
    print(f"vocabulary of {vocab_size:,}; a step sees {tokens:,} tokens: {sequences}")
    _table("parameters", count_parameters(GPT2, model), 1, "")
    _table("operations per step", flops, 1e9, " GFLOP")
    _table("memory", count_memory(model, training.batch_size), 2.0**20, " MiB")
    return 0


def _table(title: str, rows: dict[str, int], unit: float, name: str) -> None:
    digits = 0 if unit == 1 else 1
    print(f"\n{title}")
    for row, value in [*rows.items(), ("total", sum(rows.values()))]:
        print(f"  {row:28}{value / unit:>18,.{digits}f}{name}")


COMMANDS = {
    "train": (train, "train a model; without arguments a small one on text that comes with Python"),
    "generate": (generate, "write text that goes on from a prompt"),
    "eval": (evaluate, "the loss of a trained model: nats per token, perplexity, bits per byte"),
    "count": (count, "what a model costs, before anything is allocated"),
    "import": (import_, "a model in Hugging Face's format, from a folder or the hub: check it, write it anew"),
    "export": (export, "a trained model as a folder in Hugging Face's format"),
    "tok": (tok, "tokenizers: train, encode, decode, convert, inspect"),
}

if __name__ == "__main__":
    sys.exit(main())
