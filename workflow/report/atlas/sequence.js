// (d) One test sequence: its mutations, where attention goes, which k-mers decide, what each mutation carries.
// Mutations that are named on the figure at most, how far apart in pixels, and what share of the largest they carry.
const NAMED = 8;
const APART = 60;
const NOTABLE = 0.05;

function sequenceView(root) {
  if (!atlas.examples) {
    root.append(
      note(
        "No single sequence: atlas.sequences_per_class is 0 in the configuration of this run. With 2, two of each class are here.",
      ),
    );
    return () => {};
  }
  const all = atlas.examples.sequences;
  const classes = [...new Set(all.map((one) => one.class))];
  const find = searchField("Search names and classes", "find", (text) => change({ find: text }));
  const matching = () => {
    const [text, wanted] = [asked("find").toLowerCase(), classesAsked(classes)];
    return all.filter(
      (one) =>
        (!wanted.length || wanted.includes(one.class)) &&
        (text === "" || [one.accession, one.class, one.predicted].some((name) => name.toLowerCase().includes(text))),
    );
  };
  const chosen = () => {
    const found = matching();
    return found.find(({ accession }) => accession === asked("sequence")) ?? found[0];
  };
  const ofClass = menu(
    "Class",
    "class",
    () => [["", "any"], ...classes.map((name) => [name, cut(name, 60)])],
    () => (classesAsked(classes).length === 1 ? classesAsked(classes)[0] : ""),
  );
  const sequences = menu(
    "Sequence",
    "sequence",
    () => matching().map((one) => [one.accession, sequenceTitle(one)]),
    () => chosen()?.accession ?? "",
  );
  const along = alongMenus(Object.keys(METHODS).filter((name) => name in all[0].attributions));
  const bar = controls(find, ofClass, sequences, ...along.menus);
  let at = 0;
  const readout = element("p", { class: "readout" });
  const walk = (event) => {
    const step = ARROWS[event.key]?.[1];
    if (!step) return;
    at = within(at + step, 1, chosen().kmers);
    readout.textContent = told(chosen(), along.chosen(), at);
    say(readout.textContent);
    const { shapes } = event.currentTarget.layout;
    const x = centreOf(chosen(), at);
    const line = { color: CHOSEN, width: 2 };
    Plotly.relayout(event.currentTarget, {
      shapes: [...shapes.filter(({ name }) => name !== "here"), { type: "line", name: "here", x0: x, x1: x, yref: "paper", y0: 0, y1: 0.93, line }],
    });
    event.preventDefault();
  };
  const answer = element("p");
  const choose = ({ points: [{ data, pointNumber }] }) => {
    if (data.step) change({ token: pointNumber * data.step + 1 });
  };
  const track = figure("", 900, { plotly_click: choose }, walk);
  const below = element("div");
  root.append(
    element(
      "p",
      {},
      "One test sequence from its first residue to its last: its mutations, the share of attention that each k-mer receives from the k-mers and from [CLS], how much each k-mer speaks for the class that is called, and what the logarithm of that class's probability loses when a mutation is put back to the reference: 0.69 where the probability is halved. It says what this model reads, not what the virus does.",
    ),
    bar.root,
    answer,
    track.root,
    readout,
    below,
  );

  return () => {
    bar.sync();
    const one = chosen();
    answer.hidden = track.root.hidden = readout.hidden = !one;
    if (!one) {
      below.replaceChildren(note(`No sequence like this is here. ${sequencesHere()}`));
      return;
    }
    at = Math.min(tokenAsked(), one.kmers);
    answer.textContent = answerText(one);
    readout.textContent = at
      ? told(one, along.chosen(), at)
      : "A click chooses a k-mer; the arrow keys go along them, one after the other.";
    drawSequence(track, one, along.chosen());
    below.replaceChildren(
      saver(fileOf("kmers", one), () => kmerTable(one, along.chosen())),
      ...sequenceNotes(one),
      mutationTable(one),
      answerTable(one),
    );
  };
}

