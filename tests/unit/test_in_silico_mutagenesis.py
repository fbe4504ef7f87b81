"""In-silico mutagenesis: sequences made and encoded anew, a planted classifier, precision by hand, and the script."""

import itertools

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import torch
from scipy.stats import spearmanr
from transformers import BertForMaskedLM, BertForSequenceClassification

from spikegeometry.analyses.tables import mutagenesis_tables as tables
from spikegeometry.analyses.tables.measured_values import MISMATCHED, NO_SUBSTITUTION, NO_VALUE, read_measurements
from spikegeometry.analyses.tables.substitutions import (
    chosen_residues,
    defined_substitutions,
    residue_variation,
    substitutions,
)
from spikegeometry.config import check_files, load_config
from spikegeometry.dataset.encoding import Encoder, encode_batch
from spikegeometry.dataset.vocabulary import SPECIAL_TOKENS
from spikegeometry.errors import InputError
from spikegeometry.figures.in_silico_mutagenesis import AMINO_ACIDS as SHOWN
from spikegeometry.figures.in_silico_mutagenesis import draw_in_silico_mutagenesis
from spikegeometry.geometry import in_silico_mutagenesis as geometry
from spikegeometry.geometry.placement import ascii_codes
from spikegeometry.model.substitution import log_probability_changes
from spikegeometry.sequences.substitutions import AMINO_ACIDS, nearest_codons
from spikegeometry.sequences.translation import translate
from spikegeometry.tables import write_parquet, write_tsv
from tiny_bert import classifier, config
from tiny_run import CLASSES, VERDICTS, read_table, run_script, write_encoded

# A gene of 15 codons, the last of them a stop; k-mers of 5 bases, 3 apart, so that the first codon's last bases, and
# the first bases of the others, are in two k-mers.
GENE = "ATGTTTGTTGATCTTGTTTTATTGCCACTAGTCTCTAGTCAGTAA"
PROTEIN = translate(GENE)[:-1]
K, STRIDE = 5, 3
# Every k-mer that begins with one of these bases and is not in the reference is [UNK].
RARE = "G"


def with_codon(text, residue, codon):
    return text[: 3 * residue - 3] + codon + text[3 * residue :]


def vocabulary():
    own = {GENE[start : start + K] for start in range(0, len(GENE) - K + 1, STRIDE)}
    letters = ("".join(kmer) for kmer in itertools.product("-ACGT", repeat=K))
    return [*SPECIAL_TOKENS, *sorted({kmer for kmer in letters if kmer[0] != RARE} | own)]


# Codons


def test_the_nearest_codons():
    codons = nearest_codons("AAT")
    assert codons["N"] == ("AAT",) and codons["Y"] == ("TAT",) and codons["K"] == ("AAA", "AAG")
    assert codons["W"] == ("TGG",), "three bases differ"
    assert set(codons) == set(AMINO_ACIDS) and len(AMINO_ACIDS) == 20
    for acid, several in codons.items():
        assert {translate(codon) for codon in several} == {acid}


def test_of_equal_codons_one_that_is_known():
    gene = "AATCCC"
    known = [*SPECIAL_TOKENS, "AAG", "AAT", "CCC"]
    found, left_out = substitutions(ascii_codes(gene), np.arange(6), [1], Encoder(known, 3))
    codons = {one.amino_acid: (one.codon, one.changes, one.unknown) for one in found}
    assert not left_out and codons["K"] == ("AAG", 1, 0), "AAA is [UNK]"
    assert codons["I"] == ("ATT", 1, 1) and codons["Q"] == ("CAA", 2, 1) and codons["N"] == ("AAT", 0, 0)


