"""Slow reference implementations of the kernels, and of LSH with dictionaries as in the papers.

They compute the results of the fast code in the simplest way: no sorted prefixes, no heap, no marks.
A key is a tuple of symbols; a table is a dictionary from keys to lists of ids.
"""

import itertools
import math
from fractions import Fraction

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


def bucket_numbers(projections, offsets, width, lowest, top):
    """Number the buckets one by one with Python's floor: [n, f]; None when a number takes more than 63 bits."""
    numbers = [[math.floor(float(p) / width + float(b)) for p, b in zip(row, offsets)] for row in projections]  # noqa: B905
    if any(abs(number) >= 2**62 for row in numbers for number in row):
        return None
    return [[min(max(n - int(low), 0), top) for n, low in zip(row, lowest)] for row in numbers]  # noqa: B905


def adjacent_buckets(projections, offsets, width, lowest, top):
    """Return, of each projection, the symbols below and above and the squared distances to their walls, in widths."""
    symbols, costs = np.empty((*projections.shape, 2)), np.empty((*projections.shape, 2))
    for (i, j), projection in np.ndenumerate(projections):
        position = float(projection) / width + float(offsets[j])
        own = bucket_numbers(projections[i : i + 1, j : j + 1], offsets[j:], width, lowest[j:], top)[0][0]
        part = position - math.floor(position)
        symbols[i, j] = max(own - 1, 0), min(own + 1, top)
        costs[i, j] = part**2 if own > 0 else np.inf, (1 - part) ** 2 if own < top else np.inf
    return symbols, costs


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


def find_bucket_by_head(keys, key, mask):
    """Look for the bucket among all keys."""
    return find_bucket(keys, key, mask, 0, len(keys))


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


def cosine_distance(q, x, inverse_norm):
    """Return 1 - q.x/|x| in float64, within 0 and 2."""
    return min(max(1.0 - float(q.astype(np.float64) @ x.astype(np.float64)) * float(inverse_norm), 0.0), 2.0)


def euclidean_distance(q, x):
    """Return |q - x| in float64."""
    return math.sqrt(float(((q.astype(np.float64) - x.astype(np.float64)) ** 2).sum()))


def distances_to(q, X, inverse_norms, metric, candidates):
    """Return the distance of each candidate in float64."""
    if metric == COSINE:
        return [cosine_distance(q, X[i], inverse_norms[i]) for i in candidates]
    return [euclidean_distance(q, X[i]) for i in candidates]


def decode_rows(stored, scale, offset, first=0, n=None):
    """Return the float32 that each stored value of n rows stands for, one by one, by exact fractions."""
    rows = stored[first:] if n is None else stored[first : first + n]
    if rows.dtype != np.uint8:
        return rows.astype(np.float32)
    exact = [[Fraction(float(offset)) + Fraction(float(scale)) * int(value) for value in row] for row in rows]
    return np.array([[np.float32(float(value)) for value in row] for row in exact], np.float32).reshape(rows.shape)


def inner_products(q, X):
    """Return X @ q in float64."""
    return X.astype(np.float64) @ q.astype(np.float64)


def nearest(q, X, inverse_norms, metric, candidates, k):
    """Sort all candidates by (distance, id); return (ids, distances) padded with -1 and infinity."""
    distances = np.float32(distances_to(q, X, inverse_norms, metric, candidates))
    ranked = sorted(zip(distances, map(int, candidates), strict=True))[:k]
    padding = k - len(ranked)
    ids = np.array([i for _, i in ranked] + [-1] * padding, np.int64)
    return ids, np.array([d for d, _ in ranked] + [np.inf] * padding, np.float32)


def rank_more(q, X, inverse_norms, metric, candidates, k):
    """Return the nearest of candidates that were ranked in parts: those of all of them together."""
    return nearest(q, X, inverse_norms, metric, candidates, k)


def mark_candidates(keys, ids, probes, mask, seen):
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
        met.update(mark_candidates(keys[table], ids[table], probes, mask, seen=met))
    return met


