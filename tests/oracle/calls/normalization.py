"""Normalization."""

from tests.oracle.calls.family import Family

CALLS = Family()

CALLS.functional("layer_norm", lambda F, m, x, w, b: F.layer_norm(x, (4,), w, b), (2, 3, 4), (4,), (4,))
CALLS.functional("layer_norm of two dims", lambda F, m, x, w: F.layer_norm(x, [3, 4], w, eps=1e-3), (2, 3, 4), (3, 4))
CALLS.functional("layer_norm alone", lambda F, m, x: F.layer_norm(x, (4,)), (3, 4))
CALLS.functional("rms_norm", lambda F, m, x, w: F.rms_norm(x, (4,), w, eps=1e-5), (2, 3, 4), (4,))
CALLS.functional("rms_norm with its own eps", lambda F, m, x: F.rms_norm(x, (4,)), (3, 4))
CALLS.functional("local_response_norm", lambda F, m, x: F.local_response_norm(x, 3, 0.5, 0.6, 1.5), (2, 4, 2))
CALLS.functional("local_response_norm of images", lambda F, m, x: F.local_response_norm(x * 9.0, 2), (1, 3, 2, 2))
CALLS.functional("local_response_norm over all", lambda F, m, x: F.local_response_norm(x, 5, 1.0, k=0.5), (2, 2, 3))
