"""What every page shows, compared with a `Setting` by hand: `SCENES` maps a page and its chapter to a comparison."""

import re

import numpy as np

from tests.ui.recomputed.lsh_by_hand import BITS, NEAR, NEIGHBOURS, TABLES, hit_probability, nearest
from tests.ui.recomputed.setting import PROBES
from tests.ui.recomputed.shown import (
    component,
    degrees,
    figure,
    find,
    metrics,
    number,
    percent,
    points,
    said,
    signed_points,
    tables,
    values,
    whole,
)

SLACK = 2e-6  # of a distance, a chance or an angle in degrees, by rounding in float32, as a part of its size


def strip(app, it, tally):
    """Compare the metrics strip: recall, share looked at and memory."""
    shown = metrics(app)
    recall, looked = it.means.averages(it.n_tables, it.n_bits, it.n_probes)
    tally.text(shown["recall@10, average"], recall, percent)
    tally.text(shown["looked at, average"], looked, percent)
    tally.text(shown["index"], it.hand.nbytes(it.n_tables) / 1e6, lambda size: f"{number(size)} MB")


def summary(it, tally, text):
    """Compare the sentence about your sound: the share looked at, and hits among the nearest."""
    if "looked at no clip at all" in text:
        tally.count(0, it.n_looked_at())
        return
    looked, hits, total = re.search(
        r"LSH looked at (.+?) of the clips and found (\d+) of the (\d+) nearest", text
    ).groups()
    tally.text(looked, tuple(n / it.hand.n for n in it.n_looked_at()), percent)
    tally.count(int(hits), it.n_found(it.exact))
    tally.same(int(total), len(it.exact))


def listen(app, it, tally):
    """Compare the three lists with their distances, ranks, tables and chances, and what one more table would bring."""
    summary(it, tally, said(app))
    data = component(app, "neighbours")
    train = it.means.rows_of
    found, exact, missed = (
        [train[clip_id] for clip_id in data["lists"][name]] for name in ("found", "exact", "missed")
    )
    assert it.ranked(exact, it.exact), "the exact list"
    certain, possible = it.together()
    among = certain | (possible & np.isin(np.arange(it.hand.n), found))
    assert it.ranked(found, nearest(it.distances, np.flatnonzero(among))), "the list of those found"
    tally.same(missed, [row for row in exact if row not in found])
    tally.count(len(exact) - len(missed), it.n_found(exact))
    tally.same({train[clip_id] for clip_id in data["cards"]}, {*found, *exact})
    for clip_id, card in data["cards"].items():
        row = train[clip_id]
        tally.same(card["rank"], found.index(row) + 1 if row in found else None)
        tally.same(card["exact_rank"], exact.index(row) + 1 if row in exact else None)
        tally.same(card["found"], not card["outcome"].startswith("missed"))
        nearness(it, tally, card["distance"], row)
        met(it, tally, card, row)
        explained(it, tally, card["explanation"], row)
    more = re.search(r"one more table would change: (.+?) recall, (.+?) looked at\.", said(app))
    assert (more is None) == (it.n_tables == TABLES)
    if more:
        now, then = (it.means.averages(n, it.n_bits, it.n_probes) for n in (it.n_tables, it.n_tables + 1))
        for shown, before, after in zip(more.groups(), now, then, strict=True):
            change = after[0] - before[0], after[1] - before[1]
            if before[0] != before[1] or after[0] != after[1]:
                change = after[0] - before[1], after[1] - before[0]
            tally.text(shown, change if change[0] != change[1] else change[0], signed_points, slack=1e-9)


def nearness(it, tally, shown, row):
    """Compare the number and the bar of a card with a distance."""
    distance = float(it.distances[row])
    if it.metric == "cosine":
        tally.close(shown["fraction"], max(0.0, 1 - distance), SLACK)
        tally.text(shown["value"], 1 - distance, lambda x: f"{x:.2f}", SLACK)
    else:
        tally.close(shown["fraction"], it.means.usual / (it.means.usual + distance), SLACK)
        tally.text(shown["value"], distance, lambda x: f"{x:.2f}", SLACK * max(1, distance))


