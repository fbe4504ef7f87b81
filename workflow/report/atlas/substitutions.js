// What each substitution of a residue does to the classes, and what the masked model says of it.
const LARGEST = "largest";
// The scale of colours is linear up to this change, in nats, and logarithmic beyond.
const LINEAR = 0.1;
const LISTED = 30;
// Pixels of the name of a column.
const ROOM = 50;

function substitutionsView(root) {
  const found = atlas.substitutions;
  if (!found) {
    root.append(missing("What substitutions do", "in_silico_mutagenesis"));
    return () => {};
  }
  if (!found.sequences.length) {
    root.append(note("No residue could be substituted: geometry/in_silico_mutagenesis/residues.tsv says why."));
    return () => {};
  }
  const sequence = menu(
    "Sequence",
    "in",
    () => found.sequences.map((one) => [one.name, substitutedTitle(one)]),
    () => asChosen().one.name,
  );
  const score = menu(
    "Score",
    "score",
    () => [LARGEST, ...found.scores].map((name) => [name, scoreTitle(name)]),
    () => asChosen().score,
  );
  const known = tick("only k-mers that the network knows", "known");
  const bar = controls(sequence, score, zoomMenu(), known);
  const choose = ({ points: [{ x, y }] }) => change(substitutionAt(asChosen(), x, y));
  const walk = (event) => {
    if (!(event.key in ARROWS)) return;
    const all = asChosen();
    const [down, right] = ARROWS[event.key];
    const [x, y] = all.place ?? [0, 0];
    change(substitutionAt(all, within(x + right, 0, all.columns.length - 1), within(y + down, 0, found.amino_acids.length - 1)));
    say(substitutionText(asChosen()));
    event.preventDefault();
  };
  const map = figure("", 520, { plotly_click: choose }, walk);
  const readout = element("p", { class: "readout" });
  const [chosen, below] = [element("div"), element("div")];
  root.append(
    element(
      "p",
      {},
      "Each column is a residue of a sequence, each row an amino acid that is put in its place. The classifier's scores are changes of the logarithm of the probability of a class; the masked model's is the logarithm of the probability of the new k-mers less that of the old ones, in nats: 0.69 is twice as probable. Dots are the sequence's own residues, squares the substitutions that define a class. It says what this model reads, not what the virus does.",
    ),
    bar.root,
    map.root,
    readout,
    chosen,
    below,
  );

  let drawn = "";
  return () => {
    bar.sync();
    const all = asChosen();
    map.root.hidden = !all.columns.length;
    if (!all.columns.length) {
      [drawn, readout.textContent] = ["", ""];
      chosen.replaceChildren();
      below.replaceChildren(note(`No residue of ${zoomAsked()} was substituted in this sequence.`));
      return;
    }
    // There are up to tens of thousands of substitutions: to choose one draws and ranks none anew.
    const asDrawn = [all.one.name, all.score, all.known, asked("zoom"), dark(), printing].join(" ");
    if (drawn === asDrawn) Plotly.relayout(map.area, { shapes: mapShapes(all) });
    else {
      drawSubstitutions(map, all);
      below.replaceChildren(...rankedSubstitutions(all), ...substitutionNotes(all));
    }
    drawn = asDrawn;
    readout.textContent =
      substitutionText(all) || "A click chooses a substitution; the arrow keys go along the residues and the amino acids.";
    chosen.replaceChildren(...chosenTable(all));
  };
}

const substitutedTitle = ({ name, accession }) => (accession ? `${cut(name)}, ${cut(accession, 40)}` : name);

function scoreTitle(name) {
  if (name === LARGEST) return "largest rise of a class";
  return name === atlas.substitutions.scores[0] ? "masked model: the new k-mers" : `probability of ${cut(name)}`;
}

/** The sequence and the score of the address, the columns of the residues that are shown, and column and row of the
 * chosen cell, null where it is not on the map. */
function asChosen() {
  const found = atlas.substitutions;
  const one = found.sequences.find(({ name }) => name === oneOf("in", found.sequences.map(({ name }) => name)));
  const [first, last] = residuesShown(zoomAsked(), Infinity);
  const columns = one.residues.map((_, i) => i).filter((i) => first < one.residues[i] && one.residues[i] < last);
  const x = columns.findIndex((i) => String(one.residues[i]) === asked("residue"));
  const y = found.amino_acids.indexOf(asked("to", " "));
  const place = x < 0 || y < 0 ? null : [x, y];
  return { one, score: oneOf("score", [LARGEST, ...found.scores]), known: asked("known") === "1", columns, place };
}

// Numbers

const valuesOf = (one) => once(`substitutions ${one.name}`, () => new Int16Array(bytes(one.values).buffer));
const unknownOf = (one) => once(`unknown ${one.name}`, () => bytes(one.unknown));
const cellsOf = (one) => one.residues.length * atlas.substitutions.amino_acids.length;
/** The cell of a residue, by its place among those of the sequence, and of an amino acid. */
const cellAt = (residue, acid) => residue * atlas.substitutions.amino_acids.length + acid;

