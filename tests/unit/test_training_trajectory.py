"""Geometry while it is learnt: the kept model's values are those of the other analyses, and what comes first."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from transformers import BertForMaskedLM

from spikegeometry.analyses import (
    attention_gates,
    attention_roles,
    clustering,
    cone_index,
    isotropy,
    layer_probes,
    masked_kmers,
    snapshots,
    subspace_directionality,
    training_trajectory,
    vector_norms,
)
from spikegeometry.analyses.study import open_study
from spikegeometry.analyses.tables.trajectory_tables import (
    change_table,
    class_curves,
    findings,
    half_way,
    half_ways,
    roles_of_heads,
)
from spikegeometry.figures.training_trajectory import draw_training_trajectory
from spikegeometry.geometry.heads import kmer_maps
from spikegeometry.model.activations import read_recorded
from spikegeometry.model.data import EncodedRows
from spikegeometry.model.encoder import load_encoder, record_tokens
from spikegeometry.tables import write_parquet, write_tsv
from tiny_bert import CLASSES, classifier, config, split_table
from tiny_run import write_encoded

CPU = torch.device("cpu")
KEPT = 3
PLACES = ["class", "site", "layer", "head", "statistic"]


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Path:
    """A classifier and its masked model, with snapshots, and what is recorded of it: all 12 test sequences."""
    folder = tmp_path_factory.mktemp("run")
    classifier(seed=1).save_pretrained(folder / "model")
    torch.manual_seed(2)
    BertForMaskedLM(config()).save_pretrained(folder / "masked")
    # That of step 3 is not the model that was kept of it: the test would see it.
    for step in (0, KEPT, 5):
        classifier(seed=10 + step).save_pretrained(folder / f"snapshots/step-{step:07d}")
    losses = {"phase": "finetune", "step": [2, KEPT, 5], "split": "validation", "metric": "loss", "value": [3.0, 1, 2]}
    write_tsv(pd.DataFrame(losses).assign(kept=["no", "yes", "no"]), folder / "history.tsv")
    test = split_table(12, lengths=(6, 9), seed=3)
    for name, table in {"train": split_table(24, seed=1), "validation": split_table(12, seed=2), "test": test}.items():
        write_encoded(folder / f"{name}.arrow", table)
    encoded = EncodedRows(test)
    names = {"accession": test["accession"].to_pylist(), "class": test["class"].to_pylist(), "correct": True}
    rows = [encoded[row] for row in range(12)]
    recorded = record_tokens(load_encoder(folder / "model", CPU), rows, pd.DataFrame(names))
    (folder / "activations").mkdir()
    write_tsv(recorded.sequences.assign(index=range(12)), folder / "activations/sequences.tsv")
    for name, array in {"hidden_states": recorded.hidden_states, "tokens": recorded.tokens}.items():
        np.save(folder / f"activations/{name}.npy", array)
    np.save(folder / "activations/cls.npy", recorded.hidden_states[:, :, 0])
    return folder


def measured(run: Path, **changes) -> pd.DataFrame:
    options = {
        "kept": str(run / "model"),
        "snapshots": str(run / "snapshots"),
        "history": str(run / "history.tsv"),
        "masked": str(run / "masked"),
        "sequences": str(run / "activations/sequences.tsv"),
        **{name: str(run / f"{name}.arrow") for name in ("train", "validation", "test")},
        "classes": CLASSES,
        "sequences_per_class": 99,
        "evaluated_per_class": 99,
        "components": 5,
        "neighbours": 3,
        "points": 50,
        "mask_probability": 0.3,
        "mask_span": 1,
        "batch_size": 4,
        "confidence": 0.95,
        "device": CPU,
        "seed": 7,
    }
    return snapshots.measure(**options | changes)["table"]


@pytest.fixture(scope="module")
def table(run) -> pd.DataFrame:
    return measured(run)


def values(rows: pd.DataFrame, **labels) -> pd.Series:
    named = rows.assign(**labels).reindex(columns=[*PLACES, "value"])
    named = named.assign(**{place: named[place].astype(object).where(named[place].notna(), "") for place in PLACES})
    return named.set_index(PLACES)["value"].sort_index()


def agree(table: pd.DataFrame, expected: pd.Series) -> None:
    """Whether the kept model's rows of these statistics are those expected, of all classes and of each."""
    kept = table[table["kept"] & table["role"].isna()]
    own = values(kept)
    assert len(expected)
    assert own.loc[expected.index].to_numpy() == pytest.approx(expected.to_numpy(), rel=1e-4, abs=1e-6)