def test_residues_that_are_not_fully_known():
    """A gap, an N, a stop codon, and bases that no whole k-mer covers; an insertion in a codon is between its bases."""
    text = "ATG--ACNTTAAGTTCC"
    encoder = Encoder(vocabulary(), STRIDE)
    found, left_out = substitutions(ascii_codes(text), np.arange(len(text)), [1, 2, 3, 4, 5], encoder)
    assert left_out == {2: "deleted", 3: "unknown", 4: "stop"} and {one.residue for one in found} == {1, 5}
    places = np.array([0, 1, 2, 3, -1, 4, 5])
    found, left_out = substitutions(ascii_codes("ATGCAGT"), places, [2, 3], Encoder(["x"] * 5 + ["ATG", "CAG"], 3))
    assert left_out == {3: "deleted"} and {one.own for one in found} == {translate("CGT")}
    _, left_out = substitutions(ascii_codes("ATGCCCGTT"), np.arange(9), [1, 3], Encoder(["x"] * 5 + ["ATGCC"], 5))
    assert left_out == {3: "outside"}


# Residues


def test_residues_that_define_vary_or_are_drawn():
    variation = np.zeros(20)
    variation[[2, 4, 6, 8]] = [0.1, 0.4, 0.3, 0.2]
    table = chosen_residues([], 9, [3, 11], variation, np.random.default_rng(0), "k")
    reasons = table.set_index("residue")["reason"]
    assert reasons[[3, 11, 5, 7, 9]].tolist() == ["defining"] * 2 + ["varying"] * 3
    assert (reasons == "sampled").sum() == 4 and table["residue"].is_monotonic_increasing
    assert len(chosen_residues([], None, [3], variation, np.random.default_rng(0), "k")) == 20
    assert chosen_residues([], 1, [3, 11], variation, np.random.default_rng(0), "k")["residue"].tolist() == [3]
    assert chosen_residues([7, 2], 1, [], variation, np.random.default_rng(0), "k")["residue"].tolist() == [2, 7]
    with pytest.raises(InputError, match=r"k\.residues: 21 does not exist.\nThere are: 1 to 20"):
        chosen_residues([2, 21], 9, [], variation, np.random.default_rng(0), "k")


def test_variation_is_of_known_residues():
    found = residue_variation(["ATGTTT", "ATGNTT", "ATGCTT", "ATC---"], "MF")
    assert found.tolist() == [0.25, 0.5]


def test_deletions_and_silent_mutations_are_no_substitutions():
    names = ["N501Y", "del 69-70", "F924 silent", "del 156-157 R158G", "N501Y"]
    named = pd.DataFrame({"class": list("aaaab"), "protein": names, "first_residue": [501, 69, 924, 156, 501]})
    assert defined_substitutions(named) == {(501, "Y"): ["a", "b"]}


# Precision, chance and correlation


def test_precision_shares_places_among_equals():
    scores, wanted = np.array([3.0, 1, 2, 1, 1]), np.array([True, True, False, False, False])
    assert [geometry.precision_at(scores, wanted, k) for k in (1, 2)] == [1, 0.5]
    # One of three equals has the third place, two of them the third and fourth.
    assert geometry.precision_at(scores, wanted, 3) == pytest.approx((1 + 1 / 3) / 3)
    assert geometry.precision_at(scores, wanted, 4) == pytest.approx((1 + 2 / 3) / 4)
    assert np.isnan(geometry.precision_at(scores, wanted, 6)) and np.isnan(geometry.precision_at(scores, wanted, 0))


def test_chance_is_that_of_all_draws():
    draws = [sum(one < 3 for one in draw) / 2 for draw in itertools.combinations(range(6), 2)]
    chance = geometry.chance_precision(6, 3, 2, 0.5, 0.95)
    assert chance.mean == pytest.approx(np.mean(draws)) and chance.p == pytest.approx(np.mean(np.array(draws) >= 0.5))
    assert (chance.low, chance.high) == (0, 1)
    assert geometry.chance_precision(6, 3, 2, 1.0, 0.95).p == pytest.approx(1 / 5)
    assert np.isnan(geometry.chance_precision(6, 3, 7, 0.5, 0.95).mean)