def met(it, tally, card, row):
    """Compare the tables in which a clip is found, and their number."""
    shown = re.search(r"in tables? ([\d, and]+)\.", card["explanation"])
    in_tables = {int(t) for t in re.findall(r"\d+", shown[1])} if shown else set()
    certain, possible = ({t + 1 for t, masks in enumerate(it.by_table()) if masks[side][row]} for side in (0, 1))
    assert certain <= in_tables <= possible, f"tables {in_tables}, expected {certain}, or up to {possible}"
    tally.count(len(in_tables), (len(certain), len(possible)))
    tables_in_all = f"{it.n_tables} table{'s' * (it.n_tables != 1)}"
    expected = f"found in {len(in_tables)} of {tables_in_all}" if in_tables else f"missed: in none of {tables_in_all}"
    tally.same(card["outcome"], expected)


def explained(it, tally, text, row):
    """Compare the angle or distance of a clip, and three chances by theory."""
    apart, bit, key, once = re.search(
        r"the two are (\S+) apart, so one bit of their keys agrees with chance (\S+), all \d+ with (.+?), and at least "
        r"one of \d+ keys? with (.+?)\.(?: Looking|$)",
        text,
        re.IGNORECASE,
    ).groups()
    (p,), (distance,) = it.angles([row])
    if it.metric == "cosine":
        tally.text(apart, distance, degrees, 1e-4)
    else:
        tally.text(apart, distance, lambda x: f"{x:.2f}", SLACK * max(1, distance))
    tally.text(bit, p, lambda x: f"{x:.2f}", SLACK)
    chances(tally, key, p, 1, it.n_bits)
    chances(tally, once, p, it.n_tables, it.n_bits)


def chances(tally, shown, p, n_tables, n_bits):
    """Compare a chance by theory; p may be off by rounding."""
    low, high = (float(hit_probability(np.clip(p + slack, 0, 1), n_tables, n_bits)) for slack in (-SLACK, SLACK))
    tally.text(shown, float(hit_probability(p, n_tables, n_bits)), percent, slack=max(high - low, 1e-12))


def key(app, it, tally):
    """Inside, Key: the bits of one table, the least certain one, and where the neighbours lie."""
    pattern = (
        r"In table (\d+) the key of your sound is \*\*(.+?)\*\*.*?(\w+) (\d+) (?:was nearly another|is the least cer"
    )
    pattern += r"tain): your sound is (.+?), and (none|\d+) of the nearest .*?\*\*(\d+) of the (\d+)\*\* nearest do so"
    number_shown, written, _, weakest, wall, behind, agreeing, total = find(pattern, app)
    table = int(number_shown) - 1
    in_tables = it.by_table()
    most = max(masks.certain[it.exact].sum() for masks in in_tables)
    assert in_tables[table].possible[it.exact].sum() >= most, "the table that found most"
    at = it.positions[table, : it.n_bits]
    symbols = [int(s) for s in (written.split(" · ") if " · " in written else written)]
    tally.counts(symbols, *(it.hand.symbols(at + nudge, table) for nudge in (-NEAR, NEAR)))
    far = np.abs(at) if it.metric == "cosine" else np.minimum(at % 1, 1 - at % 1)
    j = int(weakest) - 1
    assert far[j] <= far.min() + NEAR, "the least certain symbol"
    where, theirs = (
        it.hand.arcs(it.query[None], table, it.n_bits)[0],
        it.hand.arcs(it.train(it.exact), table, it.n_bits),
    )
    if it.metric == "cosine":
        tally.text(wall.removesuffix(" from its plane"), where[j], degrees, 1e-4)
    else:
        tally.text(wall.removesuffix(" of a slot's width from the next slot"), far[j], percent, NEAR)
    differ = [it.hand.symbols_differ(it.positions, it.exact, table, it.n_bits, side) for side in (0, 1)]
    tally.count(0 if behind == "none" else int(behind), tuple(int(one[:, j].sum()) for one in differ))
    tally.count(int(agreeing), tuple(int((~one.any(axis=1)).sum()) for one in reversed(differ)))
    tally.same(int(total), len(it.exact))
    _, traces = figure(app, "Where your sound and its")
    base = 0 if it.metric == "cosine" else np.floor(where)
    tally.close(values(traces["your sound"]["x"]), where - base, 1e-4)
    both = np.concatenate([values(traces[name]["x"]) for name in ("found", "missed")]).reshape(-1, it.n_bits)
    tally.close(np.sort(both, axis=0), np.sort(theirs - base, axis=0), 1e-4)


