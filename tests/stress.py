"""Switch of `make stress`: longer tests, which take minutes or depend on the machine's speed."""

import os

import pytest

IS_STRESS = "EARSHOT_STRESS" in os.environ
stress = pytest.mark.skipif(not IS_STRESS, reason="takes minutes, or depends on the machine's speed: `make stress`")