def test_steps_are_in_order_and_the_kept_model_takes_the_place_of_its_snapshot(table):
    steps = table.drop_duplicates("step")[["step", "kept"]]
    assert steps.to_numpy().tolist() == [[0, False], [KEPT, True], [5, False]]


def test_the_kept_model_has_the_values_of_the_other_analyses(run, table):
    study = open_study(run / "model", read_recorded(run / "activations"), CLASSES)
    cls = str(run / "activations/cls.npy")
    cones = cone_index.measure(study, str(run / "activations/sequences.tsv"), cls, str(run / "test.arrow"), 1)["table"]
    cones = cones.query("statistic == 'R' and axis == 'tokens' and variant == 'all' and site == 'output'")
    agree(table, values(cones, site=None, head=None))
    gates = attention_gates.measure(study, 0.5)["table"].query("statistic != 'share'")
    among = gates.query("variant == 'kmers' and statistic in @snapshots.OF_MAPS")
    sink = gates.query("variant == 'raw' and statistic == 'sink'")
    agree(table, values(pd.concat([among, sink]), site=None))
    norms = vector_norms.measure(study)["table"].query("site == 'X' and variant == 'all' and statistic == 'mean'")
    agree(table, values(norms, site=None, head=None, statistic="norm", layer=norms["layer"] - 1))
    even = isotropy.measure(study, 50, 7)["table"].query("scope == 'pooled' and statistic in @snapshots.ISOTROPY")
    agree(table, values(even, site=None, head=None))
    forms = subspace_directionality.measure({"finetuned": str(run / "model")}, [], [], 1, 2, 0.95, 7)["table"]
    forms = forms.query("model == 'finetuned' and form == 'head' and statistic in @snapshots.FORMS")
    agree(table, values(forms, site=None, **{"class": "all"}))


def test_classes_are_told_apart_as_by_the_other_analyses(run, table):
    paths = {name: str(run / f"{name}.arrow") for name in ("train", "validation", "test")}
    options = {
        "model": str(run / "model"),
        "classes": CLASSES,
        "sequences_per_class": 99,
        "confidence": 0.95,
        "seed": 7,
    }
    apart = clustering.measure(
        **options, activations=run / "activations", split=paths["test"], layers=[], selected_classes=[],
        components=5, neighbours=3, min_cluster_size=2, perplexity=2, umap_neighbours=2,
    )["table"]  # fmt: skip
    apart = apart[apart["site"].isin(["cls", "kmers"]) & apart["value"].notna()]
    agree(table, values(apart.query("method == 'classes' and statistic == 'silhouette'"), head=None))
    near = apart.query("method == 'neighbours' and statistic == 'accuracy'")
    agree(table, values(near, head=None, statistic="neighbours"))
    write_parquet(
        pd.DataFrame(np.eye(3)[np.arange(12) % 3], columns=[f"p_{n}" for n in CLASSES]), run / "whole.parquet"
    )
    read = layer_probes.measure(
        **options, train=paths["train"], validation=paths["validation"], sets={"test": paths["test"]},
        references={"test": {"finetuned": str(run / "whole.parquet")}}, evaluated_per_class=99, batch_size=4,
        bootstrap=9, device=CPU,
    )["table"]  # fmt: skip
    read = read.query("readout == 'linear' and statistic == 'accuracy'")
    of_all = {"class": "all", "head": None, "statistic": "probe"}
    agree(table, values(read.rename(columns={"representation": "site", "block": "layer"}), **of_all))


def test_hidden_kmers_are_read_as_by_the_other_analysis(run, table):
    """By a masked model, whose own head reads; the classifier's encoder is read by the head of the masked model."""
    own = measured(run, kept=str(run / "masked"), snapshots="", history="")
    assert set(own["step"]) == {0}
    assert not own["statistic"].isin(["loss", "accuracy"]).any()  # it has no classifier
    # What the head of the masked model makes of the encoder of the classifier: a model of both.
    both = BertForMaskedLM.from_pretrained(run / "masked")
    both.bert.load_state_dict(load_encoder(run / "model", CPU).state_dict())
    untied = run / "masked_on_classifier"
    both.cls.predictions.decoder.weight = torch.nn.Parameter(
        BertForMaskedLM.from_pretrained(run / "masked").get_input_embeddings().weight.detach().clone()
    )
    both.config.tie_word_embeddings = False
    both.save_pretrained(untied)
    for folder, measured_rows in ((run / "masked", own), (untied, table)):
        targets = masked_kmers.measure(
            str(folder), str(run / "train.arrow"), str(run / "test.arrow"), CLASSES,
            train_sequences_per_class=99, sequences_per_class=99, spans=[1], rounds=1, mask_probability=0.3,
            batch_size=4, device=CPU, seed=7,
        )["targets"]  # fmt: skip
        rows = measured_rows[measured_rows["kept"] & (measured_rows["statistic"] == "token_accuracy")]
        right = rows[rows["class"] == "all"]
        assert right["value"].item() == pytest.approx((targets["own"] == targets["token"]).mean())
        assert right["n"].item() == len(targets)


