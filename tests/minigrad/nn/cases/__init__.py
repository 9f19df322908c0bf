"""Every function of `minigrad.nn.functional`, with the inputs on which its derivatives are checked."""

from tests.minigrad.nn.cases.activation import ACTIVATION
from tests.minigrad.nn.cases.affine import AFFINE
from tests.minigrad.nn.cases.attention import ATTENTION
from tests.minigrad.nn.cases.channel_norm import CHANNEL_NORM
from tests.minigrad.nn.cases.convolution import CONVOLUTION
from tests.minigrad.nn.cases.distance import DISTANCE
from tests.minigrad.nn.cases.likelihood import LIKELIHOOD
from tests.minigrad.nn.cases.loss import LOSS
from tests.minigrad.nn.cases.margin import MARGIN
from tests.minigrad.nn.cases.noise import NOISE
from tests.minigrad.nn.cases.normalization import NORMALIZATION
from tests.minigrad.nn.cases.padding import PADDING
from tests.minigrad.nn.cases.piecewise import PIECEWISE
from tests.minigrad.nn.cases.pooling import POOLING
from tests.minigrad.nn.cases.resize import RESIZE
from tests.minigrad.nn.cases.sparse import SPARSE

FUNCTIONAL = {
    **ACTIVATION, **AFFINE, **ATTENTION, **CHANNEL_NORM, **CONVOLUTION, **DISTANCE, **LIKELIHOOD, **LOSS, **MARGIN,
    **NOISE, **NORMALIZATION, **PADDING, **PIECEWISE, **POOLING, **RESIZE, **SPARSE,
}  # fmt: skip
