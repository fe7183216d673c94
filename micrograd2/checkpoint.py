"""A checkpoint: what a training run that was killed needs to go on, in one file, as if nothing had happened.

It holds the parameters, the state of the optimiser, and the history, as they were after the last finished epoch; and,
so that no run goes on from another's file, what the run was started with, and a fingerprint of the graph of one
example. It is readable JSON, which keeps every number to the last bit; writing replaces the file whole, and reading
executes nothing.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from .engine import LEAF, Value, topological_order
from .files import permissions_at, write_whole


def fingerprint(*arrays: np.ndarray) -> str:
    """A short text that differs for other numbers, or other shapes.

    >>> fingerprint(np.zeros(3)) == fingerprint(np.zeros(3)), fingerprint(np.zeros(3)) == fingerprint(np.zeros((3, 1)))
    (True, False)
    """
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(f"{array.dtype.str}{array.shape}".encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()[:16]


def fingerprint_of_graph(root: Value, parameters: Sequence[Value]) -> str:
    """A short text that differs for other operations or constants; what the parameters are now does not matter.

    >>> w, v = Value(2.0), Value(3.0)
    >>> fingerprint_of_graph(w * w + 1, [w]) == fingerprint_of_graph(v * v + 1, [v])
    True
    >>> fingerprint_of_graph(w * w + 1, [w]) == fingerprint_of_graph(w * w + 2, [w])
    False
    """
    names: dict[Value, Any] = {p: f"parameter {i}" for i, p in enumerate(parameters)}
    lines: list[str] = []
    for node in topological_order(root):
        if node.op is LEAF:
            names.setdefault(node, node.data)
        else:
            names[node] = f"line {len(lines)}"
            lines.append(f"{node.op.symbol} {[names[arg] for arg in node.args]}")
    return fingerprint(np.array("\n".join([*lines, str(names[root])])))


def write(path: str | os.PathLike[str], run: dict[str, Any], state: dict[str, Any]) -> None:
    """Write what the run was started with, and the `state` that it is in: numbers, texts, arrays, lists of these."""
    write_whole(path, json.dumps({"run": run, "state": state}, default=_plain) + "\n")


def read(path: str | os.PathLike[str], run: dict[str, Any], state: dict[str, Any]) -> dict[str, Any]:
    """The state that `write` left for this `run`, of the same form as `state`; that itself if there is no file yet.

    ValueError if the file is no whole checkpoint, or belongs to a run that was started otherwise; OSError if there is
    none, and none can be written.
    """
    path = os.fspath(path)
    if not os.path.exists(path):
        permissions_at(Path(os.path.realpath(path)))  # refused now where it cannot be written, not after an epoch
        return state
    try:
        with open(path, encoding="utf-8") as file:
            saved = json.load(file)
        then, now = dict(saved["run"]), json.loads(json.dumps(run, default=_plain))
        other = next((name for name in now if name not in then or then[name] != now[name]), None)
        if other is None:
            return {name: _alike(saved["state"][name], value, name) for name, value in state.items()}
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise ValueError(f"{path} is not a whole checkpoint: {error!r:.200}") from None
    raise ValueError(f"{path} is the checkpoint of another run: its {other} was {then.get(other)!r:.80}, now it is "
                     f"{now[other]!r:.80}; give this run a file of its own")


def _plain(thing: Any) -> Any:
    if isinstance(thing, (np.ndarray, np.generic)):
        return thing.tolist()
    raise TypeError(f"a checkpoint holds numbers, texts and lists; got {thing!r:.80} ({type(thing).__name__})")


def _alike(saved: Any, now: Any, name: str) -> Any:
    """What was saved, in the form of what is there now; a list of numbers where there may be an array.

    A rule that has not begun holds one number for an array, which it is full of.
    """
    if isinstance(now, dict):
        return {key: _alike(saved[key], value, key) for key, value in now.items()}
    if isinstance(now, np.ndarray):
        array = np.array(saved, now.dtype)
        if array.shape not in ((), now.shape):
            raise ValueError(f"{name} has the shape {array.shape}, expected {now.shape}")
        return np.full_like(now, array)
    if isinstance(now, list):
        return [float(number) for number in saved]
    if isinstance(saved, list):
        return np.array(saved, float)
    if type(saved) is not type(now):
        raise ValueError(f"{name} is {saved!r:.80}, expected something like {now!r:.80}")
    return saved
