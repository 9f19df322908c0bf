"""Settings: where they come from, and what is refused."""

import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lm.config import (
    Config,
    ConfigError,
    ModelConfig,
    OptimizerConfig,
    TokenizerConfig,
    differences,
    dump_config,
    load_config,
    parse_arguments,
)

CONFIGS = Path(__file__).parents[2] / "configs"


def write(folder: Path, text: str) -> Path:
    path = folder / "settings.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_default_yaml_is_the_defaults():
    assert load_config(CONFIGS / "default.yaml") == load_config() == Config()


def test_default_yaml_names_every_setting():
    import yaml

    def keys(settings):
        return {key: keys(value) if isinstance(value, dict) else None for key, value in settings.items()}

    assert keys(yaml.safe_load((CONFIGS / "default.yaml").read_text())) == keys(yaml.safe_load(dump_config(Config())))


@pytest.mark.parametrize("path", sorted(CONFIGS.glob("*.yaml")), ids=lambda path: path.stem)
def test_every_shipped_configuration_loads_and_round_trips(path, tmp_path):
    config = load_config(path)
    assert load_config(write(tmp_path, dump_config(config))) == config


def test_the_cpu_recipe_of_nanogpt():
    config = load_config(CONFIGS / "shakespeare-char-cpu.yaml")
    assert config.model == ModelConfig(n_positions=64, n_embd=128, n_layer=4, n_head=4, dropout=0.0, bias=False)
    assert config.optimizer == OptimizerConfig(lr=1e-3, betas=(0.9, 0.99), weight_decay=0.1, max_norm=1.0)
    assert (config.schedule.kind, config.schedule.warmup_steps, config.schedule.min_lr) == ("cosine", 100, 1e-4)
    assert (config.training.batch_size, config.training.accumulation_steps, config.max_steps) == (12, 1, 2000)


@given(
    data=st.none()
    | st.text(st.characters(codec="utf-8", exclude_categories=["C"]), min_size=1)
    | st.just(["a", "b: c"]),
    seed=st.integers(0, 2**63 - 1),
    lr=st.floats(3e-4, 1e6),
    beta=st.floats(0, 0.999999),
    max_norm=st.floats(1e-6, float("inf")),
)
@settings(max_examples=10)
def test_what_is_dumped_loads_equal(tmp_path_factory, data, seed, lr, beta, max_norm):
    optimizer = OptimizerConfig(lr=lr, betas=(beta, 0.5), max_norm=max_norm)
    config = Config(data=data, seed=seed, optimizer=optimizer, tokenizer=TokenizerConfig("character", None))
    assert load_config(write(tmp_path_factory.getbasetemp(), dump_config(config))) == config


def test_flags_win_over_the_file_and_the_file_over_the_defaults(tmp_path):
    path = write(tmp_path, "seed: 1\nmax_steps: 5\nmodel: {n_layer: 2, dropout: 1e-3}\n")
    config = load_config(path, ["--max_steps", "7", "--model.n_embd=64"])
    assert differences(config, Config()) == [
        "seed: 1 and 0",
        "max_steps: 7 and 1000",
        "model.n_embd: 64 and 128",
        "model.n_layer: 2 and 4",
        "model.dropout: 0.001 and 0.0",
    ]


def test_flags_may_be_written_with_hyphens():
    arguments = parse_arguments("lm train", ["--max-steps=3", "--out", "my-run", "--resume"], resumable=True)
    assert arguments.resume
    config = load_config(flags=arguments.flags)
    assert (config.max_steps, config.out) == (3, "my-run")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("max_step: 3", "unknown key max_step; did you mean max_steps?"),
        ("model: {n_layers: 3}", r"unknown key model\.n_layers; did you mean model\.n_layer?"),
        ("zzz: 3", "unknown key zzz; known here: data, val_fraction"),
        ("1: 2", "unknown key 1"),
        ("max_steps: many", r'"max_steps"[\s\S]*int'),
        ("max_steps: 2.5", r'"max_steps"[\s\S]*int'),
        ("max_steps: '10'", r"max_steps is a string \('10'\); write it without quotes"),
        ("model: {bias: 'no'}", r"model\.bias is a string"),
        ('optimizer: {betas: [0.9, "0.99"]}', r"optimizer\.betas is a string"),
        ("seed: 1\nmax_steps: 3\nseed: 1", "seed is there twice, again in line 3"),
        ("model: {n_layer: 1, n_layer: 2}", r"model\.n_layer is there twice"),
        ("max_steps: null", "max_steps is null"),
        ("max_steps: 0", "max_steps must be at least 1, got 0"),
        ("model: 3", "model is no settings"),
        ("model:", "model is no settings"),
        ("model: {bias: 1}", r'"model\.bias"[\s\S]*bool'),
        ("model: {n_embd: 10, n_head: 4}", r"model\.n_embd must be divisible by model\.n_head = 4, got 10"),
        ("model: {family: gpt3}", r"model\.family must be one of gpt2, llama, .*glove, got 'gpt3'"),
        ("model: {dropout: 1.0}", r"model\.dropout must be in \[0, 1\)"),
        ("optimizer: {betas: [0.9]}", r'"optimizer\.betas"[\s\S]*2 elements'),
        ("optimizer: {lr: .nan}", r"optimizer\.lr must be positive"),
        ("optimizer: {lr: 1e-5}", r"schedule\.min_lr must be at most optimizer\.lr = 1e-05"),
        ("{optimizer: {lr: 1e-5}, schedule: {kind: linear}}", r"schedule\.min_lr must be at most optimizer\.lr"),
        ("tokenizer: {vocab_size: 255}", r"tokenizer\.vocab_size must be at least 257"),
        ("tokenizer: {kind: words}", r'"tokenizer\.kind"[\s\S]*words'),
        ("data: []", "data must be null or name at least one file"),
        ("val_fraction: 1.0", "val_fraction must be between 0 and 1"),
        ("seed: -1", "seed must be 0 or more"),
        ("just words", "no settings"),
        ("- 1", "no settings"),
        ("model: [", "not YAML in line 1"),
        ("\0", "not YAML"),
        ("model: !!python/object/apply:os.getcwd []", "not YAML.*tag"),
    ],
)
def test_a_bad_file_is_refused_by_file_and_key(tmp_path, text, message):
    with pytest.raises(ConfigError, match=message) as caught:
        load_config(write(tmp_path, text))
    assert str(tmp_path / "settings.yaml") in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("flags", [["--tokenizer.kind", "character"], ["--tokenizer.kind=character", "--seed", "0"]])
