"""Folders of the checkout that the app reads from."""

from pathlib import Path

UI = Path(__file__).resolve().parent
ROOT = UI.parent
DATA = ROOT / "data"
ASSETS = UI / "assets"
COMPONENTS = UI / "components"
