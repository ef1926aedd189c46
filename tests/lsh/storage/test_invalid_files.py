"""Files with valid checksums and invalid contents: each is refused, or changes no answer."""

import copy
import json
import os
import subprocess
import sys

import numpy as np
import pytest

import lsh
from lsh.kernels.jit import CACHE_FOLDER
from lsh.storage import checks
from lsh.storage.container import GRAPH_VERSION
from tests.lsh.storage.index_files import (
    KINDS,
    N,
    answers,
    body_of,
    make,
    overwrite,
    put_together,
    refusal,
    take_apart,
    with_header,
)

VALUES = [
    *(None, True, False, -1, 0, 1, 2, 63, 64, 512, 513, 2**31 - 1, 2**31, 2**32, 2**63 - 1, 2**63, 2**64, 10**400),
    *(0.5, 1.0, -1.5, 1e308, 5e-324, "", "0", "\x00", "é", "9" * 64, "x" * 20_000),
    *("cosine", "euclidean", "LSHIndex", "SketchIndex", "<f8", "|O"),
    *([], [[]], [1], [N], [N, 5], [5, N], [0, 5], [-1, 5], [2**32, 2**32], [2**62, 4], [1.0, 2], {}, {"a": 1}),
]
# These choose among hash functions of one shape or among searches, and no other part of the file depends on them: with
# a valid checksum, another value is another index. A search in it must not fail.
DEFAULT = {"default_n_tables", "default_n_bits", "default_n_probes"}
UNKNOWABLE = {"width", "symbol_bits", "metric", "family", "default_n_reranked", *DEFAULT}


def consequence(path, data, expected):
    """Return what a file leads to: "refused", "same" or "other" answers."""
    overwrite(path, data)
    why, index = refusal(path)
    if index is None:
        assert str(path) in why
        assert len(why) < 1000
        return "refused"
    try:
        with np.errstate(over="ignore"):  # of a width next to nothing, before the search refuses it
            return "same" if answers(index) == expected else "other"
    except lsh.LSHError:
        return "other"


def parts(tree, path=()):
    """Yield the way to every value of a header."""
    if path:
        yield path
    items = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    for key, value in items:
        yield from parts(value, (*path, key))


def at(tree, path):
    for key in path:
        tree = tree[key]
    return tree


def test_no_changed_value_of_the_header_changes_an_answer(saved, tmp_path):
    data, expected = saved
    header, _ = take_apart(data)
    body, cases = body_of(data), 0
    for path in list(parts(header)):
        within, key = at(header, path[:-1]), path[-1]
        right = within[key]
        for value in VALUES:
            if canonical(value) != canonical(right):
                within[key] = value
                result = consequence(tmp_path / "index", with_header(header, body), expected)
                assert key in UNKNOWABLE or result != "other", (path, value)
                cases += 1
        within[key] = right
    assert cases > 2000


def canonical(tree):
    return json.dumps(tree, sort_keys=True)


def test_a_missing_unknown_or_repeated_value_is_refused(saved, refused):
    data, _ = saved
    header, _ = take_apart(data)
    for path in parts(header):
        lying = copy.deepcopy(header)
        del at(lying, path[:-1])[path[-1]]
        refused(with_header(lying, body_of(data)))
    for path in [(), *parts(header)]:
        lying = copy.deepcopy(header)
        if isinstance(at(lying, path), dict):
            at(lying, path)["more"] = 1
            assert "more" in refused(with_header(lying, body_of(data)))
    text = json.dumps(header, sort_keys=True, separators=(",", ":"))
    for said in ('"kind":', '"metric":', '"seed":', '"sha256":', '"offset":'):
        start = text.index(said)
        end = min(i for i in (text.find(",", start), text.find("}", start)) if i > 0)
        twice = text[:end] + "," + text[start:end] + text[end:]
        assert "canonical" in refused(with_header(twice.encode(), body_of(data)))


