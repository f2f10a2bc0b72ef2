"""A checked config as the YAML that says it again, in full, with its keys in order."""

from __future__ import annotations

from typing import Any

import yaml

from basetag.config.classification import ClassifiedFasta, ClassifiedTable
from basetag.config.datasets import FastaDataset, TableDataset
from basetag.config.feature_labels import FeatureLabels
from basetag.config.labels import BigWigLabels, FastaLabels
from basetag.config.model import ConfigModel
from basetag.config.networks import Network
from basetag.config.splits import FoldSplit, RecordSplit


def config_yaml(model: ConfigModel) -> str:
    """Return the config as YAML that, saved in the current folder, gives every rule the same."""
    values = _sorted(model.model_dump(exclude_none=True))
    for name, dataset in model.datasets.items():
        if isinstance(dataset.split, RecordSplit):
            # A null says something, too.
            values["datasets"][name]["split"]["near_copies"] = dataset.split.near_copies
        elif isinstance(dataset.split, FoldSplit):
            values["datasets"][name]["split"]["folds"] = dataset.split.folds
        # The mappings whose order counts.
        for group, groups in getattr(dataset, "groups", {}).items():
            own = {name: list(members) for name, members in groups.items()}
            values["datasets"][name]["groups"][group] = own
        for head, own_head in getattr(dataset, "heads", {}).items():
            values["datasets"][name]["heads"][head]["states"] = dict(own_head.states)
        if isinstance(dataset, TableDataset):
            values["datasets"][name]["states"] = dict(dataset.states)
        elif isinstance(dataset, ClassifiedTable | ClassifiedFasta):
            values["datasets"][name]["classes"] = dict(dataset.classes)
        elif isinstance(dataset, FastaDataset) and isinstance(dataset.labels, FastaLabels):
            values["datasets"][name]["labels"]["states"] = dict(dataset.labels.states)
        labels = getattr(dataset, "labels", None)
        if isinstance(labels, FeatureLabels | BigWigLabels):
            # As it is: a null leaves a record out.
            values["datasets"][name]["labels"]["rename"] = _sorted(labels.rename)
    for name, tagger in model.taggers.items():
        if isinstance(tagger, Network):
            # Without a cell they would be a mistake: here, or where a sweep varies the cell.
            swept = any(name in sweep.taggers for sweep in model.sweeps.values())
            for key in ("hidden", "layers"):
                if tagger.cell == "none" or (swept and key not in tagger.model_fields_set):
                    del values["taggers"][name][key]
        if isinstance(tagger, Network) and tagger.training is not None:
            # With the defaults filled in, it would hide the section `training`.
            values["taggers"][name]["training"] = _sorted(tagger.training.as_given())
    for name, genome in model.annotate.items():
        # Without the null, the default would take its place.
        values["annotate"][name]["bases_per_job"] = genome.bases_per_job
    for name, sweep in model.sweeps.items():
        for section in ("datasets", "taggers"):
            # As it is: a null among the values says something.
            values["sweeps"][name][section] = _sorted(getattr(sweep, section))
    return yaml.safe_dump(values, sort_keys=False, allow_unicode=True)


def _sorted(values: Any) -> Any:
    """Return `values` with the keys of all mappings in order."""
    if isinstance(values, dict):
        return {key: _sorted(values[key]) for key in sorted(values)}
    if isinstance(values, list | tuple):
        return [_sorted(value) for value in values]
    return values
