"""Word2vec beside gensim: words per second, and whether the vectors are as good.

    python -m benchmarks.word_embeddings [--data FILE] [--epochs 5] [--rounds 3]

Same text, same settings (gensim's defaults), one thread each. The two take turns; printed are words per second of
processor time, the best of the rounds, from the words of the sentences to the vectors; the vocabulary, its tree and its
tables are made before, as they are in gensim's `build_vocab`. Two scores follow, each beside gensim's own from another
seed:

    neighbours  the share of the ten nearest of 200 frequent words that two models have in common
    analogies   on a made text of 20 topics and 4 roles, "topic 1 in role 1 is to topic 1 in role 2 as topic 2 in role 1
                is to ...", of which it is known what is right
"""

from __future__ import annotations

import argparse
import re
import time
from collections import Counter
from collections.abc import Callable
from itertools import permutations
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import minigrad as mg
from benchmarks.side_by_side import machine
from lm.data.text import open_text
from lm.data.windows import HuffmanTree, Noise, WindowSampler, keep_probabilities
from lm.models.word2vec import Word2Vec, Word2VecConfig
from lm.models.word_vectors import WordVectors
from minigrad.ops.random import Key

Sentences = list[list[str]]
Vectors = NDArray[np.float32]

MIN_COUNT, JOB = 5, 10_000  # gensim's min_count and batch_words
TOPICS, ROLES, CONTEXTS = 20, 4, 6


def sentences_of(path: str | None) -> Sentences:
    text = "".join(open_text(path).pieces()) if path is None or not Path(path).is_file() else Path(path).read_text()
    return [re.findall(r"[^\W\d_]+(?:'[^\W\d_]+)*", line) for line in text.lower().splitlines() if line.strip()]


def made_text(sentences: int = 1_500) -> Sentences:
    """Each sentence: the word of a topic in a role, among words of the topic and words of the role."""
    rng = np.random.default_rng(0)
    text = []
    for topic, role in zip(rng.integers(TOPICS, size=sentences), rng.integers(ROLES, size=sentences)):
        about = [f"t{topic}_{i}" for i in rng.integers(CONTEXTS, size=3)]
        doing = [f"r{role}_{i}" for i in rng.integers(CONTEXTS, size=3)]
        words = [f"e{topic}_{role}", *about, *doing, *(f"x{i}" for i in rng.integers(50, size=2))]
        text.append([words[i] for i in rng.permutation(len(words))])
    return text


def made_questions() -> list[tuple[str, str, str, str]]:
    return [
        (f"e{one}_{a}", f"e{one}_{b}", f"e{other}_{a}", f"e{other}_{b}")
        for one, other in permutations(range(TOPICS), 2)
        for a, b in permutations(range(ROLES), 2)
    ]


def vocabulary(text: Sentences) -> list[str]:
    """The words in gensim's order: where two are equally frequent, it decides how the Huffman tree is built."""
    from gensim.models import Word2Vec as Peer

    peer = Peer(min_count=MIN_COUNT)
    peer.build_vocab(text)
    words: list[str] = peer.wv.index_to_key
    return words


def train_ours(text: Sentences, words: list[str], sg: int, hs: int, epochs: int, seed: int) -> tuple[Vectors, float]:
    counted = Counter(word for sentence in text for word in sentence)
    index, counts = {word: place for place, word in enumerate(words)}, np.array([counted[word] for word in words])
    mg.manual_seed(seed)
    config = Word2VecConfig(len(words), sg=bool(sg), hs=bool(hs), negative=0 if hs else 5)
    model = Word2Vec(config)
    teller = HuffmanTree(counts) if hs else Noise(counts, config.negative, config.ns_exponent)
    sampler = WindowSampler(keep_probabilities(counts, config.sample), config.window, teller)
    started = time.process_time()
    ids = np.concatenate([[*(index[word] for word in sentence if word in index), -1] for sentence in text])
    jobs = -(-len(ids) // JOB)
    for number in range(epochs * jobs):
        lr = 0.025 - (0.025 - 0.0001) * number / (epochs * jobs)
        first = number % jobs * JOB
        model.step(sampler.windows(ids[first : first + JOB], Key(seed, "windows", number)), lr)
    return model.vectors.data, time.process_time() - started


def train_gensim(text: Sentences, words: list[str], sg: int, hs: int, epochs: int, seed: int) -> tuple[Vectors, float]:
    from gensim.models import Word2Vec as Peer

    model = Peer(min_count=MIN_COUNT, workers=1, sg=sg, hs=hs, negative=0 if hs else 5, epochs=epochs, seed=seed)
    model.build_vocab(text)
    started = time.process_time()
    model.train(text, total_examples=model.corpus_count, epochs=epochs)
    seconds = time.process_time() - started
    return np.stack([model.wv[word] for word in words]), seconds


def shared_neighbours(one: Vectors, other: Vectors, words: list[str], count: int = 200) -> float:
    near = [
        [{w for w, _ in v.most_similar(word)} for word in words[:count]]
        for v in (WordVectors(words, one), WordVectors(words, other))
    ]
    return float(np.mean([len(a & b) / 10 for a, b in zip(*near)]))


def compare(text: Sentences, sg: int, hs: int, epochs: int, rounds: int) -> None:
    words = vocabulary(text)
    total = epochs * sum(map(len, text))
    found: dict[Callable[..., tuple[Vectors, float]], list[tuple[Vectors, float]]] = {train_ours: [], train_gensim: []}
    for seed in range(1, rounds + 1):
        for train, results in found.items():
            results.append(train(text, words, sg, hs, epochs, seed))
    (ours, speed), (theirs, peer_speed) = (
        ([vectors for vectors, _ in results], total / min(seconds for _, seconds in results))
        for results in found.values()
    )
    name = f"{'skip-gram' if sg else 'CBOW'}, {'hierarchical softmax' if hs else 'negative sampling'}"
    print(f"{name}: ours {speed:,.0f} words/s, gensim {peer_speed:,.0f}: {speed / peer_speed:.2f}x")
    between = shared_neighbours(theirs[0], theirs[-1], words) if rounds > 1 else float("nan")
    both = shared_neighbours(ours[0], theirs[0], words)
    print(f"  neighbours  ours and gensim {both:.3f}, gensim's two seeds {between:.3f}")
    made = made_text()
    made_words = vocabulary(made)
    answers = [WordVectors(made_words, train(made, made_words, sg, hs, 20, 1)[0]) for train in found]
    scores = [vectors.analogies(made_questions()) for vectors in answers]
    print(f"  analogies   ours {scores[0]:.3f}, gensim {scores[1]:.3f}")


def main() -> None:
    parser = argparse.ArgumentParser(description="word2vec beside gensim")
    parser.add_argument("--data", help="a text, a sentence a line; default: the language reference inside Python")
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    text = sentences_of(args.data)
    print(machine())
    print(f"{sum(map(len, text)):,} words, {len(vocabulary(text)):,} of which occur {MIN_COUNT} times or more")
    for sg, hs in ((1, 0), (0, 0), (1, 1), (0, 1)):
        compare(text, sg, hs, args.epochs, args.rounds)


if __name__ == "__main__":
    main()