def mark_probed(keys, ids, query_keys, symbols, costs, n_bits, bits, n_probes, q, n_all):
    """Return the number of ids in the probed buckets of query q in all tables, and the set of these ids."""
    n_ids, met, mask = 0, set(), prefix_mask(n_bits, bits, keys.shape[2])
    for table in range(len(keys)):
        own = query_keys[table, q], symbols[q, table], costs[q, table]
        for probe in probe_keys(*own, n_bits, bits, n_probes, n_all):
            found = mark_candidates(keys[table], ids[table], [probe], mask, set())
            n_ids += len(found)
            met.update(found)
    return n_ids, met


def count_met(keys, ids, query_keys, symbols, costs, n_bits, bits, n_probes, n_all, allowed):
    """Return the numbers of ids, of distinct vectors, and of allowed ones that each query meets in all tables."""
    counts = []
    for q in range(len(symbols)):
        n_ids, met = mark_probed(keys, ids, query_keys, symbols, costs, n_bits, bits, n_probes, q, n_all)
        counts.append((n_ids, len(met), sum(bool(allowed[i]) for i in met)))
    return counts


def mark_found(keys, ids, query_keys, symbols, costs, n_bits, bits, n_probes, n_all, table):
    """Return, for each query, the set of ids that it finds in one table."""
    only = slice(table, table + 1)
    queries = query_keys[only], symbols[:, only], costs[:, only]
    return [candidates(keys[only], ids[only], *queries, n_bits, bits, n_probes, q, n_all) for q in range(len(symbols))]


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


def list_within(q, X, inverse_norms, metric, candidates, radius):
    """Return (ids, distances) of the candidates at most at `radius`, in their order."""
    distances = np.float32(distances_to(q, X, inverse_norms, metric, candidates))
    within = [place for place, distance in enumerate(distances) if distance <= radius]
    return [int(candidates[place]) for place in within], [float(distances[place]) for place in within]


def range_tables(
    keys, ids, query_keys, symbols, costs, n_bits, bits, n_probes, n_all, Q, X, inverse_norms, metric, radius
):
    """Return (ids, distances) of the candidates within a radius, in rising order of id, for every query."""
    found = []
    for q in range(len(Q)):
        met = sorted(candidates(keys, ids, query_keys, symbols, costs, n_bits, bits, n_probes, q, n_all))
        found.append(list_within(Q[q], X, inverse_norms, metric, np.array(met, np.int64), radius))
    return found


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
    return (np.asarray(words, np.uint64)[:, None] >> np.arange(64, dtype=np.uint64) & 1).astype(np.int64).ravel()


def collect_marked(marks):
    """Return the positions of the bits that are set."""
    return np.flatnonzero(bits_of(marks)).tolist()


def collect_allowed(marks, allowed):
    """Return the number of marked ids, and those that are allowed."""
    marked = collect_marked(marks)
    return len(marked), [i for i in marked if allowed[i]]


def exact_is_faster(n_allowed, n_ranked, n_ids, dim):
    """Compare two costs, where eight values of vectors are read in the time in which an id is looked up."""
    return n_allowed * dim / 8 <= n_ranked * dim / 8 + n_ids


def is_rare(count, n_met, n_allowed, n):
    """Compare two shares, that of allowed vectors among some, and among all."""
    return n_met > 0 and Fraction(int(count), int(n_met)) < Fraction(int(n_allowed), int(n)) / 2


def lowest_bit(word):
    """Return the first position of a 1 among the binary digits, read from the right."""
    return bin(word)[::-1].index("1")


def highest_bit(word):
    """Return the last position of a 1 among the binary digits, read from the right."""
    return bin(word)[::-1].rindex("1")


def clear_lowest(word):
    """Replace the last 1 of the binary digits by 0."""
    digits = bin(word)
    last = digits.rindex("1")
    return int(digits[:last] + "0" + digits[last + 1 :], 2)


def sketch_levels(planes):
    """Return the level numbers, 0 to 3, of sketches: uint64[4, n] -> [n, 128]."""
    return np.array([bits_of(p[:2]) + 2 * bits_of(p[2:]) for p in planes.T]).reshape(-1, 128)


def query_numbers(planes):
    """Return the numbers, 0 to 15, of a rounded query: uint64[8] -> [128]."""
    return sum(2**r * bits_of(planes[2 * r : 2 * r + 2]) for r in range(4))