@pytest.mark.parametrize(
    "respell",
    [
        lambda text: b" " + text,
        lambda text: text + b"\n",
        lambda text: text.replace(b":", b": ", 1),
        lambda text: text.replace(b'"kind"', b'"k\\u0069nd"'),
        lambda text: text.replace(b'"seed":0', b'"seed":-0'),
        lambda text: text.replace(b'"seed":0', b'"seed":0.0'),
        lambda text: text.replace(b'"seed":0', b'"seed":0e0'),
        lambda text: text.replace(b'"seed":0', b'"seed":NaN'),
        lambda text: text.replace(b'"seed":0', b'"seed":Infinity'),
        lambda text: text.replace(b'"seed":0', b'"seed":1e999'),
        lambda text: text.replace(b'"seed":0', b'"seed":' + b"9" * 5000),
        lambda text: text.replace(b'"seed":0', b'"seed":' + b"[" * 20_000 + b"]" * 20_000),
        lambda text: text.replace(b"{", b"\xef\xbb\xbf{", 1),
        lambda text: text.replace(b"cosine", b"cosin\xc3\xa9").replace(b"euclidean", b"\xff"),
        lambda text: text.decode().encode("utf-16"),
        lambda text: text[:-1],
        lambda _: b"",
        lambda _: b"null",
        lambda _: b"[]",
        lambda _: b"[" * 60_000,
        lambda _: b'{"a":' * 12_000,
        lambda _: b"\x00" * 65_536,
        lambda text: text[:-1] + b',"z":"' + b"x" * 70_000 + b'"}',
    ],
)
def test_a_header_in_another_form_is_refused(saved, refused, respell):
    data, _ = saved
    header, _ = take_apart(data)
    text = json.dumps(header, sort_keys=True, separators=(",", ":")).encode()
    assert respell(text) != text
    refused(with_header(respell(text), body_of(data)))


def test_a_newer_version_is_reported(saved, refused):
    data, _ = saved
    header, _ = take_apart(data)
    for version in (GRAPH_VERSION + 1, 255, 2**32 - 1):
        words = refused(with_header(header, body_of(data), version))
        assert f"written by a newer version of lsh (format {version}; this one reads up to {GRAPH_VERSION})" in words
    assert "format version is 0" in refused(with_header(header, body_of(data), 0))


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("default_n_tables", [0, 3, -1, 2**63 - 1, 1.0, True, None, "1"]),
        ("default_n_bits", [0, 10, 2.0, None]),
        ("default_n_probes", [0, 65, 1.0, False, None]),
    ],
)
def test_a_default_setting_that_the_index_does_not_have_is_refused(refused, tmp_path, name, values):
    lsh.save(make("tables-cosine"), tmp_path / "index")  # 2 tables, 9 bits
    data = (tmp_path / "index").read_bytes()
    header, _ = take_apart(data)
    for value in values:
        header["settings"][name] = value
        for options in ({}, {"verify": False}):
            words = refused(with_header(header, body_of(data)), **options)
            assert "expected" in words
            assert name.removeprefix("default_") in words


@pytest.mark.parametrize(
    ("name", "values"),
    [("default_n_probes", [0, 65_537, 1.0, True, None]), ("default_n_reranked", [0, 2**31, -1, 2.0, "1", None])],
)
def test_a_default_setting_that_no_search_in_sketches_has_is_refused(refused, tmp_path, name, values):
    lsh.save(make("sketches-cosine"), tmp_path / "index")
    data = (tmp_path / "index").read_bytes()
    header, _ = take_apart(data)
    for value in values:
        header["settings"][name] = value
        words = refused(with_header(header, body_of(data)))
        assert "expected" in words
        assert name.removeprefix("default_") in words


@pytest.mark.parametrize("version", [3, 5])
def test_sketches_have_a_default_setting_from_version_5_on(refused, tmp_path, version):
    lsh.save(make("sketches-cosine"), tmp_path / "index")
    data = (tmp_path / "index").read_bytes()
    header, _ = take_apart(data)
    names = {"default_n_probes", "default_n_reranked"}
    without = {**header, "settings": {name: header["settings"][name] for name in set(header["settings"]) - names}}
    wrong, right = (header, without) if version < 5 else (without, header)
    assert "settings of its SketchIndex" in refused(with_header(wrong, body_of(data), version))
    overwrite(tmp_path / "right", with_header(right, body_of(data), version))
    default = lsh.load(tmp_path / "right").default_setting
    assert default == ((8, 40) if version < 5 else make("sketches-cosine").default_setting)


def test_a_file_of_version_1_has_no_default_setting(refused, tmp_path):
    for kind in (kind for kind in KINDS if not kind.startswith("sketches")):  # whose arrays were others
        lsh.save(make(kind), tmp_path / "index")
        data = (tmp_path / "index").read_bytes()
        header, _ = take_apart(data)
        if set(header["settings"]) >= DEFAULT:
            assert "expected" in refused(with_header(header, body_of(data), version=1))
            header["settings"] = {name: header["settings"][name] for name in set(header["settings"]) - DEFAULT}
            assert "expected" in refused(with_header(header, body_of(data), version=2))
        overwrite(tmp_path / "old", with_header(header, body_of(data), version=1))
        loaded = lsh.load(tmp_path / "old")
        if isinstance(loaded, lsh.LSHIndex):
            assert loaded.default_setting == (2, 9, 1)  # as a search without a setting was when version 1 was written