def buckets(app, it, tally):
    """Inside, Buckets: the size of the bucket in every table, the neighbours in it, and the nearest clips of one."""
    certain, possible = (np.array([masks[side].sum() for masks in it.by_table(n_probes=1)]) for side in (0, 1))
    _, traces = figure(app, "Sizes of your sound's bucket")
    sizes = values(traces["bar"]["y"])
    tally.counts(sizes, certain, possible)
    hits = np.zeros(it.n_tables)
    dots = traces["found here"]
    hits[values(dots["x"]).astype(int) - 1] = [int(re.sub(r"\D", "", text)) for text in dots["text"]]
    true = [[masks[side][it.exact].sum() for masks in it.by_table(n_probes=1)] for side in (0, 1)]
    tally.counts(hits, *true)
    table, size, n, own = find(r"In table (\d+) your sound shares its bucket with (\S+) clips? of (\S+); (\d+) of", app)
    tally.same((whole(size), int(own), whole(n)), (sizes[int(table) - 1], hits[int(table) - 1], it.hand.n))
    looked, found = it.n_looked_at(n_probes=1), it.n_found(it.exact, n_probes=1)
    if it.n_tables > 1:
        together = (
            r"hold (\S+) different clips?, (.+?) of the collection, and \*\*(\d+) of the \d+\*\* nearest: no table"
        )
        different, share, together = find(f"{together} has more than (\\d+)", app)[:3]
        tally.count(whole(different), looked)
        tally.text(share, tuple(n / it.hand.n for n in looked), percent)
        tally.count(int(together), found)
    shown = component(app, "clip_list", "Who else is in the bucket")
    rows = [it.means.rows_of[clip_id] for clip_id in shown["order"]]
    members = it.by_table(n_probes=1)[int(table) - 1]
    among = members.certain | (members.possible & np.isin(np.arange(it.hand.n), rows))
    assert it.ranked(rows, nearest(it.distances, np.flatnonzero(among), 6)), "the nearest in the bucket"
    for clip_id, card in shown["cards"].items():
        nearness(it, tally, card["distance"], it.means.rows_of[clip_id])
        tally.same(card["kind"], "found" if it.means.rows_of[clip_id] in it.exact else "candidate")


def probes(app, it, tally):
    """Inside, Probes: the keys of one table in the order of their probing, and what each number of probes finds."""
    _, traces = figure(app, "Of the")
    of_probes = traces["found"]
    met_shown = values(of_probes["y"])
    looked_shown = [whole(re.search(r"([\d,]+) clips looked at", text)[1]) for text in of_probes["text"]]
    expected = [(it.n_looked_at(n_probes=t), it.n_found(it.exact, n_probes=t)) for t in range(1, len(met_shown) + 1)]
    tally.counts(looked_shown, *zip(*(looked for looked, _ in expected), strict=True))
    tally.counts(met_shown, *zip(*(found for _, found in expected), strict=True))
    layout, traces = figure(app, "The first")
    table = int(find(r"next door in table (\d+)|Table (\d+) has no second", app)[0] or 1) - 1
    bits = traces["bits"]
    keys = np.array(bits["text"], int).reshape(-1, it.n_bits)
    wanted, costs = it.hand.sequence(it.positions[None, table, : it.n_bits], np.array([table]), len(keys) + 1)
    if (np.diff(costs[0][np.isfinite(costs[0])]) > NEAR).all():
        tally.same(keys.tolist(), wanted[0, : len(keys)].tolist())
    sizes = [whole(re.search(r"(\S+) clips?", a["text"])[1]) for a in layout["annotations"] if "clip" in a["text"]]
    of_keys = [it.hand.bucket(table, key) for key in keys]
    tally.counts(sizes, [len(rows) for rows, _ in of_keys], [len(rows) + len(others) for rows, others in of_keys])


