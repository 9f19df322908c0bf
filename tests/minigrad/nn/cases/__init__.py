"""Every function of `minigrad.nn.functional`, with the inputs on which its derivatives are checked."""

from tests.minigrad.nn.cases.activation import ACTIVATION
from tests.minigrad.nn.cases.affine import AFFINE
from tests.minigrad.nn.cases.attention import ATTENTION
from tests.minigrad.nn.cases.convolution import CONVOLUTION
from tests.minigrad.nn.cases.loss import LOSS
from tests.minigrad.nn.cases.noise import NOISE
from tests.minigrad.nn.cases.normalization import NORMALIZATION
from tests.minigrad.nn.cases.pooling import POOLING
from tests.minigrad.nn.cases.resize import RESIZE
from tests.minigrad.nn.cases.sparse import SPARSE

FUNCTIONAL = {
    **ACTIVATION, **AFFINE, **ATTENTION, **CONVOLUTION, **LOSS, **NOISE, **NORMALIZATION, **POOLING, **RESIZE, **SPARSE,
}  # fmt: skip
