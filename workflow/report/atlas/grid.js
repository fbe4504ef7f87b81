// (a) A statistic of every head, for a class or for two and what is between them.
const CATEGORY_COLOURS = [
  "#4477aa",
  "#ccbb44",
  "#228833",
  "#ee6677",
  "#66ccee",
  "#aa3377",
  "#bbbbbb",
  "#882255",
  "#997700",
];

const FINETUNED = "finetuned";
// Differences of two classes with a smaller corrected p are taken for real.
const SIGNIFICANT = 0.05;

function statisticAsked() {
  const keys = atlas.statistics.map((one) => one.key);
  // At first the attention to the longest domain.
  const [longest] = [...atlas.domains].sort((one, other) => other.end - other.start - (one.end - one.start));
  const first = `log2_enrichment.${longest?.name}`;
  const asked = oneOf("stat", keys, keys.includes(first) ? first : keys[0]);
  return atlas.statistics.find((one) => one.key === asked);
}

const classesOf = (statistic) =>
  Object.keys(statistic.classes).sort(
    (one, other) => (one === ALL) - (other === ALL) || classPlace(one) - classPlace(other),
  );

function gridView(root) {
  if (!atlas.statistics.length) {
    root.append(note("No analysis of heads was active in this run."), ...inactive());
    return () => {};
  }
  const statistics = menu(
    "Statistic",
    "stat",
    () => atlas.statistics.map((one) => [one.key, one.title, one.group]),
    () => statisticAsked().key,
  );
  const { menus, pair, network } = classMenus(
    () => classesOf(statisticAsked()),
    () => Object.keys(statisticAsked().networks),
  );
  const only = tick("", "only");
  const steps = stepSlider(() => statisticAsked().steps.length > 0);
  const bar = controls(statistics, ...menus, only, steps);
  const meaning = element("p", { class: "note" });
  const summary = element("p", { id: "answer" });
  const open = { plotly_click: ({ points }) => change(pageOf(statisticAsked(), points[0].y, points[0].x)) };
  const [first, second, between] = [0, 1, 2].map(() => figure("", gridHeight(), open, gridKeys));
  const figures = element("div", { class: "figures grids" }, first.root, second.root, between.root);
  const ranked = element("div");
  const small = thumbnails();
  root.append(
    element(
      "p",
      {},
      "Each cell is a head. Choose a statistic and a class; compare it with another, with the same in another network, or at a step of the training, to see what is between them. ",
      "A click on a cell, or on a head in the table, opens its page. In a figure, arrow keys go from head to head and Enter opens one.",
    ),
    bar.root,
    meaning,
    summary,
    figures,
    ranked,
    small.root,
    ...inactive(),
  );

  return () => {
    bar.sync();
    const statistic = statisticAsked();
    // Along the training there are numbers of all classes together.
    const step = statistic.steps.length ? stepAsked() : 0;
    const [a, b] = step ? [ALL in statistic.classes ? ALL : "", ""] : pair();
    const other = step ? stepTitle(step) : network() && modelTitle(network());
    meaning.textContent = statistic.meaning;
    const ofA = statistic.classes[a];
    const beside = step ? statistic.steps[step - 1] : statistic.networks[network()]?.[a];
    const ofB = b === "" ? (beside ?? null) : statistic.classes[b];
    const [nameA, nameB] = other ? [modelTitle(FINETUNED), other] : [a, b].map(classTitle);
    const titles = other ? [nameA, nameB].map((name) => `${classTitle(a)}, ${name}`) : [nameA, nameB];
    const compare = ofB !== null && !statistic.categories;
    const test = compare && b !== "" ? contrastOf(statistic, a, b) : null;
    only.root.hidden = !test;
    only.text.textContent = `only heads with more in ${classTitle(a)} than in ${classTitle(b)}, q < ${SIGNIFICANT}`;
    const range = rangeOf(statistic, [ofA, ofB]);
    second.root.hidden = ofB === null;
    between.root.hidden = !compare;
    drawGrid(first, statistic, ofA, titles[0], range);
    if (ofB) drawGrid(second, statistic, ofB, titles[1], range);
    if (compare) drawDifference(between, statistic, ofA, ofB, `${titles[0]} minus ${titles[1]}`);
    const filter = asked("only") === "1" ? test : null;
    const rows = rankedHeads(statistic, ofA, ofB, filter);
    summary.textContent = filter
      ? `${rows.length} of ${atlas.layers * atlas.heads} heads: more in ${classTitle(a)} than in ${classTitle(b)}, q < ${SIGNIFICANT}.`
      : "";
    small.update(a in atlas.maps.classes ? a : Object.keys(atlas.maps.classes)[0]);
    ranked.replaceChildren(...rankedTable(statistic, rows, ofB ? [nameA, nameB] : [classTitle(a)], test));
  };
}