def missed(app, it, tally):
    """Inside, Missed: in how many symbols each neighbour's key differs in each table, and what would have found it."""
    _, traces = figure(app, "The 10 nearest against")
    shown = np.full((len(it.exact), it.n_tables), -1)
    for name in ("found", "bits apart"):
        x, y = (values(traces[name][axis]).astype(int) - 1 for axis in "xy")
        shown[y, x] = 0 if name == "found" else [int(text) for text in traces[name]["text"]]
    differ, tables = it.hand.symbols_differ, range(it.n_tables)
    apart = [[differ(it.positions, it.exact, t, it.n_bits, side).sum(axis=1) for t in tables] for side in (0, 1)]
    tally.counts(shown, *map(np.transpose, apart))
    cards = component(app, "clip_list", "The nearest clips, missed ones first")["cards"]
    rows = {it.means.rows_of[clip_id]: card for clip_id, card in cards.items()}
    tally.same({*rows}, {*it.exact.tolist()})
    lost = [row for row, card in rows.items() if card["kind"] == "missed"]
    tally.count(len(it.exact) - len(lost), it.n_found(it.exact))
    for row in lost:
        fixed(it, tally, rows[row]["explanation"], row)


def fixed(it, tally, text, row):
    """Compare the smallest change of K, of L and of the probes alone that would have found a missed clip."""
    shown = {name: int(value) for name, value in re.findall(r"(K|L|probes) = (\d+)", text)}
    tries = {
        "K": [{"n_bits": n} for n in range(it.n_bits - 1, 0, -1)],
        "L": [{"n_tables": n} for n in range(it.n_tables + 1, TABLES + 1)],
        "probes": [{"n_probes": n} for n in range(it.n_probes + 1, PROBES + 1)],
    }
    for name, changes in tries.items():
        for change in changes:
            found = it.n_found([row], **change)
            (value,) = change.values()
            if found[0] or shown.get(name) == value:
                break
        else:
            found, value = (0, 1), None
        tally.same((shown.get(name), found[1]), (value, 1))


