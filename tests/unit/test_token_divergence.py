"""Token divergence: causes by hand and by a naive count, what the tokens say, real lineages, and the script."""

import re
from collections import Counter

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import mutual_info_score

from checkout import ROOT
from spikegeometry.analyses.tables.token_evidence import (
    accuracy_table,
    chance_information,
    encoder_of,
    mutual_information,
    sample_rows,
    slot_information,
    slot_tokens,
    version_calls,
)
from spikegeometry.dataset.reading import read_sets
from spikegeometry.errors import InputError
from spikegeometry.figures.token_divergence import draw_token_divergence
from spikegeometry.genomes.fasta import read_fasta, read_single
from spikegeometry.geometry.placement import NOWHERE, ascii_codes, placed_sequences
from spikegeometry.geometry.token_divergence import (
    KINDS,
    differing_shares,
    token_counts,
    token_kinds,
    versions,
)
from spikegeometry.spikes.summary import parse_indels
from spikegeometry.stats.summaries import ALL_CLASSES
from spikegeometry.tables import read_tsv, write_parquet
from tiny_run import read_table, run_script

REFERENCE = "ACGTTGCAAGCTAGGATCCTAAGTCCGATA"  # 30 bases: with k = 4 and stride 3, nine tokens
CUT = (4, 3)
COMPLEMENT = dict(zip("ACGT", "TGCA", strict=True))


def counts_of(native, projected, deletions="", insertions="", reference=REFERENCE, cut=CUT):
    forms = placed_sequences(native, projected, parse_indels(deletions, insertions))
    codes = ascii_codes(reference)
    return {
        form: token_counts(token_kinds(*sequence, codes, *cut), *sequence, codes, *cut)
        for form, sequence in forms.items()
    }


def kinds_of(form, native, projected, deletions="", insertions=""):
    symbols, places = placed_sequences(native, projected, parse_indels(deletions, insertions))[form]
    return [KINDS[kind] for kind in token_kinds(symbols, places, ascii_codes(REFERENCE), *CUT)]


def test_places():
    # Bases 3 to 4 deleted, and TT inserted after base 6.
    projected = "AC--TGCA"
    symbols, places = placed_sequences("ACTGTTCA", projected, parse_indels("3-4", "6:TT"))["native"]
    assert symbols.tobytes() == b"ACTGTTCA"
    assert places.tolist() == [0, 1, 4, 5, NOWHERE, NOWHERE, 6, 7]
    _, places = placed_sequences("ACTGTTCA", projected, parse_indels("3-4", "6:TT"))["projected"]
    assert places.tolist() == [0, 1, NOWHERE, NOWHERE, 4, 5, 6, 7]


def test_places_of_a_genome_that_begins_within_the_gene():
    _, places = placed_sequences("GTCA", "NNGT-CAN", parse_indels("5-5", ""))["native"]
    assert places.tolist() == [2, 3, 5, 6]


def test_unaligned_stretch_has_no_places():
    # Four symbols of the genome stand opposite five bases that nothing is known of.
    assert placed_sequences("ACGTTTTGC", "ACGNNNNNGC", []) == {}


def test_the_reference_itself():
    for counts in counts_of(REFERENCE, REFERENCE).values():
        assert counts.pop("tokens") == counts.pop("same") == 9
        assert not any(counts.values())


def test_substitution_and_unknown_symbol():
    # Base 7 stands in tokens 2 (bases 4-7) and 3 (7-10); base 30 is past the last token (25-28).
    mutant = REFERENCE[:6] + "T" + REFERENCE[7:29] + "C"
    for form in ("native", "projected"):
        assert kinds_of(form, mutant, mutant) == ["same", "substituted", "substituted", *["same"] * 6]
    unknown = mutant.replace("T", "N", 2)
    assert kinds_of("native", unknown, unknown)[:3] == ["unknown", "unknown", "substituted"]