def test_correlations_of_whole_residues():
    generator = np.random.default_rng(1)
    scores, values = generator.normal(size=(2, 12, 4))
    values[0, 1] = scores[3, 2] = np.nan
    known = np.isfinite(scores) & np.isfinite(values)
    assert geometry.grid_correlation(scores, values) == pytest.approx(spearmanr(scores[known], values[known])[0])
    # What is the same within a residue is permuted as one: 12 values have no more orders than these.
    steps = np.repeat(np.arange(3.0)[:, None], 4, axis=1)
    null = geometry.permuted_correlations(steps, steps, 50, generator)
    assert set(null.round(6)) == {1, 0.5, -0.5, -1}
    (twice,) = geometry.resampled_correlations(scores, values, np.array([[2, 2, *[0] * 10]]))
    assert twice == pytest.approx(geometry.grid_correlation(scores[:2], values[:2]))


def scores_of(rises, defines, **more):
    frame = {"sequence": "reference", "residue": range(1, len(rises) + 1), "own": "A", "amino_acid": "C"}
    frame |= {"unknown": 0, "defines": defines, "masked": 0.0, "change_a": rises, "change_b": 0.0}
    return pd.DataFrame(frame | more)


def test_precision_table():
    scores = scores_of([3.0, 2, 1, 0], ["a", "", "a;b", ""], unknown=[0, 0, 1, 0])
    own = scores_of([-3.0, 2, -9, 0], [""] * 4, sequence="a")
    own.loc[4] = ["a", 1, "A", "A", 0, "", 0.0, 99.0, 0.0]  # the own residue is no substitution
    table = tables.precision_table(pd.concat([scores, own]), ["a", "b"], [1], 0.95)
    found = table.set_index(["sequence", "class", "ranked_by", "among", "k"])
    assert found.loc[("reference", "a", "rise", "all", "1"), "value"] == 1
    row = found.loc[("reference", "a", "rise", "all", "R")]
    assert (row["value"], row["n"], row["wanted"], row["chance"]) == (0.5, 4, 2, 0.5)
    assert found.loc[("reference", "a", "rise", "readable", "R"), ["value", "n", "wanted"]].tolist() == [1, 3, 1]
    assert found.loc[("reference", "b", "rise", "all", "R"), "value"] == 0.25, "all are equal"
    assert found.loc[("a", "a", "fall", "residues", "R"), ["value", "n"]].tolist() == [1, 4]
    assert ("reference", "b", "rise", "readable", "R") not in found.index
    assert found.loc[("reference", "all", "masked", "readable", "R"), "wanted"] == 2


# The model


def planted(kmers, read, weight=3.0):
    """A classifier whose [CLS] takes the mean of all tokens, of which only the k-mer `read` differs from the others."""
    model = classifier(vocab_size=len(kmers), num_hidden_layers=1, num_attention_heads=1, hidden_size=4)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.zero_()
        for name, parameter in model.named_parameters():
            if name.endswith("LayerNorm.weight"):
                parameter.fill_(1)
        words = model.bert.embeddings.word_embeddings.weight
        words[:, 0] = 1.0
        words[kmers.index(read)] = torch.tensor([0.0, 1, 0, 0])
        attention = model.bert.encoder.layer[0].attention
        for linear in (attention.self.value, attention.output.dense, model.bert.pooler.dense):
            linear.weight.copy_(torch.eye(4))
        model.classifier.weight[0, 1] = weight
    return model


