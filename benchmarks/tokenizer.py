"""The tokenizer beside `tokenizers` and `tiktoken`: training, encoding, decoding, memory, and text meant to be slow.

    python -m benchmarks.tokenizer [--data FILE ...] [--vocab-size 16384] [--rounds 5]

Without --data the text is made from what is on any machine: the sources of the standard library and Python's language
reference, 3 MB of invented Chinese and 2.5 MB of words in eight other scripts and emoji; 23 MB in all. Every peer runs
in a process of its own, in turns; a new tokenizer is made for every encoding, so that none remembers the text.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import sysconfig
import tempfile
import time
from importlib.util import find_spec
from itertools import accumulate
from pathlib import Path
from pydoc_data.topics import topics
from typing import Any

import numpy as np

from benchmarks.side_by_side import Worker, machine, median

GPT2 = r"'(?:[sdmt]|ll|ve|re)| ?\p{L}++| ?\p{N}++| ?[^\s\p{L}\p{N}]++|\s++$|\s+(?!\S)|\s"
SCRIPTS = {
    "Russian": (0x430, 0x450),
    "Greek": (0x3B1, 0x3CA),
    "Arabic": (0x627, 0x64B),
    "Hebrew": (0x5D0, 0x5EB),
    "Korean": (0xAC00, 0xB400),
    "Thai": (0xE01, 0xE2F),
    "Armenian": (0x561, 0x587),
    "Georgian": (0x10D0, 0x10F1),
}


def mixed_text() -> str:
    """The same 23 MB on every machine with the same Python."""
    rng = random.Random(0)

    def falling(count: int) -> list[float]:
        return list(accumulate(1 / (i + 2) for i in range(count)))

    def invented(first: int, last: int, longest: int) -> list[str]:
        letters = list(map(chr, range(first, last)))
        rng.shuffle(letters)
        weights = falling(len(letters))
        return ["".join(rng.choices(letters, cum_weights=weights, k=rng.randint(1, longest))) for _ in range(20_000)]

    def prose(words: list[str], size: int, space: str, stops: list[str]) -> str:
        weights, clauses, held = falling(len(words)), [], 0
        while held < size:
            clauses.append(
                space.join(rng.choices(words, cum_weights=weights, k=rng.randint(3, 12))) + rng.choice(stops)
            )
            held += len(clauses[-1].encode())
        return "".join(clauses)

    parts = list(topics.values())
    size = sum(map(len, parts))
    library = Path(sysconfig.get_paths()["stdlib"])
    for path in sorted(library.rglob("*.py")):
        if size < 17_500_000 and "site-packages" not in path.parts:
            parts.append(path.read_text("utf-8", errors="replace"))
            size += len(parts[-1].encode())
    parts.append(prose(invented(0x4E00, 0x9FA5, 3), 3_000_000, "", ["，", "，", "，", "。\n", "！"]))
    for first, last in SCRIPTS.values():
        parts.append(prose(invented(first, last, 10), 300_000, " ", [", ", ". ", ".\n", "? "]))
    parts.append(prose(list(map(chr, range(0x1F600, 0x1F64F))), 100_000, " ", ["! ", "\n"]))
    return "\n".join(parts)


class Peer:
    """What every peer does; it lives in a worker process."""

    def __init__(self, text: str, vocab_size: int, vocabulary: str) -> None:
        self.text = Path(text).read_text("utf-8")
        self.lines = self.text.splitlines(keepends=True)
        self.chat = [line for line in self.text.splitlines() if 10 < len(line) < 120][:10_000]
        self.vocab_size = vocab_size
        self.merges = json.loads(Path(vocabulary).read_text()) if vocabulary else []
        self.ids: Any = []

    def peak_mib(self) -> float:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

    def digest(self) -> list[int]:
        ids = np.asarray(self.ids, np.int64)
        return [len(ids), int((ids * (np.arange(len(ids)) % 1009 + 1)).sum())]


class Minigrad(Peer):
    def train(self) -> list[tuple[int, int]]:
        from lm.tokenizer import train_bpe

        return list(train_bpe(self.lines, self.vocab_size).merges)

    def prepare(self) -> None:
        from lm.tokenizer import BPETokenizer

        self.tokenizer = BPETokenizer(map(tuple, self.merges))

    def encode(self) -> None:
        self.ids = self.tokenizer.encode_to_array(self.text)

    def encode_to_list(self) -> None:
        self.tokenizer.encode(self.text)

    def decode(self) -> None:
        self.tokenizer.decode(self.ids)

    def encode_chat(self) -> None:
        for line in self.chat:
            self.tokenizer.encode(line)

    def train_file(self, path: str) -> int:
        from lm.tokenizer import train_bpe

        return train_bpe(Path(path), self.vocab_size).vocab_size

    def encode_ever_new(self, calls: int) -> float:
        """Encodes as many texts of 1 MB of random letters; resident MiB afterwards."""
        letters = np.frombuffer(b"aaabcdeeeefghiiijklmnooopqrstttuuvwxyz            ", np.uint8)
        self.ids = self.ids if isinstance(self.ids, np.random.Generator) else np.random.default_rng(0)
        for call in range(calls):
            text = letters[self.ids.integers(0, len(letters), 1_000_000)].tobytes().decode()
            (self.tokenizer.encode if call % 2 else self.tokenizer.encode_to_array)(text)
        status = Path("/proc/self/status").read_text()
        return int(status.split("VmRSS:")[1].split()[0]) / 1024

    def hostile(self, family: str, size: int) -> float:
        text = HOSTILE[family](size)
        self.prepare()
        start = time.perf_counter()
        self.tokenizer.encode(text)
        return time.perf_counter() - start


class Tiktoken(Peer):
    def prepare(self) -> None:
        import tiktoken

        from lm.tokenizer import BPETokenizer

        ours = BPETokenizer(map(tuple, self.merges))
        ranks = {ours.token_bytes(id): id for id in range(ours.vocab_size)}
        self.tokenizer = tiktoken.Encoding("same", pat_str=GPT2, mergeable_ranks=ranks, special_tokens={})

    def encode(self) -> None:
        self.ids = self.tokenizer.encode_ordinary(self.text)

    def decode(self) -> None:
        self.tokenizer.decode(self.ids)

    def encode_chat(self) -> None:
        for line in self.chat:
            self.tokenizer.encode(line)


class Tokenizers(Peer):
    def train(self) -> list[tuple[int, int]]:
        from tests.lm.tokenizer.make_merges_expected import hugging_face

        return hugging_face(self.lines, self.vocab_size, [], 2)[0]

    def prepare(self) -> None:
        from tokenizers import Tokenizer, decoders
        from tokenizers.models import BPE
        from tokenizers.pre_tokenizers import ByteLevel

        from lm.tokenizer import BPETokenizer
        from lm.tokenizer.bpe import BYTE_ORDER

        ours = BPETokenizer(map(tuple, self.merges))
        character = {byte: chr(byte if id < 188 else 256 + id - 188) for id, byte in enumerate(BYTE_ORDER)}
        spelled = ["".join(map(character.__getitem__, ours.token_bytes(id))) for id in range(ours.vocab_size)]
        merges = [(spelled[left], spelled[right]) for left, right in self.merges]
        self.tokenizer = Tokenizer(BPE({token: id for id, token in enumerate(spelled)}, merges))
        self.tokenizer.pre_tokenizer = ByteLevel(add_prefix_space=False)
        self.tokenizer.decoder = decoders.ByteLevel()

    def encode(self) -> None:
        self.ids = self.tokenizer.encode(self.text).ids

    def decode(self) -> None:
        self.tokenizer.decode(self.ids)

    def encode_chat(self) -> None:
        for line in self.chat:
            self.tokenizer.encode(line)


def _drawn(letters: str) -> Any:
    return lambda n: "".join(random.Random(0).choices(letters, k=n // len(letters[0].encode())))


HOSTILE = {
    "a": lambda n: "a" * n,
    "spaces": lambda n: " " * n,
    "carets": lambda n: "^" * n,
    "newlines": lambda n: "\n" * n,
    "digits": _drawn("0123456789"),
    "letters": _drawn("abcdefghijklmnopqrstuvwxyz"),
    "emoji": lambda n: "😀" * (n // 4),
    "chinese": _drawn("的一是不了人我在有他这中大来上国"),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", nargs="*", help="UTF-8 files instead of the text that is made here")
    parser.add_argument("--vocab-size", type=int, default=16_384)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument(
        "--only",
        choices=["train", "encode", "hostile", "growth", "memory"],
        nargs="*",
        default=["train", "encode", "hostile"],
        help="growth: training on 1, 10 and 100 MB; memory: 10,000 encodings of 1 MB, for half an hour",
    )
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path, vocabulary = Path(folder) / "text", Path(folder) / "merges"
        given = [Path(name).read_text("utf-8") for name in arguments.data or []]
        path.write_text("\n".join(given) if given else mixed_text(), "utf-8")
        print(f"{machine()}; {path.stat().st_size / 1e6:.1f} MB, vocabulary of {arguments.vocab_size:,}")
        peers = ["Minigrad", *(["Tokenizers"] if find_spec("tokenizers") else [])]
        merges = _train(peers, path, arguments.vocab_size, arguments.rounds if "train" in arguments.only else 0)
        vocabulary.write_text(json.dumps(merges))
        peers = ["Minigrad", *(name for name in ("Tiktoken", "Tokenizers") if find_spec(name.lower()))]
        settings = {"text": str(path), "vocab_size": arguments.vocab_size, "vocabulary": str(vocabulary)}
        if "encode" in arguments.only:
            _encode(peers, settings, arguments.rounds, path.stat().st_size)
        if "hostile" in arguments.only:
            _hostile(settings)
        if "growth" in arguments.only:
            _growth(settings, Path(folder) / "part")
        if "memory" in arguments.only:
            _memory(settings)


def _train(peers: list[str], path: Path, vocab_size: int, rounds: int) -> Any:
    """Merges of the first peer; each round in a new process, whose peak memory holds the text's lines too."""
    seconds: dict[str, list[float]] = {peer: [] for peer in peers}
    learnt: dict[str, Any] = {}
    for number in range(max(rounds, 1)):
        for peer in peers if rounds else peers[:1]:
            worker = Worker(f"benchmarks.tokenizer:{peer}", text=str(path), vocab_size=vocab_size, vocabulary="")
            before, _ = worker.call("peak_mib")
            learnt[peer], took = worker.call("train")
            seconds[peer].append(took)
            peak, _ = worker.call("peak_mib")
            worker.close()
            if rounds and number == 0:
                print(f"train   {peer:11} peak {peak:.0f} MiB, {before:.0f} of them before", flush=True)
    for peer in peers if rounds else []:
        same = "" if learnt[peer] == learnt[peers[0]] else "  OTHER MERGES"
        ratio = median(seconds[peer]) / median(seconds[peers[0]])
        print(f"train   {peer:11} {median(seconds[peer]):8.3f} s, {ratio:.2f} times ours{same}", flush=True)
    return learnt[peers[0]]