def test_a_character_tokenizer_needs_no_vocabulary_size(tmp_path, flags):
    config = load_config(flags=flags)
    assert config == Config(tokenizer=TokenizerConfig("character", None))
    assert load_config(write(tmp_path, "tokenizer: {kind: character}")) == config


def test_a_constant_learning_rate_may_be_below_the_one_it_would_fall_to(tmp_path):
    config = load_config(flags=["--optimizer.lr", "1e-5", "--schedule.kind", "constant"])
    assert config.optimizer.lr == 1e-5 < config.schedule.min_lr


def test_a_quoted_name_is_a_name(tmp_path):
    config = load_config(write(tmp_path, "data: ['1', '2']\nout: '3'\ntokenizer: {kind: 'bpe', path: '4'}\n"))
    assert (config.data, config.out, config.tokenizer.path) == (["1", "2"], "3", "4")


def test_a_binary_file_is_no_configuration(tmp_path):
    path = tmp_path / "model.bin"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match=r"model\.bin: not UTF-8"):
        load_config(path)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"absent\.yaml"):
        load_config(tmp_path / "absent.yaml")


def test_an_empty_file_changes_nothing(tmp_path):
    assert load_config(write(tmp_path, "# nothing\n")) == Config()


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (
            ["--max-step", "3"],
            r"unknown flag --max_step; did you mean --max_steps\?$",
        ),  # no abbreviations: one that is short for two would be a guess
        (["--max-steps", "x"], "max_steps"),
        (["--max-steps"], "max_steps"),
        (["--model.n_layers=3"], r"unknown flag --model\.n_layers; did you mean --model\.n_layer\?$"),
        (["--zzz", "3"], "--zzz"),
        (["stray"], "stray"),
        (["#stray"], "unrecognized arguments: #stray"),
    ],
)
def test_a_bad_flag_is_named(argv, message):
    with pytest.raises(ConfigError, match=message) as caught:
        parse_arguments("lm train", argv, resumable=True)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("group", ["tokenizer", "model", "optimizer", "schedule", "training"])
@pytest.mark.parametrize("spelling", [["--{}", "{{}}"], ["--{}={{}}"], ["--{}", "absent.yaml"]], ids=" ".join)
def test_a_group_has_no_flag_of_its_own(group, spelling):
    flags = [word.format(group) for word in spelling]
    for read in (lambda: parse_arguments("lm train", flags), lambda: load_config(flags=flags)):
        with pytest.raises(ConfigError, match=rf"^--{group} is a group of settings; .* --{group}\.\w+ \S+, or in"):
            read()


@pytest.mark.parametrize("name", ["data", "data+", "out", "tokenizer.path"])
@pytest.mark.parametrize("spelling", [["--{}", "#notes.txt"], ["--{}=#notes.txt"], ["--{}", "\n#notes.txt"]], ids=repr)
def test_a_value_that_is_a_comment_is_refused(name, spelling):
    with pytest.raises(ConfigError, match=rf"^--{re.escape(name)} .* is a comment in YAML.* \./#notes\.txt$"):
        load_config(flags=["--seed", "1", *(word.format(name) for word in spelling)])


def test_a_name_may_hold_what_begins_a_comment():
    assert load_config(flags=["--data", "./#notes.txt", "--out", "a #1"]).data == "./#notes.txt"
    assert parse_arguments("lm train", ["--config", "#mine.yaml"]).config_file == "#mine.yaml"


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--data", "a", "--data", "b"], r"--data is there twice; add a text with --data\+$"),
        (["--data+", "a", "--data", "b"], "--data is there twice"),
        (["--max-steps", "1", "--seed", "1", "--max_steps=2"], "--max_steps is there twice$"),
        (["--model.n_layer", "1", "--model.n_layer", "1"], r"--model\.n_layer is there twice$"),
    ],
)
def test_a_flag_that_is_given_twice_is_refused(flags, message):
    with pytest.raises(ConfigError, match=message):
        parse_arguments("lm train", flags)


def test_a_text_more_is_not_taken_for_an_unknown_flag():
    assert load_config(flags=["--data", "a", "--data+", "b", "--data+", "c"]).data == ["a", "b", "c"]
    with pytest.raises(ConfigError, match="max_steps") as caught:
        load_config(flags=["--data+", "a.txt", "--max_steps", "x"])
    assert "data" not in str(caught.value)


def test_differences_name_settings():
    assert differences(Config(), Config(model=ModelConfig(n_layer=2))) == ["model.n_layer: 4 and 2"]
