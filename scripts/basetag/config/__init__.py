"""The config of a run: checked before any job starts, and cut into what each rule depends on.

`load_config` turns Snakemake's merged config and the files that it came from into a `Config`, or
tells every mistake as one line. Imported at each start of the workflow, so nothing here needs
arrays or networks.
"""

from basetag.config.checked import Config
from basetag.config.load import load_config
from basetag.config.mistakes import InvalidConfigError

__all__ = ["Config", "InvalidConfigError", "load_config"]
