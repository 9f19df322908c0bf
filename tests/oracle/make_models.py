"""Write tests/lm/hub/folders/*: tiny random models as Hugging Face's transformers saves them, and what they compute.

    pip install torch==2.13.0 transformers==5.24.0
    python -m tests.oracle.make_models [NAME ...]

Each folder holds the files of `save_pretrained`, float32 weights, and expected.npz:

    ids, attention_mask, labels ...  a batch of three sequences, one padded on the right and one on the left
    logits32/*, logits64/*           in float32 as it is, and with every step in float64
    loss32, loss64, grads/*          by Hugging Face's names of parameters, of the float64 run
    steps/*                          losses of ten steps of AdamW from these weights, in float32
    prompts, lengths                 prompts of 1 to 9 tokens, and for each way of generating in WAYS
    generated/WAY                    the new tokens of each alone, padded with -1

transformers computes norms and rotations of a float64 model in float32; `in_double` makes it compute them in float64.
"""

import shutil
import sys
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch
import transformers

FOLDERS = Path(__file__).parent.parent / "lm" / "hub" / "folders"
VOCABULARY, PAD, EOS = 29, 0, 1
IGNORED = -100
LLAMA = {
    "vocab_size": VOCABULARY, "hidden_size": 16, "intermediate_size": 20, "num_hidden_layers": 2,
    "num_attention_heads": 4, "max_position_embeddings": 64, "bos_token_id": 2, "eos_token_id": EOS,
    "pad_token_id": PAD,
}  # fmt: skip
BERT = {
    "vocab_size": VOCABULARY, "hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 2,
    "num_attention_heads": 4, "max_position_embeddings": 20, "hidden_dropout_prob": 0.0,
    "attention_probs_dropout_prob": 0.0,
}  # fmt: skip
SMALL_BERT = BERT | {"hidden_size": 8, "intermediate_size": 12, "num_hidden_layers": 1, "num_attention_heads": 2}
T5 = {
    "vocab_size": VOCABULARY, "d_model": 16, "d_kv": 6, "d_ff": 20, "num_layers": 3, "num_decoder_layers": 2,
    "num_heads": 3, "dropout_rate": 0.0, "relative_attention_num_buckets": 8, "relative_attention_max_distance": 10,
    "decoder_start_token_id": PAD,
}  # fmt: skip
LABELS = {"id2label": {0: "a", 1: "b", 2: "c"}, "label2id": {"a": 0, "b": 1, "c": 2}}


def rope(kind, **settings):
    return {"rope_parameters": {"rope_type": kind, "rope_theta": 100.0, **settings}}


def roberta(**changes):
    return {"pad_token_id": 1, "bos_token_id": 0, "eos_token_id": 2, "type_vocab_size": 1, **changes}


CASES = {
    "gpt2": ("GPT2LMHeadModel", {
        "vocab_size": VOCABULARY, "n_positions": 32, "n_embd": 16, "n_layer": 2, "n_head": 4, "n_inner": 24,
        "embd_pdrop": 0.0, "attn_pdrop": 0.0, "resid_pdrop": 0.0, "bos_token_id": EOS, "eos_token_id": EOS,
        "pad_token_id": EOS,
    }),
    "llama": ("LlamaForCausalLM", LLAMA | rope("default")),
    "llama-grouped-tied-linear": (
        "LlamaForCausalLM",
        LLAMA | {"num_key_value_heads": 2, "tie_word_embeddings": True} | rope("linear", factor=4.0),
    ),
    "llama-grouped-llama3": (
        "LlamaForCausalLM",
        LLAMA | {"num_key_value_heads": 1, "head_dim": 8}
        | rope("llama3", factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0, original_max_position_embeddings=32),
    ),
    "llama-tied-biased": (
        "LlamaForCausalLM",
        LLAMA | {"tie_word_embeddings": True, "attention_bias": True, "mlp_bias": True} | rope("default"),
    ),
    "qwen2": ("Qwen2ForCausalLM", LLAMA | {"num_key_value_heads": 2} | rope("default")),
    "bert": ("BertForPreTraining", BERT),
    "bert-trunk": ("BertModel", SMALL_BERT),
    "bert-masked": ("BertForMaskedLM", SMALL_BERT),
    "bert-next": ("BertForNextSentencePrediction", SMALL_BERT),
    "bert-sequence": ("BertForSequenceClassification", SMALL_BERT | LABELS),
    "bert-token": ("BertForTokenClassification", SMALL_BERT | LABELS),
    "bert-spans": ("BertForQuestionAnswering", SMALL_BERT),
    "roberta": ("RobertaForMaskedLM", BERT | roberta(layer_norm_eps=1e-5)),
    "roberta-sequence": ("RobertaForSequenceClassification", SMALL_BERT | LABELS | roberta()),
    "roberta-token": ("RobertaForTokenClassification", SMALL_BERT | LABELS | roberta()),
    "roberta-spans": ("RobertaForQuestionAnswering", SMALL_BERT | roberta()),
    "t5": ("T5ForConditionalGeneration", T5),
    "t5-v1.1": ("T5ForConditionalGeneration", T5 | {"feed_forward_proj": "gated-gelu", "tie_word_embeddings": False}),
}  # fmt: skip

