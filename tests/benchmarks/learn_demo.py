"""Fine-tune on the data set of a finished run, and hold the validation accuracy against that of the run.

    python tests/benchmarks/learn_demo.py results/demo [--device cuda] [--precision bf16] [--compile]

Takes what `finetune` took: the encoded splits, the pre-trained model, the settings and the seed. Prints both
accuracies, losses and the seconds, and ends with 1 where the accuracy is lower by more than three validation sequences.
"""

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "workflow/scripts"))

import pandas as pd  # noqa: E402
import pyarrow as pa  # noqa: E402

from spikegeometry.dataset.encoding import open_split  # noqa: E402
from spikegeometry.model.classifier import new_classifier  # noqa: E402
from spikegeometry.model.finetuning import labelled_examples  # noqa: E402
from spikegeometry.model.runtime import prepare  # noqa: E402
from spikegeometry.model.training import train  # noqa: E402

MOST_FEWER = 3


def of_kept(history: pd.DataFrame) -> tuple[float, float]:
    """Validation accuracy and loss of the epoch whose weights are kept."""
    rows = history[(history["split"] == "validation") & (history["kept"] == "yes")].set_index("metric")["value"]
    return rows["accuracy"], rows["loss"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cuda")
    parser.add_argument("--precision", default="auto")
    parser.add_argument("--compile", action="store_true")
    given = parser.parse_args()
    config = json.loads((given.run / "config.json").read_text(encoding="utf-8"))
    device = prepare(given.device, threads=config["model"]["threads"])
    splits = {}
    for name in ("train", "validation"):
        paths = [given.run / f"dataset/{name}.arrow", given.run / f"background/dataset/{name}.arrow"]
        splits[name] = pa.concat_tables([open_split(path) for path in paths if path.exists()])
    model = new_classifier(given.run / "model/pretrained", config["classes"], config["seed"])
    longest, settings = model.config.max_position_embeddings, config["model"]["finetune"]
    hidden = {"train": settings["unknown_probability"], "validation": 0.0}
    examples = [labelled_examples(table, hidden[name], config["seed"], longest) for name, table in splits.items()]
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as scratch:
        _, history = train(
            model, *examples, settings, phase="finetune", seed=config["seed"], device=device,
            precision=given.precision, compiled=given.compile, checkpoints=Path(scratch),
        )  # fmt: skip
    seconds = time.monotonic() - started
    ours, theirs = (
        of_kept(table) for table in (history, pd.read_csv(given.run / "model/history/finetuned.tsv", sep="\t"))
    )
    print(f"{given.device}, {given.precision}: accuracy {ours[0]:.4f}, loss {ours[1]:.4f}, {seconds:.0f} s")
    print(f"the run: accuracy {theirs[0]:.4f}, loss {theirs[1]:.4f}")
    fewer = (theirs[0] - ours[0]) * splits["validation"].num_rows
    sys.exit(int(fewer > MOST_FEWER))


if __name__ == "__main__":
    main()
