"""Finding where a computation goes wrong: in which operation, module and line of the source.

`detect_anomaly` (also in `autograd`, as in PyTorch) is about the backward, `detect_nonfinite` about the first nan or
inf anywhere. Both watch through the hooks and cost nothing when off.
"""

from .anomaly import detect_anomaly, set_detect_anomaly
from .nonfinite import detect_nonfinite, set_detect_nonfinite

__all__ = ["detect_anomaly", "detect_nonfinite", "set_detect_anomaly", "set_detect_nonfinite"]
