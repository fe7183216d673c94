"""Data: what is bundled is MNIST, what is read is checked to the last byte, and toy problems have their known shape."""

import gzip
import hashlib
import struct
import tracemalloc
from importlib.resources import files

import numpy as np
import pytest
from hypothesis import given, strategies as st

from micrograd2 import data

TRAIN_IMAGES, TRAIN_LABELS = "train-images-idx3-ubyte", "train-labels-idx1-ubyte"
TEST_IMAGES, TEST_LABELS = "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"
FOUR = [TRAIN_IMAGES, TRAIN_LABELS, TEST_IMAGES, TEST_LABELS]


# The bundled digits

@pytest.fixture(scope="module")
def digits():
    return data.digits()


@pytest.mark.parametrize("part, each", [("train", 500), ("test", 100)])
def test_digits_have_the_promised_shapes_types_and_counts(digits, part, each):
    x, y = getattr(digits, f"x_{part}"), getattr(digits, f"y_{part}")
    assert x.shape == (10 * each, 784) and x.dtype == np.float64
    assert y.shape == (10 * each,) and y.dtype == np.int64
    assert x.min() == 0.0 and x.max() == 1.0
    assert np.bincount(y).tolist() == [each] * 10


def test_no_digit_is_blank_and_no_two_are_the_same(digits):
    x = np.concatenate([digits.x_train, digits.x_test])
    assert x.sum(axis=1).min() > 10
    assert len({image.tobytes() for image in x}) == len(x)


def test_labels_belong_to_their_images(digits):
    means = np.array([digits.x_train[digits.y_train == label].mean(axis=0) for label in range(10)])
    distances = ((digits.x_test[:, None, :] - means) ** 2).sum(axis=2)
    assert (distances.argmin(axis=1) == digits.y_test).mean() > 0.75


def test_digits_are_upright(digits):
    one = digits.x_train[digits.y_train == 1].mean(axis=0).reshape(28, 28)
    rows, columns = (one.mean(axis=1) > 0.05).sum(), (one.mean(axis=0) > 0.05).sum()
    assert rows > columns


def test_every_call_gives_arrays_of_its_own(digits):
    changed = data.digits()
    changed.x_train[:] = -1
    assert np.array_equal(data.digits().x_train, digits.x_train)


def test_everything_shipped_is_described_in_source_md():
    shipped = {file.name: file for file in files(data).iterdir() if file.is_file()}
    source = shipped.pop("SOURCE.md").read_text(encoding="utf-8")
    del shipped["__init__.py"]
    assert "CC BY-SA 3.0" in source and "https://creativecommons.org/licenses/by-sa/3.0/" in source
    for name, file in shipped.items():
        assert name in source
        assert hashlib.sha256(file.read_bytes()).hexdigest() in source


# MNIST from IDX files

def idx(magic, *sizes, items):
    """An IDX file as bytes: the magic number, the sizes, the items."""
    return struct.pack(f">{1 + len(sizes)}I", magic, *sizes) + bytes(items)


def images(n, height=28, width=28):
    return idx(2051, n, height, width, items=(i % 256 for i in range(n * height * width)))


def labels(*numbers):
    return idx(2049, len(numbers), items=numbers)


@pytest.fixture
def folder(tmp_path):
    """A folder with a very small MNIST: twelve digits to train on, three to test on."""
    whole = dict(zip(FOUR, [images(12), labels(*range(10), 9, 0), images(3), labels(7, 2, 1)]))
    for name, content in whole.items():
        (tmp_path / name).write_bytes(content)
    return tmp_path


def compress(path):
    """Put a gzipped file in the place of a plain one."""
    path.with_name(path.name + ".gz").write_bytes(gzip.compress(path.read_bytes()))
    path.unlink()


@pytest.mark.parametrize("gzipped", [[], FOUR, [TRAIN_IMAGES, TEST_LABELS]], ids=["plain", "gzipped", "mixed"])
@pytest.mark.parametrize("kind", [str, lambda path: path], ids=["str", "Path"])
def test_mnist_reads_what_was_written(folder, gzipped, kind):
    for name in gzipped:
        compress(folder / name)
    read = data.mnist(kind(folder))
    for x, n in [(read.x_train, 12), (read.x_test, 3)]:
        assert x.dtype == np.float64
        assert np.array_equal(x, np.arange(n * 784).reshape(n, 784) % 256 / 255)
    assert read.y_train.dtype == read.y_test.dtype == np.int64
    assert read.y_train.tolist() == [*range(10), 9, 0]
    assert read.y_test.tolist() == [7, 2, 1]


def test_a_plain_file_goes_before_a_gzipped_one(folder):
    (folder / f"{TEST_LABELS}.gz").write_bytes(b"never read")
    assert data.mnist(folder).y_test.tolist() == [7, 2, 1]