def curve(app, it, tally):
    """Inside, Chances: the theory's curve, the neighbours on it, and the hits and candidates that it expects."""
    last, at_last, middle, at_middle, expected, share, found, looked = find(
        r"nearest lies at ([\d.e+-]+)°?: .*?chance of \*\*(.+?)\*\*\. Half of all clips lie beyond ([\d.e+-]+)°?, .*?"
        r"\*\*(.+?)\*\* or less.*?expects ([\d.]+) of \d+ found and (.+?) looked at, .*?"
        r"found (\d+) and looked at (.+?)\.(?:\n|$)",
        app,
    )
    p, far = it.angles(np.arange(it.hand.n))
    near_p, near = it.angles(it.exact)
    slack = 1e-4 if it.metric == "cosine" else SLACK * max(1.0, float(far.max()))
    tally.text(last, float(near.max()), lambda x: f"{x:.3g}", slack)
    tally.text(middle, float(np.median(far)), lambda x: f"{x:.3g}", slack)
    for shown, distance in ((at_last, near.max()), (at_middle, np.median(far))):
        chances(tally, shown, float(it.hand.chance(np.array([distance]))[0]), it.n_tables, it.n_bits)
    tally.text(expected, float(hit_probability(near_p, it.n_tables, it.n_bits).sum()), lambda x: f"{x:.1f}", 1e-4)
    tally.text(share, float(hit_probability(p, it.n_tables, it.n_bits).mean()), percent, 1e-6)
    tally.count(int(found), it.n_found(it.exact))
    tally.text(looked, tuple(n / it.hand.n for n in it.n_looked_at()), percent)
    _, traces = figure(app, "Chance of being looked at by distance")
    for name, (n_tables, n_bits) in {
        "your setting": (it.n_tables, it.n_bits),
        "2 L": (2 * it.n_tables, it.n_bits),
        f"K + {min(4, BITS - it.n_bits)}": (it.n_tables, it.n_bits + min(4, BITS - it.n_bits)),
    }.items():
        x, y = (values(traces[name][axis]) for axis in "xy")
        tally.close(y, hit_probability(it.hand.chance(x), n_tables, n_bits), 1e-6)
    marks = np.concatenate([values(traces[name]["x"]) for name in ("found", "missed")])
    tally.close(np.sort(marks), np.sort(near), slack)
    heights = np.concatenate([values(traces[name]["y"]) for name in ("found", "missed")])
    tally.close(heights, hit_probability(it.hand.chance(marks), it.n_tables, it.n_bits), 1e-5)


def crowds(app, it, tally):
    """Inside, Crowds: the bucket sizes of one table, and the clips that are near to many."""
    pattern = (
        r"Table (\d+) has (\S+) buckets(?:, (none|\S+) of them empty| that hold anything)\. The fullest holds \*\*(.+?)"
    )
    pattern += (
        r"\*\* of all clips, and the fullest tenth (.+?)\. .*? with (\S+) on average; .*? it would be (\S+): the "
    )
    pattern += r"crowd costs \*\*(\S+) times\*\* the work\. Your sound's bucket holds (\S+)\."
    table, n_buckets, empty, fullest, tenth, shared, even, times, own = find(pattern, app)
    _, traces = figure(app, "Sizes of the")
    ranks, shown = (values(traces[f"table {table}"][axis]).astype(int) for axis in "xy")
    fitting = (
        sizes
        for sizes in it.hand.bucket_sizes(int(table) - 1, it.n_bits)
        if len(sizes) == ranks[-1] and (sizes[ranks - 1] == shown).all()
    )
    sizes = next(fitting, None)
    assert sizes is not None, "the sizes of the buckets"
    many = 2**it.n_bits if it.metric == "cosine" else len(sizes)
    tally.same(whole(n_buckets), many)
    if it.metric == "cosine":
        tally.same(0 if empty == "none" else whole(empty), many - len(sizes))
    tally.text(fullest, sizes[0] / it.hand.n, percent)
    tally.text(tenth, sizes[: max(1, round(len(sizes) / 10))].sum() / it.hand.n, percent)
    meets, equal = float((sizes.astype(float) ** 2).sum() / it.hand.n), it.hand.n / many
    tally.text(shared, meets, lambda x: f"{x:,.0f}", 1e-9)
    tally.text(even, equal, number)
    tally.text(times, meets / max(equal, 1), number, 1e-9)
    members = it.by_table(n_probes=1)[int(table) - 1].count
    tally.count(whole(own) - (it.own >= 0), members)


