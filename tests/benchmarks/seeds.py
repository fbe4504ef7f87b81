"""How a configuration does over whole-run seeds: one run a seed with every analysis off, and a row for each.

    python tests/benchmarks/seeds.py run config/config.yaml FOLDER 1 2 3 [--cores 1] [--data FOLDER]
    python tests/benchmarks/seeds.py table FOLDER

`run` takes up where it was broken off; `table` prints what the runs in a folder came to, tab-separated. Beside the
sets of the configuration each run of SARS-CoV-2 is asked for two genomes: the reference, and it with D614G alone.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path

import pandas as pd
import yaml

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "workflow/scripts"))

from spikegeometry.genomes.fasta import read_single  # noqa: E402
from spikegeometry.genomes.founders import apply_mutations, parse_mutation  # noqa: E402
from spikegeometry.schema import read_schema  # noqa: E402

LANDMARKS = {"reference": [], "D614G": ["A23403G"]}


def write_landmarks(folder: Path) -> dict:
    """The config block of a test set of the landmarks, and its files."""
    reference = read_single(ROOT / "resources/NC_045512.2.fasta").sequence
    genomes = {name: apply_mutations(reference, map(parse_mutation, listed)) for name, listed in LANDMARKS.items()}
    fasta, labels = folder / "landmarks.fasta", folder / "landmarks.tsv"
    fasta.write_text("".join(f">{name}\n{genome}\n" for name, genome in genomes.items()), encoding="utf-8")
    labels.write_text("name\tclass\n" + "".join(f"{name}\tother\n" for name in genomes), encoding="utf-8")
    return {"type": "table", "table": {"sequences": str(fasta), "labels": str(labels)}}


def run(configuration: Path, folder: Path, seed: int, cores: int, data: str | None) -> None:
    """One whole run up to its evaluation, in the checkout's own results."""
    config = yaml.safe_load(configuration.read_text(encoding="utf-8"))
    config |= {"run": f"{folder.name}-seed{seed}", "seed": seed} | ({"data": data} if data else {})
    config.setdefault("external", {})
    if "reference" not in config:
        config["external"]["landmarks"] = write_landmarks(folder)
    config["model"] = config.get("model", {}) | {"controls": [], "replicates": [], "threads": cores}
    config["analyses"] = {name: {"activate": False} for name in read_schema()["properties"]["analyses"]["properties"]}
    path = folder / f"seed{seed}.yaml"
    path.write_text(yaml.safe_dump(config), encoding="utf-8")
    results = Path("results", config["run"])
    sets = ["validation", "test", *config["external"]]
    targets = [results / "evaluation/metrics.json", *(results / f"predictions/{name}.parquet" for name in sets)]
    command = ["snakemake", *map(str, targets), "--cores", str(cores), "--nolock", "--configfile", str(path)]
    with open(folder / f"seed{seed}.log", "w", encoding="utf-8") as log:
        subprocess.run(command, cwd=ROOT, check=True, stdout=log, stderr=subprocess.STDOUT)


def row(results: Path) -> dict:
    """What a run came to."""
    tries = pd.read_csv(results / "model/tries/finetuned.tsv", sep="\t")
    history = pd.read_csv(results / "model/history/finetuned.tsv", sep="\t")
    metrics = json.loads((results / "evaluation/metrics.json").read_text(encoding="utf-8"))
    found = {
        "seed": int(results.name.rpartition("seed")[2]),
        "tries": len(tries),
        "learnt": tries.loc[tries["chosen"] == "yes", "learnt"].iloc[0],
        "steps": history["step"].max(),
        "validation_loss": history.query("split == 'validation' and metric == 'loss' and kept == 'yes'")[
            "value"
        ].item(),
    }
    for name, models in metrics.items():
        if not models["bert"]["overall"]["accuracy"]["n"]:
            continue
        for model in ("bert", "kmer_logistic"):
            found[f"{name}_{model}"] = models[model]["overall"]["accuracy"]["value"]
    for path in sorted((results / "predictions").glob("*.parquet")):
        table = pd.read_parquet(path)
        known, other = table[table["label"] >= 0], table[table["label"] < 0]
        if path.stem == "landmarks":
            found["landmarks_abstained"] = int(table["abstain"].sum())
            continue
        if len(known) and path.stem != "validation":
            found[f"{path.stem}_kept"] = 1 - known["abstain"].mean()
            found[f"{path.stem}_kept_right"] = known.loc[~known["abstain"], "correct"].mean()
            found[f"{path.stem}_most_refused"] = known.groupby("class")["abstain"].mean().max()
        if len(other):
            found[f"{path.stem}_passed"] = 1 - other["abstain"].mean()
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    runner = commands.add_parser("run")
    runner.add_argument("configuration", type=Path)
    runner.add_argument("folder", type=Path)
    runner.add_argument("seeds", type=int, nargs="+")
    runner.add_argument("--cores", type=int, default=1)
    runner.add_argument("--data")
    commands.add_parser("table").add_argument("folder", type=Path)
    given = parser.parse_args()
    if given.command == "run":
        given.folder = given.folder.resolve()
        given.folder.mkdir(parents=True, exist_ok=True)
        for seed in given.seeds:
            run(given.configuration, given.folder, seed, given.cores, given.data)
        return
    runs = sorted((ROOT / "results").glob(f"{given.folder.resolve().name}-seed*"))
    rows = [row(results) for results in runs if (results / "evaluation/metrics.json").exists()]
    table = pd.DataFrame(rows).sort_values("seed")
    print(table.to_csv(sep="\t", index=False, float_format="%.4g"), end="")


if __name__ == "__main__":
    main()
