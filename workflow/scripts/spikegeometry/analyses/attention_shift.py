"""The attention of every head of the fine-tuned model beside that of the pre-trained one and of the controls."""

import pandas as pd
import torch

from spikegeometry.analyses.study import Study
from spikegeometry.analyses.tables import head_shift
from spikegeometry.geometry import attention_shift as geometry
from spikegeometry.model.encoder import hidden_states, load_encoder
from spikegeometry.model.weights import read_layers
from spikegeometry.stats.findings import findings_table
from spikegeometry.stats.summaries import class_means, measurement_table


def measure(study: Study, others: dict[str, str], device: torch.device) -> dict[str, pd.DataFrame]:
    """How far attention and outputs are from those of other models on the same sequences.

    Parameters
    ----------
    study: the fine-tuned network and its recorded sequences.
    others: folders of the models that it is compared with, by name.
    device: where these are run.

    Returns
    -------
    table: means by class, other model, layer and head, with intervals. sequences: in each sequence. attention: what
    special tokens and k-mers receive in each model. findings.
    """
    shape, heads, classes, confidence = study.shape, study.heads, study.classes, study.confidence
    weights = {"finetuned": study.weights} | {model: read_layers(folder) for model, folder in others.items()}
    encoders = {model: load_encoder(folder, device) for model, folder in others.items()}
    records: dict[str, list[dict]] = {"heads": [], "attention": [], "outputs": []}

    def record(kind: str, place: dict, found: dict[str, torch.Tensor]) -> None:
        # As lists: tensors that are kept among large ones which come and go would keep their memory from use.
        own = {name: values[study.rows].tolist() for name, values in found.items()}
        records[kind].append(place | {"head": heads} | own)

    for sequence, hidden in study.sequences():
        tokens, views = study.tokens[sequence["sequence"]][: hidden.shape[1]], {}
        states = {"finetuned": hidden} | {model: hidden_states(encoder, tokens) for model, encoder in encoders.items()}
        for layer in study.layers:
            for model, of_model in states.items():
                views[model] = geometry.view(of_model[layer - 1], weights[model][layer - 1], shape.heads)
                record("attention", sequence | {"model": model, "layer": layer}, geometry.destinations(views[model]))
            for model in encoders:
                found = geometry.compare(views["finetuned"], views[model])
                record("heads", sequence | {"against": model, "layer": layer}, found)
        for layer in [0, *study.layers]:
            cka = [geometry.alignment(hidden[layer], states[model][layer]) for model in encoders]
            records["outputs"].append(sequence | {"against": list(encoders), "layer": layer, "cka": cka})

    compared, attention, outputs = map(measurement_table, records.values())
    compared = compared.join(head_shift.matched_heads(compared, shape.heads))
    findings = head_shift.shift_findings(compared, attention, shape.layers, confidence)
    places = ["model", "layer", "head"]
    return {
        "table": head_shift.shift_table(compared, outputs, classes, confidence),
        "sequences": compared,
        "attention": class_means(attention, classes, places, list(geometry.DESTINATIONS), confidence),
        "findings": findings_table(findings),
    }
