"""Slow reference implementations of the kernels, and of LSH with dictionaries as in the papers.

They compute the results of the fast code in the simplest way: no sorted prefixes, no heap, no marks.
A key is a tuple of symbols; a table is a dictionary from keys to lists of ids.
"""

import itertools
import math

import numpy as np

from lsh.families.pstable import PStable

WORD_BITS = 32
COSINE, EUCLIDEAN = 0, 1


def project(X, directions):
    """Sum x[t] * direction[t] one dimension after another in float32, as the kernel promises to."""
    out = np.zeros((len(X), directions.shape[1]), np.float32)
    for t in range(X.shape[1]):
        out = out + X[:, t, None] * directions[None, t, :]
    return out


def lengths(X):
    """Return the length of each row, adding squares in float64 one dimension after another."""
    total = np.zeros(len(X))
    for t in range(X.shape[1]):
        total = total + X[:, t].astype(np.float64) ** 2
    return np.sqrt(total)


def prepare(X, unit, centre):
    """Scale rows to length one when `unit` (not rows of zeros), round to float32, and take the centre away."""
    scale = np.where(lengths(X) > 0, lengths(X), 1.0) if unit else np.ones(len(X))
    return (X / scale[:, None]).astype(np.float32) - centre


def normalise(Q, unit, min_norm, max_norm):
    """Return the queries, scaled to length one when `unit`; None when a norm lies outside [min_norm, max_norm]."""
    if not all(min_norm <= length <= max_norm for length in lengths(Q)):
        return None
    return (Q / lengths(Q)[:, None]).astype(np.float32) if unit else Q


def pack(symbols, bits):
    """Pack table by table: [n, L, K] -> uint32[L, n, W]."""
    return np.stack([packed(symbols[:, table], bits) for table in range(symbols.shape[1])])


def packed(symbols, bits):
    """Write each symbol as binary digits, pad each word with zeros on the right: [n, K] -> uint32[n, W]."""
    per_word = WORD_BITS // bits
    n_words = math.ceil(symbols.shape[1] / per_word)
    out = np.zeros((len(symbols), n_words), np.uint32)
    for i, row in enumerate(symbols):
        for w in range(n_words):
            digits = "".join(format(int(s), f"0{bits}b") for s in row[w * per_word : (w + 1) * per_word])
            out[i, w] = int(digits.ljust(WORD_BITS, "0"), 2)
    return out


