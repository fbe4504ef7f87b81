// (b) A head: where it looks in a class, what it is called, its spectrum, and its strongest pairs.
const headAsked = () => [counted("layer", atlas.layers), counted("head", atlas.heads)];

function headView(root) {
  const layers = menu(
    "Layer",
    "layer",
    () => upTo(atlas.layers).map((i) => [String(i), String(i)]),
    () => String(headAsked()[0]),
  );
  const heads = menu(
    "Head",
    "head",
    () => upTo(atlas.heads).map((i) => [String(i), String(i)]),
    () => String(headAsked()[1]),
  );
  const { menus, pair } = classMenus(() => Object.keys(atlas.maps.classes));
  const parts = () => [["", "whole protein"], ...atlas.domains.map(({ name }) => [name, name])];
  const zoomed = (key) =>
    oneOf(
      key,
      parts().map(([name]) => name),
    );
  const queries = menu("Queries in", "queries", parts, () => zoomed("queries"));
  const keys = menu("Keys in", "keys", parts, () => zoomed("keys"));
  const count = atlas.layers * atlas.heads;
  const step = (by) => () => {
    const cell = (cellOf(...headAsked()) + by + count) % count;
    change({ view: "head", layer: Math.floor(cell / atlas.heads) + 1, head: (cell % atlas.heads) + 1 });
  };
  const ways = [
    ["", "ratio (log2 fold change)"],
    ["minus", "difference"],
  ];
  const way = menu(
    "Between classes",
    "between",
    () => ways,
    () => oneOf("between", ["", "minus"]),
  );
  const bar = controls(
    button("Head before", step(-1)),
    layers,
    heads,
    button("Next head", step(1)),
    ...menus,
    way,
    queries,
    keys,
  );
  const readout = element("p", { class: "readout" });
  let zooming = false;
  const follow = (changes) => {
    const ranges = Object.fromEntries(
      Object.entries(changes).filter(([key]) => /^[xy]axis\.(range|autorange)/.test(key)),
    );
    if (zooming || !Object.keys(ranges).length) return;
    zooming = true;
    const others = maps
      .filter((one) => !one.root.hidden && one.area.layout)
      .map((one) => Plotly.relayout(one.area, ranges));
    Promise.all(others).finally(() => (zooming = false));
  };
  // In the label at the pointer there is no room for plotly.js to say what domain a residue is in.
  const tip = element("div", { class: "tip", hidden: true });
  const tell = ({ points, event }) => {
    tip.textContent = points[0].data.told(points[0].pointIndex ?? points[0].pointNumber);
    tip.style.left = `${Math.min(event.clientX + 14, innerWidth - 330)}px`;
    tip.style.top = `${event.clientY + 14}px`;
    tip.hidden = false;
  };
  const choose = ({ points: [{ pointIndex, pointNumber }] }) =>
    change({ token: (pointIndex ?? pointNumber)[1] * atlas.maps.bin + 1 });
  const events = {
    plotly_relayout: follow,
    plotly_hover: tell,
    plotly_unhover: () => (tip.hidden = true),
    plotly_click: choose,
  };
  let at = [0, 0];
  const walk = (event) => {
    if (!(event.key in ARROWS)) return;
    at = at.map((place, i) => within(place + ARROWS[event.key][i], 0, atlas.maps.side - 1));
    readout.textContent = event.currentTarget.data[0].told(at);
    say(readout.textContent);
    const shapes = event.currentTarget.layout.shapes.filter((one) => one.type !== "rect");
    Plotly.relayout(event.currentTarget, { shapes: [...shapes, cellFrame(at)] });
    event.preventDefault();
  };
  const maps = [0, 1, 2].map(() => figure("", 470, events, walk));
  const gates = figure("Scores of the attention gates", 360);
  const spectrum = figure("Singular values of the query-key form", 360);
  const below = element("div");
  root.append(
    element(
      "p",
      {},
      "Mean attention of the queries (down) to the keys (across) over the test sequences of a class, by residue. Dotted lines are the borders of domains. A click chooses the k-mer of a key, here and along the protein.",
    ),
    bar.root,
    element(
      "div",
      { class: "figures" },
      maps.map((one) => one.root),
    ),
    readout,
    tip,
    element("div", { class: "figures" }, gates.root, spectrum.root),
    below,
  );

  return () => {
    bar.sync();
    const [layer, head] = headAsked();
    const [a, b] = pair();
    const cell = cellOf(layer, head);
    const where = `layer ${layer}, head ${head}`;
    const chosen = [a, b].filter((name) => name !== "");
    const logs = chosen.map((name) => logMap(name, cell));
    const range = [Math.min(...logs.map((one) => one.low)), Math.max(...logs.map((one) => one.high))];
    const window = { xaxis: spanOf(zoomed("keys")), yaxis: spanOf(zoomed("queries")).reverse() };
    maps[1].root.hidden = maps[2].root.hidden = way.root.hidden = b === "";
    chosen.forEach((name, i) => drawMap(maps[i], logs[i], range, window, `${where}: ${classTitle(name)} (n\u00a0=\u00a0${atlas.maps.classes[name].n})`));
    if (b)
      drawBetween(
        maps[2],
        logs,
        oneOf("between", ["", "minus"]),
        window,
        `${where}: ${classTitle(a)} against ${classTitle(b)}`,
      );
    drawGates(gates, chosen, cell);
    drawSpectrum(spectrum, cell);
    readout.textContent = `A cell is the mean over ${atlas.maps.bin} x ${atlas.maps.bin} k-mers, rounded to ${(100 * atlas.maps.error).toPrecision(2)} %. Point at one to read it, or go there with the arrow keys.`;
    const pairs = atlas.pairs
      ? chosen.map((name) => pairTable(name, cell, where))
      : [missing("Strongest pairs", "attention_maps")];
    below.replaceChildren(...pairs, headTable(chosen, cell, where));
  };
}

