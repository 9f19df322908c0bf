"""Convolution, its transpose, and windows as columns."""

from tests.oracle.calls.family import Family

CALLS = Family()

CALLS.functional("conv1d", lambda F, m, x, w, b: F.conv1d(x, w, b, 2, 1), (2, 3, 6), (2, 3, 3), (2,))
CALLS.functional("conv1d, one", lambda F, m, x, w: F.conv1d(x, w, padding="same", dilation=2), (2, 5), (3, 2, 4))
CALLS.functional("conv2d", lambda F, m, x, w, b: F.conv2d(x, w, b), (2, 2, 4, 5), (3, 2, 3, 2), (3,))
CALLS.functional(
    "conv2d, every setting",
    lambda F, m, x, w, b: F.conv2d(x, w, b, stride=(2, 1), padding=(0, 2), dilation=(1, 2), groups=2),
    (2, 4, 5, 4), (2, 2, 2, 3), (2,),
)  # fmt: skip
CALLS.functional(
    "conv2d, depthwise", lambda F, m, x, w: F.conv2d(x, w, padding="same", groups=3), (3, 3, 4), (6, 1, 3, 3)
)
CALLS.functional("conv3d", lambda F, m, x, w: F.conv3d(x, w, stride=2, padding=1), (1, 2, 3, 2, 4), (2, 2, 2, 3, 2))
CALLS.functional(
    "conv_transpose1d", lambda F, m, x, w, b: F.conv_transpose1d(x, w, b, 3, 1, 2), (2, 2, 3), (2, 3, 3), (3,)
)
CALLS.functional(
    "conv_transpose2d",
    lambda F, m, x, w: F.conv_transpose2d(x, w, None, (2, 1), (1, 0), (1, 1), 2, (1, 2)), (1, 4, 2, 3), (4, 1, 3, 2),
)  # fmt: skip
CALLS.functional(
    "conv_transpose2d, one", lambda F, m, x, w, b: F.conv_transpose2d(x, w, b), (2, 2, 3), (2, 2, 2, 2), (2,)
)
CALLS.functional(
    "conv_transpose3d",
    lambda F, m, x, w: F.conv_transpose3d(x, w, stride=2, padding=1),
    (1, 2, 2, 1, 2),
    (2, 1, 2, 3, 3),
)
CALLS.functional("unfold", lambda F, m, x: F.unfold(x, (2, 3), (1, 2), 1, (2, 1)), (2, 2, 3, 4))
CALLS.functional("unfold, one", lambda F, m, x: F.unfold(x, 1), (2, 3, 4))
CALLS.functional("fold", lambda F, m, x: F.fold(x, (3, 4), (2, 3), (1, 1), 1, (2, 1)), (2, 6, 8))
CALLS.functional("fold, one", lambda F, m, x: F.fold(x, (3, 4), 2), (4, 6))