def test_outputs_and_entropy_against_torch(run, table):
    """The classifier's loss and accuracy from a forward pass of the whole model, and entropies by their formula."""
    model = classifier(seed=1)
    encoded, labels = EncodedRows(split_table(12, lengths=(6, 9), seed=3)), np.arange(12) % 3
    with torch.no_grad():
        logits = torch.cat([model(torch.from_numpy(encoded[row].astype(int))[None]).logits for row in range(12)])
    kept = table[table["kept"] & (table["class"] == "all")].set_index(["site", "statistic"])["value"]
    loss = torch.nn.functional.cross_entropy(logits, torch.from_numpy(labels))
    assert kept["classifier", "loss"].item() == pytest.approx(loss.item(), rel=1e-5)
    assert kept["classifier", "accuracy"].item() == (logits.argmax(1).numpy() == labels).mean()
    study = open_study(run / "model", read_recorded(run / "activations"), CLASSES)
    entropies = []
    for _, hidden in study.sequences():
        maps = kmer_maps(study.maps(hidden, 2))[0][1].double()
        entropies.append(-(maps * maps.log()).sum(-1).mean().item() / np.log(maps.shape[-1]))
    rows = table[table["kept"] & (table["class"] == "all") & (table["statistic"] == "H_norm")]
    assert rows.query("layer == 2 and head == 2")["value"].item() == pytest.approx(np.mean(entropies), rel=1e-5)


def test_roles_are_those_of_the_other_analysis(run, table):
    study = open_study(run / "model", read_recorded(run / "activations"), CLASSES)
    roles = attention_roles.measure(study)["table"].query("variant == 'kmers' and statistic == 'share'")
    places = ["class", "layer", "head", "role"]
    kept = table[table["kept"] & (table["statistic"] == "share")].set_index(places)["value"]
    expected = roles.set_index(places)["value"].sort_index()
    assert [tuple(map(str, place)) for place in kept.sort_index().index] == [
        (name, f"{layer:.1f}", f"{head:.1f}", role) for name, layer, head, role in expected.index
    ]
    assert kept.sort_index().tolist() == pytest.approx(expected.tolist())


def test_final_roles_by_hand():
    """Of equally frequent roles the first of ROLES is taken, as by the analysis of roles, and not the first by name."""
    shares = pd.DataFrame(
        [(0, False, "block", 0.5), (0, False, "vertical", 0.5), (1, False, "block", 0.6), (1, False, "vertical", 0.4)]
        + [(2, True, "block", 0.1), (2, True, "vertical", 0.9), (2, True, None, 0.95)],
        columns=["step", "kept", "role", "value"],
    ).assign(phase="finetune", layer=1, head=1)
    roles = roles_of_heads(shares)
    assert roles[["step", "role", "final"]].to_numpy().tolist() == [
        [0, "vertical", True],
        [1, "block", False],
        [2, "vertical", True],
    ]


# What comes first


def test_half_way_by_hand():
    # Doublings of the steps 0, 1, 3, 7, 15: 0, 1, 2, 3, 4. Half of 8 is 4, half-way between 2 and 6.
    assert half_way([0, 1, 3, 7, 15], [0, 0, 2, 6, 8], 8) == pytest.approx(2.5)
    assert half_way([0, 1, 3, 7, 15], [8, 8, 6, 2, 0], -8) == pytest.approx(2.5)  # what falls as what rises
    assert half_way([0, 1, 3], [1, 4, 5], 4) == pytest.approx(2 / 3)
    assert half_way([0, 1, 3, 7], [0, 9, 1, 2], 9) == pytest.approx(0.5)  # the first time, though it comes back
    assert half_way([0, 1, 3, 7], [0, -9, 1, 2], 2) == pytest.approx(2)  # after the way down
    assert np.isnan(half_way([0, 1, 3], [2, 2, 2], 0))
    assert np.isnan(half_way([0, 1, 3], [2, 2, 2], 3))  # it never gets there
    assert np.isnan(half_way([0, 1, 3], [2, np.nan, 3], 1))
    assert np.isnan(half_way([0], [2], 0))


