"""Recipes: the kinds of sound in a clip and a seed, which determine the clip."""

import json
from dataclasses import dataclass
from difflib import get_close_matches

from data_prep.errors import InputError
from data_prep.sample.synth.kinds import KINDS, Kind

_MAX_KINDS = 4
_EXAMPLE = '{"kinds":["church-bell"],"seed":7}'


@dataclass(frozen=True, slots=True)
class Recipe:
    """Names of kinds, the loudest first, and the seed of all random numbers of the clip."""

    kinds: tuple[str, ...]
    seed: int

    def to_json(self) -> str:
        """Return the recipe as the dataset stores it: JSON without spaces."""
        return json.dumps({"kinds": self.kinds, "seed": self.seed}, separators=(",", ":"))


def parse_recipe(text: str) -> tuple[tuple[Kind, ...], int]:
    """Return the kinds and the seed of a recipe in JSON; InputError if it is invalid."""
    try:
        recipe = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(f"the recipe {text!r:.80} is not JSON ({error}); expected one like {_EXAMPLE}") from None
    if not isinstance(recipe, dict) or set(recipe) != {"kinds", "seed"}:
        raise InputError(
            f"the recipe {text!r:.80} does not have exactly the keys kinds and seed; expected one like {_EXAMPLE}"
        )
    names, seed = recipe["kinds"], recipe["seed"]
    if not isinstance(names, list) or not 1 <= len(names) <= _MAX_KINDS:
        raise InputError(f"the recipe's kinds are {names!r:.80}; expected a list of 1 to {_MAX_KINDS} names")
    if not isinstance(seed, int) or isinstance(seed, bool) or not 0 <= seed < 2**63:
        raise InputError(f"the recipe's seed is {seed!r:.80}; expected a whole number from 0 to 2^63 - 1")
    return tuple(_kind(name) for name in names), seed


def _kind(name: object) -> Kind:
    kind = KINDS.get(name) if isinstance(name, str) else None
    if kind is None:
        close = get_close_matches(str(name), KINDS, 1)
        hint = f"did you mean {close[0]!r}?" if close else f"expected one of {', '.join(sorted(KINDS))}"
        raise InputError(f"the recipe has the unknown kind {name!r:.80}; {hint}")
    return kind