NEW_TOKENS = 12
WAYS = {
    "greedy": {},
    "greedy_penalties": {"repetition_penalty": 1.3, "no_repeat_ngram_size": 2, "min_new_tokens": 4},
    "greedy_words": {"bad_words_ids": [[5], [7, 8]], "forced_eos_token_id": EOS},
    "beam": {"num_beams": 4},
    "beam_long": {"num_beams": 3, "length_penalty": 2.0, "early_stopping": True, "no_repeat_ngram_size": 3},
    "beam_short": {"num_beams": 2, "length_penalty": -0.5, "early_stopping": "never", "repetition_penalty": 1.2},
}


def make(name):
    """A model whose weights are so large that no term is lost in another, on the grid of float32."""
    architecture, settings = CASES[name]
    model_class = getattr(transformers, architecture)
    config = model_class.config_class(**settings)
    config.architectures = [architecture]
    model = model_class(config).eval()
    generator = torch.Generator().manual_seed(sum(map(ord, name)))
    with torch.no_grad():
        for path, parameter in model.named_parameters():
            values = torch.randn(parameter.shape, generator=generator)
            norm = parameter.ndim == 1 and path.endswith("weight")
            scale = 0.1 if parameter.ndim == 1 else 0.4 if "embed" in path or "wte" in path or "shared" in path else 0.3
            parameter.copy_(1 + 0.1 * values if norm else scale * values)
    if name == "t5-v1.1":  # transformers ties what it makes; a file with two different tensors stays untied
        model.lm_head.weight = torch.nn.Parameter(0.3 * torch.randn(model.lm_head.weight.shape, generator=generator))
    return model


@contextmanager
def in_double():
    """Inside, `.float()` and `.to(torch.float32)` give float64."""
    to, single = torch.Tensor.to, torch.Tensor.float

    def wide(value):
        return torch.float64 if value is torch.float32 else value

    torch.Tensor.to = lambda self, *args, **kwargs: to(
        self, *map(wide, args), **{name: wide(value) for name, value in kwargs.items()}
    )
    torch.Tensor.float = torch.Tensor.double
    try:
        yield
    finally:
        torch.Tensor.to, torch.Tensor.float = to, single


def batch(name, count=3, length=7, seed=0):
    """Inputs by transformers' names, among them labels."""
    architecture = CASES[name][0]
    generator = np.random.default_rng(seed + sum(map(ord, name)))
    pad = 1 if name.startswith("roberta") else PAD
    ids = generator.integers(3, VOCABULARY, (count, length))
    mask = np.ones_like(ids)
    if count >= 3:
        mask[1, -2:] = 0
        mask[2, :3] = 0
    ids = np.where(mask == 1, ids, pad)
    inputs = {"input_ids": ids, "attention_mask": mask}
    chosen = (mask == 1) & (generator.random(ids.shape) < 0.8)
    labels = np.where(chosen, generator.integers(3, VOCABULARY, ids.shape), -100)
    if name.startswith("bert"):
        inputs["token_type_ids"] = (np.arange(length) >= 4).astype(np.int64) * mask
    if "QuestionAnswering" in architecture:
        return inputs | {"start_positions": np.arange(count) % 3 + 3, "end_positions": np.full(count, 4)}
    if "SequenceClassification" in architecture:
        return inputs | {"labels": np.arange(count) % 3}
    if "NextSentence" in architecture:
        return inputs | {"labels": np.arange(count) % 2}
    if "TokenClassification" in architecture:
        return inputs | {"labels": np.where(labels == -100, -100, labels % 3)}
    if "PreTraining" in architecture:
        return inputs | {"labels": labels, "next_sentence_label": np.arange(count) % 2}
    if architecture == "BertModel":
        return inputs
    if name.startswith("t5"):
        targets = generator.integers(3, VOCABULARY, (count, 5))
        if count >= 3:
            targets[1, 3:] = -100
        return inputs | {"labels": targets}
    if "CausalLM" in architecture or name == "gpt2":
        return inputs | {"labels": np.where(mask == 1, ids, -100)}
    return inputs | {"labels": labels}


