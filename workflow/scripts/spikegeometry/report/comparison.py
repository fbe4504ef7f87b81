"""The page of finished runs side by side, from the table that holds them: one file that needs nothing else."""

from html import escape
from itertools import combinations
from string import Template

import pandas as pd

from spikegeometry.figures.style import model_look
from spikegeometry.report.cells import FINETUNED
from spikegeometry.report.curves import STYLE as CURVES
from spikegeometry.report.curves import curve_panel, run_key, run_style
from spikegeometry.report.front import with_interval
from spikegeometry.report.pages import TABLES, html_cell, html_table, plain_page
from spikegeometry.report.runs import UNTRAINED, address
from spikegeometry.report.statistics import Statistic

# Metrics over all classes that the page shows, by their names there. The table has more, and those of each class.
METRICS = {"accuracy": "accuracy", "macro_f1": "macro F1", "log_loss": "log loss"}
# What a finding is of, and numbers of layers and heads in its words.
CLAIM = ["analysis", "labels", "measure", "number"]
LAYERS = r"\b(layer|head) \d+|\b\d+ layers"
TITLE = "Comparison of {}"
STYLE = """h2 { margin-top: 2.5rem; }
h1, h3, p, li, th { overflow-wrap: anywhere; }
td { min-width: 4rem; overflow-wrap: break-word; }
small { display: block; opacity: .85; }
@media print {
  body { max-width: none; font-size: 9pt; }
  .scroll { overflow: visible; }
  td { overflow-wrap: anywhere; }
  tr { break-inside: avoid; }
}
"""
BODY = Template("""<ul>
$lead</ul>
$cautions$missing
<h2>What differs in the configurations</h2>
<div class="scroll" tabindex="0">$configuration</div>
<h2>Data and model</h2>
<div class="scroll" tabindex="0">$data</div>
<h2>Metrics</h2>
<p>Each run on its own sets, value and interval; n counts sequences. Nothing was chosen on a set but on validation. All
metrics, those of each class among them, are in comparison.tsv.</p>
<div class="scroll" tabindex="0">$metrics</div>
<h2>Differences on the same genomes</h2>
<p>Genomes with one accession, one class and one gene sequence in both runs. Intervals are paired bootstraps over
distinct sequences; p is McNemar's exact test on these, two-sided, and then Holm's correction over the $tests tests of
this page.</p>
$differences
<h2>Findings</h2>
<p>$verdicts Below each verdict stands what the untrained network of the same run shows.</p>
<div class="scroll" tabindex="0">$findings</div>
<h2>Through the layers</h2>
<p>Solid lines with marks: the fine-tuned network. Dashed: the untrained one, where it was measured. Means over the
heads; over all classes together where the analysis has that, else the mean over the classes. n: distinct sequences
behind a point, run by run. These and $others further series by layer are in comparison.tsv.$relative</p>
$key
$curves""")