function spanOf(name) {
  const domain = atlas.domains.find((one) => one.name === name);
  const last = residuesOf(atlas.maps.side * atlas.maps.bin)[1];
  return domain ? [domain.start - 0.5, domain.end + 0.5] : [0.5, last + 0.5];
}

/** A head's mean map of a class as steps, cell after cell, and the logarithm (base 10) that each step stands for. */
function stepsOf(name, cell) {
  const { side, steps: count } = atlas.maps;
  const of = atlas.maps.classes[name];
  const all = once(`map ${name}`, () => bytes(of.cells));
  const [low, high] = [Math.log10(of.low[cell]), Math.log10(of.high[cell])];
  const steps = Array.from({ length: count + 2 }, (_, step) => (step ? low + ((high - low) * (step - 1)) / count : null));
  return { low, high, steps, cells: all.subarray(cell * side * side, (cell + 1) * side * side) };
}

/** The logarithm (base 10) of a head's mean map of a class, in rows, and its least and largest. */
function logMap(name, cell) {
  const { side } = atlas.maps;
  const { low, high, steps, cells } = stepsOf(name, cell);
  const rows = Array.from({ length: side }, (_, row) =>
    Array.from(cells.subarray(row * side, (row + 1) * side), (step) => steps[step]),
  );
  return { rows, low, high };
}

const binMiddles = () => {
  const { bin, side } = atlas.maps;
  return upTo(side).map((i) => middle((i - 1) * bin + (bin + 1) / 2));
};

const binPlace = (i) => placeOf(i * atlas.maps.bin + 1, Math.min((i + 1) * atlas.maps.bin, atlas.maps.kmers));

/** The first cell of the span of residues, and the one after the last. */
function binsWithin(span) {
  const inside = binMiddles().map((place) => Math.min(...span) <= place && place <= Math.max(...span));
  return inside.includes(true) ? [inside.indexOf(true), inside.lastIndexOf(true) + 1] : [0, inside.length];
}

function domainLines(colour) {
  const line = { color: colour, width: 1, dash: "dot" };
  return atlas.domains.slice(1).flatMap(({ start }) => [
    { type: "line", x0: start - 0.5, x1: start - 0.5, yref: "paper", y0: 0, y1: 1, line },
    { type: "line", y0: start - 0.5, y1: start - 0.5, xref: "paper", x0: 0, x1: 1, line },
  ]);
}

