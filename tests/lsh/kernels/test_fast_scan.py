"""FastScan: packed codes, the tables of a query, and the same scores by every variant."""

import itertools
import os
import subprocess
import sys

import numpy as np
import pytest
from llvmlite import binding, ir

from lsh.kernels import shuffling
from lsh.kernels.fast_scan import SCANS, TABLE_BYTES, VARIANT, make_tables, pack_codes, shorten
from lsh.kernels.shuffling import BLOCK_BYTES, available
from lsh.kernels.sketching import DIMENSIONS, encode
from lsh.sketches.partition import code_places, group_starts
from tests import reference
from tests.lsh.kernels.random_tables import protected

UNIT = float(np.finfo(np.float32).eps) / 2


def sketched(sizes, seed=0):
    """Return (starts, order, codes, terms) of random sketches in groups; the first are the centroids of the others."""
    rng = np.random.default_rng(seed)
    starts = group_starts(np.concatenate([[0], np.cumsum(sizes)]))
    n = int(starts[0, -1])
    planes, factors = np.empty((4, n), np.uint64), np.empty((2, n), np.float32)
    encode(rng.standard_normal((n, DIMENSIONS)).astype(np.float32), planes, factors)
    codes, terms = np.zeros(int(starts[1, -1]) * BLOCK_BYTES, np.uint8), np.zeros((2, n + 31), np.float32)
    pack_codes(planes, code_places(starts), codes)
    terms[0, :n], terms[1, :n] = factors[0], rng.standard_normal(n)
    return protected(starts, rng.permutation(n - len(sizes)).astype(np.int32), codes, terms)


def tables_of(y):
    tables = np.empty(TABLE_BYTES, np.uint8)
    return tables, *map(np.float32, make_tables(y.astype(np.float32), tables))


def scanned(variant, groups, offsets, sketches, query, wanted, room, *allowed):
    out = np.empty(room, np.float32), np.empty(room, np.int64)
    count, limit = SCANS[variant](np.array(groups), np.float32(offsets), *sketches, *query, wanted, *out, *allowed)
    scores, places = out
    assert (scores[:count] > limit).all()
    return dict(zip(places[:count].tolist(), scores[:count].tolist(), strict=True))