def test_deletion_of_one_stride_moves_the_tokens():
    # Bases 8-10 deleted: token 3 (native bases 7-10) lies across it, the rest are the reference's next ones.
    native, projected = REFERENCE[:7] + REFERENCE[10:], REFERENCE[:7] + "---" + REFERENCE[10:]
    assert kinds_of("native", native, projected, "8-10") == ["same", "same", "indel", *["shifted"] * 5]
    assert kinds_of("projected", native, projected, "8-10") == ["same", "same", "indel", "indel", *["same"] * 5]
    counts = counts_of(native, projected, "8-10")
    assert {name: number for name, number in counts["native"].items() if number} == {
        "tokens": 8,
        "differing": 6,
        "same": 2,
        "indel": 1,
        "shifted": 5,
        "shift_only": 5,
        "moved": 5,
        "missing": 1,
    }
    assert counts["projected"]["differing"] == 2


def test_insertion_of_two_and_a_substitution_behind_it():
    # After base 6; base 20 (C) mutates to G.
    projected = REFERENCE[:19] + "G" + REFERENCE[20:]
    native = projected[:6] + "AA" + projected[6:]
    counts = counts_of(native, projected, "", "6:AA")
    # Token 2 holds native bases 4-7, one of them inserted, and token 3 bases 7-10; all from token 4 are shifted. Native
    # base 22 is the mutated one: in tokens 7 (19-22) and 8 (22-25).
    assert kinds_of("native", native, projected, "", "6:AA") == ["same", "indel", "indel", *["shifted"] * 7][:10]
    assert (counts["native"]["shift_only"], counts["native"]["moved"]) == (counts["native"]["shifted"] - 2, 0)
    # The projected form leaves the insertion out: base 20 stands in token 7 (19-22) alone.
    assert counts["projected"]["differing"] == counts["projected"]["substituted"] == 1


def test_one_indel_undoes_another():
    # Three bases deleted after base 4 and three others inserted after base 20.
    projected = REFERENCE[:4] + "---" + REFERENCE[7:]
    native = projected[:4] + projected[7:20] + "TTT" + projected[20:]
    kinds = kinds_of("native", native, projected, "5-7", "20:TTT")
    assert kinds[-2:] == ["same", "same"]
    assert {"shifted", "indel"} == set(kinds[1:-3])


def naive(native, projected, cut):
    k, stride = cut
    starts = range(0, len(REFERENCE) - k + 1, stride)

    def differing(sequence):
        tokens = [sequence[start : start + k] for start in range(0, len(sequence) - k + 1, stride)]
        slots = [REFERENCE[start : start + k] for start in starts] + [None] * len(sequence)
        return sum(token != slot for token, slot in zip(tokens, slots, strict=False) if not set(token) - set("ACGT-"))

    return {"native": differing(native), "projected": differing(projected)}


@pytest.mark.parametrize("seed", range(40))
@pytest.mark.parametrize("cut", [(4, 3), (5, 5), (3, 1)])
def test_against_a_naive_count(seed, cut):
    generator = np.random.default_rng(seed)
    symbols, deletions, insertions = list(REFERENCE), [], []
    for base in generator.integers(0, 30, 3):
        symbols[base] = str(generator.choice(list("ACGTN")))
    first = int(generator.integers(2, 12))
    last = first + int(generator.integers(0, 4))
    symbols[first - 1 : last] = "-" * (last - first + 1)
    deletions.append(f"{first}-{last}")
    position = int(generator.integers(18, 27))
    inserted = "".join(generator.choice(list("ACGT"), generator.integers(1, 5)))
    insertions.append(f"{position}:{inserted}")
    projected = "".join(symbols)
    native = (projected[:position] + inserted + projected[position:]).replace("-", "")
    counts = counts_of(native, projected, deletions[0], insertions[0], cut=cut)
    assert {form: count["differing"] for form, count in counts.items()} == naive(native, projected, cut)
    for count in counts.values():
        assert sum(count[kind] for kind in KINDS) == count["tokens"]
        assert count["moved"] <= count["shift_only"] <= count["shifted"]
    assert counts["projected"]["shifted"] == 0


