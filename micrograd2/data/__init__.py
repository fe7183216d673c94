"""Something to learn from: handwritten digits, and two toy problems in the plane.

An *image* is a row of 784 numbers from 0 (paper) to 1 (ink), its 28 rows of 28 pixels one after the other; its *label*
is the digit it shows. Everything is plain NumPy arrays. Left out, on purpose: downloading, augmenting, mini-batches.
"""

import gzip
import math
import os
import struct
import zlib
from importlib.resources import files
from io import BufferedIOBase
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from ..arrays import numbers
from ..given import MOST, finite, place, whole

__all__ = ["Digits", "digits", "mnist", "moons", "one_hot", "xor"]


class Digits(NamedTuple):
    """Digits to train on and others to test on: images (N, 784) from 0 to 1, labels (N,) of integers from 0 to 9."""

    x_train: np.ndarray
    y_train: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray


def digits() -> Digits:
    """The bundled digits: the first 500 of each kind in MNIST to train on, and the first 100 to test on.

    They keep their order. Source and licence: `SOURCE.md`, beside the data.

    >>> x_train, y_train, x_test, y_test = digits()
    >>> x_train.shape, x_test.shape
    ((5000, 784), (1000, 784))
    >>> y_train[:8].tolist()
    [5, 0, 4, 1, 9, 2, 1, 3]
    """
    with files(__name__).joinpath("mnist_5k.npz").open("rb") as file, np.load(file, allow_pickle=False) as arrays:
        return _as_numbers(*(arrays[name] for name in Digits._fields))


def mnist(folder: str | os.PathLike[str]) -> Digits:
    """The whole of MNIST, 60,000 digits to train on and 10,000 to test on, from its four IDX files in `folder`.

    They have their usual names, `train-images-idx3-ubyte` and so on, with `.gz` at the end if gzipped; where both are
    there, the plain one is read. All four are checked before anything is returned: a missing file is a
    FileNotFoundError, any other flaw a ValueError. The format: http://yann.lecun.com/exdb/mnist/.

    >>> mnist("nowhere")
    Traceback (most recent call last):
    FileNotFoundError: nowhere: found no train-images-idx3-ubyte, expected it there, or with .gz after its name
    """
    folder = place("folder", folder)
    x_train, y_train = _read_pair(Path(folder), "train")
    x_test, y_test = _read_pair(Path(folder), "t10k")
    return _as_numbers(x_train, y_train, x_test, y_test)


def one_hot(labels: ArrayLike, n: int) -> np.ndarray:
    """Labels as rows of n numbers, 1.0 in the place of the label and 0.0 elsewhere.

    (N,) integers from 0 to n - 1 become (N, n) floats; anything else is a ValueError.

    >>> one_hot([2, 0], 3)
    array([[0., 0., 1.],
           [1., 0., 0.]])
    """
    n = whole("n", n, 1, MOST)
    labels = numbers("labels", labels, None)
    if labels.ndim != 1 or not np.issubdtype(labels.dtype, np.integer):
        raise ValueError(f"labels: found {labels.dtype} of shape {labels.shape}, expected integers of shape (N,)")
    outside = labels[(labels < 0) | (labels >= n)]
    if outside.size:
        raise ValueError(f"labels: found {outside[0]}, expected 0 to {n - 1}, for n = {n}")
    return np.equal.outer(labels, np.arange(n)).astype(float)


