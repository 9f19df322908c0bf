"""Resizing."""

from tests.oracle.calls.family import Family

CALLS = Family()

_sizes = {3: (2, 2, 4), 4: (1, 2, 3, 4), 5: (1, 1, 2, 3, 2)}
_targets = {3: 7, 4: (5, 2), 5: (3, 2, 4)}


def _call(name, ndim, **settings):
    CALLS.functional(f"interpolate, {name}", lambda F, m, x: F.interpolate(x, **settings), _sizes[ndim])


for _ndim, _smooth in ((3, ("linear",)), (4, ("bilinear", "bicubic")), (5, ("trilinear",))):
    for _mode in ("nearest", "nearest-exact", "area"):
        _call(f"{_mode} {_ndim}", _ndim, size=_targets[_ndim], mode=_mode)
    for _mode in _smooth:
        for _align in (False, True):
            _call(f"{_mode}, aligned {_align}", _ndim, size=_targets[_ndim], mode=_mode, align_corners=_align)
            _call(f"{_mode} by a factor, {_align}", _ndim, scale_factor=1.7, mode=_mode, align_corners=_align)
        _call(f"{_mode} by a recomputed factor", _ndim, scale_factor=1.7, mode=_mode, recompute_scale_factor=True)
_call("nearest by factors", 4, scale_factor=(2.0, 0.6))
_call("nearest by a recomputed factor", 3, scale_factor=1.7, recompute_scale_factor=True)
_call("nearest-exact by factors", 4, scale_factor=(0.7, 3), mode="nearest-exact")
_call("area by a factor", 4, scale_factor=0.6, mode="area")
_call("bilinear to the same size", 4, scale_factor=1.2, mode="bilinear")
CALLS.functional("pixel_shuffle", lambda F, m, x: F.pixel_shuffle(x, 2), (1, 8, 2, 3))
CALLS.functional("pixel_unshuffle", lambda F, m, x: F.pixel_unshuffle(x, 2), (2, 4, 6))