def test_versions():
    # Base 2 substituted (C to T), 5-6 deleted, G inserted after base 8, base 10 unknown.
    forms = placed_sequences("ATGTCAGAN", "ATGT--CAAN", parse_indels("5-6", "8:G"))
    made = {(row["coordinates"], row["version"]): row["text"] for row in versions(forms, ascii_codes("ACGTTGCAAG"))}
    assert made == {
        ("native", "as_is"): "ATGTCAGAN",
        ("native", "indels_only"): "ACGTCAGAG",
        ("native", "substitutions_only"): "ATGTTGCAAN",
        ("projected", "as_is"): "ATGT--CAAN",
        ("projected", "indels_only"): "ACGT--CAAG",
        ("projected", "substitutions_only"): "ATGTTGCAAN",
    }


def test_differing_shares():
    same, unknown, substituted, _, shifted = range(len(KINDS))
    shares = differing_shares(
        [np.array([same, shifted, unknown]), np.array([substituted, substituted])], ascii_codes("A" * 13), *CUT
    )
    assert shares["n"].tolist() == [2, 2, 0, 0]
    assert shares["token"].tolist() == [1, 2, 3, 4]
    np.testing.assert_array_equal(shares["value"], [0.5, 1, np.nan, np.nan])


# What tokens say of the class


