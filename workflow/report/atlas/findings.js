// What other work found, and what this network says to it.
const VERDICTS = {
  supported: ["#117733", "#88ccaa"],
  contradicted: ["#882255", "#cc99bb"],
  unspecific: ["#997700", "#ddcc77"],
  undecided: ["#44749d", "#8fb8d8"],
  "not applicable": ["#8c8c8c", "#8c8c8c"],
};

function findingsView(root) {
  const found = atlas.findings;
  const entries = (key) => ["", ...new Set(found.map((one) => one[key]))];
  const wanted = (key) => oneOf(key, entries(key));
  const choice = (label, key) =>
    menu(
      label,
      key,
      () => entries(key).map((name) => [name, name || "any"]),
      () => wanted(key),
    );
  const bar = controls(choice("Verdict", "verdict"), choice("Analysis", "analysis"));
  const counts = figure(`Verdicts on ${found.length} claims, by analysis`, 120);
  const rows = element("div");
  root.append(
    element(
      "p",
      {},
      "Claims of other work on networks like this one, each measured here. Supported and contradicted are decided by the interval; unspecific is what an untrained network shows too; seeds is in how many trainings a claim is supported.",
    ),
    ...(found.length ? [counts.root, bar.root, rows] : [note("No analysis with findings was active in this run.")]),
    ...inactive(),
  );
  if (!found.length) return () => {};
  return () => {
    bar.sync();
    const shown = found.filter((one) => ["verdict", "analysis"].every((key) => ["", one[key]].includes(wanted(key))));
    drawVerdicts(counts, found);
    const columns = ["claim", "verdict", "value", "low", "high", "n", "untrained", "seeds", "analysis", "source"];
    const cells = shown.map((one) => columns.map((key) => one[key] ?? ""));
    const linked = cells.map((row) => row.map((cell, i) => (columns[i] === "analysis" ? figureLink(cell) : cell)));
    rows.replaceChildren(
      table(
        `${shown.length} of ${found.length} claims; from findings.tsv. The name of an analysis leads to its figure in the folder of the run.`,
        columns,
        linked,
      ),
      saver("findings", () => [columns, ...cells]),
    );
  };
}

const figureLink = (analysis) => element("a", { href: `geometry/${encodeURIComponent(analysis)}.svg` }, analysis);

function drawVerdicts(target, found) {
  const analyses = [...new Set(found.map((one) => one.analysis))].reverse();
  const names = Object.keys(VERDICTS).filter((name) => found.some((one) => one.verdict === name));
  const count = (analysis, name) => found.filter((one) => one.analysis === analysis && one.verdict === name).length;
  const traces = names.map((name) => ({
    type: "bar",
    orientation: "h",
    name: plain(name),
    y: analyses.map((one) => plain(one)),
    x: analyses.map((one) => count(one, name)),
    marker: { color: VERDICTS[name][dark() ? 1 : 0] },
    hovertemplate: "%{y}: %{x} " + plain(name) + "<extra></extra>",
  }));
  const total = names.map((name) => `${found.filter((one) => one.verdict === name).length} ${name}`).join(", ");
  target.draw(
    traces,
    {
      barmode: "stack",
      height: 130 + 26 * analyses.length,
      xaxis: { title: { text: "claims" }, dtick: 1 },
      yaxis: { automargin: true, showgrid: false },
      ...legendAbove(target, traces),
    },
    total,
  );
}