def comparison_page(rows: pd.DataFrame, runs: list[str], statistics: list[Statistic]) -> str:
    """HTML of a comparison of `runs`.

    `rows` has the columns `report.runs.COLUMNS`, in its parts all that the page shows; `statistics`: those by layer
    that are drawn, where `rows` has values of them.
    """
    part = {
        name: rows[rows["part"] == name] for name in ("configuration", "data", "metrics", "differences", "findings")
    }
    layers = rows[rows["part"] == "layers"]
    relative = (layers["layer"] / layers["depth"]).groupby(layers["run"]).max().round(3).nunique() > 1
    curves, drawn = _curves(layers, runs, statistics, "depth" if relative else "layer")
    series = len(layers[["analysis", "statistic", "labels"]].drop_duplicates())
    missing = rows[rows["part"] == "missing"].groupby("run", sort=False)["text"]
    cautions = rows[rows["part"] == "cautions"][["run", "text"]].to_numpy()
    body = BODY.substitute(
        lead="".join(f"<li>{escape(text)}</li>\n" for text in _lead(part["differences"], runs)),
        cautions="".join(f"<p><b>{escape(run)}</b>: {escape(text)}</p>\n" for run, text in cautions),
        missing="".join(f"<p><b>{escape(str(run))}</b> lacks: {escape(', '.join(of))}.</p>\n" for run, of in missing),
        configuration=_side_by_side(part["configuration"], {"statistic": "key"}, runs, _text),
        data=_side_by_side(part["data"], {"set": "set", "statistic": "of the data and the model"}, runs, _text),
        metrics=_metrics(part["metrics"], runs),
        tests=int(part["differences"]["p"].notna().sum()),
        differences=_differences(part["differences"]),
        verdicts=_verdicts(part["findings"]),
        findings=_findings(part["findings"], runs),
        others=series - drawn,
        relative=" The runs have different numbers of layers: curves lie over relative depth." if relative else "",
        key=run_key(runs),
        curves=curves,
    )
    return plain_page(TITLE.format(", ".join(runs)), TABLES + STYLE + CURVES + run_style(len(runs)), body)


def _text(row: pd.Series) -> str:
    return row["text"] or f"{row['value']:,.0f}"


def _of(values: pd.Series) -> str:
    return with_interval(*values[["value", "low", "high"]].astype(float))


def _side_by_side(rows: pd.DataFrame, heads: dict[str, str], runs: list[str], cell) -> str:
    """A table with a column for each of the columns `heads`, under their names, and one for each run.

    `cell` gives the text of a row; where a run has none there is a dash.
    """
    if rows.empty:
        return "<p>Nothing is known to differ.</p>"
    lines = []
    for key, of in rows.fillna(dict.fromkeys(heads, "")).groupby([*heads], sort=False):
        texts = {row["run"]: cell(row) for _, row in of.iterrows()}
        lines.append([*(html_cell(str(one)) for one in key), *(html_cell(texts.get(run, "-")) for run in runs)])
    return html_table([*heads.values(), *runs], lines)


def _metrics(rows: pd.DataFrame, runs: list[str]) -> str:
    shown = _whole(rows)
    return _side_by_side(
        shown.assign(
            model=[model_look(name).name for name in shown["model"]], statistic=shown["statistic"].map(METRICS)
        ),
        {"set": "set", "model": "model", "statistic": "metric"},
        runs,
        lambda row: f"{_of(row)}, n = {row['n']:.0f}",
    )