function cellFrame([row, column]) {
  const [x, y] = [column, row].map((i) => middle(i * atlas.maps.bin + (atlas.maps.bin + 1) / 2));
  const half = (atlas.maps.bin * atlas.stride) / CODON / 2;
  return { type: "rect", x0: x - half, x1: x + half, y0: y - half, y1: y + half, line: { color: CHOSEN, width: 2 } };
}

function domainTicks() {
  const large = atlas.domains.filter(({ start, end }) => end - start >= 150);
  return {
    tickangle: 0,
    tickvals: large.map(({ start, end }) => (start + end) / 2),
    ticktext: large.map(({ name }) => plain(name)),
  };
}

function mapTrace(rows, told, options) {
  const middles = binMiddles();
  const trace = { type: "heatmap", x: middles, y: middles, z: rows, ...options };
  trace.hoverinfo = "none";
  trace.told = ([row, column]) => `query ${binPlace(row)}; key ${binPlace(column)}: ${told(rows[row][column])}`;
  return trace;
}

function mapLayout(window, lines) {
  const axis = (range, what) => {
    const whole = Math.abs(range[1] - range[0]) > 600;
    const ticks = whole
      ? { ...domainTicks(), title: { text: `${what} (domain)` } }
      : { title: { text: `${what} (residue)` } };
    return { ...ticks, range, showgrid: false, zeroline: false };
  };
  return {
    xaxis: axis(window.xaxis, "key"),
    yaxis: { ...axis(window.yaxis, "query"), tickangle: -90 },
    shapes: [...domainLines(lines), ...chosenLine(tokenAsked() ? middle(tokenAsked()) : null, CHOSEN)],
  };
}

// What is less is shown as this.
const FAINTEST = Math.log10(atlas.maps.smallest) + 1e-9;

function drawMap(target, map, range, window, name) {
  const ticks = [-6, -5, -4, -3, -2, -1, 0].filter((power) => range[0] <= power && power <= range[1]);
  const trace = mapTrace(
    map.rows,
    (log) =>
      log === null
        ? "no sequence has it"
        : `mean attention ${log <= FAINTEST ? "at most " : ""}${short(10 ** log)}`,
    {
      zmin: range[0],
      zmax: range[1],
      colorscale: SEQUENTIAL,
      colorbar: {
        title: { text: "mean attention", side: "right" },
        ...(ticks.length > 1
          ? { tickvals: ticks, ticktext: ticks.map((power) => short(10 ** power)) }
          : { tickvals: range, ticktext: range.map((log) => short(10 ** log)) }),
      },
    },
  );
  target.draw([trace], mapLayout(window, "#ffffff"), "The strongest pairs are in the table below.", name);
}

/** What is between two maps: how many times one is the other, as log2 fold change, or one minus the other. */
function drawBetween(target, [one, other], way, window, name) {
  const minus = way === "minus";
  const between = minus ? (a, b) => 10 ** a - 10 ** b : (a, b) => (a - b) / Math.log10(2);
  const rows = one.rows.map((row, i) =>
    row.map((log, j) => (log === null || other.rows[i][j] === null ? null : between(log, other.rows[i][j]))),
  );
  // Of what is zoomed to: else a stripe elsewhere would pale it.
  const [down, across] = [window.yaxis, window.xaxis].map(binsWithin);
  const seen = rows.slice(...down).flatMap((row) => row.slice(...across));
  const most = seen.reduce((far, value) => Math.max(far, Math.abs(value ?? 0)), 1e-9);
  const reach = minus ? most : Math.min(6, most);
  const unit = minus ? "of the attention" : "log2 fold change";
  const trace = mapTrace(rows, (value) => (value === null ? "not in both" : `${short(value)} ${unit}`), {
    zmin: -reach,
    zmax: reach,
    colorscale: DIVERGING,
    colorbar: { title: { text: minus ? "difference" : "log2 fold change", side: "right" } },
  });
  target.draw([trace], mapLayout(window, "#888888"), "Red: more attention in the first class.", name);
}

// Keys of the gate scores; of the same table is the sink, which is no score.
const GATE = "attention_gates.";