def matvec(vector, matrix):
    """Return vector @ matrix in float64."""
    return vector.astype(np.float64) @ matrix.astype(np.float64)


def encode(y):
    """Return the level numbers of a rotated vector, 0 to 3: of five widths, those with the smallest angle to it."""
    of_widths = [levels(y, width) for width in (0.8, 0.9, 1.0, 1.1, 1.2)]
    return max(of_widths, key=lambda numbers: cosine(y, numbers - 1.5))


def quantise(y):
    """Return the nearest numbers, 0 to 15, of a rotated query, and the step between two of them."""
    step = np.abs(y).max() / 7.5
    return np.clip(np.rint(y / step + 7.5), 0, 15), step


def score_rows(planes, terms, query, step):
    """Return what sketches say of <q, y> - penalty, in float64: planes uint64[n, 4], terms [n, 3], query uint64[8]."""
    q = step * (query_numbers(query) - 7.5)
    return score(planes.T, terms[:, :2].T, terms[:, 2], np.arange(len(terms)), q)


def score(planes, factors, penalties, places, q):
    """Return, in float64, what the sketches at some places say of <q, x> - penalty, of a rotated query q: [places]."""
    c = sketch_levels(planes[:, places]) - 1.5
    return factors[0, places].astype(np.float64) * (c @ q) - penalties[places]


def limit_for(scores, wanted):
    """Return the lowest of the `wanted` best scores: a limit below it lets them all pass."""
    return np.sort(scores)[::-1][min(wanted, len(scores)) - 1]


def count_above(scores, limit):
    """Count the scores above a limit."""
    return sum(1 for value in scores if value > limit)


def select_above(scores, limit, first):
    """List the places of the scores above a limit, counted from `first`."""
    return [first + i for i, value in enumerate(scores) if value > limit]


def select_best(scores, wanted):
    """List the places of the best scores in ascending order."""
    return sorted(np.argsort(-scores, kind="stable")[:wanted].tolist())


def shortlist(scores, k, margin):
    """List the places of the scores at most `margin` below the k-th best."""
    return np.flatnonzero(scores >= limit_for(scores, k) - np.float32(margin)).tolist()


def collect(blocks, k, margin):
    """List the rows whose score is at most `margin` below the k-th best of all blocks, which follow one another."""
    return shortlist(np.concatenate(blocks), k, margin)


def tighten(rows, values, k, margin):
    """List the rows whose value is at most `margin` below the k-th best of the list."""
    return [rows[place] for place in shortlist(values, k, margin)]


def keep_best(scores, wanted, ids):
    """List (id, score) of the best scores in their order; of equal scores those with the lower ids."""
    best = sorted(zip(-scores, ids.tolist(), strict=True))[:wanted]
    return [(i, value) for i, value in zip(ids.tolist(), scores.tolist(), strict=True) if (-value, i) in best]


def limits_of_best(scores, wanted, ids):
    """Return (least, last) of the best scores: the least of them, and the last id that has it."""
    best = sorted(zip(-scores, ids.tolist(), strict=True))[:wanted]
    return -best[-1][0], best[-1][1]


def exact_limit(scores, wanted):
    """List the `wanted` best scores; where the next one equals the last, those that are better than it."""
    best = sorted(scores.tolist(), reverse=True)
    return best[:wanted] if best[wanted] < best[wanted - 1] else [s for s in best if s > best[wanted]]


def best_candidates(scores, n_kept, candidates):
    """List (id, score) of the best candidates in their order."""
    return keep_best(scores, n_kept, candidates)


def list_all(q, X, inverse_norms, metric, candidates, scores, k):
    """List the distances and scores of all candidates, and fill up to k."""
    ids = [*candidates.tolist(), *[-1] * (k - len(candidates))]
    true = [*distances_to(q, X, inverse_norms, metric, candidates), *[np.inf] * (k - len(candidates))]
    return ids, true, [*scores[: len(candidates)].tolist(), *[-np.inf] * (k - len(candidates))]


def centroid_products(q, centroids, penalties, chosen):
    """Return, of chosen centroids, <q, centroid> and that less the penalty, in float64."""
    products = centroids[chosen].astype(np.float64) @ q
    return products, products - penalties[chosen]


