"""What a tagger is to prediction, evaluation and annotation, be it a network or a baseline."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray


class Tagger(Protocol):
    """What prediction, evaluation and annotation ask of a tagger."""

    card: dict[str, Any]

    def posterior(
        self, tokens: NDArray[np.uint8], lengths: NDArray[np.int64], threads: int = 1
    ) -> NDArray[np.float32]:
        """Return P(state | record), (bases, states)."""
