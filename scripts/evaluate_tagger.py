"""Rule evaluate_tagger: every figure of the report for one tagger."""

import json
from pathlib import Path
from typing import Any

from basetag.evaluation import evaluate, write_tracks
from basetag.files import write_json
from basetag.job_log import job_log

if __name__ == "__main__":
    pass
