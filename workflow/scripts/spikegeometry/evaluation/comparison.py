"""Two finished runs on the genomes that both evaluate: metrics of one less those of the other, and McNemar's test.

A genome is in both where its accession, its class and its native gene sequence are the same. Genomes with one gene
sequence are copies: they count once in the test, and are drawn together for the intervals.
"""

from collections.abc import Mapping
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from spikegeometry.evaluation.assessment import Predictions, difference_table, measure
from spikegeometry.evaluation.learning import compare_with_baseline
from spikegeometry.stats.paired import holm, mcnemar

COLUMNS = ["run", "against", "set", "model", "class", "statistic", "value", "low", "high", "n", "p", "p_holm", "text"]
NO_GENOME = pd.DataFrame(columns=["class", "haplotype"])


def paired_differences(
    folders: Mapping[str, Path],
    metrics: Mapping[str, pd.DataFrame],
    n_bins: int,
    samples: int,
    confidence: float,
    seed: int,
) -> pd.DataFrame:
    """Metrics of each run (`run`) less those of each after it (`against`), of the models and sets that both have.

    `folders`: those of the runs, by their names; `metrics`: evaluation/metrics.tsv of each. The validation split, on
    which models were chosen, is left out. Intervals are paired (`evaluation.assessment.difference_table`); rows of the
    accuracy over all classes have p (McNemar's exact test, two-sided, over distinct sequences), p_holm (Holm's, over
    all tests of the table) and, as `text`, what both rest on. Where two runs share no genome of a set there is one row
    without a value, and `text` says why.
    """
    tables = [pd.DataFrame(columns=COLUMNS)]
    for one, other in combinations(folders, 2):
        common = metrics[one][["set", "model"]].merge(metrics[other][["set", "model"]]).drop_duplicates()
        for name, models in common[common["set"] != "validation"].groupby("set", sort=False)["model"]:
            shared, text = shared_genomes(folders[one], folders[other], str(name))
            labels = {"run": one, "against": other, "set": name}
            if shared.empty:
                tables.append(pd.DataFrame([labels | {"text": text}]))
            for model in models if len(shared) else ():
                paths = [predictions_of(folders[run], model, str(name)) for run in (one, other)]
                if absent := [path for path in paths if not path.is_file()]:
                    tables.append(pd.DataFrame([labels | {"model": model, "text": f"there is no {absent[0]}"}]))
                    continue
                first, second = (read_shared(path, shared) for path in paths)
                measured = [measure(predictions, n_bins, samples, seed) for predictions in (first, second)]
                found = difference_table(measured[0], measured[1], confidence).dropna(subset=["bert_less"])
                found.columns = ["statistic", "class", "value", "low", "high"]
                pair = compare_with_baseline(first.correct, second.correct, first.haplotypes)
                whole = found["statistic"].eq("accuracy") & found["class"].eq("")
                said = f"{pair.n} distinct; right in the first alone {pair.gained}, in the second alone {pair.lost}"
                counts = found["class"].map(shared["class"].value_counts()).fillna(len(shared))
                found = found.assign(**labels, model=model, n=counts)
                found.loc[whole, "p"] = mcnemar(pair.lost, pair.gained)
                found.loc[whole, "text"] = said + text
                tables.append(found)
    joined = pd.concat([table for table in tables if len(table)] or tables, ignore_index=True).reindex(columns=COLUMNS)
    tested = joined["p"].notna()
    joined.loc[tested, "p_holm"] = holm(joined.loc[tested, "p"].to_numpy(float))
    return joined


def shared_genomes(one: Path, other: Path, name: str) -> tuple[pd.DataFrame, str]:
    """Genomes of a class that two runs have in the set `name`: class and haplotype (a number), by accession.

    Beside them a text: which genomes of one name are left out, or, where none is shared, why.
    """
    genomes, classes = [], []
    for folder in (one, other):
        predictions = predictions_of(folder, "bert", name)
        spikes = folder / ("" if name == "test" else f"external/{name}") / "spikes/spikes.parquet"
        for path in (predictions, spikes):
            if not path.is_file():
                return NO_GENOME, f"{folder.name} has no {path.relative_to(folder)}"
        classes.append(_classes(predictions))
        called = pd.read_parquet(predictions, columns=["accession", "class"])
        genes = pd.read_parquet(
            spikes, columns=["accession", "native"], filters=[("accession", "in", called["accession"].tolist())]
        )
        genomes.append(called.merge(genes, "left", "accession").set_index("accession"))
    if set(classes[0]) != set(classes[1]):
        return NO_GENOME, "the classes of the two runs differ"
    joined = genomes[0].join(genomes[1], how="inner", rsuffix="_other")
    if joined.empty:
        return NO_GENOME, "no accession is in the set of both runs"
    same = joined["native"].eq(joined["native_other"]) & joined["class"].eq(joined["class_other"])
    known = joined[same & joined["class"].isin(classes[0])]
    text = f"; of {(~same).sum()} accessions gene or class differ, and they are left out" if (~same).any() else ""
    if known.empty:
        text = f"none of the {len(joined)} accessions in both has one gene and one of the classes in both"
    return pd.DataFrame({"class": known["class"], "haplotype": pd.factorize(known["native"])[0]}), text


def read_shared(path: Path, shared: pd.DataFrame) -> Predictions:
    """What a table of predictions says of the genomes of `shared_genomes`, in their order; classes by their names."""
    classes = sorted(_classes(path))
    shares = [f"p_{name}" for name in classes]
    table = pd.read_parquet(path, columns=["accession", "predicted", *shares]).set_index("accession").loc[shared.index]
    index = pd.Index(classes)
    return Predictions(
        classes=classes,
        labels=index.get_indexer(shared["class"]),
        predicted=index.get_indexer(table["predicted"]),
        probabilities=table[shares].to_numpy(np.float64),
        haplotypes=shared["haplotype"].to_numpy(),
    )


def predictions_of(folder: Path, model: str, name: str) -> Path:
    """File of the predictions of a model, by its name in the table of metrics, on a set."""
    place = folder / "predictions"
    baseline = place / "baselines" / model
    return (baseline if baseline.is_dir() else place / ("finetuned" if model == "bert" else model)) / f"{name}.parquet"


def _classes(predictions: Path) -> list[str]:
    return [name.removeprefix("p_") for name in pq.read_schema(predictions).names if name.startswith("p_")]
