"""Shell commands and Python programs that reproduce what a page shows."""

from pathlib import Path

from ui.model.race_runs import MAX_QUERIES, Run
from ui.model.state import DEFAULTS, K_NEIGHBOURS, MAX_BITS, MAX_TABLES, Settings


def folder(path: Path) -> str:
    """Return a dataset's folder relative to the working directory; of one elsewhere only the last part."""
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else path.name


def evaluate(path: Path, s: Settings, n_queries: int | None = None) -> str:
    """Return the command that measures a setting, with as many validation queries as the page or with its default."""
    queries = f" --split validation --queries {n_queries}" if n_queries else ""
    return (
        f"python -m lsh evaluate {folder(path)} --metric {s.metric} --tables {s.n_tables} --bits {s.n_bits}"
        f" --probes {s.n_probes} --k {K_NEIGHBOURS}{_seed(s)}{queries}"
    )


def families(path: Path, s: Settings, n_queries: int) -> str:
    """Return the command that compares the hash families with the same validation queries."""
    return (
        f"python -m lsh families {folder(path)} --metric {s.metric}{_seed(s)} --split validation --queries {n_queries}"
    )


def best_setting(path: Path, s: Settings, recall: float) -> tuple[str, str]:
    """Return the command and the program that find the fastest setting for a recall."""
    shell = f"python -m lsh tune {folder(path)} --index tables --metric {s.metric} --recall {recall:g}{_seed(s)}"
    code = f"""
from data_prep.dataset import open_dataset
from lsh import LSHIndex, plan
from lsh.sampling import evenly_spaced

dataset = open_dataset("{folder(path)}")
index = LSHIndex("{s.metric}", n_tables={MAX_TABLES}, n_bits={MAX_BITS}, seed={s.seed})
index.fit(dataset.features("train"))
print(plan(index, evenly_spaced(dataset.features("validation"), 500), recall={recall:g}).why)
"""
    return shell, code.strip()


def pooling(dataset_folder: str) -> tuple[str, str]:
    """Return the command that compares the ways to pool frames, and the program that pools them in one way."""
    code = f"""
from data_prep.dataset import open_dataset
from data_prep.dataset.features import dequantised
from lsh.analysis.fusion import pool

offsets, frames = open_dataset("{dataset_folder}").frames("train")  # prepared with --frames
X = pool(dequantised(frames), offsets, "mean+std")
"""
    return f"python -m benchmarks.answers data/audioset-small --frames {dataset_folder}", code.strip()


def race(path: Path, run: Run) -> tuple[str, str]:
    """Return the command and the program that repeat a race."""
    s = run.setting
    width = f", bucket_width={run.bucket_width!r}" if run.metric == "euclidean" else ""
    shell = (
        f"python -m ui.race_cli {folder(path)} --metric {run.metric} --tables {s.n_tables} --bits {s.n_bits}"
        f" --probes {s.n_probes} --seed {run.seed} --clips {run.sizes[-1]}"
    )
    code = f"""
from data_prep.dataset import open_dataset
from lsh import LSHIndex
from lsh.analysis.racing import Setting, race, sizes_up_to
from lsh.sampling import evenly_spaced

dataset = open_dataset("{folder(path)}")
index = LSHIndex("{run.metric}", n_tables={MAX_TABLES}, n_bits={MAX_BITS}, seed={run.seed}{width})
index.fit(dataset.features("train"))
queries = evenly_spaced(dataset.features("{run.split}"), {MAX_QUERIES})
setting = Setting(n_tables={s.n_tables}, n_bits={s.n_bits}, n_probes={s.n_probes}, k={s.k})
for step in race(index, queries, setting, sizes_up_to({run.sizes[-1]}), labels=None):
    for lap in step.laps:
        print(lap)
"""
    return shell, code.strip()


def _seed(s: Settings) -> str:
    return f" --seed {s.seed}" if s.seed != DEFAULTS.seed else ""
