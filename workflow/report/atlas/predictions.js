// (f) The confusion matrix, and the test sequences, errors first.
const SHOWN = 200;

function predictionsView(root) {
  const models = Object.keys(atlas.confusion);
  const model = menu(
    "Model",
    "model",
    () => models.map((name) => [name, modelTitle(name)]),
    () => oneOf("model", models),
  );
  const bar = controls(model);
  const matrix = figure(`Confusion matrix of the test split (n = ${atlas.predictions.n})`, 480, {
    plotly_click: ({ points }) => {
      const { true: of, predicted } = atlas.confusion[oneOf("model", models)];
      change({ class: of[points[0].y], called: predicted[points[0].x] });
    },
  });
  const { columns, probabilities, n, errors } = atlas.predictions;
  const find = searchField("Search names and classes", "find", () => list());
  const ofSequences = [...new Set(columns.class)].sort((a, b) => classPlace(a) - classPlace(b));
  const classes = classBoxes(
    () => ofSequences,
    () => ofSequences,
  );
  const called = menu(
    "Predicted",
    "called",
    () => [["", "any"], ...[...new Set(columns.predicted)].map((name) => [name, name])],
    () => asked("called"),
  );
  const search = controls(find, called, classes);
  const rows = element("div");
  const names = ["accession", "class", "predicted"];
  const heads = [
    ...names,
    ...(columns.abstain ? ["abstains"] : []),
    "unknown k-mers",
    ...atlas.classes.map(({ name }) => `p ${name}`),
  ];
  const rowOf = (i, shown = (value) => value) => [
    ...names.map((name) => columns[name][i]),
    ...(columns.abstain ? [columns.abstain[i] ? "yes" : "no"] : []),
    columns.unknown[i],
    ...probabilities.map((one) => shown(one[i])),
  ];
  const rounded = (value) => Number(value.toFixed(4));
  const single = new Set(atlas.examples?.sequences.map(({ accession }) => accession));
  const linked = ([name, ...rest]) => [
    element("a", { href: addressWith({ view: single.has(name) ? "sequence" : "space", sequence: name, find: "" }) }, name),
    ...rest,
  ];
  const matching = () => {
    const text = find.field.value.toLowerCase();
    const [wanted, calledAs] = [new Set(classes.chosen()), asked("called")];
    return columns.accession
      .map((_, i) => i)
      .filter(
        (i) =>
          wanted.has(columns.class[i]) &&
          (calledAs === "" || columns.predicted[i] === calledAs) &&
          (text === "" || names.some((name) => columns[name][i].toLowerCase().includes(text))),
      );
  };
  const list = () => {
    const found = matching();
    const given =
      columns.accession.length < n
        ? ` The page has ${columns.accession.length} of ${n}: all errors it has room for, then the least certain.`
        : "";
    rows.replaceChildren(
      table(
        `${found.length} sequences, errors first${found.length > SHOWN ? `; the first ${SHOWN} are shown, search for others` : ""}.${given} From predictions/test.parquet.`,
        heads,
        found.slice(0, SHOWN).map((i) => linked(rowOf(i, rounded))),
        (row) => {
          const i = found[row];
          const wrong = columns.class[i] === columns.predicted[i] ? "" : "wrong";
          return `${wrong} ${columns.accession[i] === asked("sequence") ? "here" : ""}`.trim() || null;
        },
      ),
      saver("test_sequences", () => [heads, ...matching().map((i) => rowOf(i))]),
    );
  };
  root.append(
    element(
      "p",
      {},
      `Of ${n} test sequences, the fine-tuned model calls ${errors} wrongly. A click on a cell of the matrix lists its sequences below.`,
    ),
    bar.root,
    element("div", { class: "figures" }, matrix.root),
    element("h3", {}, "Test sequences of the fine-tuned model"),
    search.root,
    rows,
  );
  let drawn = "";
  return () => {
    bar.sync();
    search.sync();
    const asDrawn = `${oneOf("model", models)} ${dark()}`;
    if (drawn !== asDrawn) drawConfusion(matrix, atlas.confusion[oneOf("model", models)]);
    drawn = asDrawn;
    list();
  };
}

function drawConfusion(target, { true: rows, predicted, counts }) {
  const shares = counts.map((row) => row.map((count) => count / (row.reduce((sum, one) => sum + one, 0) || 1)));
  const trace = {
    type: "heatmap",
    x: predicted.map((_, i) => i),
    y: rows.map((_, i) => i),
    z: shares,
    zmin: 0,
    zmax: 1,
    text: counts.map((row) => row.map(String)),
    texttemplate: "%{text}",
    colorscale: SEQUENTIAL,
    colorbar: { title: { text: "share of the class", side: "right" } },
    hovertext: counts.map((row, i) =>
      row.map((count, j) => `${plain(rows[i])} called ${plain(predicted[j])}: ${count}`),
    ),
    hoverinfo: "text",
    xgap: 1,
    ygap: 1,
  };
  const ticks = (names) => ({
    tickvals: names.map((_, i) => i),
    ticktext: names.map((name) => plain(name)),
    showgrid: false,
    zeroline: false,
    automargin: true,
  });
  const label = rows
    .map(
      (name, i) =>
        `${name}: ${predicted
          .map((other, j) => (counts[i][j] ? `${other} ${counts[i][j]}` : ""))
          .filter(Boolean)
          .join(", ")}`,
    )
    .join("; ");
  target.draw(
    [trace],
    {
      xaxis: { ...ticks(predicted), title: { text: "predicted class" } },
      yaxis: { ...ticks(rows), title: { text: "class", standoff: 15 }, autorange: "reversed" },
    },
    label,
  );
}
