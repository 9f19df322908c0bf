"""Kernels for arrays in host memory. Each module holds one composite's forward and backward."""

from . import attention as attention
from . import cross_entropy as cross_entropy
from . import dropout as dropout
from . import gelu as gelu
from . import gru as gru
from . import layer_norm as layer_norm
from . import linear as linear
from . import lstm as lstm
from . import rms_norm as rms_norm
from . import rotate as rotate
from . import silu as silu
from . import softmax as softmax