def quality(app, it, tally):
    """Learn, Question 3: recall, label precision of LSH, of exact search and of chance, and the worst query."""
    recall, complete, worst = find(
        r"LSH finds \*\*(.+?)\*\* of the ten .*?\. (.+?) of the queries get all ten; the worst gets (.+?)\.", app
    )
    exact, lsh = find(r"exact search: \*\*(.+?)\*\*\n- LSH: \*\*(.+?)\*\*", app)
    expected, _ = it.means.averages(it.n_tables, it.n_bits, it.n_probes)
    tally.text(recall, expected, percent)
    hits = [side[:, -1] for side in it.means.counts(it.n_tables, it.n_bits, it.n_probes).hits]
    tally.text(complete, tuple(float((side == NEIGHBOURS).mean()) for side in hits), percent)
    got = 0 if worst == "none" else int(worst.split(" of ")[0])
    tally.count(got, (int(hits[0].min()), int(hits[1].min())))
    precisions = it.means.precisions(it.n_tables, it.n_bits, it.n_probes)
    tally.text(lsh, precisions, percent, 1e-12)
    tally.text(exact, it.means.exact_precision, percent, 1e-12)
    listed = component(app, "clip_list", "The query of which LSH finds least, and what it misses")["order"]
    query = it.means.collection.clip_ids["validation"].index(listed[0])
    place = int(np.flatnonzero(it.means.rows == query)[0])
    assert hits[0][place] <= got <= hits[1][place], "the worst query"


def tutorial(app, it, tally):
    """Learn, L tables: the chance of being looked at, by angle, of the tenth neighbour and of the usual clip."""
    near, usual = find(r"with a chance of \*\*(.+?)\*\*, the usual clip with (.+?)\. The formula", app)
    _, traces = figure(app, "The chance of being looked at, by angle")
    x, y = (values(traces["your setting"][axis]) for axis in "xy")
    tally.close(y, hit_probability(1 - x / 180, it.n_tables, it.n_bits), 1e-6)
    angles = it.means.angles_from(it.query)
    if it.metric == "cosine":
        chances(tally, near, 1 - angles[it.exact].max() / 180, it.n_tables, it.n_bits)
        certain, possible = (mask[it.exact] for mask in it.together())
        if (certain == possible).all():
            for name, rows in (("found", it.exact[certain]), ("missed", it.exact[~certain])):
                tally.close(values(traces[name]["x"]), np.sort(angles[rows]), 1e-4)
                expected = hit_probability(1 - np.sort(angles[rows]) / 180, it.n_tables, it.n_bits)
                tally.close(values(traces[name]["y"]), expected, 1e-5)
    chances(tally, usual, 1 - np.median(angles) / 180, it.n_tables, it.n_bits)


def more_probes(app, it, tally):
    """Learn, More ideas: recall and the share looked at for a few numbers of probes."""
    rows = next(table for table in tables(app) if "probes" in table[0])
    tally.same([int(row["probes"]) for row in rows], sorted({1, 2, 4, 8, it.n_probes}))
    for row in rows:
        recall, looked = it.means.averages(it.n_tables, it.n_bits, int(row["probes"]))
        tally.text(row["recall"], recall, percent)
        tally.text(row["looked at"], looked, percent)