function drawGates(target, classes, cell) {
  const scores = atlas.statistics.filter((one) => one.key.startsWith(GATE) && one.key !== `${GATE}sink`);
  if (!scores.length)
    return target.root.replaceChildren(missing("Scores of the attention gates", "attention_gates"));
  const traces = classes.map((name) => {
    const known = scores.filter((one) => one.classes[name]);
    const value = known.map((one) => one.classes[name].value[cell]);
    return {
      type: "scatter",
      mode: "markers",
      name: plain(classTitle(name)),
      x: known.map((one) => one.key.slice(GATE.length)),
      y: value,
      error_y: {
        type: "data",
        symmetric: false,
        array: known.map((one, i) => (one.classes[name].high[cell] ?? value[i]) - value[i]),
        arrayminus: known.map((one, i) => value[i] - (one.classes[name].low[cell] ?? value[i])),
      },
      marker: { color: classColour(name), symbol: markerName(name), size: 9 },
    };
  });
  target.draw(
    traces,
    {
      yaxis: { title: { text: "score, 0 to 1" }, rangemode: "tozero" },
      scattermode: "group",
      ...legendAbove(target, traces),
    },
    traces.map((one) => one.x.map((key, i) => `${key} ${short(one.y[i])}`).join(", ")).join("; "),
  );
}

function drawSpectrum(target, cell) {
  if (!atlas.spectra) return target.root.replaceChildren(missing("Spectrum", "subspace_directionality"));
  const traces = Object.entries(atlas.spectra).map(([model, heads]) => ({
    type: "scatter",
    mode: "lines",
    name: plain(modelTitle(model)),
    x: upTo(heads[cell].length),
    y: heads[cell],
    line: { dash: atlas.models[model].dash, color: modelColour(model) },
  }));
  target.draw(
    traces,
    {
      xaxis: { title: { text: "rank" } },
      yaxis: { title: { text: "singular value" }, rangemode: "tozero" },
      ...legendAbove(target, traces),
    },
    `The largest of the fine-tuned model is ${short(atlas.spectra.finetuned?.[cell]?.[0])}.`,
  );
}

function pairTable(name, cell, where) {
  const columns = ["query k-mer", "residues", "key k-mer", "residues", "mean attention"];
  const rows = (atlas.pairs[name]?.[cell] ?? []).map(([query, key, mean]) => [
    query,
    placeOf(query),
    key,
    placeOf(key),
    mean,
  ]);
  if (!rows.length) return note(`No pair of k-mers in ${classTitle(name)} is high in enough sequences, for ${where}.`);
  return element(
    "div",
    {},
    element("h3", {}, `Strongest pairs in ${classTitle(name)}`),
    table(
      `Pairs of k-mers of ${where} with the largest mean attention in ${classTitle(name)}; from geometry/attention_maps/pairs.parquet`,
      columns,
      rows,
    ),
    saver(`pairs_${where}_${name}`.replace(/[^\w]+/g, "_"), () => [columns, ...rows]),
  );
}

function headTable(classes, cell, where) {
  const others = networksOf(atlas.statistics);
  const columns = [
    "statistic",
    "unit",
    ...classes.flatMap((name) => [classTitle(name), INTERVAL, "n"]),
    ...others.map((name) => `${classTitle(classes[0])}, ${modelTitle(name)}`),
  ];
  const valueOf = (one, values) =>
    one.categories ? `${one.categories[values.category[cell]]}, ${values.value[cell]}` : values.value[cell];
  const rows = (first) =>
    atlas.statistics.map((one) => {
      const of = (values, name) => {
        const found = values?.[name] ?? values?.[""];
        return found && found.value[cell] !== null ? found : null;
      };
      return [
        first(one),
        one.unit,
        ...classes.flatMap((name) => {
          const values = of(one.classes, name);
          if (!values) return ["", new Interval(), ""];
          return [valueOf(one, values), new Interval(values.low?.[cell], values.high?.[cell]), values.n?.[cell] ?? ""];
        }),
        ...others.map((name) => {
          const values = of(one.networks[name], classes[0]);
          return values ? valueOf(one, values) : "";
        }),
      ];
    });
  return element(
    "div",
    {},
    element("h3", {}, "Every statistic of this head"),
    table(
      `Statistics of ${where}; those of weights are the same for all classes`,
      columns,
      rows((one) => element("a", { href: addressWith({ view: "grid", stat: one.key }) }, one.title)),
    ),
    saver(`statistics_${where}`, () => [columns, ...rows((one) => one.title)]),
  );
}
