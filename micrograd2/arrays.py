"""Numbers that a user gives, as arrays: the one place where lists, arrays and Values become NumPy arrays, or an error.

NumPy reads a None as NaN, a text as the number that it spells, and drops a mask or an imaginary part. Here what is not
a real number is refused, by name.

NumPy asks a Value, too, what its own numbers, arrays and functions shall do with it (`__array_ufunc__`).

Left out: what the numbers mean.
"""

from __future__ import annotations

import operator
from numbers import Real
from typing import Any

import numpy as np

from .engine import Value
from .given import described


def numbers(name: str, given: Any, dtype: Any = np.float64) -> np.ndarray:
    """`given`, a number or lists or arrays of numbers, as an array of floats of any shape; for dtype None, as they are.

    TypeError, with the name and what was found, for anything that is not a real number; ValueError for rows that
    differ in length, and for a number beyond the range of the floats.

    >>> numbers("X", [[1, 2], [3, 4]])
    array([[1., 2.],
           [3., 4.]])
    >>> numbers("X", [1.0, None])
    Traceback (most recent call last):
    TypeError: X must hold real numbers; got None
    """
    if given.__class__ is np.ndarray and given.dtype == dtype:  # the usual case, and nothing to do
        return given
    if given is None or isinstance(given, (str, bytes, bytearray, set, frozenset, dict)):
        raise TypeError(f"{name} must be a list or an array of real numbers; got {described(given)}")
    rows = given if isinstance(given, (list, tuple)) else [given]
    if any(isinstance(row, np.ma.MaskedArray) for row in rows):
        raise TypeError(f"{name} must hold real numbers; got a masked array: fill it, or leave the masked rows out")
    try:
        array = np.asarray(given)
    except (ValueError, RuntimeError, TypeError) as error:
        lengths = [len(row) if hasattr(row, "__len__") else None for row in rows]
        odd = next((i for i, length in enumerate(lengths) if length != lengths[0]), None)
        if odd is None:
            raise TypeError(f"{name} must be a list or an array of real numbers: {error}") from None
        raise ValueError(f"{name} must have rows of one length; {name}[0] is {_sized(rows[0])}, {name}[{odd}] is "
                         f"{_sized(rows[odd])}") from None
    if array.dtype.kind == "O":
        if array.shape == () and not isinstance(given, (Real, Value)):
            raise TypeError(f"{name} must be a list or an array of real numbers; got {described(given)}")
        for number in array.flat:
            if not isinstance(number, (Real, Value)):
                raise TypeError(f"{name} must hold real numbers; got {described(number)}")
    elif array.dtype.kind not in "fiub":
        raise TypeError(f"{name} must hold real numbers; got {described(array.flat[0] if array.size else given)}")
    if dtype is None or array.dtype == dtype:
        return array
    try:
        with np.errstate(over="raise"):  # without it, what float32 cannot hold becomes an infinity
            return array.astype(dtype)
    except (OverflowError, FloatingPointError) as error:
        raise ValueError(f"{name} holds a number that is too large for a {np.dtype(dtype)}: {error}") from None


def precision(given: Any) -> np.dtype:
    """float64 or float32 as NumPy's dtype, given as its name, its type or itself; TypeError for anything else.

    >>> precision("float32")
    dtype('float32')
    """
    try:
        dtype = np.dtype(given) if isinstance(given, (str, type, np.dtype)) else None
    except TypeError:
        dtype = None
    if dtype is None or dtype not in (np.dtype(np.float64), np.dtype(np.float32)):
        raise TypeError(f"dtype must be float64 or float32; got {described(given)}")
    return dtype


def examples(X: Any, Y: Any = None, inputs: int | None = None, dtype: Any = np.float64) -> tuple[np.ndarray, Any]:
    """X as (N, inputs) and Y as (N, targets), of one example or a batch; Y stays None where it is None.

    One example is X (inputs,) with Y a number or (targets,); a batch is X (N, inputs) with Y (N, targets), or (N,) for
    one target each. ValueError for an empty batch, for unequal numbers of examples and targets, and for another number
    of inputs than `inputs`.

    >>> X, Y = examples([1.0, 0.5], 1.0)
    >>> X.shape, Y.shape
    ((1, 2), (1, 1))
    """
    X = numbers("X", X, dtype)
    if X.ndim not in (1, 2) or not X.size:
        raise ValueError(f"X must be one example (inputs,) or a batch (N, inputs), not empty; got the shape {X.shape}")
    one = X.ndim == 1
    X = np.atleast_2d(X)
    if inputs is not None and X.shape[1] != inputs:
        got = f"{X.shape[1]}"
        if one and inputs == 1:
            got += f", as one example; [[x] for x in X] is {X.shape[1]} examples of one number"
        raise ValueError(f"X must have {inputs} number{'s' * (inputs > 1)} for each example, one for each input of the "
                         f"network; got {got}")
    if Y is None:
        return X, None
    Y = numbers("Y", Y, dtype)
    if one:
        Y = np.atleast_1d(Y)[None]
    elif Y.ndim == 1:
        Y = Y[:, None]
    if Y.ndim != 2 or not Y.size or len(Y) != len(X):
        expected = "a number or a row (targets,), as X is one example" if one else f"({len(X)}, targets) or ({len(X)},)"
        raise ValueError(f"Y must be {expected}; got the shape {Y.shape[1:] if one else Y.shape}")
    return X, Y


def values(name: str, given: Any) -> list[Value]:
    """`given` as a list; TypeError unless it is a list of Values.

    >>> values("parameters", [0.5])
    Traceback (most recent call last):
    TypeError: parameters must be a list of Values; got 0.5 (float) in it
    """
    if not isinstance(given, (list, tuple)):
        hint = f": say {name}=net.parameters()" if hasattr(given, "parameters") else ""
        raise TypeError(f"{name} must be a list of Values; got {described(given)}{hint}")
    for value in given:
        if not isinstance(value, Value):
            raise TypeError(f"{name} must be a list of Values; got {described(value)} in it")
    return list(given)


def _sized(row: Any) -> str:
    return f"of length {len(row)}" if hasattr(row, "__len__") else f"the single {described(row)}"


OPERATORS = {np.add: operator.add, np.subtract: operator.sub, np.multiply: operator.mul, np.divide: operator.truediv,
             np.power: operator.pow, np.less: operator.lt, np.less_equal: operator.le, np.greater: operator.gt,
             np.greater_equal: operator.ge}


def _met(self: Value, ufunc: np.ufunc, method: str, *inputs: Any, **options: Any) -> Any:
    """What np.float64(2) * value is, which works, and array * value and np.exp(value), which do not.

    `==` is identity here too: no number is a Value, and an array of Values tells where this one is.
    """
    if method == "__call__" and ufunc in (np.equal, np.not_equal) and not options:
        pairs = np.broadcast(*(np.asarray(given, object) for given in inputs))
        same = np.array([first is second for first, second in pairs], bool).reshape(pairs.shape)[()]
        return same if ufunc is np.equal else ~same
    if method == "__call__" and ufunc in OPERATORS and not options:
        first, second = inputs
        return OPERATORS[ufunc](first if isinstance(first, Value) else Value(first), second)
    instead = f"v.{ufunc.__name__}()" if hasattr(Value, ufunc.__name__) else "arithmetic with Values"
    raise TypeError(f"np.{ufunc.__name__} is for arrays, and its result would have no record; write {instead}")


setattr(Value, "__array_ufunc__", _met)  # here, so that the engine knows nothing of NumPy
