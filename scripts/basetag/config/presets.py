"""Networks by the name of a publication: keys of a tagger that `preset` stands for.

What a tagger says itself goes over what the preset says, key by key; a null takes a part away.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from basetag.config.section import mistake
from basetag.errors import nearest

#: By name, what stands for it in a config. DCRNN (Li & Yu 2016, arXiv:1604.07176) reads residues in
#: 50 dimensions beside a profile, has 64 kernels of each width and three layers of 600 units with a
#: dropout of 0.5. These are sizes for a CPU; docs/taggers.md has the paper's.
PRESETS: dict[str, dict[str, Any]] = {
    "dcrnn": {
        "cell": "gru",
        "hidden": 64,
        "layers": 3,
        "bidirectional": True,
        "embedding": {"dimensions": 32},
        "convolution": {"widths": [3, 7, 11], "channels": 32},
        "dropout": 0.3,
    },
}


def with_preset(value: Any) -> Any:
    """Return a tagger's keys with those of its preset below them; others as they are."""
    if not isinstance(value, dict) or value.get("preset") is None:
        return value
    name = value["preset"]
    if not isinstance(name, str) or name not in PRESETS:
        like = nearest(str(name), PRESETS)
        raise mistake(
            f"{name!r} is no preset",
            f"did you mean {like}?" if like else f"there is {', '.join(PRESETS)}",
            "preset",
        )
    return _merged(PRESETS[name], {key: own for key, own in value.items() if key != "preset"})


def _merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(below)
    for key, own in above.items():
        known = merged.get(key)
        both = isinstance(known, dict) and isinstance(own, dict)
        merged[key] = _merged(known, own) if both else own  # type: ignore[arg-type]
    return merged
