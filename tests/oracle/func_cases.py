"""Calls of `func`, written once for both libraries: `lib` is `torch` or `minigrad`. Arguments are float64."""

from typing import Any

SHAPES = {"x": (3,), "y": (3,), "w": (2, 3), "v": (3,), "u": (2,)}


def scalar(lib: Any, x: Any, w: Any) -> Any:
    return ((w @ x.tanh()).exp() * (x * x).sum()).sum()


def layer(lib: Any, x: Any, w: Any) -> Any:
    return (w @ (x * x * x)).tanh() * x.exp().sum()


def pair(lib: Any, x: Any, w: Any) -> Any:
    return {"layer": layer(lib, x, w), "rest": (x.exp() * x[0], scalar(lib, x, w))}


def calls(lib: Any, x: Any, y: Any, w: Any, v: Any, u: Any) -> dict[str, Any]:
    """The nested results by name."""
    func = lib.func
    hvp = func.hvp if hasattr(func, "hvp") else lib.autograd.functional.hvp

    def f(x: Any, w: Any) -> Any:
        return scalar(lib, x, w)

    def g(x: Any, w: Any) -> Any:
        return layer(lib, x, w)

    def nested(d: Any) -> Any:
        return f(d["a"][0], d["b"]) * d["a"][1].sum()

    def directional(x: Any) -> Any:
        return func.jvp(lambda x: g(x, w), (x,), (v,))[1]

    def unused(x: Any, y: Any) -> Any:
        return (x * x).sum()

    output, vjp_fn = func.vjp(g, x, w)
    third = func.grad(lambda x: (func.grad(lambda x: (func.grad(f)(x, w) * v).sum())(x) * y).sum())
    return {
        "grad": func.grad(f)(x, w),
        "grad of both": func.grad(f, argnums=(0, 1))(x, w),
        "grad of the last": func.grad(f, argnums=-1)(x, w),
        "grad of nested": func.grad(nested)({"a": [x, y], "b": w}),
        "grad with aux": func.grad(lambda x: (f(x, w), g(x, w)), has_aux=True)(x),
        "grad and value": func.grad_and_value(f)(x, w),
        "unused": func.grad(unused, argnums=(0, 1))(x, y),
        "third": third(x),
        "vjp": (output, vjp_fn(u), vjp_fn(2.0 * u)),
        "vjp of one": func.vjp(lambda x: g(x, w), x)[1](u),
        "vjp of nested": func.vjp(lambda x: pair(lib, x, w), x)[1]({"layer": u, "rest": (v, v.sum())}),
        "jvp": func.jvp(g, (x, w), (v, 3.0 * w)),
        "jvp of nested": func.jvp(lambda x: pair(lib, x, w), (x,), (v,)),
        "jacrev": func.jacrev(g)(x, w),
        "jacrev of both": func.jacrev(g, argnums=(1, 0))(x, w),
        "jacrev of nested": func.jacrev(lambda x: pair(lib, x, w))(x),
        "jacrev with aux": func.jacrev(lambda x: (g(x, w), f(x, w)), has_aux=True)(x),
        "jacobian of a derivative": func.jacrev(directional)(x),
        "derivative of a jacobian": func.jvp(func.jacrev(lambda x: g(x, w)), (x,), (v,)),
        "hessian": func.hessian(f)(x, w),
        "hessian of both": func.hessian(f, argnums=(0, 1))(x, w),
        "hessian of several": func.hessian(g)(x, w),
        "hvp": hvp(lambda x: f(x, w), x, v),
        "hvp of both": hvp(f, (x, w), (v, 2.0 * w)),
        "gradient in a gradient": func.grad(lambda x: (x * func.grad(lambda z: (z * z * x).sum())(x)).sum())(x),
    }


def flat(nested: Any) -> list[Any]:
    """The tensors of a nested result."""
    if isinstance(nested, dict):
        nested = list(nested.values())
    if isinstance(nested, (list, tuple)):
        return [leaf for each in nested for leaf in flat(each)]
    return [nested]