def _whole(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows of METRICS over all classes."""
    over_all = rows["class"].fillna("").eq("") & rows["value"].notna()
    return rows[over_all & rows["statistic"].isin(METRICS)]


def _differences(rows: pd.DataFrame) -> str:
    """For every two runs a table of what was tested, below it what was not, and why."""
    heads = ["set", "model", "metric", "difference", "n", "p", "p, Holm", "what it rests on"]
    parts = []
    for (one, other), of in rows.groupby(["run", "against"], sort=False):
        lines = [
            [
                *(html_cell(text) for text in (row["set"], model_look(row["model"]).name, METRICS[row["statistic"]])),
                html_cell(with_interval(row["value"], row["low"], row["high"], sign="+")),
                *(html_cell(number) for number in (int(row["n"]), row["p"], row["p_holm"])),
                html_cell(row["text"]),
            ]
            for _, row in _whole(of).iterrows()
        ]
        table = f'<div class="scroll" tabindex="0">{html_table(heads, lines)}</div>\n' if lines else ""
        untested = of[of["value"].isna()]
        said = "".join(
            f"<p>{escape(' '.join(filter(None, (name, model))))} is not compared: {escape(why)}.</p>\n"
            for name, model, why in untested[["set", "model", "text"]].fillna("").to_numpy()
        )
        parts.append(f"<h3>{escape(one)} less {escape(other)}</h3>\n{table}{said}")
    return "\n".join(parts) or "<p>No set is in two runs.</p>"


def _lead(rows: pd.DataFrame, runs: list[str]) -> list[str]:
    """A sentence for every two runs: the difference of BERT's accuracy on the test split, or why there is none."""
    said = []
    for one, other in combinations(runs, 2):
        of = rows[rows["run"].eq(one) & rows["against"].eq(other) & rows["set"].eq("test")]
        tested = of[of["p"].notna() & of["model"].eq("bert")]
        if len(tested):
            row = tested.iloc[0]
            interval = with_interval(row["value"], row["low"], row["high"], sign="+")
            said.append(
                f"On the {row['n']:.0f} test genomes that both have, the accuracy of {one} less that of {other} is "
                f"{interval} ({row['text']}; McNemar's p = {row['p']:.2g}, {row['p_holm']:.2g} after Holm)."
            )
        else:
            why = next(iter(of.loc[of["value"].isna(), "text"]), "they have no metrics of it in common")
            said.append(f"No paired test of {one} and {other} on the test split: {why}.")
    return said


def _matched(rows: pd.DataFrame) -> pd.DataFrame:
    """Findings with the columns CLAIM, by which those of several runs are matched.

    `measure` is the statistic without the numbers of layers and heads, in which networks differ; `number` tells apart
    what is held against one claim twice.
    """
    rows = rows.assign(measure=rows["statistic"].str.replace(LAYERS, "", regex=True))
    return rows.assign(number=rows.groupby(["run", "model", *CLAIM[:-1]], sort=False).cumcount())


def _verdicts(rows: pd.DataFrame) -> str:
    """A sentence on how many claims have one verdict in all runs that measured them."""
    verdicts = _matched(rows[rows["model"] == FINETUNED]).groupby(CLAIM)["text"]
    several = verdicts.nunique()[verdicts.size() > 1]
    return (
        f"Of {len(several)} statistics on claims of other work that several runs measured, the verdict is the same in "
        f"{(several == 1).sum()}; where it differs the claim is marked ≠."
    )


def _findings(rows: pd.DataFrame, runs: list[str]) -> str:
    lines = []
    for (analysis, claim, _, _), of in _matched(rows).groupby(CLAIM, sort=False):
        own, other = (of[of["model"] == model].set_index("run") for model in (FINETUNED, UNTRAINED))
        mark = "≠ " if own["text"].nunique() > 1 else ""
        measures = escape(" / ".join(dict.fromkeys(of["statistic"])))
        said = f'<td class="long">{mark}{escape(claim)}<small>{measures}</small></td>'
        cells = [_finding(own.loc[run], other.loc[run]) if run in own.index else html_cell("-") for run in runs]
        lines.append([html_cell(analysis), said, *cells])
    return html_table(["analysis", "claim", *runs], lines) if lines else "<p>Nothing.</p>"


def _finding(own: pd.Series, untrained: pd.Series) -> str:
    null = f"untrained: {untrained['text']} {_of(untrained)}" if untrained["text"] else ""
    return f"<td><b>{escape(own['text'])}</b> {escape(_of(own))}<small>{escape(null)}</small></td>"


def _curves(layers: pd.DataFrame, runs: list[str], statistics: list[Statistic], along: str) -> tuple[str, int]:
    """HTML of the drawings, by the group of their statistics, and how many there are."""
    ends = layers[along].min(), layers[along].max()
    of_address = dict(iter(layers.groupby(["analysis", "statistic", "labels"], sort=False)))
    groups: dict[str, list[str]] = {}
    for statistic in statistics:
        rows = of_address.get(address(statistic))
        if rows is not None:
            panel = curve_panel(statistic, rows, runs, UNTRAINED, along, ends)
            groups.setdefault(statistic.group, []).append(panel)
    parts = [
        f'<h3>{escape(group)}</h3>\n<div class="panels">\n{"".join(panels)}\n</div>' for group, panels in groups.items()
    ]
    return "\n".join(parts), sum(map(len, groups.values()))