@pytest.mark.parametrize("gzipped", [False, True], ids=["plain", "gzipped"])
@pytest.mark.parametrize("name, content, complaint", [
    (TRAIN_IMAGES, b"", "bytes of header: found 0, expected 16"),
    (TRAIN_LABELS, labels()[:7], "bytes of header: found 7, expected 8"),
    (TRAIN_IMAGES, idx(2052, 12, 28, 28, items=[0] * 12 * 784), "found 2052, expected 2051"),
    (TRAIN_LABELS, images(12), "found 2051, expected 2049"),
    (TEST_IMAGES, labels(*range(10)), "found 2049, expected 2051"),
    (TEST_IMAGES, images(3, height=27), r"item shape: found \(27, 28\), expected \(28, 28\)"),
    (TEST_IMAGES, images(3, height=14, width=56), r"found \(14, 56\), expected \(28, 28\)"),
    (TRAIN_IMAGES, images(12)[:-1], "bytes: found 9423, expected 9424"),
    (TRAIN_IMAGES, images(12) + b"\0", "bytes: found more than 9424, expected 9424"),
    (TRAIN_IMAGES, idx(2051, 2**32 - 1, 28, 28, items=[0] * 784), "bytes: found 800, expected 3367254359296"),
    (TEST_LABELS, labels(7, 2, 1)[:-1], "bytes: found 10, expected 11"),
    (TEST_LABELS, labels(7, 2, 1) + bytes(9), "bytes: found more than 11, expected 11"),
    (TEST_LABELS, labels(7, 10, 1), "found the label 10, expected 0 to 9"),
    (TEST_LABELS, labels(7, 2), r"each image\): found 2, expected 3"),
    (TEST_LABELS, labels(7, 2, 1, 0), r"each image\): found 4, expected 3"),
])
def test_a_flawed_file_is_named_with_what_was_found_and_expected(folder, name, content, complaint, gzipped):
    (folder / name).write_bytes(content)
    if gzipped:
        compress(folder / name)
    with pytest.raises(ValueError, match=complaint) as error:
        data.mnist(folder)
    assert str(folder / name) in str(error.value)


@pytest.mark.parametrize("promised, complaint", [(labels(7, 2, 1), "more than 11"), (images(3), "found 2051"),
                                                 (b"\0\0\0\1" * 2, "found 1, expected 2049")])
def test_no_more_is_unpacked_than_the_header_promises(folder, promised, complaint):
    (folder / TEST_LABELS).write_bytes(promised + bytes(100_000_000))
    compress(folder / TEST_LABELS)
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match=complaint):
            data.mnist(folder)
        assert tracemalloc.get_traced_memory()[1] < 5_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("part", ["train", "t10k"])
def test_swapped_files_are_noticed(folder, part):
    x, y = folder / f"{part}-images-idx3-ubyte", folder / f"{part}-labels-idx1-ubyte"
    was_x, was_y = x.read_bytes(), y.read_bytes() + bytes(8)
    x.write_bytes(was_y)
    y.write_bytes(was_x)
    with pytest.raises(ValueError, match="found 2049, expected 2051"):
        data.mnist(folder)


@pytest.mark.parametrize("name", FOUR)
def test_a_missing_file_is_named(folder, name):
    (folder / name).unlink()
    with pytest.raises(FileNotFoundError, match=name):
        data.mnist(folder)


@pytest.mark.parametrize("name", FOUR)
def test_a_folder_in_the_place_of_a_file_is_a_missing_file(folder, name):
    (folder / name).unlink()
    (folder / name).mkdir()
    with pytest.raises(FileNotFoundError, match=name):
        data.mnist(folder)


def test_a_gzip_file_cut_off_anywhere_is_named(folder):
    compress(folder / TRAIN_LABELS)
    path = folder / f"{TRAIN_LABELS}.gz"
    whole = path.read_bytes()
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        with pytest.raises(ValueError, match=path.name):
            data.mnist(folder)


def test_a_gzip_file_with_one_wrong_byte_is_named_or_harmless(folder):
    expected = data.mnist(folder).y_train
    compress(folder / TRAIN_LABELS)
    path = folder / f"{TRAIN_LABELS}.gz"
    whole = path.read_bytes()
    for position in range(len(whole)):
        damaged = bytearray(whole)
        damaged[position] ^= 0xFF
        path.write_bytes(damaged)
        try:
            assert np.array_equal(data.mnist(folder).y_train, expected)
            assert 3 < position < 10  # the time, the level and the system in a gzip header mean nothing to the content
        except ValueError as error:
            assert path.name in str(error)