def moons(n: int = 100, noise: float = 0.1, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Two half circles that reach into each other, which no straight line can separate.

    X is (n, 2), y is (n,): -1.0 on the upper moon, +1.0 on the lower (which has one more, for odd n), in random order.
    The moons have radius 1; to each coordinate Gaussian noise is added, of standard deviation `noise`. A ValueError for
    n < 2 and for noise that is negative or not finite. The geometry is that of scikit-learn's `make_moons`.

    >>> X, y = moons(100)
    >>> X.shape, y.shape
    ((100, 2), (100,))
    """
    n, seed = whole("n", n, 2, MOST), whole("seed", seed, 0)
    noise = finite("noise", noise, 0.0, "a finite number, at least 0")
    upper, lower = np.linspace(0, np.pi, n // 2), np.linspace(0, np.pi, n - n // 2)
    X = np.vstack([np.column_stack([np.cos(upper), np.sin(upper)]),
                   np.column_stack([1 - np.cos(lower), 0.5 - np.sin(lower)])])
    y = np.repeat([-1.0, 1.0], [len(upper), len(lower)])
    rng = np.random.default_rng(seed)
    order = rng.permutation(n)
    return X[order] + noise * rng.standard_normal((n, 2)), y[order]


def xor() -> tuple[np.ndarray, np.ndarray]:
    """The smallest problem that needs a hidden layer: is exactly one of two inputs 1?

    X is (4, 2), each input 0.0 or 1.0; y is (4,), +1.0 for yes and -1.0 for no.

    >>> X, y = xor()
    >>> y
    array([-1.,  1.,  1., -1.])
    """
    return np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]), np.array([-1.0, 1.0, 1.0, -1.0])


def _as_numbers(x_train: np.ndarray, y_train: np.ndarray, x_test: np.ndarray, y_test: np.ndarray) -> Digits:
    """Bytes as Digits: pixels 0..255 as floats from 0 to 1, one row an image, and labels as integers."""
    return Digits(x_train.reshape(-1, 784) / 255.0, y_train.astype(np.int64),
                  x_test.reshape(-1, 784) / 255.0, y_test.astype(np.int64))


def _read_pair(folder: Path, part: str) -> tuple[np.ndarray, np.ndarray]:
    """The images and labels of one part of MNIST, "train" or "t10k", still as bytes: (N, 28, 28) and (N,)."""
    images = _read_idx(_find(folder, f"{part}-images-idx3-ubyte"), 2051, (28, 28))
    path = _find(folder, f"{part}-labels-idx1-ubyte")
    labels = _read_idx(path, 2049, ())
    _expect(path, "labels (one for each image)", len(labels), len(images))
    if labels.max(initial=0) > 9:
        raise ValueError(f"{path}: found the label {labels.max()}, expected 0 to 9")
    return images, labels


def _find(folder: Path, name: str) -> Path:
    for path in (folder / name, folder / f"{name}.gz"):
        if path.is_file():
            return path
    raise FileNotFoundError(f"{folder}: found no {name}, expected it there, or with .gz after its name")


def _read_idx(path: Path, magic: int, shape: tuple[int, ...]) -> np.ndarray:
    """The bytes (N, *shape) after the header of an IDX file: magic number, N and shape, four bytes each, big-endian."""
    header = struct.Struct(f">{2 + len(shape)}I")
    with gzip.open(path) if path.suffix == ".gz" else open(path, "rb") as file:
        try:
            start = _read(file, header.size)
            _expect(path, "bytes of header", len(start), header.size)
            found_magic, count, *found_shape = header.unpack(start)
            _expect(path, "magic number (2051: images, 2049: labels)", found_magic, magic)
            _expect(path, "item shape", tuple(found_shape), shape)
            size = count * math.prod(shape)
            items = _read(file, size)
            whole = header.size + size
            _expect(path, "bytes", f"more than {whole}" if file.read(1) else header.size + len(items), whole)
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise ValueError(f"{path}: found damaged gzip data ({error}), expected a whole gzip file") from error
    return np.frombuffer(items, np.uint8).reshape(count, *shape)


def _read(file: BufferedIOBase, size: int) -> bytes:
    """The next `size` bytes, or what there is of them: piece by piece, as a damaged header may promise any number."""
    content = bytearray()
    while len(content) < size and (piece := file.read(min(size - len(content), 2 ** 20))):
        content += piece
    return bytes(content)


def _expect(path: Path, what: str, found: object, expected: object) -> None:
    if found != expected:
        raise ValueError(f"{path}: {what}: found {found}, expected {expected}")