/** A head's page; for attention to a domain, with the keys in it. */
function pageOf({ key, analysis }, layer, head) {
  const keys = analysis === "attention_domains" ? key.slice(key.indexOf(".") + 1) : "";
  return { view: "head", layer, head, keys: atlas.domains.some(({ name }) => name === keys) ? keys : "" };
}

const gridHeight = () => Math.max(270, 110 + 30 * atlas.layers);

function gridKeys(event) {
  const layer = counted("layer", atlas.layers);
  const head = counted("head", atlas.heads);
  if (event.key === "Enter") change(pageOf(statisticAsked(), layer, head));
  else if (event.key in ARROWS) {
    const [down, right] = ARROWS[event.key];
    const next = [within(layer + down, 1, atlas.layers), within(head + right, 1, atlas.heads)];
    const statistic = statisticAsked();
    change({ view: "grid", layer: next[0], head: next[1] });
    const name = classesAsked(classesOf(statistic))[0] ?? classesOf(statistic)[0];
    const cell = cellOf(...next);
    say(`${headName(cell)}: ${cellText(statistic, statistic.classes[name], cell)}`);
  } else return;
  event.preventDefault();
}

function cellText(statistic, values, cell) {
  const value = values.value[cell];
  if (value === null) return "not measured";
  if (statistic.categories)
    return `${statistic.categories[values.category[cell]]}, in ${short(value)} of the sequences`;
  const range = String(new Interval(values.low?.[cell], values.high?.[cell]));
  return `${value}${range ? ` (${range})` : ""}, n = ${values.n?.[cell] ?? "none: of weights"}`;
}

/** The number of sequences, where it is the same for all heads. */
function countOf({ n = [] }) {
  const different = new Set(n.filter((one) => one !== null));
  return different.size === 1 ? ` (n\u00a0=\u00a0${[...different][0]})` : "";
}

/** One range of colours for both classes; around the reference, where there is one. */
function rangeOf(statistic, both) {
  const all = both
    .filter(Boolean)
    .flatMap((one) => one.value)
    .filter((value) => value !== null);
  if (statistic.reference === null) return [Math.min(...all), Math.max(...all)];
  const reach = Math.max(...all.map((value) => Math.abs(value - statistic.reference))) || 1;
  return [statistic.reference - reach, statistic.reference + reach];
}

const inRows = (values) =>
  Array.from({ length: atlas.layers }, (_, layer) => values.slice(layer * atlas.heads, (layer + 1) * atlas.heads));

const upTo = (count) => Array.from({ length: count }, (_, i) => i + 1);

function gridLayout() {
  const layer = counted("layer", atlas.layers, 0);
  const head = counted("head", atlas.heads, 0);
  const here =
    layer && head
      ? [
          {
            type: "rect",
            x0: head - 0.5,
            x1: head + 0.5,
            y0: layer - 0.5,
            y1: layer + 0.5,
            line: { color: dark() ? "#fff" : "#000", width: 3 },
          },
        ]
      : [];
  return {
    xaxis: { title: { text: "head" }, dtick: 1, showgrid: false, zeroline: false },
    yaxis: { title: { text: "layer" }, dtick: 1, autorange: "reversed", showgrid: false, zeroline: false },
    shapes: here,
  };
}

const cells = (make) => inRows(upTo(atlas.layers * atlas.heads).map((number) => make(number - 1)));
/** What is written into the cells, where they are large enough. */
const written = (text) =>
  atlas.layers * atlas.heads <= 64 ? { text: cells(text), texttemplate: "%{text}" } : {};
const headName = (cell) => `layer ${Math.floor(cell / atlas.heads) + 1}, head ${(cell % atlas.heads) + 1}`;

function drawGrid(target, statistic, values, name, range) {
  const trace = {
    type: "heatmap",
    x: upTo(atlas.heads),
    y: upTo(atlas.layers),
    xgap: 2,
    ygap: 2,
    hovertext: cells((cell) => plainly(`${headName(cell)}: ${cellText(statistic, values, cell)}`)),
    hoverinfo: "text",
  };
  const traces = [trace];
  const layout = gridLayout();
  if (statistic.categories) {
    const { categories } = statistic;
    const colour = (i) => CATEGORY_COLOURS[i % CATEGORY_COLOURS.length];
    Object.assign(trace, {
      z: inRows(values.category),
      zmin: -0.5,
      zmax: categories.length - 0.5,
      ...written((cell) => plain(categories[values.category[cell]] ?? "")),
      colorscale: categories.flatMap((_, i) => [0, 1].map((step) => [(i + step) / categories.length, colour(i)])),
      showscale: false,
    });
    const square = (i) => ({ symbol: "square", size: 12, color: colour(i) });
    const key = (text, i) => ({
      type: "scatter",
      mode: "markers",
      x: [null],
      y: [null],
      name: plain(text),
      marker: square(i),
    });
    traces.push(...categories.map(key));
    Object.assign(layout, { showlegend: true, legend: { itemclick: false, itemdoubleclick: false } });
  } else {
    Object.assign(trace, {
      z: inRows(values.value),
      zmin: range[0],
      zmax: range[1],
      colorscale: statistic.reference === null ? SEQUENTIAL : DIVERGING,
      colorbar: { title: { text: plain(statistic.unit), side: "right" } },
      ...written((cell) => (values.value[cell] === null ? "" : short(values.value[cell]))),
    });
  }
  target.draw(
    traces,
    layout,
    `${atlas.layers} layers by ${atlas.heads} heads; the numbers are in the table below.`,
    `${statistic.title}, ${name}${countOf(values)}`,
  );
}