def test_information_of_known_tokens():
    labels = np.repeat([0, 1, 2, 3], 5)
    tokens = np.stack([labels + 7, np.full(20, 9), labels // 2], axis=1)
    assert mutual_information(tokens, labels) == pytest.approx([2, 0, 1])


def test_information_against_scikit_learn():
    generator = np.random.default_rng(0)
    labels = np.repeat([3, 5, 8], 20)
    tokens = generator.integers(0, 4, (60, 6))
    expected = [mutual_info_score(labels, column) / np.log(2) for column in tokens.T]
    assert mutual_information(tokens, labels) == pytest.approx(expected, abs=1e-12)
    # Copies of a class change nothing, because classes are equally weighted.
    rows = np.concatenate([np.arange(60), np.flatnonzero(labels == 5), np.flatnonzero(labels == 5)])
    assert mutual_information(tokens[rows], labels[rows]) == pytest.approx(expected, abs=1e-12)
    # These tokens have nothing to do with the labels.
    chance = chance_information(tokens, labels, shuffles=200, seed=1)
    assert np.mean(expected) == pytest.approx(chance.mean(), rel=0.5)


def test_slot_tokens():
    encoder = encoder_of(["AAAACCCC", "AAAACCNC"], 4, 4)
    tokens = slot_tokens(encoder, ["AAAACCCC", "AAAACCNC", "CCCC", ""])
    kmer = {name: number for number, name in enumerate(["AAAA", "CCCC"], start=5)}
    assert tokens.tolist() == [[kmer["AAAA"], kmer["CCCC"]], [kmer["AAAA"], 1], [kmer["CCCC"], 0], [0, 0]]


def spike(name, accession, split, changed=False, shifted=False):
    """A spike of REFERENCE twice over with base 20 substituted, base 9 deleted, and one base of its own."""
    symbols = list(REFERENCE * 2)
    if changed:
        symbols[19] = "G"
    number = int(accession)
    symbols[40 + number] = COMPLEMENT[symbols[40 + number]]
    if shifted:
        symbols[8] = "-"
    projected = "".join(symbols)
    row = {"accession": accession, "class": name, "native": projected.replace("-", ""), "projected": projected}
    return row | {"deletions": "9-9" if shifted else "", "insertions": "", "split": split}


@pytest.fixture(scope="module")
def cohort():
    """Alpha has a deletion, beta a substitution, gamma neither."""
    looks = {"alpha": {"shifted": True}, "beta": {"changed": True}, "gamma": {}}
    split = ["train"] * 8 + ["validation"] * 3 + ["test"] * 5
    return pd.DataFrame(
        [spike(name, str(number), split[number], **look) for name, look in looks.items() for number in range(16)]
    )


def test_calls_by_what_is_left_to_see(cohort):
    codes = ascii_codes(REFERENCE * 2)
    rows = [
        row | version
        for row in cohort.to_dict("records")
        for version in versions(
            placed_sequences(row["native"], row["projected"], parse_indels(row["deletions"], row["insertions"])), codes
        )
    ]
    calls = version_calls(pd.DataFrame(rows), ["alpha", "beta", "gamma"], *CUT)
    assert set(calls["set"]) == {"test"}
    table = accuracy_table(calls, ["alpha", "beta"], ["set", "coordinates", "version"], 0.95)
    found = table.set_index(["coordinates", "version", "class"])["value"].unstack()
    for form in ("native", "projected"):
        assert found.loc[(form, "as_is")].to_dict() == {"all": 1, "alpha": 1, "beta": 1}
        assert found.loc[(form, "indels_only")].to_dict() == {"all": 0.5, "alpha": 1, "beta": 0}
        assert found.loc[(form, "substitutions_only")].to_dict() == {"all": 0.5, "alpha": 0, "beta": 1}
    assert set(table["n"]) == {5, 10}


def test_only_sequences_as_they_are_are_learnt_from(cohort):
    """Altered versions of the sequences to learn from may hold anything: no call changes."""
    codes = ascii_codes(REFERENCE * 2)
    forms = [
        placed_sequences(row["native"], row["projected"], parse_indels(row["deletions"], row["insertions"]))
        for row in cohort.to_dict("records")
    ]
    rows = pd.DataFrame(
        row | version
        for row, of in zip(cohort.to_dict("records"), forms, strict=True)
        for version in versions(of, codes)
    )
    altered = (rows["version"] != "as_is") & (rows["split"] != "test")
    # Each class wears the looks of the next.
    others = rows[rows["version"] == "as_is"].set_index(["accession", "class", "coordinates"])["text"]
    following = rows["class"].map({"alpha": "beta", "beta": "gamma", "gamma": "alpha"})
    keys = zip(rows["accession"], following, rows["coordinates"], strict=True)
    misleading = rows.assign(text=np.where(altered, [others[key] for key in keys], rows["text"]))
    assert (misleading["text"] != rows["text"]).any()
    found, expected = (version_calls(several, ["alpha", "beta", "gamma"], *CUT) for several in (misleading, rows))
    assert found.equals(expected)


def test_labels_of_the_validation_split_are_not_learnt(cohort):
    """With every class of that split called the next, the others are still told apart."""
    rows = cohort.assign(text=cohort["projected"], coordinates="projected", version="as_is")
    following = rows["class"].map({"alpha": "beta", "beta": "gamma", "gamma": "alpha"})
    rows["class"] = following.where(rows["split"] == "validation", rows["class"])
    assert version_calls(rows, ["alpha", "beta", "gamma"], *CUT)["right"].all()


def test_information_is_that_of_the_training_sequences():
    """What the first token tells in training, the second does in the others."""
    texts = {"train": {"a": "AAAACCCC", "b": "TTTTCCCC"}, "test": {"a": "CCCCAAAA", "b": "CCCCTTTT"}}
    rows = [(split, name, text) for split, of in texts.items() for name, text in of.items() for _ in range(4)]
    versions_of = pd.DataFrame(rows, columns=["split", "class", "text"]).assign(coordinates="native", version="as_is")
    found = slot_information(versions_of, 4, 4, shuffles=2, seed=0)
    found = found[found["statistic"] == "information"]
    assert found["value"].tolist() == pytest.approx([1, 0])
    assert set(found["n"]) == {8}


@pytest.mark.parametrize(("deleted", "stride", "moved"), [(3, 2, False), (2, 2, True), (3, 4, False), (4, 4, True)])
def test_tokens_move_where_the_shift_is_a_multiple_of_the_stride(deleted, stride, moved):
    projected = REFERENCE[:9] + "-" * deleted + REFERENCE[9 + deleted :]
    native = projected.replace("-", "")
    counts = counts_of(native, projected, f"10-{9 + deleted}", cut=(4, stride))["native"]
    assert counts["shift_only"] > 2
    assert counts["moved"] == (counts["shift_only"] if moved else 0)


def test_sample_rows(cohort):
    sample = sample_rows(cohort, 4, seed=3)
    sizes = Counter(zip(sample["split"], sample["class"], strict=True))
    assert set(sizes.values()) == {3, 4}
    assert sample.index.is_monotonic_increasing
    pd.testing.assert_frame_equal(sample, sample_rows(cohort, 4, seed=3))
    assert not sample.equals(sample_rows(cohort, 4, seed=4))


# Real lineages


def test_real_lineages(shared_data):
    """Medians of real genomes, native and projected, the latter without tokens that hold a deletion."""
    gene = slice(21562, 25384)
    reference = read_single(ROOT / "resources/NC_045512.2.fasta").sequence[gene]
    codes, cut = ascii_codes(reference), (12, 9)
    labels = read_tsv(shared_data / "lineages/labels.tsv").set_index("name")["class"]
    rows, omicron = [], 0
    for record in read_fasta(shared_data / "lineages/genomes.fasta.zst"):
        name = labels[record.name]
        omicron += name == "omicron"
        if name == "other" or (name == "omicron" and omicron % 30):
            continue
        projected = record.sequence[gene]
        indels = [("deletion", gap.start() + 1, gap.end(), "") for gap in re.finditer("-+", projected)]
        native = projected
        if name == "mu":
            # The consensus genomes lack its insertion of TAC after base 21990 of the genome.
            native = projected[:428] + "TAC" + projected[428:]
            indels.append(("insertion", 428, 429, "TAC"))
        native = native.replace("-", "")
        forms = placed_sequences(native, projected, indels)
        counts = {
            form: token_counts(token_kinds(*sequence, codes, *cut), *sequence, codes, *cut)
            for form, sequence in forms.items()
        }
        rows.append((name, counts["native"]["differing"], counts["projected"]["substituted"]))
    medians = pd.DataFrame(rows, columns=["class", "native", "projected"]).groupby("class").median()
    known = {
        "alpha": (401, 8),
        "beta": (345, 10),
        "delta": (376, 11),
        "lambda": (343, 11),
        "mu": (378, 14),
        "omicron": (418, 47),
        "gamma": (18, 18),
    }
    for name, expected in known.items():
        assert tuple(medians.loc[name]) == pytest.approx(expected, abs=2), name


# The script

CLASSES = ["alpha", "beta", "gamma", "delta"]
PARAMS = {
    "start": 3,
    "end": 62,
    "k": 4,
    "stride": 3,
    "external": ["away"],
    "selected_classes": [],
    "classes": CLASSES,
    "sequences_per_class": 6,
    "analysed_per_class": 99,
    "shuffles": 3,
    "confidence": 0.95,
    "seed": 1,
}


@pytest.fixture(scope="module")
def run(tmp_path_factory, cohort):
    """The cohort with a copy of a spike, an external set with a spike of another class and one that is not aligned."""
    folder = tmp_path_factory.mktemp("run")
    (folder / "genome.fasta").write_text(f">genome\nAA{REFERENCE * 2}AA\n", encoding="ascii")
    copy = cohort.iloc[[0]].assign(accession="copy")
    numbered = cohort.assign(accession=[str(number) for number in range(len(cohort))])
    spikes = pd.concat([numbered, copy], ignore_index=True)
    write_parquet(spikes[["accession", "split"]], folder / "splits.parquet")
    write_parquet(spikes.drop(columns="split"), folder / "spikes.parquet")
    unaligned = spike("alpha", "19", None) | {"native": "GGGGGGG"}
    away = [spike("beta", "17", None, changed=True), spike("other", "18", None), unaligned]
    write_parquet(pd.DataFrame(away).drop(columns="split"), folder / "away.parquet")
    return folder


def diverge(folder, **params):
    """The table of classes, that of sequences and that of slots."""
    inputs = {"reference": "genome.fasta", "external": ["away.parquet"]}
    inputs |= {name: f"{name}.parquet" for name in ("spikes", "splits")}
    output = run_script("token_divergence", folder, {"slots": "slots.parquet"}, inputs, **PARAMS | params)
    return tuple(map(read_table, (output.table, output.sequences, output.slots)))


@pytest.fixture(scope="module")
def tables(run):
    return diverge(run)


def test_sets(run):
    files = run / "spikes.parquet", run / "splits.parquet", {"away": run / "away.parquet"}
    spikes = read_sets(*files, ["accession", "class", "native"], 99, 0)
    # The copy is dropped.
    assert spikes.groupby("set").size().to_dict() == {"run": 48, "away": 3}
    assert set(spikes.loc[spikes["set"] == "away", "split"]) == {"away"}
    assert spikes["input"].nunique() == 51
    sampled, again, other = (read_sets(*files, ["accession", "class", "native"], 3, seed) for seed in (0, 0, 1))
    assert (sampled.groupby(["set", "split", "class"]).size() <= 3).all() and len(sampled) > 9
    assert sampled.equals(again) and not sampled.equals(other)
    assert set(sampled["accession"]) < set(spikes["accession"])


def test_tables(tables, run):
    table, sequences, slots = tables
    assert len(sequences) == 2 * (48 + 2)
    assert "19 is left out" in (run / "token_divergence.log").read_text()
    found = table.set_index(["set", "class", "coordinates", "version", "statistic"])
    # Base 9 lies in token 3 (7-10); one token of 19 is lost, those behind are shifted by one.
    row = found.loc[("run", "alpha", "native", "as_is", "differing")]
    own = sequences[(sequences["class"] == "alpha") & (sequences["coordinates"] == "native")]["differing"]
    assert (row["value"], row["n"]) == (own.median(), 16)
    # Of 16 values, the fourth and the fourth but last bound the median with at least 95% confidence.
    assert (row["low"], row["high"]) == (np.sort(own)[3], np.sort(own)[-4])
    assert found.loc[("away", "other", "native", "as_is", "tokens"), "value"] == 19
    assert np.isnan(found.loc[("away", "other", "native", "as_is", "tokens"), "low"])
    assert found.loc[("test", ALL_CLASSES, "native", "as_is", "accuracy"), "value"] == 1
    assert found.loc[("away", "beta", "native", "as_is", "accuracy"), "n"] == 1
    assert "delta" not in set(table["class"])
    information = slots[(slots["statistic"] == "information") & (slots["coordinates"] == "projected")]
    # Token 3 tells alpha from the rest: entropy of a third.
    told = information[(information["version"] == "indels_only") & (information["token"] == 3)]["value"].item()
    assert told == pytest.approx(np.log2(3) - 2 / 3)
    assert set(information["n"]) == {18}


def test_selection(run):
    table, sequences, _ = diverge(run, selected_classes=["beta"])
    assert set(sequences["class"]) == {"beta", "other"}
    assert set(table.loc[table["statistic"] == "accuracy", "class"]) == {"beta", "all"}
    with pytest.raises(InputError, match="Config key analyses.token_divergence.classes: mu does not exist"):
        diverge(run, selected_classes=["mu"])


def test_figure(tables):
    domains = pd.DataFrame({"name": ["a"], "first": [0.5], "last": [9.5]})
    mutations = pd.DataFrame({"class": ["alpha"], "name": ["N4Y"], "first": [3], "last": [4]})
    figure = draw_token_divergence(*tables, domains, mutations, CLASSES, CLASSES)
    assert figure.get_suptitle().endswith("n = 48 distinct sequences; no sequence of delta")
    labels = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert labels == ["alpha  native", "projected", "beta  native", "projected", "gamma  native", "projected"]


def test_figure_of_many_classes(tables):
    """Names that overlap would be a fault of the figure."""
    domains = pd.DataFrame({"name": ["a"], "first": [0.5], "last": [9.5]})
    mutations = pd.DataFrame({"class": [], "name": [], "first": [], "last": []})
    names = [f"A.D.{number}" for number in range(1, 26)]

    def repeated(table):
        return pd.concat([table, *(table[table["class"] == "alpha"].assign(**{"class": name}) for name in names)])

    figure = draw_token_divergence(*map(repeated, tables), domains, mutations, names, names)
    assert len(figure.axes[0].get_yticklabels()) == 2 * 25