STEPS = [0, 1, 3, 7, 15]
# Half-way at 1, 2 and 3 doublings.
EARLY, MIDDLE, LATE = [0, 4, 8, 8, 8], [0, 0, 4, 8, 8], [0, 0, 0, 4, 8]


def rows(phase: str, statistic: str, curve: list[float], site=None, layer=2, head=None, name=None, role=None) -> list:
    names = [name] if name else [*CLASSES, "all"]
    return [
        {"phase": phase, "step": step, "kept": step == 15, "class": one, "site": site, "layer": layer, "head": head}
        | {"role": role, "statistic": statistic, "value": value, "n": 3}
        # Classes differ by a part of the change, which moves no half.
        for place, one in enumerate(names)
        for step, value in zip(STEPS, np.array(curve) * (1 + place / 10), strict=True)
    ]


def trajectory(cone, apart, loss, reading, symmetry) -> pd.DataFrame:
    """Both phases, with two heads in each of two layers, which have their last role from step 3 on."""
    found = rows("pretrain", "R", cone) + rows("finetune", "R", cone)
    found += rows("finetune", "silhouette", apart, site="cls")
    found += rows("finetune", "loss", loss, site="classifier", layer=None)
    found += rows("pretrain", "token_accuracy", reading, layer=None)
    found += rows("finetune", "token_accuracy", [0.8, 0.8, 0.7, 0.6, 0.6], layer=None)
    for phase in ("pretrain", "finetune"):
        for layer in (1, 2):
            for head in (1, 2):
                place = {"layer": layer, "head": head}
                found += rows(phase, "symmetry", symmetry, name="all", **place)
                found += rows(phase, "H_norm", EARLY, **place)
                found += rows(phase, "share", [0.2, 0.4, 0.7, 0.9, 0.9], role="vertical", **place)
                found += rows(phase, "share", [0.8, 0.6, 0.3, 0.1, 0.1], role="block", **place)
    return pd.DataFrame(found)


def verdicts(measured: pd.DataFrame) -> dict[str, tuple[str, float]]:
    curves = class_curves(measured)
    roles = roles_of_heads(measured[measured["class"] != "all"], by=["class"])
    return {
        one.claim: (one.verdict, one.value) for one in findings(curves, half_ways(curves, 0.95), roles, 2, 0.05, 0.95)
    }


def test_findings_of_known_curves():
    down = [8, 8, 8, 4, 0]  # half-way at 3 doublings
    found = verdicts(trajectory(EARLY, MIDDLE, down, LATE, np.array(EARLY) / 10))
    assert found["[CLS] lies apart by class before the classifier's loss falls."] == ("supported", pytest.approx(-1))
    assert found["The cone changes before the classifier's loss falls."] == ("supported", pytest.approx(-2))
    assert found["The cone changes before hidden k-mers are read."] == ("supported", pytest.approx(-2))
    assert found["Training closes the cone of the tokens."][0] == "supported"
    assert found["Fine-tuning closes the cone of the tokens."][1] == pytest.approx(8 * 1.1)
    assert found["Bidirectional training makes query-key forms symmetric."] == ("supported", pytest.approx(0.8))
    # 0.6 of 0.8, of every class.
    assert found["Fine-tuning does not forget what pre-training taught."] == ("supported", pytest.approx(0.75))
    assert found["The cone closes while the classifier learns, and opens again."] == ("contradicted", 0)
    # Reading is half learnt at step 7; roles are the last ones from step 3 on.
    assert found["Heads have their final role when half of the reading of hidden k-mers is learnt."][1] == 1
    late = verdicts(trajectory(LATE, LATE, [8, 4, 0, 0, 0], MIDDLE, -np.array(EARLY)))
    assert late["[CLS] lies apart by class before the classifier's loss falls."] == ("contradicted", pytest.approx(2))
    assert late["The cone changes before hidden k-mers are read."] == ("contradicted", pytest.approx(1))
    assert late["Bidirectional training makes query-key forms symmetric."][0] == "contradicted"
    # Of three classes by 1, 1.1 and 1.2: from 1 to 4 and back to 2.
    there = verdicts(trajectory([1, 1, 4, 3, 2], LATE, down, LATE, EARLY))
    assert there["The cone closes while the classifier learns, and opens again."] == ("supported", pytest.approx(2.2))
    early = verdicts(trajectory(EARLY, MIDDLE, down, EARLY, EARLY))
    # At step 1, where reading is half learnt, heads had another role.
    assert early["Heads have their final role when half of the reading of hidden k-mers is learnt."][1] == 0