def test_a_file_that_only_claims_to_be_gzipped_is_named(folder):
    (folder / TEST_IMAGES).rename(folder / f"{TEST_IMAGES}.gz")
    with pytest.raises(ValueError, match=f"{TEST_IMAGES}.gz: found damaged gzip data"):
        data.mnist(folder)


# Targets

@given(st.integers(1, 20).flatmap(lambda n: st.tuples(st.lists(st.integers(0, n - 1)), st.just(n))))
def test_one_hot_has_a_single_one_in_the_place_of_the_label(labels_and_n):
    numbers, n = labels_and_n
    hot = data.one_hot(np.array(numbers, dtype=np.uint8), n)
    assert hot.shape == (len(numbers), n) and hot.dtype == np.float64
    assert set(hot.flat) <= {0.0, 1.0} and (hot.sum(axis=1) == 1).all()
    assert hot.argmax(axis=1).tolist() == numbers


@pytest.mark.parametrize("numbers, n, complaint", [
    ([0.0, 1.0], 2, "found float64"),
    ([True, False], 2, "found bool"),
    (["a"], 2, "labels must hold real numbers; got .*'a'"),
    ([[0, 1]], 2, r"shape \(1, 2\)"),
    (3, 10, r"shape \(\)"),
    ([0, 3], 3, "found 3, expected 0 to 2"),
    ([-1, 0], 3, "found -1, expected 0 to 2"),
    ([0], 0, "n must be .* got 0"),
    ([0], -1, "n must be .* got -1"),
    ([0], 2.0, "n must be .* got 2.0"),
])
def test_one_hot_refuses(numbers, n, complaint):
    with pytest.raises((TypeError, ValueError), match=complaint):
        data.one_hot(numbers, n)


# Toy problems

@given(st.integers(2, 80), st.floats(0, 10), st.integers(0, 2**32))
def test_moons_have_their_shape_and_follow_their_seed(n, noise, seed):
    X, y = data.moons(n, noise, seed)
    assert X.shape == (n, 2) and y.shape == (n,) and X.dtype == y.dtype == np.float64
    assert np.isfinite(X).all()
    assert ((y == -1).sum(), (y == 1).sum()) == (n // 2, n - n // 2)
    again, y_again = data.moons(n, noise, seed)
    assert np.array_equal(X, again) and np.array_equal(y, y_again)


@pytest.mark.parametrize("n", [2, 3, 100, 101])
def test_moons_without_noise_lie_on_two_half_circles(n):
    X, y = data.moons(n, noise=0)
    (a, b), (c, d) = X[y == -1].T, X[y == 1].T
    assert a**2 + b**2 == pytest.approx(1) and (b >= 0).all()
    assert (c - 1)**2 + (d - 0.5)**2 == pytest.approx(1) and (d <= 0.5).all()


def test_noise_has_the_standard_deviation_asked_for():
    added = data.moons(10_000, noise=0.3)[0] - data.moons(10_000, noise=0)[0]
    assert added.std(axis=0) == pytest.approx(0.3, rel=0.05)
    assert added.mean(axis=0) == pytest.approx(0, abs=0.02)


def test_moons_are_shuffled_and_differ_from_seed_to_seed():
    (X, y), (other, _) = data.moons(seed=1), data.moons(seed=2)
    assert 20 < (np.diff(y) != 0).sum() < 80
    assert not np.array_equal(X, other)


def test_moons_leave_the_global_random_state_alone():
    before = np.random.get_state()[1].tolist(), np.random.get_state()[2]
    data.moons()
    assert (np.random.get_state()[1].tolist(), np.random.get_state()[2]) == before


@pytest.mark.parametrize("arguments, complaint", [
    ({"n": 1}, "n must be .* got 1"),
    ({"n": -5}, "n must be .* got -5"),
    ({"n": 10.0}, "n must be .* got 10.0"),
    ({"noise": -0.1}, "noise must be .* got -0.1"),
    ({"noise": float("inf")}, "noise must be .* got inf"),
    ({"noise": float("nan")}, "noise must be .* got nan"),
])
def test_moons_refuse(arguments, complaint):
    with pytest.raises(ValueError, match=complaint):
        data.moons(**arguments)


def test_xor_is_one_where_exactly_one_input_is():
    X, y = data.xor()
    assert X.shape == (4, 2) and y.shape == (4,) and X.dtype == y.dtype == np.float64
    assert {tuple(x): target for x, target in zip(X.tolist(), y)} == {
        (0, 0): -1, (0, 1): 1, (1, 0): 1, (1, 1): -1}


def test_what_is_offered_is_what_there_is_to_learn_from():
    assert sorted(data.__all__) == ["Digits", "digits", "mnist", "moons", "one_hot", "xor"]