const sequenceTitle = (one) =>
  [
    `${cut(one.accession, 60)} (${cut(one.class)}`,
    ...(one.class === one.predicted ? [] : [`called ${cut(one.predicted)}`]),
    ...(one.abstain ? ["abstained from"] : []),
  ].join(", ") + ")";

const fileOf = (what, one) => `sequence_${cut(one.accession, 60)}_${what}`;

const sequencesHere = () =>
  `The page has ${atlas.examples.sequences.length} of ${atlas.predictions.n} test sequences, up to ${atlas.examples.per_class} of each class: atlas.sequences_per_class in the configuration.`;

function sequenceNotes(one) {
  const { bin } = atlas.examples;
  const texts = [
    `${sequencesHere()} ${rounding()}${bin > 1 ? ` Each is the mean over ${bin} k-mers.` : ""}`,
    one.places &&
      "The model reads this sequence with its insertions and without what is deleted. Its k-mers stand where their bases are aligned with the reference. After an insertion or a deletion all its k-mers may differ from those of the reference, so that attribution from the reference and what that mutation carries hold this shift too.",
    !Object.keys(atlas.track.mutations).length &&
      "No table names mutations that define these classes: analyses.attributions.definitions gives one.",
  ];
  return texts.filter(Boolean).map(note);
}

// Places

const residuesAt = (one, token) => (one.places ? one.places.map((ends) => ends[token - 1]) : residuesOf(token));

const centreOf = (one, token) =>
  one.places ? (one.places[0][token - 1] + one.places[1][token - 1]) / 2 : middle(token);

/** Centres of the bins of k-mers that attention is the mean of. */
const binCentres = (one) => {
  const { bin } = atlas.examples;
  return upTo(Math.ceil(one.kmers / bin)).map((i) => {
    const ends = [(i - 1) * bin + 1, Math.min(i * bin, one.kmers)];
    return (centreOf(one, ends[0]) + centreOf(one, ends[1])) / 2;
  });
};

// Numbers

const ATTENTION = { received: "attention received from k-mers", from_cls: "attention received from [CLS]" };

const attentionOf = (one, kind, { layer, head }) => meanProfile(`${kind} ${one.accession}`, one[kind], layer, head);

const attributionOf = (one, method) => once(`${method} ${one.accession}`, () => floats(one.attributions[method]));

/** What the k-mer is, in words. */
function told(one, chosen, token) {
  const place = Math.floor((token - 1) / atlas.examples.bin);
  const span = residuesAt(one, token);
  const changed = one.mutations.filter(([, residue]) => span[0] <= residue && residue <= span[1]);
  return [
    `k-mer ${token}, ${spanText(span)}`,
    ...Object.entries(ATTENTION).map(([kind, words]) => `${words} ${short(attentionOf(one, kind, chosen)?.[place])}`),
    `attribution ${short(attributionOf(one, chosen.method)[token - 1])}`,
    ...changed.map(([name, , , carried]) => `${name} carries ${short(carried)}`),
  ].join("; ");
}

function kmerTable(one, chosen) {
  const attention = Object.keys(ATTENTION).map((kind) => attentionOf(one, kind, chosen));
  const methods = Object.keys(one.attributions);
  return [
    [
      "token",
      "residues",
      ...Object.values(ATTENTION).map((words) => `${words}, ${chosen.where}`),
      ...methods.map((name) => `${METHODS[name][0]}, ${one.predicted}`),
    ],
    ...upTo(one.kmers).map((token) => [
      token,
      residuesAt(one, token).join("-"),
      ...attention.map((list) => list?.[Math.floor((token - 1) / atlas.examples.bin)]),
      ...methods.map((name) => attributionOf(one, name)[token - 1]),
    ]),
  ];
}

function answerText(one) {
  const [nearest, nearestClass, differences, compared] = one.nearest;
  const [chance, next] = one.chances.map(short);
  return [
    `${one.accession}, of class ${one.class}, is called ${one.predicted} (probability ${chance}; next ${one.runner}, ${next})${one.abstain ? ", and the model abstains" : ""}.`,
    `${one.unknown} of its ${one.kmers} k-mers are unknown.`,
    `Nearest training sequence: ${nearest} (${nearestClass}), ${differences} of ${compared} bases differ.`,
  ].join(" ");
}