def test_seeds_say_nothing_of_the_phase_that_they_share():
    measured = trajectory(EARLY, MIDDLE, LATE, LATE, EARLY)
    found = verdicts(measured[measured["phase"] == "finetune"])
    assert len(found) == 5 and "Training closes the cone of the tokens." not in found


def test_an_untrained_network_supports_nothing(run):
    """Of it there is one step, in which nothing changes."""
    classifier(seed=5).save_pretrained(run / "random")
    path = run / "untrained.parquet"
    write_parquet(measured(run, kept=str(run / "random"), snapshots="", history=""), path)
    told = training_trajectory.measure({"pretrain": str(path), "finetune": str(path)}, {}, 0.05, 0.95)["findings"]
    assert len(told) == 9
    assert set(told["verdict"]) <= {"undecided", "not applicable", "contradicted"}


def test_changes_by_hand():
    curves = class_curves(trajectory(EARLY, MIDDLE, [8, 8, 8, 4, 0], LATE, EARLY))
    changes = change_table(curves, half_ways(curves, 0.95), 0.95).set_index(["phase", "statistic"]).sort_index()
    cone = changes.loc[("finetune", "R")].iloc[0]
    # Half-way at 1 doubling in each class: step 1, without a doubt. Values are means of 1, 1.1 and 1.2 times 8.
    assert cone[["first", "furthest", "last", "half_way", "low", "high", "n"]].tolist() == pytest.approx(
        [0, 8.8, 8.8, 1, 1, 1, 3]
    )
    # Of weights the units are the two heads of each layer.
    assert changes.loc[("pretrain", "symmetry"), "n"].tolist() == [2, 2]
    assert changes.loc[("finetune", "loss"), "half_way"].item() == pytest.approx(7)


def test_a_curve_that_ends_where_it_began_has_the_half_of_its_excursion():
    """The cone closes at 1 and 2 doublings and opens again; classes that dip first are half-way when they rise."""
    measured = trajectory([0, 0, 8, 0, 0], [2, 2, -8, 8, 10], [8, 8, 8, 4, 0], LATE, EARLY)
    curves = class_curves(measured)
    changes = change_table(curves, half_ways(curves, 0.95), 0.95).set_index(["phase", "statistic"]).sort_index()
    # Half of 8 between the steps 1 and 3: at 1.5 doublings. Half of the way from 2 to 10, from -8: at 2 + 14/16.
    assert changes.loc[("finetune", "R"), "half_way"].item() == pytest.approx(2**1.5 - 1)
    assert changes.loc[("finetune", "silhouette"), "half_way"].item() == pytest.approx(2 ** (2 + 14 / 16) - 1)


def test_noise_has_no_half():
    """Where classes go either way, nothing is known to have moved, and no order follows."""
    measured = trajectory(EARLY, MIDDLE, [8, 8, 8, 4, 0], LATE, EARLY)
    cone = (measured["statistic"] == "R") & (measured["phase"] == "finetune")
    measured.loc[cone & (measured["class"] == "green"), "value"] *= -1
    curves = class_curves(measured)
    changes = change_table(curves, half_ways(curves, 0.95), 0.95).set_index(["phase", "statistic"]).sort_index()
    assert changes.loc[("finetune", "R"), ["half_way", "n"]].iloc[0].fillna(-1).tolist() == [-1, 0]
    assert verdicts(measured)["The cone changes before the classifier's loss falls."][0] == "not applicable"


def test_steps_after_the_kept_model_do_not_count():
    measured = trajectory(EARLY, MIDDLE, LATE, LATE, EARLY)
    after = measured[measured["step"] == 15].assign(step=31, kept=False, value=-99.0)
    pd.testing.assert_frame_equal(class_curves(pd.concat([measured, after])), class_curves(measured))


@pytest.mark.parametrize("seeds", [0, 2])
def test_figure(run, table, seeds):
    write_parquet(table, run / "finetuned.parquet")
    write_parquet(measured(run, kept=str(run / "masked"), snapshots="", history=""), run / "pretrained.parquet")
    paths = {
        phase: str(run / f"{name}.parquet") for phase, name in (("pretrain", "pretrained"), ("finetune", "finetuned"))
    }
    found = training_trajectory.measure(paths, {"finetune": str(run / "history.tsv")}, 0.05, 0.95)
    figure = draw_training_trajectory(found["table"], found["changes"], [found["table"]] * seeds)
    assert f"n = {12} sequences" in figure.get_suptitle()
    assert ("3 seeds" in figure.get_suptitle()) == bool(seeds)