def _encode(peers: list[str], settings: dict[str, Any], rounds: int, size: int) -> None:
    workers = {peer: Worker(f"benchmarks.tokenizer:{peer}", **settings) for peer in peers}
    for task in ("encode", "encode_to_list", "decode", "encode_chat"):
        seconds: dict[str, list[float]] = {peer: [] for peer in peers}
        for _ in range(rounds):
            for peer, worker in workers.items():
                if task != "encode_to_list" or peer == "Minigrad":
                    if task.startswith("encode"):
                        worker.call("prepare")  # remembers nothing
                    seconds[peer].append(worker.call(task)[1])
        ours = median(seconds["Minigrad"])
        for peer, times in seconds.items():
            if times:
                speed = "" if task == "encode_chat" else f", {size / 1e6 / median(times):6.1f} MB/s"
                print(
                    f"{task:15} {peer:11} {median(times):8.4f} s{speed}, {median(times) / ours:.2f} times ours",
                    flush=True,
                )
    digests = {peer: worker.call("digest")[0] for peer, worker in workers.items()}
    print("ids", "equal" if len(set(map(tuple, digests.values()))) == 1 else digests)
    for peer, worker in workers.items():
        print(f"peak memory {peer:11} {worker.call('peak_mib')[0]:.0f} MiB")
        worker.close()