def unpack(keys, n_symbols, bits):
    """Return packed keys as tuples of their first symbols: the inverse of `packed`."""
    per_word = WORD_BITS // bits
    tuples = []
    for key in keys:
        digits = [format(int(word), "032b") for word in key]
        places = [(j // per_word, bits * (j % per_word)) for j in range(n_symbols)]
        tuples.append(tuple(int(digits[w][at : at + bits], 2) for w, at in places))
    return tuples


def prefix_mask(n_symbols, bits, n_words):
    """Pack `n_symbols` symbols whose bits are all set."""
    per_word = WORD_BITS // bits
    symbols = np.zeros((1, n_words * per_word), np.int64)
    symbols[:, :n_symbols] = 2**bits - 1
    return packed(symbols, bits)[0]


def masked(key, mask):
    """Return a packed key under a mask as a tuple, which compares as the keys do."""
    return tuple(int(word) & int(m) for word, m in zip(key, mask, strict=True))


def first_at_least(keys, key, mask, low, high, beyond):
    """Walk from low to high."""
    wanted = masked(key, mask)
    for position in range(low, high):
        here = masked(keys[position], mask)
        if here > wanted or (here == wanted and not beyond):
            return position
    return high


def find_bucket(keys, key, mask, low, high):
    """Return where the equal keys begin, and one past where they end."""
    equal = [p for p in range(low, high) if masked(keys[p], mask) == masked(key, mask)]
    start = first_at_least(keys, key, mask, low, high, beyond=False)
    return start, start + len(equal)


def probe_symbols(symbols, alternatives, costs, n_probes):
    """Return the keys of the likeliest buckets, as tuples of symbols, cheapest first, by trying all of them.

    symbols: the query's own key, K symbols; alternatives, costs: its perturbations, [K, m], at most one per symbol.
    Sets of equal cost come in the order of the number whose bit i says that the i-th cheapest perturbation is used.
    """
    K, m = costs.shape
    rank = {int(p): i for i, p in enumerate(np.argsort(costs.reshape(-1), kind="stable"))}
    options = []
    for chosen in itertools.product(range(-1, m), repeat=K):  # -1: this symbol stays
        used = [(j, p) for j, p in enumerate(chosen) if p >= 0]
        cost = sum(float(costs[j, p]) for j, p in used)
        if math.isfinite(cost):
            number = sum(1 << rank[j * m + p] for j, p in used)
            key = list(symbols)
            for j, p in used:
                key[j] = int(alternatives[j, p])
            options.append((cost, number, tuple(key)))
    options.sort()
    return [key for _, _, key in options[:n_probes]]


def probe_keys(key, symbols, costs, n_symbols, bits, n_probes, n_all):
    """Return the packed keys of the likeliest buckets; symbols from n_symbols to n_all stay as they are."""
    own = unpack(key[None, :], n_all, bits)[0]
    if n_probes == 1:
        return key[None, :].copy()
    heads = probe_symbols(own[:n_symbols], symbols[:n_symbols], costs[:n_symbols], n_probes)
    return packed(np.array([[*head, *own[n_symbols:]] for head in heads], np.int64).reshape(len(heads), n_all), bits)


def distance(q, x, inverse_norm, metric):
    """Return the distance in float64, by definition."""
    q, x = q.astype(np.float64), x.astype(np.float64)
    if metric == COSINE:
        return min(max(1.0 - float(q @ x) * float(inverse_norm), 0.0), 2.0)
    return math.sqrt(float(((q - x) ** 2).sum()))


def nearest(q, X, inverse_norms, metric, candidates, k):
    """Sort all candidates by (distance, id); return (ids, distances) padded with -1 and infinity."""
    ranked = sorted((np.float32(distance(q, X[i], inverse_norms[i], metric)), int(i)) for i in candidates)[:k]
    padding = k - len(ranked)
    ids = np.array([i for _, i in ranked] + [-1] * padding, np.int64)
    return ids, np.array([d for d, _ in ranked] + [np.inf] * padding, np.float32)


def gather(keys, ids, probes, mask, seen):
    """Return the ids whose key equals a probe under the mask, in order of probe and position, but not those in seen."""
    met = []
    for probe in probes:
        for key, i in zip(keys, ids, strict=True):
            if masked(key, mask) == masked(probe, mask) and int(i) not in seen and int(i) not in met:
                met.append(int(i))
    return met


def candidates(keys, ids, query_keys, symbols, costs, n_bits, bits, n_probes, q, n_all):
    """Return the set of ids that query q finds in the given tables, at keys of `n_bits` symbols."""
    mask = prefix_mask(n_bits, bits, keys.shape[2])
    met: set[int] = set()
    for table in range(len(keys)):
        own = query_keys[table, q]
        probes = probe_keys(own, symbols[q, table], costs[q, table], n_bits, bits, n_probes, n_all)
        met.update(gather(keys[table], ids[table], probes, mask, seen=met))
    return met


def search_tables(
    keys, ids, query_keys, symbols, costs, n_bits, bits, n_probes, n_all, Q, X, inverse_norms, metric, k, kept=None
):
    """Return (ids, distances, n_candidates) of every query; kept(q, candidates): those that are ranked."""
    found_ids, found_distances, counts = [], [], []
    for q in range(len(Q)):
        met = sorted(candidates(keys, ids, query_keys, symbols, costs, n_bits, bits, n_probes, q, n_all))
        ranked = kept(q, met) if kept else met
        best, distances = nearest(Q[q], X, inverse_norms, metric, ranked, k)
        found_ids.append(best)
        found_distances.append(distances)
        counts.append(len(met))
    return np.array(found_ids), np.array(found_distances), np.array(counts)


def count_grid_probed(keys, ids, query_keys, symbols, costs, n_bits, bits, n_probes, truth):
    """Search every cell by itself; return (hits, candidates), int[nq, L, K]. truth: a list of ids for each query."""
    shape = len(truth), len(keys), n_bits
    hits, counts = np.zeros(shape, np.int32), np.zeros(shape, np.int32)
    for q, n_tables, length in itertools.product(*map(range, shape)):
        first = slice(0, n_tables + 1)
        met = candidates(
            keys[first], ids[first], query_keys[first], symbols, costs, length + 1, bits, n_probes, q, n_bits
        )
        hits[q, n_tables, length] = len(met & set(truth[q]))
        counts[q, n_tables, length] = len(met)
    return hits, counts


def count_grid(keys, ids, query_keys, n_bits, bits, truth):
    """Search every cell by itself, with one probe a table."""
    nothing = np.zeros((len(truth), len(keys), 0, 1))
    return count_grid_probed(keys, ids, query_keys, nothing, nothing, n_bits, bits, 1, truth)


def count_sharing(ids, query_sets, base_sets):
    """Count, for each query, the ids that share a label with the query; -1 is no id."""
    return [
        sum(1 for i in row if i >= 0 and query_sets[q] & base_sets[i]) for q, row in enumerate(np.asarray(ids).tolist())
    ]


def average_precision(ids, query_sets, base_sets):
    """Walk down each ranking and note the precision wherever a relevant row stands."""
    found = []
    for q, row in enumerate(np.asarray(ids).tolist()):
        hits, precisions = 0, []
        for rank, i in enumerate(row, 1):
            if i >= 0 and query_sets[q] & base_sets[i]:
                hits += 1
                precisions.append(hits / rank)
        relevant = sum(1 for labels in base_sets if query_sets[q] & labels)
        found.append(sum(precisions) / min(relevant, len(row)) if relevant else 0.0)
    return found


def csr(sets):
    """Return lists of labels as (offsets int64[n + 1], values int16[m])."""
    lists = [sorted(labels) for labels in sets]
    offsets = np.cumsum([0, *map(len, lists)]).astype(np.int64)
    return offsets, np.array([label for labels in lists for label in labels], np.int16)


def exact(X, Q, k, metric):
    """Return, in float64 and by definition, every distance: float64[nq, n]."""
    X, Q = np.asarray(X, np.float64), np.asarray(Q, np.float64)
    if metric == "euclidean":
        return np.sqrt(((Q[:, None, :] - X[None, :, :]) ** 2).sum(axis=2))
    cosines = (Q @ X.T) / lengths(Q)[:, None]
    return 1.0 - np.divide(cosines, lengths(X), out=np.zeros_like(cosines), where=lengths(X) > 0)


class DictionaryLSH:
    """LSH as Charikar (2002) and Datar et al. (2004) describe it: L dictionaries from a key of K hashes to ids.

    It takes only the random functions (and centre) of a fitted index and hashes with them from scratch, for one (L, K).
    Bucket numbers are not cut to a range unless `saturated`.
    """

    def __init__(self, index, n_tables, n_bits, *, saturated=True):
        self.index, self.n_tables, self.n_bits, self.saturated = index, n_tables, n_bits, saturated
        self.tables = [{} for _ in range(n_tables)]
        for i, keys in enumerate(self.symbols(index.exact.X)[0]):
            for table, key in zip(self.tables, keys, strict=True):
                table.setdefault(tuple(key), []).append(i)

    def symbols(self, X):
        """Return the hashes of raw vectors and the position of each within its bucket: [n, L, K]."""
        hasher, family = self.index.hasher, self.index.hasher.family
        prepared = prepare(np.asarray(X, np.float32), hasher.metric == "cosine", hasher.centre)
        all_functions = project(prepared, family.directions)
        built = self.index.params.n_tables, self.index.params.n_bits
        projected = all_functions.reshape(len(X), *built)[:, : self.n_tables, : self.n_bits]
        if not isinstance(family, PStable):
            return (projected > 0).astype(np.int64), projected
        offsets = family.offsets.reshape(built)[: self.n_tables, : self.n_bits]
        scaled = projected.astype(np.float64) / family.width + offsets
        symbols = np.floor(scaled).astype(np.int64) - family.lowest.reshape(built)[: self.n_tables, : self.n_bits]
        if self.saturated:
            symbols = np.clip(symbols, 0, 2**family.symbol_bits - 1)
        return symbols, scaled - np.floor(scaled)

    def perturbations(self, symbols, position):
        """Return the adjacent symbols of one query's hashes and the costs of probing them: [L, K, m]."""
        family = self.index.hasher.family
        if not isinstance(family, PStable):
            return 1 - symbols[..., None], np.float32(position)[..., None] ** 2
        top = 2**family.symbol_bits - 1
        below = np.where(symbols > 0, position**2, np.inf)
        above = np.where(symbols < top, (1 - position) ** 2, np.inf)
        return np.stack([symbols - 1, symbols + 1], axis=-1), np.stack([below, above], axis=-1).astype(np.float32)

    def probes(self, q, n_probes):
        """Return, for each table, the keys to look up for one query."""
        symbols, position = self.symbols(np.asarray(q)[None, :])
        if n_probes == 1:
            return [[tuple(key)] for key in symbols[0]]
        others, costs = self.perturbations(symbols[0], position[0])
        return [probe_symbols(symbols[0, t], others[t], costs[t], n_probes) for t in range(self.n_tables)]

    def found_by_table(self, q, n_probes=1):
        """Return, for each table, the set of ids in the buckets looked up."""
        keys = self.probes(q, n_probes)
        return [
            {i for key in wanted for i in table.get(key, [])} for table, wanted in zip(self.tables, keys, strict=True)
        ]

    def candidates(self, q, n_probes=1):
        """Return the distinct ids in all the buckets looked up."""
        return set().union(*self.found_by_table(q, n_probes))


def bits_of(words):
    """Return the bits of uint64 words, the lowest first: [w] -> [64 * w]."""
    return np.array([int(word) >> j & 1 for word in words for j in range(64)])


def sketch_levels(planes):
    """Return the level numbers, 0 to 3, of sketches: uint64[4, n] -> [n, 128]."""
    return np.array([bits_of(p[:2]) + 2 * bits_of(p[2:]) for p in planes.T]).reshape(-1, 128)


def query_numbers(planes):
    """Return the numbers, 0 to 15, of a rounded query: uint64[8] -> [128]."""
    return sum(2**r * bits_of(planes[2 * r : 2 * r + 2]) for r in range(4))


def estimates(planes, terms, query, step):
    """Return what sketches say of <q, y> - penalty, in float64: planes uint64[n, 4], terms [n, 3], query uint64[8]."""
    q, c = step * (query_numbers(query) - 7.5), sketch_levels(planes.T) - 1.5
    return terms[:, 0].astype(np.float64) * (c @ q) - terms[:, 2]


def estimate(q, planes, factors, penalties, places):
    """Return, in float64, what the sketches at some places say of <q, x> - penalty, of a rotated query q: [places]."""
    levels = sketch_levels(planes[:, places]) - 1.5
    return factors[0, places].astype(np.float64) * (levels @ q) - penalties[places]


def search_buckets(vectors, buckets, X, inverse_norms, metric, n_probes, n_reranked, k):
    """Search prepared queries in an index of sketches; return (ids, distances, n_candidates) of each.

    Exactly n_reranked are ranked here, by estimates of the unrounded query: the fast code may rank a few more.
    """
    found = []
    for vector in vectors.astype(np.float64):
        centred = vector - buckets.centre
        rotated = centred @ buckets.rotation
        offsets = buckets.centroids.astype(np.float64) @ centred
        closeness = offsets - (buckets.centroids.astype(np.float64) ** 2).sum(axis=1) / 2
        met = []
        for b in np.argsort(-closeness)[:n_probes]:
            ids = buckets.order[buckets.starts[b] : buckets.starts[b + 1]]
            places = len(buckets.centroids) + np.arange(buckets.starts[b], buckets.starts[b + 1])
            scores = offsets[b] + estimate(rotated, buckets.planes, buckets.factors, buckets.penalties, places)
            met += zip(scores.tolist(), ids.tolist(), strict=True)
        best = [i for _, i in sorted(met, reverse=True)[:n_reranked]]
        found.append((*nearest(vector, X, inverse_norms, metric, best, k), len(met)))
    return [np.array(part) for part in zip(*found, strict=True)]


def levels(y, width):
    """Cut coordinates into four levels, each `width` root mean squares wide, two on each side of zero."""
    return np.clip(np.floor(y / (width * np.sqrt((y**2).mean()))), -2, 1) + 2


def cosine(a, b):
    """Return the cosine of the angle between two vectors."""
    return a @ b / np.sqrt((a @ a) * (b @ b))
