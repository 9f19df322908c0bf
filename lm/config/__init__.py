"""What a run can be told: `settings` are the dataclasses, `sources` reads them from YAML and flags."""

from .settings import (
    Config,
    ConfigError,
    EmbeddingsConfig,
    ModelConfig,
    ObjectiveConfig,
    OptimizerConfig,
    ScheduleConfig,
    TokenizerConfig,
    TrainingConfig,
    check_seed,
)
from .sources import Arguments, differences, dump_config, load_config, parse_arguments

__all__ = [
    "Arguments", "Config", "ConfigError", "EmbeddingsConfig", "ModelConfig", "ObjectiveConfig", "OptimizerConfig",
    "ScheduleConfig", "TokenizerConfig", "TrainingConfig", "check_seed", "differences", "dump_config", "load_config",
    "parse_arguments",
]  # fmt: skip