@pytest.mark.parametrize("length", [0, 1, 2**16, 2**16 + 1, 2**31, 2**32 - 1])
def test_a_wrong_length_of_the_header_is_refused_before_it_is_read(saved, refused, length):
    data, _ = saved
    refused(data[:12] + length.to_bytes(4, "little") + data[16:])


def test_arrays_that_overlap_leave_a_gap_or_leave_the_file_are_refused(saved, refused):
    data, _ = saved
    header, _ = take_apart(data)
    for i, entry in enumerate(header["arrays"]):
        for moved in (-64, -1, 1, 64, 2**20, 2**40, 2**62):
            lying = copy.deepcopy(header)
            lying["arrays"][i]["offset"] = entry["offset"] + moved
            words = refused(with_header(lying, body_of(data)))
            assert "offset" in words or f"its array {entry['name']} begins at" in words
    for body in (body_of(data)[:-1], body_of(data) + b"\0", b"", body_of(data) * 2):
        assert "bytes; expected" in refused(with_header(header, body))


def test_arrays_in_another_order_or_under_another_name_are_refused(saved, refused):
    data, _ = saved
    header, arrays = take_apart(data)
    names = list(arrays)
    for i in range(1, len(names)):
        order = [*names[:i], *names[i + 1 :], names[i]] if i < len(names) - 1 else names[::-1]
        assert "its header lists the arrays" in refused(put_together(header, {name: arrays[name] for name in order}))
        without = {name: arrays[name] for name in names if name != names[i]}
        assert "its header lists the arrays" in refused(put_together(header, without))
    assert "its header lists the arrays" in refused(put_together(header, {**arrays, "more": arrays["vectors"]}))


def test_an_array_of_another_type_or_shape_is_refused(saved, refused):
    data, _ = saved
    header, arrays = take_apart(data)
    for name, array in arrays.items():
        others = [np.repeat(array, 2, axis=-1), array[:1] if len(array) > 1 else np.repeat(array, 2, axis=0)]
        finite = np.nan_to_num(array, posinf=0)  # gaps may be infinite
        others += [array[..., None], array.astype(np.float64), finite.astype(np.int16), finite.astype(">i4")]
        for other in others:
            refused(put_together(header, {**arrays, name: np.ascontiguousarray(other)}))


def test_an_array_that_is_left_out_is_refused_unless_it_is_the_vectors(saved, refused):
    data, _ = saved
    header, arrays = take_apart(data)
    for name in list(arrays)[1:]:
        lying = json.loads(json.dumps(header))
        entry = next(entry for entry in lying["arrays"] if entry["name"] == name)
        entry["offset"] = None
        refused(with_header(lying, body_of(data)))


def test_more_vectors_than_ids_can_number_are_refused(saved, refused):
    data, _ = saved
    header, _ = take_apart(data)
    for n in (2**31, 2**40, 2**63 - 1):
        for entry in header["arrays"]:
            entry["shape"] = [n if side in (N, 2**31, 2**40) else side for side in entry["shape"]]
        words = refused(with_header(header, body_of(data)))
        assert "its vectors have shape" in words


def changed(data, name, place, value):
    """Return the file with one value of one array replaced, and all sums right."""
    header, arrays = take_apart(data)
    arrays[name][place] = value
    return put_together(header, arrays)


ALWAYS = [{}, {"verify": False}]


def test_blocks_that_are_more_or_fewer_than_the_buckets_fill_are_always_refused(tmp_path, refused):
    lsh.save(make("sketches-cosine"), tmp_path / "index")
    for change in (-1, 1):
        header, arrays = take_apart((tmp_path / "index").read_bytes())
        n_blocks = header["settings"]["n_blocks"]
        header["settings"]["n_blocks"] += change
        arrays["codes"] = np.resize(arrays["codes"], (n_blocks + change) * 1024)
        for options in ({}, {"verify": False}):
            words = refused(put_together(header, arrays), **options)
            assert f"its codes fill {n_blocks + change} blocks; expected {n_blocks} from its starts" in words


@pytest.mark.parametrize("options", ALWAYS, ids=str)
@pytest.mark.parametrize("value", [N, N + 1, -1, 2**31 - 1, -(2**31)])
def test_an_id_out_of_range_is_always_refused(saved, refused, value, options):
    data, _ = saved
    _, arrays = take_apart(data)
    name = "ids" if "ids" in arrays else "order"
    for place in (0, -1):
        words = refused(changed(data, name, (place,) * arrays[name].ndim, value), **options)
        assert f"contain the id {value}; expected 0 to {N - 1}" in words