function answerTable(one) {
  const [nearest, nearestClass, differences, compared] = one.nearest;
  const columns = ["of the sequence", "value"];
  const rows = [
    ["name", one.accession],
    ["class", one.class],
    ["called", one.predicted],
    ["probability", one.chances[0]],
    ["next class", one.runner],
    ["its probability", one.chances[1]],
    ["abstained from", one.abstain ? "yes" : "no"],
    ["score less the threshold", Number(one.margin.toPrecision(6))],
    ["k-mers", one.kmers],
    ["unknown k-mers", one.unknown],
    ["share of unknown k-mers", Number((one.unknown / one.kmers).toPrecision(3))],
    ["nearest training sequence", nearest],
    ["its class", nearestClass],
    ["bases that differ", differences],
    ["bases that both know", compared],
    ["why it is here", one.reason],
  ].map(([what, value]) => [what, String(value)]);
  return element(
    "div",
    {},
    element("h3", {}, "What the model says of it"),
    table("The answer for this sequence; from predictions/test.parquet and examples/sequences.parquet", columns, rows),
    saver(fileOf("answer", one), () => [columns, ...rows]),
  );
}

function mutationTable(one) {
  const columns = [
    "mutation",
    "residue",
    "domain",
    "defines",
    `log-probability of ${one.predicted} lost without it`,
    `probability of ${one.predicted} without it`,
  ];
  const rows = [...one.mutations]
    .sort(([, , , a], [, , , b]) => b - a)
    .map(([name, residue, defines, carried]) => [
      name,
      residue,
      domainsOf(residue),
      defines.map(classTitle).join(", "),
      carried,
      Number(Math.min(1, one.chances[0] * Math.exp(-carried)).toPrecision(6)),
    ]);
  if (!rows.length) return note("This sequence has no mutation that can be put back.");
  return element(
    "div",
    {},
    element("h3", {}, "Its mutations"),
    table(
      `Mutations of this sequence, those that carry the answer first, each put back alone; from examples/mutations.parquet`,
      columns,
      rows,
    ),
    saver(fileOf("mutations", one), () => [columns, ...rows]),
  );
}

// The figure

const faint = () => (dark() ? "#aaaaaa" : "#666666");

/** Rows of mutations: those that define the sequence's class, that which is called, another one, or none. */
function mutationRows(one) {
  const own = [one.class, one.predicted].filter(unlike).map((name) => ({
    name: `defines ${cut(name, 18)}`,
    holds: (defines) => defines.includes(name),
    marker: { color: classColour(name), symbol: markerName(name), size: 9 },
  }));
  return [
    ...own,
    { name: "another class", holds: (defines) => defines.length > 0, marker: { color: faint(), symbol: "diamond-open", size: 8 } },
    { name: "none", holds: () => true, marker: { color: faint(), symbol: "circle-open", size: 7 } },
  ];
}