def tune(app, it, tally):
    """Tune: recall and cost of every setting, theory beside measurement, and recall by query."""
    _, traces = figure(app, "Heat map of recall")
    heat = traces["heatmap"]
    z = values(heat["z"]).T
    measured, looked = it.means.grid
    if it.n_probes == 1:
        tally.counts(z, *measured)
        for place in np.ndindex(z.shape):
            shown = re.search(r"looking at (.+?) of the collection", heat["text"][place[1]][place[0]])[1]
            tally.text(shown, tuple(side[place] for side in looked), percent)
    else:
        tally.counts(z[it.n_tables - 1, it.n_bits - 1], *it.means.averages(it.n_tables, it.n_bits, it.n_probes)[0])
    _, traces = figure(app, "Measured against predicted recall")
    x, y = (values(traces["settings"][axis]).reshape(TABLES, BITS) for axis in "xy")
    tally.counts(y, *measured)
    tally.close(x, it.means.predicted, 1e-5)
    _, traces = figure(app, "Recall as L grows")
    column = it.n_bits - 1
    tally.counts(values(traces["measured"]["y"]), *(side[:, column] for side in measured))
    tally.close(values(traces["predicted"]["y"]), it.means.predicted[:, column], 1e-5)
    if (measured[0] == measured[1]).all():
        gap = np.abs(measured[0] - it.means.predicted)
        pattern = r"at most (.+? points) apart\. .*? by (.+? points) on average and (.+? points) at worst"
        for shown, value in zip(find(pattern, app), (gap[:, column].max(), gap.mean(), gap.max()), strict=True):
            tally.text(shown, float(value), points, 1e-5)
    hits = [side[:, -1] for side in it.means.counts(it.n_tables, it.n_bits, it.n_probes).hits]
    if (hits[0] == hits[1]).all():
        _, traces = figure(app, f"Of {len(hits[0])} queries")
        counts = np.bincount(hits[0], minlength=NEIGHBOURS + 1)
        tally.same(values(traces["bar"]["y"]).astype(int).tolist(), counts.tolist())
        fewer, complete = find(r"On \*\*(\d+) of \d+\*\* queries .*? on \*\*(\d+)\*\* it found every one", app)
        tally.same((int(fewer), int(complete)), (int(counts[:5].sum()), int(counts[-1])))
    doubled(app, it, tally)
    for row in next(table for table in tables(app) if f"at K = {it.n_bits}" in table[0]):
        recall, looked = it.means.averages(int(row["L"]), it.n_bits, it.n_probes)
        tally.text(row["recall"], recall, percent)
        tally.text(row["looked at"], looked, percent)
    if it.n_probes == 1:
        cheapest(app, it, tally)


def cheapest(app, it, tally):
    """Tune: for some recalls the setting that reaches it by looking at the fewest clips."""
    recall, looked = it.means.grid
    for row in next(table for table in tables(app) if "recall ≥" in table[0]):
        wanted = float(row["recall ≥"].removesuffix(" %")) / 100
        certain, possible = (side >= wanted for side in recall)
        if row["looked at"] == "out of reach":
            tally.count(int(certain.sum()), 0)
            continue
        cell = int(row["L"]) - 1, int(row["K"]) - 1
        tally.count(int(possible[cell]), 1)
        tally.text(row["looked at"], tuple(side[cell] for side in looked), percent)
        tally.count(int((looked[1][certain] < looked[0][cell]).sum()), 0)


def trade(app, it, tally):
    """Learn, Trade-off: recall of the setting in force on the heat map, and what twice the tables would bring."""
    _, traces = figure(app, "Recall at every L and K")
    cell = values(traces["heatmap"]["z"]).T[it.n_tables - 1, it.n_bits - 1]
    tally.counts(cell, *it.means.averages(it.n_tables, it.n_bits, it.n_probes)[0])
    doubled(app, it, tally)


def doubled(app, it, tally):
    """Compare what twice the tables would find and look at, or half of them where there are not so many."""
    pattern = (
        r"tables, L = (\d+) instead of (\d+), would find (.+?) of the nearest instead of (.+?), and look at (.+?) of "
    )
    other, here, *shown = find(rf"{pattern}the clips instead of (.+?)\.(?:\n|$)", app)
    tally.same(int(here), it.n_tables)
    tally.same(int(other), 2 * it.n_tables if 2 * it.n_tables <= TABLES else it.n_tables // 2)
    averages = [it.means.averages(int(n), it.n_bits, it.n_probes) for n in (other, here)]
    for text, expected in zip(shown, (one[i] for i in (0, 1) for one in averages), strict=True):
        tally.text(text, expected, percent)


SCENES = {
    ("listen", None): listen,
    ("inside", "Key"): key,
    ("inside", "Buckets"): buckets,
    ("inside", "Probes"): probes,
    ("inside", "Missed"): missed,
    ("inside", "Chances"): curve,
    ("inside", "Crowds"): crowds,
    ("learn", "Question 3"): quality,
    ("learn", "L tables"): tutorial,
    ("learn", "More ideas"): more_probes,
    ("learn", "Trade-off"): trade,
    ("tune", None): tune,
}
