"""Normalization by channel."""

from tests.oracle.calls.family import Family

CALLS = Family()


def _followed(function):
    """The output, multiplied by the running statistics as they are after the call: so those are compared too."""

    def call(F, m, x, mean, var, *affine):
        mean, var = mean.detach().clone(), (var * var).detach().clone()
        out = function(F, x, mean, var, *affine)
        return out * (mean + 2.0 * var).reshape(-1, *(1,) * (x.ndim - 2))

    return call


for _size in ((4, 3), (2, 3, 2), (2, 3, 2, 2), (1, 3, 2, 1, 2)):
    _affine = ((3,),) * 4
    CALLS.functional(f"batch_norm of {len(_size)} dims", _followed(
        lambda F, x, mean, var, w, b: F.batch_norm(x, mean, var, w, b, training=True, momentum=0.3, eps=1e-2)
    ), _size, *_affine)  # fmt: skip
    CALLS.functional(f"batch_norm of {len(_size)} dims in evaluation", _followed(
        lambda F, x, mean, var, w, b: F.batch_norm(x, mean, var, w, b)
    ), _size, *_affine)  # fmt: skip
    CALLS.functional(f"group_norm of {len(_size)} dims", (
        lambda F, m, x, w, b: F.group_norm(x, 3 if x.ndim > 2 else 1, w, b, eps=1e-2)
    ), _size, (3,), (3,))  # fmt: skip
    if len(_size) > 2:
        CALLS.functional(f"instance_norm of {len(_size)} dims", _followed(
            lambda F, x, mean, var, w, b: F.instance_norm(x, mean, var, w, b, momentum=0.3, eps=1e-2)
        ), _size, *_affine)  # fmt: skip
        CALLS.functional(f"instance_norm of {len(_size)} dims in evaluation", _followed(
            lambda F, x, mean, var, w, b: F.instance_norm(x, mean, var, w, b, use_input_stats=False)
        ), _size, *_affine)  # fmt: skip
CALLS.functional("batch_norm alone", lambda F, m, x: F.batch_norm(x, None, None, training=True), (4, 3))
CALLS.functional("instance_norm alone", lambda F, m, x: F.instance_norm(x), (2, 3, 4))
CALLS.functional("group_norm alone", lambda F, m, x: F.group_norm(x, 2), (2, 4, 3))
CALLS.functional("group_norm with a weight", lambda F, m, x, w: F.group_norm(x, 2, w), (2, 4, 3), (4,))