def test_a_classifier_that_reads_one_kmer_changes_at_its_residue_alone():
    gene = "".join(dict.fromkeys(GENE[start : start + 3] for start in range(0, 42, 3)))
    kmers = [*SPECIAL_TOKENS, *map("".join, itertools.product("ACGT", repeat=3))]
    encoder = Encoder(kmers, 3)
    found, _ = substitutions(ascii_codes(gene), np.arange(len(gene)), range(1, len(gene) // 3 + 1), encoder)
    changes = log_probability_changes(
        planted(kmers, gene[12:15]), encoder.encode([gene])[0], [one.edit for one in found], 7
    )
    size = pd.Series(np.abs(changes).max(axis=1), index=[(one.residue, one.amino_acid) for one in found])
    at = np.array([residue == 5 and acid != translate(gene)[4] for residue, acid in size.index])
    # Where another residue takes the k-mer that is read, by that codon, it is read there too.
    again = np.array([one.codon == gene[12:15] and one.residue != 5 for one in found])
    assert at.sum() == 19 and size[at].min() > 1e-3
    assert size[~at & ~again].max() < 1e-6


# The script


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Alpha lacks residue 6 and defines residue 4, beta has an N and defines residue 10, gamma has no sequence."""
    folder = tmp_path_factory.mktemp("run")
    kmers = vocabulary()
    (folder / "vocabulary.txt").write_text("\n".join(kmers) + "\n", encoding="ascii")
    (folder / "genome.fasta").write_text(f">genome\n{GENE}\n", encoding="utf-8")
    alpha = with_codon(with_codon(GENE, 4, "AAT"), 6, "---")
    beta = with_codon(GENE, 10, "CCA")
    rare = with_codon(beta, 12, "NCT")
    texts = [("alpha/1", "alpha", alpha), ("beta/1", "beta", beta), ("beta/2", "beta", rare), ("beta/3", "beta", rare)]
    rows = [
        (name, of, text.replace("-", ""), text, "", "16-18" if of == "alpha" else "", split)
        for split in ("test", "train")
        for name, of, text in texts
    ]
    columns = ["accession", "class", "native", "projected", "insertions", "deletions", "split"]
    table = pd.DataFrame(rows, columns=columns)
    table.loc[table["split"] == "train", "accession"] += "/train"
    write_parquet(table.drop(columns="split"), folder / "spikes.parquet")
    write_parquet(table[["accession", "class", "split"]], folder / "splits.parquet")
    for form in ("projected", "native"):
        batch = pa.RecordBatch.from_pandas(table[table["split"] == "test"], preserve_index=False)
        encoded = encode_batch(batch, form, Encoder(kmers, STRIDE), CLASSES)
        write_encoded(folder / f"{form}.arrow", pa.Table.from_batches([encoded]))
    named = {"id2label": dict(enumerate(CLASSES)), "label2id": {name: number for number, name in enumerate(CLASSES)}}
    classifier(vocab_size=len(kmers), **named).save_pretrained(folder / "model")
    torch.manual_seed(1)
    BertForMaskedLM(config(vocab_size=len(kmers))).save_pretrained(folder / "masked")
    founders = {"founder": CLASSES, "class": CLASSES, "mutations": ["G10A del:16:3", "T29C", ""]}
    write_tsv(pd.DataFrame(founders), folder / "founders.tsv")
    return folder


PARAMS = {
    "selected_classes": [],
    "most_sequences": 4,
    "residues": [],
    "most_residues": None,
    "cutoffs": [2],
    "permutations": 19,
    "share": 0.5,
    "coordinates": "projected",
    "start": 1,
    "end": len(GENE),
    "stride": STRIDE,
    "analysed_per_class": 9,
    "batch_size": 7,
    "bootstrap": 20,
    "device": "cpu",
    "threads": 1,
    "seed": 3,
}


def run(folder, definitions="founders.tsv", measurements=None, masked="masked", **params):
    params = PARAMS | params
    inputs = {"test": f"{params['coordinates']}.arrow", "vocabulary": "vocabulary.txt", "reference": "genome.fasta"}
    inputs |= {"spikes": "spikes.parquet", "splits": "splits.parquet", "masked": masked}
    inputs |= {"definitions": definitions or [], "measurements": measurements or []}
    outputs = {"findings": "findings.tsv", "scores": "scores.parquet", "residues": "residues.tsv"}
    outputs |= {"correlations": "correlations.tsv"}
    output = run_script("in_silico_mutagenesis", folder, outputs, inputs, **params)
    return {name: read_table(path) for name, path in vars(output).items() if name != "sequences"}


@pytest.fixture(scope="module", params=["projected", "native"])
def both(request, folder):
    return request.param, run(folder, coordinates=request.param)


@pytest.fixture(scope="module")
def made(folder):
    return run(folder)


class ByForce:
    """Sequences by their texts, read one by one by both models, k-mer by k-mer of the vocabulary."""

    def __init__(self, folder):
        self.kmers = (folder / "vocabulary.txt").read_text(encoding="ascii").split()
        self.classifier = BertForSequenceClassification.from_pretrained(folder / "model").eval()
        self.masked = BertForMaskedLM.from_pretrained(folder / "masked").eval()

    def ids(self, text):
        kmers = [text[start : start + K] for start in range(0, len(text) - K + 1, STRIDE)]
        return [2, *(self.kmers.index(kmer) if kmer in self.kmers else 1 for kmer in kmers), 3]

    def log_probabilities(self, text):
        with torch.no_grad():
            logits = self.classifier(input_ids=torch.tensor([self.ids(text)])).logits[0].double()
        return logits.log_softmax(0).numpy()

    def masked_change(self, old, new, bases):
        """Of the k-mers that cover one of the bases (0-based)."""
        old, new = self.ids(old), self.ids(new)
        covering = [
            token
            for token in range(1, len(old) - 1)
            if set(bases) & set(range(STRIDE * (token - 1), STRIDE * (token - 1) + K))
        ]
        if 1 in [old[token] for token in covering] + [new[token] for token in covering]:
            return np.nan
        hidden = [4 if token in covering else one for token, one in enumerate(old)]
        with torch.no_grad():
            scores = self.masked(input_ids=torch.tensor([hidden])).logits[0].double().log_softmax(-1)
        return sum(float(scores[token, new[token]] - scores[token, old[token]]) for token in covering)


def test_scores_are_those_of_sequences_made_and_encoded_anew(folder, both):
    form, found = both
    force = ByForce(folder)
    spikes = pd.read_parquet(folder / "spikes.parquet").set_index("accession")["projected"]
    texts = {"reference": GENE, "alpha": spikes["alpha/1"], "beta": spikes["beta/2"]}
    scores = found["scores"]
    assert set(scores["sequence"]) == set(texts) and len(scores) == 20 * (14 + 13 + 13)
    before = {}
    checked = 0
    for row in scores.itertuples():
        projected = texts[row.sequence]
        changed = with_codon(projected, row.residue, row.codon)
        start = 3 * row.residue - 3
        if form == "native":
            start -= projected[:start].count("-")
            projected, changed = projected.replace("-", ""), changed.replace("-", "")
        if row.sequence not in before:
            before[row.sequence] = force.log_probabilities(projected)
        expected = force.log_probabilities(changed) - before[row.sequence]
        own = [getattr(row, f"change_{name}") for name in CLASSES]
        assert own == pytest.approx(expected, abs=1e-5)
        masked = force.masked_change(projected, changed, range(start, start + 3))
        assert row.masked == pytest.approx(masked, abs=1e-5, nan_ok=True)
        assert translate(row.codon) == row.amino_acid and translate(projected[start : start + 3]) == row.own
        checked += np.isfinite(masked)
    assert 100 < checked < len(scores)


def test_the_own_codon_changes_nothing(both):
    scores = both[1]["scores"]
    own = scores[scores["own"] == scores["amino_acid"]]
    assert len(own) == 40 and (own["changes"] == 0).all()
    assert (own[[f"change_{name}" for name in CLASSES]].to_numpy() == 0).all()
    assert (own["masked"].dropna() == 0).all() and (own.loc[own["sequence"] == "reference", "masked"] == 0).all()
    others = scores.drop(own.index)
    assert (others[[f"change_{name}" for name in CLASSES]].abs().max(axis=1) > 1e-6).mean() > 0.9


def test_residues_of_each_sequence(both):
    residues = both[1]["residues"]
    left_out = residues[residues["left_out"] != ""].set_index("sequence")
    assert left_out["residue"].to_dict() == {"alpha": 6, "beta": 12}
    assert left_out["left_out"].to_dict() == {"alpha": "deleted", "beta": "unknown"}
    assert set(residues["sequence"]) == {"reference", "alpha", "beta"}, "gamma has no test sequence"
    assert residues.groupby("sequence")["copies"].first().to_dict() == {"reference": 1, "alpha": 1, "beta": 2}
    assert residues.groupby("sequence")["accession"].first()["beta"] == "beta/2"
    reasons = residues[residues["sequence"] == "reference"].set_index("residue")["reason"]
    assert reasons[4] == reasons[10] == "defining" and len(reasons) == 14


def test_precision_of_defining_substitutions(made):
    table, scores = made["table"], made["scores"]
    wanted = scores[(scores["defines"] != "") & (scores["sequence"] == "reference")]
    assert wanted[["residue", "amino_acid", "defines"]].to_numpy().tolist() == [[4, "N", "alpha"], [10, "P", "beta"]]
    row = table[(table["class"] == "alpha") & (table["among"] == "all") & (table["k"] == "R")].iloc[0]
    reference = scores[(scores["sequence"] == "reference") & (scores["own"] != scores["amino_acid"])]
    best = reference.loc[reference["change_alpha"].idxmax()]
    assert row["value"] == float(best["defines"] == "alpha") and row["chance"] == pytest.approx(1 / (14 * 19))
    assert "gamma" not in set(table["class"]), "nothing defines it"
    assert set(made["findings"]["verdict"]) <= VERDICTS and len(made["findings"]) == 4
    assert "measurements" in made["findings"]["detail"].iloc[-1] and made["correlations"].empty


def test_without_definitions_or_a_masked_model_or_other_classes(folder):
    found = run(folder, definitions=None, masked="model", most_sequences=1, residues=[3, 15 - 1])
    assert found["table"].empty and set(found["findings"]["verdict"]) == {"not applicable"}
    assert found["scores"]["masked"].isna().all() and set(found["scores"]["residue"]) == {3, 14}
    assert set(found["scores"]["sequence"]) == {"reference"}
    figure = figure_of(found)
    assert f"n = {19 * 2} substitutions in 1 sequence\n" in figure.get_suptitle()
    assert "No substitution that was made defines a class" in [axis.get_title() for axis in figure.axes]


def test_one_class_alone(folder):
    found = run(folder, selected_classes=["beta"])
    assert set(found["scores"]["sequence"]) == {"reference", "beta"}
    assert "undecided" not in set(found["findings"]["verdict"]), "one class has no interval"


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"residues": [15]}, r"analyses\.in_silico_mutagenesis\.residues: 15 does not exist"),
        ({"selected_classes": ["mu"]}, r"analyses\.in_silico_mutagenesis\.classes: mu does not exist"),
    ],
)
def test_what_is_not_there(folder, changed, message):
    with pytest.raises(InputError, match=message):
        run(folder, **changed)


# Measured values


def write_table(path, rows, columns=("site", "wildtype", "mutation", "value")):
    lines = ["\t".join(columns), *("\t".join(map(str, row)) for row in rows)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_measured_values(folder, made, tmp_path):
    """The masked model's own scores have a correlation of 1 with themselves; the null does not."""
    reference = made["scores"][made["scores"]["sequence"] == "reference"]
    known = reference[reference["masked"].notna() & (reference["own"] != reference["amino_acid"])]
    write_table(folder / "dms.tsv", known[["residue", "own", "amino_acid", "masked"]].to_numpy().tolist())
    found = run(folder, measurements="dms.tsv")
    rows = found["correlations"].set_index("score")
    row = rows.loc["masked"]
    assert row["value"] == pytest.approx(1) and row["low"] == row["high"] == pytest.approx(1)
    assert (row["substitutions"], row["n"]) == (len(known), known["residue"].nunique())
    assert row["p"] == 1 / 20 and row["null_high"] < 0.9
    assert set(rows.index) == {"masked", "largest", *(f"change_{name}" for name in CLASSES)}
    alone = known[["change_beta", "masked"]]
    assert rows.loc["change_beta", "value"] == pytest.approx(spearmanr(alone)[0], abs=1e-6)
    finding = found["findings"].iloc[-1]
    assert finding["verdict"] == "supported" and finding["n"] == known["residue"].nunique()
    figure = figure_of(found)
    assert any(axis.get_title().startswith("measured values") for axis in figure.axes)


def test_rows_that_do_not_fit_are_counted(tmp_path):
    rows = [
        (1, "M", "A", 1),
        (1, "M", "A", 3),
        (2, "F", "Y", "NA"),
        (3, "V", "*", 2),
        (4, "D", "D", 1),
        (5, "A", "C", 1),
    ]
    found, left_out = read_measurements(write_table(tmp_path / "dms.tsv", rows), PROTEIN, "key")
    assert found.to_numpy().tolist() == [[1, "A", 2.0]], "copies are averaged"
    assert left_out == {MISMATCHED: 1, NO_SUBSTITUTION: 2, NO_VALUE: 1}


def test_mutations_by_their_names(tmp_path):
    path = tmp_path / "dms.csv"
    path.write_text("site,mutation,value\n1,M1A,0.5\n2,f2y,-1\n", encoding="utf-8")
    assert read_measurements(path, PROTEIN, "key")[0].to_numpy().tolist() == [[1, "A", 0.5], [2, "Y", -1.0]]
    path.write_text("site,mutation,value\n1,A,0.5\n", encoding="utf-8")
    assert len(read_measurements(path, PROTEIN, "key")[0]) == 1


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (
            [(1, "K", "A", 1), (2, "K", "A", 1), (3, "V", "A", 1)],
            r"line 2 \(config key key\): K at 1, .*M; 2 of 3 rows",
        ),
        ([(900, "", "A", 1)], r"line 2 \(config key key\): the residue at 900, where it has no residue; 1 of 1"),
        ([(1, "M", "A", 1), (2, "F", "AB", 1)], r"line 3 \(config key key\): the mutation 'AB' is none such as"),
        ([(1, "M", "A", "much")], r"line 2 \(config key key\): site or value is no number: '1', 'much'"),
        ([(1, "M", "M2A", 1)], r"line 2 \(config key key\): the mutation M2A is not at site 1"),
    ],
)
def test_a_table_of_another_gene_or_none(tmp_path, rows, message):
    with pytest.raises(InputError, match=message) as error:
        read_measurements(write_table(tmp_path / "dms.tsv", rows), PROTEIN, "key")
    assert "dms.tsv" in str(error.value) and "\n" not in str(error.value)