def outputs(model, inputs):
    """(what it computes by name, loss or None)."""
    out = model(**{key: torch.from_numpy(value) for key, value in inputs.items()})
    if out.get("last_hidden_state") is not None and "logits" not in out:
        return {"hidden": out.last_hidden_state, "pooled": out.pooler_output}, out.last_hidden_state.square().mean()
    names = ("logits", "prediction_logits", "seq_relationship_logits", "start_logits", "end_logits")
    return {name: out[name] for name in names if out.get(name) is not None}, out.loss


def train(name, batches):
    model = make(name).train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=0.1)
    losses = []
    for inputs in batches:
        optimizer.zero_grad()
        _, loss = outputs(model, inputs)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return np.array(losses)


def generate(model, name, prompts, **settings):
    """New tokens of each prompt, all in one batch."""
    seq2seq, pad = name.startswith("t5"), model.config.pad_token_id
    longest = max(map(len, prompts))
    ids, mask = np.full((len(prompts), longest), pad), np.zeros((len(prompts), longest), np.int64)
    for row, prompt in enumerate(prompts):
        place = slice(0, len(prompt)) if seq2seq else slice(longest - len(prompt), longest)
        ids[row, place], mask[row, place] = prompt, 1
    out = model.generate(
        input_ids=torch.from_numpy(ids), attention_mask=torch.from_numpy(mask), do_sample=False,
        max_new_tokens=NEW_TOKENS, **settings,
    ).numpy()  # fmt: skip
    rows = [row[1 if seq2seq else longest :].tolist() for row in out]
    return [row[: row.index(EOS)] if EOS in row else row for row in rows]


def expected(name):
    model, inputs = make(name), batch(name)
    arrays = dict(inputs)
    values, loss = outputs(model, inputs)
    arrays |= {f"logits32/{key}": value.detach().numpy() for key, value in values.items()}
    arrays["loss32"] = loss.detach().numpy()
    double = make(name).double()
    with in_double():
        values, loss = outputs(double, inputs)
        arrays |= {f"logits64/{key}": value.detach().numpy() for key, value in values.items()}
        arrays["loss64"] = loss.detach().numpy()
        loss.backward()
    for path, parameter in double.named_parameters():
        if parameter.grad is not None:
            arrays[f"grads/{path}"] = parameter.grad.float().numpy()
    if name in ("gpt2", "bert", "t5"):
        batches = [batch(name, count=4, seed=100 + step) for step in range(10)]
        arrays |= {f"steps/{key}": np.stack([each[key] for each in batches]) for key in batches[0]}
        arrays["steps/losses"] = train(name, batches)
    if hasattr(model, "generate") and ("CausalLM" in CASES[name][0] or name == "gpt2" or name.startswith("t5")):
        generator = np.random.default_rng(7)
        lengths = generator.integers(1, 10, 50)
        prompts = [generator.integers(3, VOCABULARY, length).tolist() for length in lengths]
        for row in range(0, 50, 3):
            prompts[row] = (prompts[row][:2] * 9)[: len(prompts[row])]  # with repetitions, for the penalties to find
        arrays["prompts"] = padded(prompts)
        for way, settings in WAYS.items():
            alone = [generate(model, name, [prompt], **settings)[0] for prompt in prompts]
            with in_double():
                wide = [generate(double, name, [prompt], **settings)[0] for prompt in prompts]
            together = generate(model, name, prompts, **settings)
            for prompt, *rows in zip(prompts, alone, wide, together):
                if rows[0] != rows[1] or rows[0] != rows[2]:
                    print(f"{name} {way}: {prompt} gives {rows}", file=sys.stderr)
            arrays[f"generated/{way}"] = padded(alone)
    return model, arrays


def padded(rows):
    out = np.full((len(rows), max(map(len, rows))), -1)
    for row, values in zip(out, rows):
        row[: len(values)] = values
    return out.astype(np.int16)


def main(names):
    transformers.logging.set_verbosity_error()
    for name in names or CASES:
        model, arrays = expected(name)
        folder = FOLDERS / name
        shutil.rmtree(folder, ignore_errors=True)
        model.save_pretrained(folder)
        np.savez_compressed(folder / "expected.npz", **arrays)
        sizes = {path.name: path.stat().st_size for path in sorted(folder.iterdir())}
        print(name, sizes)
        assert max(sizes.values()) < 100_000, "too large to commit"


if __name__ == "__main__":
    main(sys.argv[1:])
