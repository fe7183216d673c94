"""Outside oracles: JAX and PyTorch, each behind the same few names, so that one test serves both.

Nothing here is imported before it is asked for. JAX and scikit-learn come with the extra `test`; PyTorch is large, so
it is an oracle only where it happens to be installed.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from importlib.util import find_spec
from typing import Any, NamedTuple

import pytest

from tests.programs import Maths


class Library(NamedTuple):
    """A library that differentiates, in double precision."""

    array: Callable[[Any], Any]
    maths: Maths
    cross_entropy: Callable[[Sequence[Any], Sequence[Any]], Any]  # scores and one-hot targets
    slopes: Callable[[Callable[[list], Any], Sequence[Any]], tuple[float, list]]  # f([x, ...]), [∂f/∂x, ...]


def weighted_sum(weights: Sequence[Any], inputs: Sequence[Any], bias: Any) -> Any:
    return sum(map(operator.mul, weights, inputs), bias)


@lru_cache
def jax_library() -> Library:
    import jax
    import jax.numpy as jnp
    jax.config.update("jax_enable_x64", True)

    def slopes(f: Callable[[list], Any], xs: Sequence[Any]) -> tuple[float, list]:
        value, grads = jax.value_and_grad(f)([array(x) for x in xs])
        return float(value), grads

    def array(x: Any) -> Any:
        return jnp.asarray(x, float)

    return Library(
        array=array,
        maths=Maths(jnp.abs, jnp.exp, jnp.log, jnp.sqrt, jnp.sin, jnp.cos, jnp.arctan, jax.nn.softplus, jnp.tanh,
                    jax.nn.sigmoid, jax.nn.relu,
                    jnp.maximum, jnp.minimum, sum, weighted_sum, lambda xs: jax.nn.logsumexp(jnp.stack(xs))),
        cross_entropy=lambda scores, targets: -jax.nn.log_softmax(jnp.stack(list(scores)))[list(targets).index(1)],
        slopes=slopes)


@contextmanager
def jax_precision(double: bool) -> Iterator[None]:
    """JAX in double precision, or in single, while this lasts. (Its own switch is called otherwise in each version.)"""
    import jax
    before = jax.config.jax_enable_x64
    jax.config.update("jax_enable_x64", double)
    try:
        yield
    finally:
        jax.config.update("jax_enable_x64", before)


def jax_slope(f: Callable[[list], Any], i: int) -> Callable[[list], Any]:
    """The function ∂f/∂xᵢ, to be differentiated again."""
    import jax
    return lambda xs: jax.grad(f)(xs)[i]


@lru_cache
def torch_library() -> Library:
    import torch

    def slopes(f: Callable[[list], Any], xs: Sequence[Any]) -> tuple[float, list]:
        tensors = [array(x).requires_grad_() for x in xs]
        value = f(tensors)
        return value.item(), list(torch.autograd.grad(value, tensors, allow_unused=True, materialize_grads=True))

    def array(x: Any) -> Any:
        return torch.as_tensor(x, dtype=torch.float64)

    def stack(xs: Sequence[Any]) -> Any:
        return torch.stack([array(x) for x in xs])

    return Library(
        array=array,
        maths=Maths(torch.abs, torch.exp, torch.log, torch.sqrt, torch.sin, torch.cos, torch.atan,
                    torch.nn.functional.softplus, torch.tanh, torch.sigmoid,
                    torch.relu, lambda a, b: torch.maximum(array(a), array(b)),
                    lambda a, b: torch.minimum(array(a), array(b)), sum, weighted_sum,
                    lambda xs: torch.logsumexp(stack(xs), 0)),
        cross_entropy=lambda scores, targets: torch.nn.functional.cross_entropy(stack(scores), stack(targets)),
        slopes=slopes)


needs_jax = pytest.mark.skipif(not find_spec("jax"), reason="JAX is not installed: pip install jax")
needs_sklearn = pytest.mark.skipif(not find_spec("sklearn"), reason="no scikit-learn: pip install scikit-learn")
LIBRARIES = [pytest.param(jax_library, id="JAX", marks=needs_jax),
             *([pytest.param(torch_library, id="PyTorch")] if find_spec("torch") else [])]