/** A score of a substitution, in nats; null where it has none. */
function scoreOf(one, score, cell) {
  const { scores, scale, missing: none } = atlas.substitutions;
  const values = valuesOf(one);
  if (score === LARGEST) {
    const rises = scores.slice(1).map((_, i) => values[(i + 1) * cellsOf(one) + cell]);
    const largest = Math.max(...rises);
    return largest === none ? null : largest / scale;
  }
  const value = values[scores.indexOf(score) * cellsOf(one) + cell];
  return value === none ? null : value / scale;
}

/** The score that is shown, if what it reads is to be shown. */
const shownScore = ({ one, score, known }, cell) =>
  known && unknownOf(one)[cell] > 0 ? null : scoreOf(one, score, cell);

const acidOf = (y) => atlas.substitutions.amino_acids[y];
const nameOf = (one, residue, acid) => `${one.own[residue]}${one.residues[residue]}${acidOf(acid)}`;

function definedBy(one, residue, acid) {
  const found = one.defines.find(([at, to]) => at === one.residues[residue] && to === acidOf(acid));
  return found ? found[2] : [];
}

// What is chosen

/** The address of a cell of the map, whose columns are those that are shown; its k-mer is chosen with it. */
function substitutionAt({ one, columns }, x, y) {
  const residue = one.residues[columns[x]];
  const token = Math.round((CODON * (residue - 0.5) - atlas.k / 2) / atlas.stride) + 1;
  return { residue, to: acidOf(y), token: within(token, 1, atlas.maps.kmers) };
}

function chosenCell({ place }) {
  if (!place) return [];
  const [x, y] = place;
  return [{ type: "rect", x0: x - 0.5, x1: x + 0.5, y0: y - 0.5, y1: y + 0.5, line: { color: CHOSEN, width: 2 } }];
}

/** The borders between the chemical groups of the amino acids, and the chosen cell. */
function mapShapes(all) {
  const { groups } = atlas.substitutions;
  const ends = groups.slice(0, -1).map((_, i) => groups.slice(0, i + 1).reduce((sum, size) => sum + size) - 0.5);
  const line = { color: "#000000", width: 1 };
  const borders = ends.map((y) => ({ type: "line", xref: "paper", x0: 0, x1: 1, y0: y, y1: y, line }));
  return [...borders, ...chosenCell(all)];
}

const substitutionText = (all) => (all.place ? cellWords(all, all.columns[all.place[0]], all.place[1]) : "");

function cellWords(all, residue, acid) {
  const { one, score } = all;
  const cell = cellAt(residue, acid);
  const unknown = unknownOf(one)[cell];
  const classes = definedBy(one, residue, acid);
  const name = nameOf(one, residue, acid);
  if (unknown === atlas.substitutions.not_made) return `${name}: not made`;
  if (one.own[residue] === acidOf(acid)) return `${name}: the sequence's own residue`;
  const value = scoreOf(one, score, cell);
  return [
    `${name} (${domainsOf(one.residues[residue])}): ${scoreTitle(score)} ${value === null ? "not known" : value}`,
    ...(unknown ? [`${unknown} k-mer${unknown > 1 ? "s" : ""} unknown to the network`] : []),
    ...(classes.length ? [`defines ${classes.map(classTitle).join(", ")}`] : []),
  ].join("; ");
}

// Tables

/** All scores of the chosen substitution, in each sequence that has its residue. */
function chosenTable({ one: shown, columns: residues, place }) {
  if (!place) return [];
  const { scores, sequences } = atlas.substitutions;
  const residue = shown.residues[residues[place[0]]];
  const columns = sequences
    .map((one) => ({ one, at: one.residues.indexOf(residue) }))
    .filter(({ at }) => at >= 0);
  const rows = scores.map((name) => [
    scoreTitle(name),
    ...columns.map(({ one, at }) =>
      one.own[at] === acidOf(place[1]) ? "its own" : scoreOf(one, name, cellAt(at, place[1])),
    ),
  ]);
  const heads = ["score", ...columns.map(({ one }) => cut(one.name))];
  const caption = `Residue ${residue} as ${acidOf(place[1])}, in each sequence: changes in nats`;
  return [element("h3", {}, nameOf(shown, residues[place[0]], place[1])), table(caption, heads, rows)];
}

/** The substitutions that are shown, each as a row, those with the largest changes first. */
function substitutionRows(all) {
  const { one, columns } = all;
  const acids = upTo(atlas.substitutions.amino_acids.length).map((i) => i - 1);
  return columns
    .flatMap((residue) => acids.map((acid) => ({ residue, acid, value: shownScore(all, cellAt(residue, acid)) })))
    .filter(({ residue, acid, value }) => value !== null && one.own[residue] !== acidOf(acid))
    .sort((a, b) => Math.abs(b.value) - Math.abs(a.value));
}

const substitutionRow = ({ one }, { residue, acid, value }) => [
  nameOf(one, residue, acid),
  domainsOf(one.residues[residue]),
  value,
  scoreOf(one, atlas.substitutions.scores[0], cellAt(residue, acid)),
  unknownOf(one)[cellAt(residue, acid)],
  definedBy(one, residue, acid).map(classTitle).join(", "),
];