def _hostile(settings: dict[str, Any]) -> None:
    worker = Worker("benchmarks.tokenizer:Minigrad", **settings)
    for family in HOSTILE:
        half, whole = (min(worker.call("hostile", family, n)[0] for _ in range(3)) for n in (500_000, 1_000_000))
        print(f"hostile {family:9} 1 MB in {whole:.3f} s, {whole / half:.2f} times half of it", flush=True)
    worker.close()


def _growth(settings: dict[str, Any], part: Path) -> None:
    """The lines of the text in a drawn order, again and again; each time a fifth of them has other letters."""
    rng = random.Random(0)
    lines = Path(settings["text"]).read_text("utf-8").splitlines(keepends=True)
    rng.shuffle(lines)
    for size in (1_000_000, 10_000_000, 100_000_000):
        left, letters = size, [*"abcdefghijklmnopqrstuvwxyz"]
        with part.open("w", encoding="utf-8") as file:
            while left > 0:
                table = str.maketrans("abcdefghijklmnopqrstuvwxyz", "".join(letters))
                for number, line in enumerate(lines):
                    left -= file.write(line.translate(table) if number % 5 == 0 else line)
                    if left <= 0:
                        break
                rng.shuffle(letters)
        worker = Worker("benchmarks.tokenizer:Minigrad", **settings)
        _, seconds = worker.call("train_file", str(part))
        print(f"growth  {part.stat().st_size / 1e6:6.1f} MB in {seconds:.2f} s", flush=True)
        worker.close()


def _memory(settings: dict[str, Any], calls: int = 10_000, looks: int = 20) -> None:
    worker = Worker("benchmarks.tokenizer:Minigrad", **settings)
    worker.call("prepare")
    resident = [worker.call("encode_ever_new", calls // looks)[0] for _ in range(looks)]
    print(
        f"memory  {min(resident):.0f} to {max(resident):.0f} MiB, last {resident[-1]:.0f}, over {calls:,} texts of 1 MB"
    )
    worker.close()


if __name__ == "__main__":
    main()