@pytest.mark.parametrize("options", ALWAYS, ids=str)
@pytest.mark.parametrize("change", ["first", "last", "falls", "negative", "far"])
def test_buckets_that_do_not_partition_the_vectors_are_always_refused(tmp_path, refused, change, options):
    lsh.save(make("sketches-cosine"), tmp_path / "index")
    data = (tmp_path / "index").read_bytes()
    header, arrays = take_apart(data)
    starts = arrays["starts"]
    place = {"first": 0, "last": -1, "falls": 1, "negative": 1, "far": 1}[change]
    starts[place] = {"first": 1, "last": N + 1, "falls": N + 5, "negative": -1, "far": 2**62}[change]
    assert "its starts run from" in refused(put_together(header, arrays), **options)
    checks.offsets_ascend(np.array([0, 2, 2, 5]), 5, "starts")  # a bucket may be empty


NUMBERS = ("vectors", "inverse_norms", "half_squares", "centre", "directions", "offsets")
NUMBERS += ("sketch_centre", "terms", "rotation", "centroids")
SMALL = ("centre", "directions", "offsets", "rotation", "sketch_centre", "centroids")


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_numbers_that_are_not_finite_are_refused(saved, refused, value):
    data, _ = saved
    _, arrays = take_apart(data)
    for name in set(NUMBERS) & set(arrays):
        for place in (0, -1):
            data_with = changed(data, name, (place,) * arrays[name].ndim, value)
            assert name.split("_")[0] in refused(data_with)
            if name in SMALL:
                refused(data_with, verify=False)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *[("vectors", 2e18), ("inverse_norms", -1), ("half_squares", -1)],
        *[("offsets", -0.5), ("offsets", 1.5), ("rotation", 3), ("centroids", 1e19), ("directions", -1e19)],
    ],
)
def test_invalid_numbers_are_refused(saved, refused, name, value):
    data, _ = saved
    if name in take_apart(data)[1]:
        assert name in refused(changed(data, name, 0, value))


def test_a_repeated_id_is_refused(saved, refused):
    data, _ = saved
    header, arrays = take_apart(data)
    ids = arrays.get("ids", arrays.get("order"))
    ids[..., 0] = ids[..., 1]
    assert "another one twice" in refused(put_together(header, arrays))


@pytest.mark.parametrize("n_bits", [4, 32])
def test_keys_out_of_order_are_refused(tmp_path, refused, n_bits):
    X = np.random.default_rng(0).standard_normal((40, 5))
    lsh.save(lsh.LSHIndex("euclidean", n_tables=2, n_bits=n_bits).fit(X), tmp_path / "index")
    header, arrays = take_apart((tmp_path / "index").read_bytes())
    keys = arrays["keys"]
    assert keys.shape[2] == (1 if n_bits == 4 else 4 if keys.shape[2] == 4 else keys.shape[2])
    keys[1, [3, 30]] = keys[1, [30, 3]]
    assert "its keys of table 1 are not sorted after position" in refused(put_together(header, arrays))


def noisy(data, rng):
    """Return a file with noise in every array that grows with the vectors, but ids that are some of theirs."""
    header, arrays = take_apart(data)
    for name in {"vectors", "inverse_norms", "half_squares", "keys", "planes", "codes", "terms"} & set(arrays):
        noise = np.frombuffer(rng.bytes(arrays[name].nbytes), arrays[name].dtype)
        arrays[name] = noise.reshape(arrays[name].shape)
    name = "ids" if "ids" in arrays else "order"
    arrays[name] = rng.integers(0, N, arrays[name].shape, np.int32)
    return put_together(header, arrays)


def test_unverified_noise_never_makes_a_kernel_read_outside_its_arrays(root, tmp_path):
    rng = np.random.default_rng(0)
    for kind in KINDS:
        lsh.save(make(kind), tmp_path / "index")
        data = (tmp_path / "index").read_bytes()
        for i in range(20):
            (tmp_path / f"{kind}-{i}.lsh").write_bytes(noisy(data, rng))
    # Kept beside the kernels without such checks, as it takes many seconds to compile, though LLVM is told to optimise
    # little: where a kernel is changed, both have a new folder.
    compiled = (CACHE_FOLDER or tmp_path) / "bounds checked"
    environment = {**os.environ, "NUMBA_BOUNDSCHECK": "1", "NUMBA_OPT": "1", "NUMBA_CACHE_DIR": str(compiled)}
    command = [sys.executable, "-m", "tests.lsh.storage.search_unverified", str(tmp_path)]
    done = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, check=False, timeout=200)
    said = [line for line in done.stderr.splitlines() if not line.startswith("compiling")]
    assert (done.returncode, done.stdout, said) == (0, f"{20 * len(KINDS)}\n", [])