function rankedSubstitutions(all) {
  const rows = substitutionRows(all);
  const linked = (row) => {
    const [name, ...rest] = substitutionRow(all, row);
    const to = substitutionAt(all, all.columns.indexOf(row.residue), row.acid);
    return [element("a", { href: addressWith(to) }, name), ...rest];
  };
  const heads = ["substitution", "domain", scoreTitle(all.score), "masked model", "unknown k-mers", "defines"];
  return [
    element("h3", {}, "The largest changes"),
    table(
      `The first ${Math.min(LISTED, rows.length)} of ${rows.length} substitutions in ${substitutedTitle(all.one)}, in nats; from geometry/in_silico_mutagenesis/scores.parquet`,
      heads,
      rows.slice(0, LISTED).map(linked),
    ),
    saver(`substitutions_${cut(all.one.name, 60)}`, () => [heads, ...rows.map((row) => substitutionRow(all, row))]),
  ];
}

function substitutionNotes({ one }) {
  const { sequences, measured, scale } = atlas.substitutions;
  const texts = [
    `Values are rounded to ${1 / scale} nat. A substitution is made by the codon with the fewest changes of bases. One whose k-mers the network does not know is read as unknown, whatever the amino acid; the masked model has no score for it.`,
    sequences.length < measured && `${measured - sequences.length} of ${measured} sequences had no room in the page.`,
    one.left_out &&
      `${one.left_out} residues of this sequence are left out: geometry/in_silico_mutagenesis/residues.tsv says why.`,
  ];
  return texts.filter(Boolean).map(note);
}

// The figure

const scaled = (value) => Math.sign(value) * Math.log1p(Math.abs(value) / LINEAR);

function drawSubstitutions(target, all) {
  const { one, columns, score } = all;
  const { amino_acids: acids } = atlas.substitutions;
  const rows = [...acids].map((_, acid) => columns.map((residue) => shownScore(all, cellAt(residue, acid))));
  const own = columns.map((residue) => acids.indexOf(one.own[residue]));
  const largest = rows.flat().reduce((most, value) => Math.max(most, Math.abs(value ?? 0)), LINEAR);
  const ticks = [0.1, 0.3, 1, 3, 10, 30].filter((value) => value <= largest).flatMap((value) => [-value, value]);
  const defining = one.defines
    .map(([residue, to, classes]) => ({ x: columns.indexOf(one.residues.indexOf(residue)), y: acids.indexOf(to), classes }))
    .filter(({ x }) => x >= 0);
  // Residues have numbers of up to four digits.
  const every = Math.max(1, Math.ceil((ROOM * columns.length) / widthOf(target.area)));
  const traces = [
    {
      type: "heatmap",
      x: columns.map((_, i) => i),
      y: rows.map((_, i) => i),
      z: rows.map((row) => row.map((value) => (value === null ? null : scaled(value)))),
      zmin: -scaled(largest),
      zmax: scaled(largest),
      colorscale: DIVERGING,
      colorbar: {
        title: { text: "change (nats)", side: "right" },
        tickvals: [0, ...ticks].map(scaled),
        ticktext: [0, ...ticks].map(String),
      },
      hovertext: rows.map((_, acid) => columns.map((residue) => plainly(cellWords(all, residue, acid)))),
      hoverinfo: "text",
    },
    {
      type: "scatter",
      mode: "markers",
      x: columns.map((_, i) => i),
      y: own,
      marker: { color: "#000000", size: within(330 / columns.length, 2, 8) },
      showlegend: false,
      hoverinfo: "skip",
    },
    {
      type: "scatter",
      mode: "markers",
      x: defining.map(({ x }) => x),
      y: defining.map(({ y }) => y),
      marker: { color: "#000000", symbol: "square-open", size: within(700 / columns.length, 6, 14), line: { width: 2 } },
      showlegend: false,
      text: defining.map(({ x, y }) => plainly(cellWords(all, columns[x], y))),
      hovertemplate: "%{text}<extra></extra>",
    },
  ];
  target.draw(
    traces,
    {
      xaxis: {
        title: { text: "residue, of those that were substituted" },
        tickvals: columns.map((_, i) => i).filter((i) => i % every === 0),
        ticktext: columns.filter((_, i) => i % every === 0).map((i) => String(one.residues[i])),
        range: [-0.5, columns.length - 0.5],
        showgrid: false,
        zeroline: false,
      },
      yaxis: {
        title: { text: "amino acid" },
        tickvals: [...acids].map((_, i) => i),
        ticktext: [...acids],
        range: [acids.length - 0.5, -0.5],
        showgrid: false,
        zeroline: false,
      },
      plot_bgcolor: dark() ? "#555555" : "#d0d0d0",
      shapes: mapShapes(all),
      hovermode: "closest",
    },
    `${columns.length} residues of ${substitutedTitle(one)}; grey cells have no value. The numbers are in the tables below.`,
    `${scoreTitle(score)}, ${columns.length} residues of ${substitutedTitle(one)}`,
  );
}