function drawDifference(target, statistic, ofA, ofB, name) {
  const values = ofA.value.map((value, cell) => difference(ofA, ofB, cell));
  const reach = Math.max(...values.map((value) => Math.abs(value ?? 0))) || 1;
  const trace = {
    type: "heatmap",
    x: upTo(atlas.heads),
    y: upTo(atlas.layers),
    z: inRows(values),
    xgap: 2,
    ygap: 2,
    zmin: -reach,
    zmax: reach,
    colorscale: DIVERGING,
    colorbar: { title: { text: "difference", side: "right" } },
    hovertext: cells((cell) => `${headName(cell)}: ${values[cell] ?? "not measured"}`),
    hoverinfo: "text",
    ...written((cell) => (values[cell] === null ? "" : short(values[cell]))),
  };
  target.draw([trace], gridLayout(), "Red: more in the first class. The numbers are in the table below.", name);
}

function difference(ofA, ofB, cell) {
  const [a, b] = [ofA.value[cell], ofB.value[cell]];
  return a === null || b === null ? null : Number((a - b).toPrecision(6));
}

/** The test of the difference of two classes, first minus second, head by head; null where there is none. */
function contrastOf({ key }, a, b) {
  const pairs = atlas.contrasts?.[key] ?? [];
  const straight = pairs.find(({ first, second }) => first === a && second === b);
  const turned = pairs.find(({ first, second }) => first === b && second === a);
  const minus = (values) => values.map((value) => value && -value);
  return straight ?? (turned ? { low: minus(turned.high), high: minus(turned.low), q: turned.q } : null);
}

function rankedHeads(statistic, ofA, ofB, test) {
  const more = (cell) => test.q[cell] !== null && test.q[cell] < SIGNIFICANT && difference(ofA, ofB, cell) > 0;
  const rows = upTo(atlas.layers * atlas.heads)
    .map((number) => number - 1)
    .filter((cell) => ofA.value[cell] !== null && (!ofB || ofB.value[cell] !== null))
    .filter((cell) => !test || more(cell))
    .map((cell) => ({ cell, a: ofA, b: ofB, difference: ofB ? difference(ofA, ofB, cell) : null }));
  const size = (row) => (ofB && !statistic.categories ? row.difference : row.a.value[row.cell]);
  return rows.sort((one, other) => size(other) - size(one));
}

/** `names`: of what each set of columns is, of which the second is held against the first. */
function rankedTable(statistic, rows, names, test) {
  const link = (cell) =>
    element(
      "a",
      {
        href: addressWith(pageOf(statistic, Math.floor(cell / atlas.heads) + 1, (cell % atlas.heads) + 1)),
      },
      headName(cell),
    );
  const named = statistic.categories ? ["share of sequences"] : [];
  const subtracted = names.length > 1 && !statistic.categories;
  const columns = [
    "head",
    ...names.flatMap((name) => [name, ...named, INTERVAL, "n"]),
    ...(subtracted ? ["difference"] : []),
    ...(test ? [INTERVAL, "q"] : []),
  ];
  const row = ({ cell, a: ofA, b: ofB, difference: between }, first) => [
    first,
    ...numbersOf(statistic, ofA, cell),
    ...(ofB ? numbersOf(statistic, ofB, cell) : []),
    ...(ofB && !statistic.categories ? [between] : []),
    ...(test ? [new Interval(test.low[cell], test.high[cell]), test.q[cell] ?? ""] : []),
  ];
  const here = cellOf(counted("layer", atlas.layers, 0), counted("head", atlas.heads, 0));
  return [
    table(
      `${statistic.title} (${statistic.unit}), ${subtracted ? "by the difference" : "the largest first"}; from geometry/${statistic.analysis}.tsv`,
      columns,
      rows.map((one) => row(one, link(one.cell))),
      (i) => (rows[i].cell === here ? "here" : null),
    ),
    saver(`heads_${statistic.key}`, () => [columns, ...rows.map((one) => row(one, headName(one.cell)))]),
  ];
}

/** Category where there is one, value, interval and n of a head. */
const numbersOf = (statistic, values, cell) => [
  ...(statistic.categories ? [statistic.categories[values.category[cell]]] : []),
  values.value[cell],
  new Interval(values.low?.[cell], values.high?.[cell]),
  values.n?.[cell] ?? "",
];
