"""Recording of a model's activations on the test split, in shards."""

import logging
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from transformers import BertForSequenceClassification

from spikegeometry.errors import InputError, check_finite
from spikegeometry.logs import progress
from spikegeometry.model.data import EncodedRows, batches_by_length, pad, to_device
from spikegeometry.tables import atomic_path, create_array

logger = logging.getLogger(__name__)


def select(
    predictions: pd.DataFrame,
    lengths: np.ndarray,
    inputs: np.ndarray,
    classes: list[str],
    per_class: int,
    correct_only: bool,
    seed: int,
    most: int,
) -> pd.DataFrame:
    """Choose the sequences that are read, up to `most` of each class, and of these the ones whose hidden states are
    kept, up to `per_class` of each class: seeded samples. Of rows with equal `inputs` (numbers) only one is recorded of
    a class: a copy has the same hidden states.

    Columns: accession, class, predicted, correct, length (tokens with [CLS] and [SEP]), index (0-based row of the
    split), recorded (0-based place among the recorded, which are in the order of classes and rows, or -1).
    """
    chosen: list[int] = []
    read: list[int] = []
    for number, name in enumerate(classes):
        eligible = predictions["class"] == name
        if correct_only:
            eligible &= predictions["correct"]
        rows = np.flatnonzero(eligible)
        rows = rows[np.unique(inputs[rows], return_index=True)[1]]
        if len(rows) < per_class:
            logger.warning("%s: only %d distinct sequences can be recorded, not %d", name, len(rows), per_class)
        generator = np.random.default_rng([seed, number])
        kept = np.sort(generator.permutation(rows)[:per_class])
        others = generator.permutation(np.setdiff1d(np.flatnonzero(predictions["class"] == name), kept))
        chosen.extend(kept)
        read.extend([*kept, *others[: max(0, most - len(kept))]])
    if not chosen:
        raise InputError(
            "No test sequence can be recorded: none is classified correctly.\n"
            "Set activations.correct_only to false, or train longer."
        )
    recorded = np.full(len(predictions), -1)
    recorded[chosen] = np.arange(len(chosen))
    table = predictions[["accession", "class", "predicted", "correct"]].assign(
        length=lengths, index=np.arange(len(predictions)), recorded=recorded
    )
    return table.iloc[np.sort(read)].reset_index(drop=True)


@torch.inference_mode()
def record(
    model: BertForSequenceClassification,
    rows: EncodedRows,
    sequences: pd.DataFrame,
    longest: int,
    batch_size: int,
    folder: str | Path,
) -> None:
    """Record a shard of the test split into `folder`.

    `rows` and `sequences` (from `select`) are those of the shard; `longest` is n_max of the whole split. Writes, as in
    `activations` but for the shard alone, cls.npy and hidden_states.npy (in the order of rows), and the sums of
    attention, attention/<class>.npy: float32 (L, H, n_max, n_max). Classes are taken one after the other, so that one
    sum is in memory at a time; it stays on the device.

    `model` must have eager attention. Raises InputError where an activation is not finite.
    """
    config = model.config
    if config._attn_implementation != "eager":
        raise ValueError("only eager attention returns its weights: load the model with attention='eager'")
    folder = Path(folder)
    (folder / "attention").mkdir(parents=True)
    layers, width, longest = config.num_hidden_layers, config.hidden_size, int(longest)
    names, accessions = sequences["class"].to_numpy(), sequences["accession"].to_numpy()
    recorded = sequences["recorded"].to_numpy() >= 0
    places = np.cumsum(recorded) - 1  # of the recorded rows, in hidden_states.npy
    cls = create_array(folder / "cls.npy", (len(rows), layers + 1, width))
    hidden_states = create_array(folder / "hidden_states.npy", (int(recorded.sum()), layers + 1, longest, width))
    for name in pd.unique(names):
        members = np.flatnonzero(names == name)
        sums = torch.zeros(
            (layers, config.num_attention_heads, longest, longest), dtype=torch.float64, device=model.device
        )
        batches = [members[batch] for batch in batches_by_length(rows.lengths[members], batch_size)]
        for batch in progress(batches, f"batches of {name} recorded", total=len(batches)):
            inputs = to_device(pad([rows[row] for row in batch]), model.device)
            output = model(**inputs, output_hidden_states=True, output_attentions=True)
            padding = ~inputs["attention_mask"].bool()
            finite = [(states.isfinite().all(dim=-1) | padding).all(dim=1) for states in output.hidden_states]
            for layer, of_layer in enumerate(torch.stack(finite).tolist()):
                check_finite(of_layer, accessions[batch], f"layer {layer}" if layer else "the embeddings")
            cls[batch] = torch.stack([states[:, 0] for states in output.hidden_states], dim=1).cpu().numpy()
            lengths = rows.lengths[batch].tolist()
            for number in np.flatnonzero(recorded[batch]):
                states = torch.stack([states[number, : lengths[number]] for states in output.hidden_states])
                hidden_states[places[batch[number]], :, : lengths[number]] = states.cpu().numpy()
            for total, attention in zip(sums, output.attentions, strict=True):
                # One by one, which spares a copy of all; cropped, because rows of [PAD] are ordinary softmax rows.
                for maps, n in zip(attention, lengths, strict=True):
                    total[:, :n, :n] += maps[:, :n, :n]
        with atomic_path(folder / "attention" / f"{name}.npy") as partial:
            # Rounded only now: half the room on the disk, for an error of 6e-8 of the sum.
            np.save(partial, sums.float().cpu().numpy(), allow_pickle=False)
    cls.flush()
    hidden_states.flush()