function drawSequence(target, one, chosen) {
  const rows = mutationRows(one);
  const placed = one.mutations.map((mutation) => ({ mutation, row: rows.findIndex(({ holds }) => holds(mutation[2])) }));
  const last = Math.max(atlas.domains.at(-1).end, residuesAt(one, one.kmers)[1]);
  const panels = [
    ...markPanels(rows.map(({ name }) => name)),
    { axis: "y3", share: 3, words: "from k-mers (share)", options: { rangemode: "tozero" } },
    { axis: "y4", share: 3, words: "from [CLS] (share)", options: { rangemode: "tozero" } },
    { axis: "y5", share: 3, words: `attribution (${METHODS[chosen.method][1]})`, options: {} },
    { axis: "y6", share: 3, words: "carried (nats)", options: { exponentformat: "e" } },
  ];
  const traces = [
    ...rows.map((row, i) => marks(placed.filter((each) => each.row === i), "y2", row, () => i)),
    ...["received", "from_cls"].map((kind, i) =>
      kmerLine(one, binCentres(one), attentionOf(one, kind, chosen) ?? [], ["y3", "y4"][i], ATTENTION[kind]),
    ),
    uniformLine(last, one.kmers, "y3"),
    uniformLine(last, one.kmers, "y4"),
    kmerLine(
      one,
      upTo(one.kmers).map((token) => centreOf(one, token)),
      Array.from(attributionOf(one, chosen.method)),
      "y5",
      `${METHODS[chosen.method][0]}, for ${one.predicted}`,
    ),
    stems(one),
    ...rows.map((row, i) => marks(placed.filter((each) => each.row === i), "y6", row, ({ mutation }) => mutation[3])),
    carriedNames(one, residuesShown(chosen.zoom, last), target.area.clientWidth),
  ];
  const most = [...one.mutations].sort(([, , , a], [, , , b]) => b - a)[0];
  drawAlong(
    target,
    panels,
    traces,
    chosen.zoom,
    last,
    `${one.mutations.length} mutations${most ? `, of which ${most[0]} carries most of the answer ${one.predicted}, ${short(most[3])}` : ""}. The numbers are in the tables below.`,
    `${sequenceTitle(one)}: ${chosen.where}`,
    (token) => centreOf(one, token),
  );
}

function marks(placed, axis, { name, marker }, height) {
  return {
    type: "scatter",
    mode: "markers",
    name: plain(name),
    showlegend: false,
    x: placed.map(({ mutation }) => mutation[1]),
    y: placed.map(height),
    yaxis: axis,
    marker,
    text: placed.map(({ mutation: [text, residue, defines, carried] }) =>
      plainly(
        `${text} (${domainsOf(residue)}): carries ${short(carried)} nats; defines ${defines.map(classTitle).join(", ") || "no class"}`,
      ),
    ),
    hovertemplate: "%{text}<extra></extra>",
  };
}

function kmerLine(one, x, y, axis, words) {
  const { bin } = atlas.examples;
  const size = y.length === one.kmers ? 1 : bin;
  return {
    type: "scatter",
    mode: "lines",
    showlegend: false,
    x,
    y,
    // K-mers from one point to the next.
    step: size,
    yaxis: axis,
    line: { color: classColour(one.predicted), width: 1.5 },
    text: y.map((value, i) => plainly(`${spanText(residuesAt(one, i * size + 1))}: ${words} ${short(value)}`)),
    hovertemplate: "%{text}<extra></extra>",
  };
}

const stems = (one) => ({
  type: "scatter",
  mode: "lines",
  showlegend: false,
  x: one.mutations.flatMap(([, residue]) => [residue, residue, null]),
  y: one.mutations.flatMap(([, , , carried]) => [0, carried, null]),
  yaxis: "y6",
  line: { color: faint(), width: 1.5 },
  hoverinfo: "skip",
});

/** Names of the mutations that carry most, for or against, of those that are shown, as far as there is room. */
function carriedNames(one, [first, last], width) {
  const shown = [];
  const inside = one.mutations.filter(([, residue]) => first <= residue && residue <= last);
  const largest = inside.sort(([, , , a], [, , , b]) => Math.abs(b) - Math.abs(a));
  for (const mutation of largest) {
    const free = shown.every((other) => Math.abs(other[1] - mutation[1]) > (APART * (last - first)) / width);
    const notable = Math.abs(mutation[3]) >= NOTABLE * Math.abs(largest[0][3]);
    if (free && notable && shown.length < NAMED) shown.push(mutation);
  }
  return {
    type: "scatter",
    mode: "markers+text",
    marker: { size: 9, color: "rgba(0,0,0,0)" },
    showlegend: false,
    x: shown.map(([, residue]) => residue),
    y: shown.map(([, , , carried]) => carried),
    yaxis: "y6",
    text: shown.map(([name]) => plain(name, 16)),
    textposition: shown.map(([, , , carried]) => (carried < 0 ? "bottom center" : "top center")),
    textfont: { size: 11 },
    cliponaxis: false,
    hoverinfo: "skip",
  };
}