def ids_at(places, n_centroids, order):
    """Look up the ids of sketches that follow those of the centroids."""
    return [int(order[place - n_centroids]) for place in places]


def pack_codes(levels, places, n_blocks):
    """Write the codes of level numbers, [n, 128], one by one: the code of a pair is its first number plus 4 its second.

    Byte r of a sketch holds the codes of pairs 2r and 2r + 1. In row r of a block these bytes alternate between the
    first 16 sketches and the last 16.
    """
    codes = np.zeros((n_blocks, 32, 32), np.uint8)
    for place, numbers in zip(places, levels, strict=True):
        block, sketch = divmod(int(place), 32)
        column = 2 * sketch if sketch < 16 else 2 * (sketch - 16) + 1
        for row in range(32):
            a, b, c, d = numbers[4 * row : 4 * row + 4]
            codes[block, row, column] = (a + 4 * b) + 16 * (c + 4 * d)
    return codes.ravel()


def code_levels(codes, places):
    """Return the level numbers of the codes at some places: uint8[1024 * blocks] -> [n, 128]."""
    found = []
    for place in places:
        block, sketch = divmod(int(place), 32)
        column = 2 * sketch if sketch < 16 else 2 * (sketch - 16) + 1
        bytes_of = codes.reshape(-1, 32, 32)[block, :, column].astype(int)
        found.append(bytes_of[:, None] // [1, 4, 16, 64] % 4)
    return np.array(found).reshape(-1, 128)


def make_tables(y):
    """Return (tables, step, bias) of a rotated query: what each code of 64 pairs adds, in steps above the least.

    tables: [64, 16], exact to the rounding of halves; step and bias in float64.
    """
    y = y.astype(np.float64)
    reach = np.abs(y[::2]) + np.abs(y[1::2])
    step = 3 * max(reach.max(), 1e-30) / 63
    levels = np.arange(4) - 1.5
    added = y[::2, None, None] * levels[None, None, :] + y[1::2, None, None] * levels[None, :, None]
    return (added.reshape(64, 16) + 1.5 * reach[:, None]) / step, step, -1.5 * reach.sum()


def tables_in_rows(tables):
    """Return [64, 16] of tables that lie in memory as `make_tables` writes them: by two rows, halves, rows, copies."""
    return tables.reshape(16, 2, 2, 2, 16)[:, :, :, 0].transpose(0, 2, 1, 3).reshape(64, 16)


def scan_groups(groups, offsets, starts, order, codes, terms, tables, step, bias, wanted, allowed=None):
    """Return {place: score} of the `wanted` best sketches of some groups, with float32 arithmetic in the same order.

    Of equal scores those are first that have the lower ids. allowed: of the vectors that may be found.
    """
    found = {}
    pairs = tables_in_rows(tables).astype(int)
    for group, offset in zip(groups, offsets, strict=True):
        first, end = starts[0, group], starts[0, group + 1]
        levels = code_levels(codes, 32 * starts[1, group] + np.arange(end - first))
        sums = [sum(pairs[p, numbers[2 * p] + 4 * numbers[2 * p + 1]] for p in range(64)) for numbers in levels]
        for place, total in zip(range(first, end), sums, strict=True):
            score = terms[0, place] * (np.float32(step) * np.float32(total) + np.float32(bias)) - terms[1, place]
            found[place] = score + np.float32(offset)
    numbers = [*range(starts[0, 1]), *order.tolist()]
    if allowed is not None:
        found = {place: score for place, score in found.items() if allowed[numbers[place]]}
    return dict(sorted(found.items(), key=lambda item: (-item[1], numbers[item[0]]))[:wanted])


def shorten(scores, places, n_centroids, order, wanted):
    """Return the places of the `wanted` best scores; of equal ones those with the lower ids."""
    numbers = [*range(n_centroids), *order.tolist()]
    return sorted(places.tolist(), key=lambda place: (-scores[places == place].item(), numbers[place]))[:wanted]


def multiply(A, B):
    """Add the columns of A one after another, each multiplied with a row of B."""
    out = np.zeros((len(A), B.shape[1]))
    for t in range(A.shape[1]):
        out = out + A[:, t, None] * B[None, t, :]
    return out


def orthonormalise(A):
    """Return the Q of LAPACK's QR decomposition."""
    return np.linalg.qr(A)[0]


def settle_close(X, centroids, halves):
    """Return the first centroid with the largest <x, c> - |c|²/2, summed one dimension after another in float64."""
    closeness = -np.repeat(halves.astype(np.float64)[None, :], len(X), axis=0)
    for t in range(X.shape[1]):
        closeness = closeness + X[:, t, None].astype(np.float64) * centroids[None, :, t].astype(np.float64)
    return closeness.argmax(axis=1)


def add_by_bucket(X, bucket, n_buckets):
    """Return the sum of the vectors of each bucket in float64, and their number."""
    members = [X[bucket == b].astype(np.float64) for b in range(n_buckets)]
    return np.array([rows.sum(axis=0) for rows in members]), np.array(list(map(len, members)))


def half_squares(X):
    """Return |x|²/2 of each row in float64."""
    return (X.astype(np.float64) ** 2).sum(axis=1) / 2


def probed(closeness, n_probes, gaps):
    """Return the buckets that a query searches, the nearest first; closeness: <q, c> - |c|²/2 of each centroid."""
    order = np.argsort(-closeness, kind="stable")
    if n_probes >= len(gaps) or np.isinf(gaps[n_probes - 1]):
        return order[:n_probes]
    near = 2 * (closeness[order[0]] - closeness[order]) <= gaps[n_probes - 1]
    return order[near][: 4 * n_probes]


def mean_gaps(vectors, centroids):
    """Return, for each number of buckets, the gap within which so many are probed on average: float64[m]."""
    squares = ((vectors[:, None].astype(np.float64) - centroids[None]) ** 2).sum(axis=2)
    gaps = np.sort((squares - squares.min(axis=1, keepdims=True)).ravel())
    return np.array([gaps[p * len(vectors) - 1] for p in range(1, len(centroids) + 1)])


def search_buckets(vectors, buckets, gaps, X, inverse_norms, metric, n_probes, n_reranked, k):
    """Search prepared queries in an index of sketches; return (ids, distances, n_candidates) of each.

    Exactly n_reranked are ranked here, by estimates of the unrounded query: the fast code may rank a few more.
    """
    found, levels_of, m = [], {}, len(buckets.centroids)
    for vector in vectors.astype(np.float64):
        centred = vector - buckets.centre
        rotated = centred @ buckets.rotation
        offsets = buckets.centroids.astype(np.float64) @ centred
        closeness = offsets - (buckets.centroids.astype(np.float64) ** 2).sum(axis=1) / 2
        met = []
        for b in probed(closeness, n_probes, gaps):
            own = slice(buckets.bucket_starts[b], buckets.bucket_starts[b + 1])
            ids, (factors, penalties) = buckets.order[own], buckets.terms[:, m + own.start : m + own.stop]
            if b not in levels_of:
                levels_of[b] = code_levels(buckets.codes, 32 * buckets.starts[1, b + 1] + np.arange(len(ids)))
            scores = offsets[b] + factors.astype(np.float64) * ((levels_of[b] - 1.5) @ rotated) - penalties
            met += zip(scores.tolist(), ids.tolist(), strict=True)
        best = [i for _, i in sorted(met, reverse=True)[:n_reranked]]
        found.append((*nearest(vector, X, inverse_norms, metric, best, k), len(met)))
    return [np.array(part) for part in zip(*found, strict=True)]


def next_place(nodes, at, count):
    """Return the first place from `at` on whose node is not marked, `count` for none."""
    return next((place for place in range(at, count) if nodes[place] >= 0), count)


def take(nodes, at, count):
    """Return (place behind it, id) of the first node from `at` on that is not marked, (count, -1) for none."""
    place = next_place(nodes, at, count)
    return (count, -1) if place == count else (place + 1, nodes[place])


def is_new(node, met):
    """Return whether a node is not yet in a set, and add it."""
    new = node not in met
    met.add(node)
    return new


def keep(score, node, kept, room):
    """Return the best `room` of the kept (score, node) pairs, where the new one takes the place of the last one."""
    return sorted([*kept[: room - 1], (score, node)], key=lambda pair: (-pair[0], pair[1]))


def search_graph(vectors, graph, X, inverse_norms, metric, n_kept, k, allowed=None):
    """Search prepared queries in a graph; return (ids, distances, n_candidates) of each.

    Estimates are those of the unrounded query. As in the fast code the next node is chosen before one is visited.
    allowed: bool[n]; where too few or too rare of these are visited, n_candidates is -1.
    """
    found, n = [], len(X)
    for vector in vectors.astype(np.float64):
        centred = vector - graph.centre
        rotated = centred @ graph.rotation

        def estimates(block, half_square):
            there = np.flatnonzero(np.isfinite(graph.terms[block, 1]))
            levels_of = code_levels(graph.codes[block], there)
            factors, penalties = graph.terms[block][:, there].astype(np.float64)
            scores = factors * ((levels_of - 1.5) @ rotated) - penalties - half_square  # noqa: B023
            return list(zip(graph.links[block, there].tolist(), scores.tolist(), strict=True))

        first = [pair for block in range(n, len(graph.links)) for pair in estimates(block, centred @ centred / 2)]
        first = sorted(first, key=lambda pair: -pair[1])[: n_kept if n_kept >= n else 4]
        kept, seen, visited = dict(first), {node for node, _ in first}, []

        def take():
            left = [node for node in kept if node not in visited]  # noqa: B023
            return max(left, key=kept.get, default=None)  # noqa: B023

        node = take()
        while node is not None:
            visited.append(node)
            following = take()
            distance = float(nearest(vector, X, inverse_norms, metric, [node], 1)[1][0])
            for neighbour, score in estimates(node, distance if metric == COSINE else distance**2 / 2):
                if neighbour not in seen and (len(kept) < n_kept or score > min(kept.values())):
                    seen.add(neighbour)
                    if len(kept) == n_kept:
                        del kept[min(kept, key=kept.get)]
                    kept[neighbour] = score
            node = take() if following is None else following
        own = visited if allowed is None else [node for node in visited if allowed[node]]
        n_allowed = n if allowed is None else allowed.sum()
        is_left = len(own) < min(k, n_allowed) or 2 * len(own) * n < len(visited) * n_allowed
        is_left &= allowed is not None
        found.append((*nearest(vector, X, inverse_norms, metric, own, k), -1 if is_left else len(visited)))
    return [np.array(part) for part in zip(*found, strict=True)]


def choose_links(Y, candidates, factor, filling, m):
    """Return for each node the candidates chosen as its neighbours, as lists of at most m."""
    squares = ((Y[:, None].astype(np.float64) - Y[None]) ** 2).sum(axis=2)
    links = []
    for node, own in enumerate(candidates):
        nearest_first = sorted({c for c in own if c >= 0 and c != node}, key=lambda c: squares[node, c])
        chosen = []
        for c in nearest_first:
            if all(factor * squares[c, o] >= squares[node, c] and squares[c, o] > 0 for o in chosen):
                chosen.append(c)
        chosen = chosen[:m]
        left = [c for c in nearest_first if c not in chosen] if filling[node] else []
        others = [c for c in dict.fromkeys(filling[node]) if c >= 0 and c not in (node, *nearest_first)]
        links.append((chosen + left + others)[:m])
    return links


def links_back(links):
    """Return for each node those that link to it."""
    return [[i for i, own in enumerate(links) if j in own] for j in range(len(links))]


def level_products(planes, Y):
    """Return <y, c> of each row and the levels of its sketch."""
    return ((sketch_levels(planes) - 1.5) * Y).sum(axis=1)


def levels(y, width):
    """Cut coordinates into four levels, each `width` root mean squares wide, two on each side of zero."""
    return np.clip(np.floor(y / (width * np.sqrt((y**2).mean()))), -2, 1) + 2


def cosine(a, b):
    """Return the cosine of the angle between two vectors."""
    return a @ b / np.sqrt((a @ a) * (b @ b))


def pack_signs(projections):
    """Write the signs as digits of a number in base two: uint64[n]."""
    return np.array([int("".join("1" if p > 0 else "0" for p in row), 2) for row in projections], np.uint64)


def prefix_pairs(signatures):
    """Count the pairs of words with b equal first bits, for each b from 0 to 64."""
    words = [f"{int(word):064b}" for word in signatures]
    pairs = list(itertools.combinations(words, 2))
    return [sum(a[:b] == c[:b] for a, c in pairs) for b in range(65)]


def first_equal(rows):
    """Return the first row with the bytes of each."""
    known = {}
    return [known.setdefault(row.tobytes(), number) for number, row in enumerate(rows)]


def near_pairs(distances, words, runs, max_differing, radius, most):
    """Return the pairs of each row with later ones of its run, and the rows with more than `most`.

    distances[i][j]; words: the signature of each row; runs: lists of rows.
    """
    pairs, cut = [], set()
    for run in runs:
        for place, i in enumerate(run):
            later = [j for j in run[place + 1 :] if (int(words[i]) ^ int(words[j])).bit_count() <= max_differing]
            near = [j for j in later if distances[i][j] <= radius]
            pairs += [(min(i, j), max(i, j)) for j in near[:most]]
            cut |= {i} if len(near) > most else set()
    return pairs, cut


def pair_distances(distances, pairs):
    """Return the distance of each pair; distances[i][j]: of row j when row i is the query."""
    return [distances[i][j] for i, j in pairs]


def unite(n, pairs):
    """Return the lowest row of the group of each of n rows."""
    group = list(range(n))
    for a, b in pairs:
        low, high = sorted((group[a], group[b]))
        group = [low if g == high else g for g in group]
    return group


def tail(x):
    """Return 1 - Phi(x) of the standard normal distribution."""
    return 0.5 * math.erfc(x / math.sqrt(2))


def fill_chances(costs, is_plane, scale):
    """Return the chances that each symbol of a vector is the query's, and each neighbour of that: [K, 1 + m]."""
    found = []
    for row in costs:
        edges = [tail(math.sqrt(cost) * scale) for cost in row]
        beyond = [0.0] * len(row) if is_plane else [tail((math.sqrt(cost) + 1) * scale) for cost in row]
        found.append([1 - sum(edges), *(edge - far for edge, far in zip(edges, beyond, strict=True))])
    return np.array(found)


def widest_angle(q, near, centre):
    """Return the largest angle, about the centre, of q and any of some vectors."""
    a, b = q - centre, near - centre
    return np.arccos(np.clip(b @ a / np.linalg.norm(a) / np.linalg.norm(b, axis=1), -1, 1)).max()


def hit_chance(patterns, of_symbols):
    """Add up, over the patterns of symbols, the product of their chances."""
    return sum(math.prod(row[s] for row, s in zip(of_symbols, pattern, strict=False)) for pattern in patterns)


def search_until(distances, buckets, hit, n_bits, k, miss):
    """Return the neighbours, the number of candidates and of tables searched, by dictionaries and sorting.

    distances[i]: of row i; buckets(table, bits): its rows in the probed buckets; hit(table, bits, r): the chance that
    it finds a vector at distance r. n_tables is the length of `hit.tables`. As the kernel, the chances of all tables
    are computed anew at every fourth table, if the k-th best is nearer by then.
    """
    n, seen, searched, misses = len(distances), set(), 0, {}
    measured_at = math.inf
    for bits in range(n_bits, 0, -1):
        for table in range(hit.n_tables):
            seen |= set(buckets(table, bits))
            searched += 1
            misses[table] = (bits, 1.0)
            best = sorted((distances[i], i) for i in seen)[:k]
            if len(best) < k:
                continue
            last = best[-1][0]
            refresh = last < measured_at and (table % 4 == 0 or table == hit.n_tables - 1)
            for other, (own, _) in list(misses.items()):
                if refresh or measured_at == math.inf or other == table:
                    misses[other] = own, 1 - hit(other, own, last)
            measured_at = last if refresh or measured_at == math.inf else measured_at
            if math.prod(chance for _, chance in misses.values()) <= miss:
                return [i for _, i in best], len(seen), searched
        if 2 * len(seen) > n:
            break
    return [i for _, i in sorted((d, i) for i, d in enumerate(distances))[:k]], n, searched