def test_a_table_that_is_not_there():
    given = {"run": "r", "source": {"type": "simulate", "simulate": {}}}
    given["analyses"] = {"in_silico_mutagenesis": {"measurements": "nowhere.tsv"}}
    with pytest.raises(InputError, match=r"Config key analyses\.in_silico_mutagenesis\.measurements: no file nowhere"):
        check_files(load_config(given))


# The figure


def figure_of(found, untrained=None):
    domains = pd.DataFrame({"name": ["a", "b"], "first": [0.5, 7.5], "last": [7.5, 14.5]})
    names = ("table", "scores", "residues", "correlations")
    return draw_in_silico_mutagenesis(*(found[name] for name in names), domains, CLASSES, untrained)


def test_figure(made):
    figure = figure_of(made, made["table"])
    assert sorted(SHOWN) == sorted(AMINO_ACIDS)
    assert f"n = {19 * 40} substitutions in 3 sequences (2 residues left out)" in figure.get_suptitle()
    texts = [text.get_text() for axis in figure.axes for text in axis.texts]
    assert {"D4N", "L10P", "a", "b"} <= set(texts)
    (drawn,) = [axis for axis in figure.axes if axis.get_ylabel().startswith("classifier")]
    grid = drawn.images[0].get_array()
    scores = made["scores"]
    row = scores[(scores["sequence"] == "reference") & (scores["residue"] == 4) & (scores["amino_acid"] == "W")].iloc[0]
    expected = max(row[f"change_{name}"] for name in CLASSES)
    assert grid[SHOWN.index("W"), 3] == pytest.approx(expected)


def test_figure_without_a_residue(made):
    found = made | {"scores": made["scores"].iloc[:0]}
    assert "0 residues of the reference can be substituted" in figure_of(found).get_suptitle()
