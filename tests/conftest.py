"""Hypothesis profiles. `pytest --hypothesis-profile=deep` searches long and at random; the default is quick and the
same on every run, so that a red test is red for everyone."""

from hypothesis import HealthCheck, settings

settings.register_profile(
    "default", deadline=None, max_examples=25, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile(
    "deep", deadline=None, max_examples=2000, print_blob=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("default")