def test_codes_are_packed_as_described_and_unpacked_again():
    rng = np.random.default_rng(0)
    levels, places = rng.integers(0, 4, (70, DIMENSIONS)), rng.permutation(96)[:70]
    bits = [np.packbits(plane, axis=1, bitorder="little").view(np.uint64).T for plane in (levels % 2, levels // 2)]
    codes = np.zeros(3 * BLOCK_BYTES, np.uint8)
    pack_codes(np.ascontiguousarray(np.concatenate(bits)), places, codes)
    assert np.array_equal(codes, reference.pack_codes(levels, places, 3))
    assert np.array_equal(reference.code_levels(codes, places), levels)


@pytest.mark.parametrize("scale", [1e-15, 1.0, 1e15])
def test_a_table_has_the_nearest_number_of_steps_that_a_code_adds_to_the_least(scale):
    for seed in range(20):
        y = (np.random.default_rng(seed).standard_normal(DIMENSIONS) * scale).astype(np.float32)
        tables, step, bias = tables_of(y)
        copies = tables.reshape(16, 2, 2, 2, 16)
        assert np.array_equal(copies[:, :, :, 0], copies[:, :, :, 1])
        numbers, exact_step, exact_bias = reference.make_tables(y)
        found = reference.tables_in_rows(tables).astype(float)
        assert (np.abs(found - numbers) <= 0.5 + 63 * 16 * UNIT).all()
        assert found.max() == 63
        assert float(step) == pytest.approx(exact_step, rel=8 * UNIT)
        assert float(bias) == pytest.approx(exact_bias, rel=64 * UNIT)


def test_a_query_of_zeros_has_tables_of_zeros():
    tables, step, bias = tables_of(np.zeros(DIMENSIONS))
    assert not tables.any()
    assert 0 <= step < 1e-30
    assert bias == 0


@pytest.mark.parametrize("variant", SCANS)
@pytest.mark.parametrize("sizes", [[1], [5, 0, 40], [31, 32, 33, 64, 100]])
def test_every_variant_finds_the_best_scores_of_its_reference_bit_for_bit(variant, sizes):
    sketches = sketched(sizes)
    n_groups = len(sizes) + 1
    for seed in range(3):
        rng = np.random.default_rng(seed)
        query, offsets = tables_of(rng.standard_normal(DIMENSIONS)), rng.standard_normal(n_groups).astype(np.float32)
        for groups in ([0], [n_groups - 1], list(range(n_groups))):
            arguments = groups, offsets[: len(groups)], sketches, query
            expected = reference.scan_groups(groups, offsets[: len(groups)], *sketches, *query, 1000)
            assert scanned(variant, *arguments, 1000, 1032) == pytest.approx(expected, rel=0, abs=0)
            for wanted in (1, 10):
                slack = wanted // 4 + 4
                found = scanned(variant, *arguments, wanted, wanted + slack + 32)
                assert min(wanted, len(expected)) <= len(found) <= wanted + slack
                assert found == dict(list(expected.items())[: len(found)])


@pytest.mark.parametrize("variant", SCANS)
def test_every_variant_passes_over_sketches_that_are_not_allowed(variant):
    sketches, rng = sketched([31, 32, 33, 64, 100]), np.random.default_rng(0)
    query, offsets = tables_of(rng.standard_normal(DIMENSIONS)), rng.standard_normal(5).astype(np.float32)
    for share in (0, 0.02, 0.5, 1):
        allowed, groups = rng.random(len(sketches[1])) < share, [1, 2, 3, 4, 5]
        for wanted in (10, 1000):
            expected = reference.scan_groups(groups, offsets, *sketches, *query, 1000, allowed)
            found = scanned(variant, groups, offsets, sketches, query, wanted, wanted + wanted // 4 + 36, allowed)
            assert min(wanted, len(expected)) <= len(found)
            assert found == dict(list(expected.items())[: len(found)])


@pytest.mark.parametrize("wanted", [1, 10, 60])
def test_of_many_equal_scores_those_with_the_lower_ids_are_kept(wanted):
    starts, order, codes, terms = sketched([90, 110])
    sketches, query = protected(starts, order, codes, np.zeros_like(terms)), tables_of(np.ones(DIMENSIONS))
    found = scanned(VARIANT, [1, 2], [0.5, 0.5], sketches, query, wanted, 4 * wanted + 40)
    assert found == reference.scan_groups([1, 2], np.float32([0.5, 0.5]), *sketches, *query, wanted)


@pytest.mark.parametrize("n", [1, 50, 400])
def test_shorten_keeps_the_best_and_returns_a_limit_for_later_scores(n):
    for seed in range(10):
        rng = np.random.default_rng([n, seed])
        (order,) = protected(rng.permutation(n).astype(np.int32))
        for scores in (rng.standard_normal(n), rng.integers(0, 3, n)):
            for wanted, m in itertools.product((1, 9, 39), (n // 3, 2 * n)):  # places of vectors, and of centroids
                kept, places = scores.astype(np.float32), rng.permutation(n) + n // 3
                values = dict(zip(places.tolist(), kept.tolist(), strict=True))
                best = reference.shorten(kept, places, m, order, n)
                count, limit = shorten(kept, places, m, order, wanted)
                assert min(wanted, n) <= count <= wanted + wanted // 4 + 4
                assert set(places[:count].tolist()) == set(best[:count])
                assert kept[:count].tolist() == [values[place] for place in places[:count].tolist()]
                assert (kept[:count] > limit).all()
                assert limit < min(values[place] for place in best[:wanted])


def test_the_variant_is_chosen_by_the_features_of_the_processor_alone():
    assert available()[0] == VARIANT
    code = "from lsh.kernels.shuffling import available; print(*available())"
    for features, expected in [
        ("+avx512bw,+avx2,+ssse3", "avx512 avx2 ssse3 portable"),
        ("+avx2,+ssse3", "avx2 ssse3 portable"),
        ("+ssse3", "ssse3 portable"),
        ("", "portable"),
    ]:
        environment = {**os.environ, "NUMBA_CPU_FEATURES": features}
        done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
        assert [name for name in done.stdout.split() if name != "neon"] == expected.split()


def test_on_arm_a_block_is_scored_by_128_table_look_ups_of_16_bytes():
    binding.initialize_all_targets()
    binding.initialize_all_asmprinters()
    triple = "aarch64-unknown-linux-gnu"
    module, number = ir.Module(), ir.FloatType()
    module.triple = triple
    codes, numbers, register = ir.IntType(8).as_pointer(), number.as_pointer(), ir.VectorType(ir.IntType(8), 16)
    arguments = [codes, codes, numbers, numbers, numbers, *[number] * 4]
    function = ir.Function(module, ir.FunctionType(ir.IntType(64), arguments), "score")
    look_up = ir.Function(module, ir.FunctionType(register, [register] * 2), "llvm.aarch64.neon.tbl1.v16i8")
    builder, given = ir.IRBuilder(function.append_basic_block()), function.args
    sums = shuffling.emit_sums(builder, look_up, *given[:2])
    builder.ret(shuffling.emit_scores(builder, sums, given[2:5], given[5:]))
    machine = binding.Target.from_triple(triple).create_target_machine(opt=3)
    assert machine.emit_assembly(binding.parse_assembly(str(module))).count("\ttbl\t") == 64 * 32 // 16
