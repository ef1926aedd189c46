"""Optional dependencies: which extra of this project installs a module that is missing."""

from importlib import metadata

PROJECT = "earshot"
EXTRAS = {  # by the module's name in an import statement
    "ai_edge_litert": "sounds",
    "annoy": "bench",
    "faiss": "bench",
    "google_crc32c": "data",
    "hnswlib": "bench",
    "isal": "data",
    "openTSNE": "map",
    "pandas": "app",
    "plotly": "app",
    "pyarrow": "data",
    "pynndescent": "bench",
    "requests": "data",
    "scann": "bench",
    "av": "sounds",
    "dask": "dask",
    "distributed": "dask",
    "fsspec": "dask",
    "scipy": "sklearn",
    "sklearn": "sklearn",
    "soundfile": "sounds",
    "soxr": "sounds",
    "streamlit": "app",
    "tensorflow": "data",
    "tqdm": "data",
    "urllib3": "data",
}


def advice(module: str) -> str | None:
    """Return one sentence on how to install a missing module, such as "pyarrow.csv"; None if no extra installs it."""
    package = module.partition(".")[0]
    if package not in EXTRAS:
        return None
    return f'this needs {package}: pip install "{_installed_as()}[{EXTRAS[package]}]"'


def _installed_as() -> str:
    """Return the project's name for pip: "." is the folder of a checkout that is not installed."""
    try:
        extras = metadata.metadata(PROJECT).get_all("Provides-Extra") or []
    except metadata.PackageNotFoundError:
        return "."
    return PROJECT if set(EXTRAS.values()) <= set(extras) else "."  # else another project of that name
