// (c) Along the protein: domains, defining mutations, attention received, attribution.
const METHODS = {
  gradients_reference: ["integrated gradients from the reference", "logit"],
  gradients_mask: ["integrated gradients from [MASK]", "logit"],
  attention: ["attention of [CLS] in the last layer", "share"],
  rollout: ["rollout of attention from [CLS]", "share"],
};

/** The menus of what is shown along the protein, and what they say. */
function alongMenus(methods) {
  const numbered = (count, all) => [["", all], ...upTo(count).map((i) => [String(i), String(i)])];
  const layers = menu(
    "Layer",
    "layer",
    () => numbered(atlas.layers, "mean of all"),
    () => (counted("layer", atlas.layers, 0) || "").toString(),
  );
  const heads = menu(
    "Head",
    "head",
    () => numbered(atlas.heads, "mean of all"),
    () => (counted("head", atlas.heads, 0) || "").toString(),
  );
  const method = menu(
    "Attribution by",
    "method",
    () => methods.map((name) => [name, METHODS[name][0]]),
    () => oneOf("method", methods),
  );
  const chosen = () => {
    const [layer, head] = [counted("layer", atlas.layers, 0), counted("head", atlas.heads, 0)];
    const where = `${layer ? `layer ${layer}` : "all layers"}, ${head ? `head ${head}` : "all heads"}`;
    return { layer, head, where, method: oneOf("method", methods), zoom: zoomAsked() };
  };
  return { menus: [layers, heads, ...(methods.length ? [method] : []), zoomMenu()], chosen };
}

const zooms = () => ["", ...atlas.domains.map(({ name }) => name)];
const zoomAsked = () => oneOf("zoom", zooms());
const zoomMenu = () =>
  menu(
    "Zoom to",
    "zoom",
    () => zooms().map((name) => [name, name || "whole protein"]),
    zoomAsked,
  );

function trackView(root) {
  const classes = classBoxes(() => atlas.classes.map(({ name }) => name));
  const along = alongMenus(Object.keys(atlas.track.attributions ?? {}));
  const bar = controls(classes, ...along.menus);
  const choose = ({ points: [point] }) => {
    if (["y3", "y4"].includes(point.data.yaxis)) change({ token: point.pointNumber + 1 });
  };
  const track = figure("", 720, { plotly_click: choose });
  const chosenToken = element("p", { class: "readout" });
  const notes = element("div");
  const mutations = element("div");
  root.append(
    element(
      "p",
      {},
      "The protein from its first residue to its last: its domains, the mutations that define the chosen classes, the share of the k-mers' attention that each k-mer receives, and how much each k-mer speaks for the class: above 0 for it, below 0 against it.",
    ),
    bar.root,
    track.root,
    chosenToken,
    notes,
    mutations,
  );

  return () => {
    bar.sync();
    const chosen = classes.chosen();
    const { layer, head, where, method, zoom } = along.chosen();
    drawTrack(track, chosen, layer, head, method, zoom, where);
    chosenToken.textContent = tokenText();
    notes.replaceChildren(
      ...trackNote(chosen, method),
      ...(atlas.track.received ? [] : [missing("Attention received", "attention_maps")]),
      ...(atlas.track.attributions ? [] : [missing("Attribution", "attributions")]),
    );
    const columns = ["class", "in the protein", "in the genome", "residue", "domain", "share of founders"];
    const rows = chosen.flatMap((name) =>
      (atlas.track.mutations[name] ?? []).map(([text, protein, first, last, share]) => [
        classTitle(name),
        protein,
        text,
        first,
        domainsOf(first, last),
        share,
      ]),
    );
    mutations.replaceChildren(
      rows.length
        ? table("Mutations that define the chosen classes", columns, rows)
        : note("No table names mutations that define these classes."),
      saver("along_the_protein", () => trackTable(chosen, layer, head, method)),
    );
  };
}

const tokenText = () =>
  tokenAsked()
    ? `K-mer ${tokenAsked()} is chosen, ${placeOf(tokenAsked())}: the black line, here and on the maps of a head.`
    : "A click on a line chooses a k-mer, here and on the maps of a head.";

/** What each k-mer gets in a class, as the mean over the chosen heads. */
function received(name, layer, head) {
  const of = atlas.track.received.classes[name];
  return of ? meanProfile(`received ${name}`, of, layer, head) : null;
}

/** The mean of some profiles, one of each head, over the chosen heads; null where nothing is known of these. */
function meanProfile(key, of, layer, head) {
  const { cells, low, high } = once(key, () => ({ cells: bytes(of.cells), low: floats(of.low), high: floats(of.high) }));
  const side = cells.length / low.length;
  const rows = Array.from(low, (_, cell) => cell)
    .filter(
      (cell) =>
        (!layer || Math.floor(cell / atlas.heads) + 1 === layer) && (!head || (cell % atlas.heads) + 1 === head),
    )
    .map((cell) => ({ cell, steps: cells.subarray(cell * side, (cell + 1) * side) }))
    .filter(({ steps }) => steps.some((step) => step));
  if (!rows.length) return null;
  const sums = Array(side).fill(0);
  for (const { cell, steps } of rows) {
    const step = Math.log(high[cell] / low[cell]) / atlas.maps.steps;
    const values = [NaN, ...upTo(atlas.maps.steps + 1).map((i) => low[cell] * Math.exp((i - 1) * step))];
    steps.forEach((one, i) => (sums[i] += values[one]));
  }
  return sums.map((sum) => sum / rows.length);
}

const rounding = () =>
  `Shares of attention are rounded to ${(100 * Math.expm1(-Math.log(atlas.maps.smallest) / atlas.maps.steps / 2)).toPrecision(2)} % or less; those under ${atlas.maps.smallest} are shown as it.`;

function trackTable(classes, layer, head, method) {
  const lists = [
    ...(atlas.track.received ? classes.map((name) => [`attention received, ${name}`, received(name, layer, head)]) : []),
    ...classes.map((name) => [`${METHODS[method]?.[0]}, ${name}`, atlas.track.attributions?.[method]?.[name]?.value]),
  ].filter(([, list]) => list);
  return [
    ["token", "residues", ...lists.map(([name]) => name)],
    ...upTo(atlas.maps.kmers).map((token) => [
      token,
      residuesOf(token).join("-"),
      ...lists.map(([, list]) => list[token - 1]),
    ]),
  ];
}

/** Of how many sequences the lines are means. */
function trackNote(classes, method) {
  const known = atlas.statistics.find((one) => one.analysis === "attention_maps");
  const counts = (what, count) => {
    const given = classes.map((name) => [name, count(name)]).filter(([, n]) => n);
    return given.length ? `${what}: ${given.map(([name, n]) => `${classTitle(name)} ${n}`).join(", ")}. ` : "";
  };
  const told = [
    counts("Attention received", (name) => known?.classes[name]?.n?.[0]),
    counts("Attribution", (name) => atlas.track.attributions?.[method]?.[name]?.n),
  ].join("");
  return told ? [note(`Means over distinct test sequences. ${told}${rounding()}`)] : [];
}

const QUIET = { showgrid: false, zeroline: false, fixedrange: true };

/** The panel of the domains, and below it one of rows of marks, whose names are given. */
const markPanels = (rows) => [
  { axis: "y", share: 1, options: { ...QUIET, range: [0, 1], showticklabels: false } },
  {
    axis: "y2",
    share: 2,
    options: {
      ...QUIET,
      automargin: true,
      range: [rows.length - 0.5, -0.5],
      tickvals: rows.map((_, i) => i),
      ticktext: rows.map((name) => plain(name)),
    },
  },
];

function drawTrack(target, classes, layer, head, method, zoom, where) {
  const last = residuesOf(atlas.maps.kmers)[1];
  const panels = markPanels(classes.map(classTitle));
  if (atlas.track.received)
    panels.push({ axis: "y3", share: 5, words: "attention received (share)", options: { rangemode: "tozero" } });
  if (atlas.track.attributions) panels.push({ axis: "y4", share: 5, words: `attribution (${METHODS[method][1]})` });
  const line = (name, values, axis, words, named) => ({
    type: "scatter",
    mode: "lines",
    name: plain(classTitle(name)),
    legendgroup: name,
    showlegend: named,
    x: values.map((_, i) => middle(i + 1)),
    y: values,
    yaxis: axis,
    line: {
      color: classColour(name),
      width: 1.5,
      dash: ["solid", "dash", "dot", "dashdot"][classes.indexOf(name) % 4],
    },
    text: values.map((value, i) => plainly(`${classTitle(name)}, ${placeOf(i + 1)}: ${words} ${short(value)}`)),
    hovertemplate: "%{text}<extra></extra>",
  });
  const traces = classes.flatMap((name) => {
    const got = atlas.track.received ? received(name, layer, head) : null;
    const attributed = atlas.track.attributions?.[method]?.[name]?.value;
    return [
      mutationTrace(name, classes.indexOf(name)),
      ...(got ? [line(name, got, "y3", "attention", !attributed)] : []),
      ...(attributed ? [line(name, attributed, "y4", "attribution", true)] : []),
    ];
  });
  if (atlas.track.received) traces.push({ ...uniformLine(last, atlas.track.received.kmers, "y3"), showlegend: true });
  drawAlong(
    target,
    panels,
    traces,
    zoom,
    last,
    `Classes ${classes.map(classTitle).join(", ")}; the mutations are in the table below.`,
    `Along the protein: ${where}`,
  );
}

/** What each of `kmers` would get of attention that is spread evenly. */
const uniformLine = (last, kmers, axis) => ({
  type: "scatter",
  mode: "lines",
  name: "uniform attention",
  showlegend: false,
  x: [1, last],
  y: [1 / kmers, 1 / kmers],
  yaxis: axis,
  line: { color: dark() ? "#aaaaaa" : "#777777", width: 1, dash: "dot" },
  hoverinfo: "skip",
});

/** The residues that are shown: of the domain that is zoomed to, or all. */
function residuesShown(zoom, last) {
  const domain = atlas.domains.find(({ name }) => name === zoom);
  return domain ? [domain.start - 0.5, domain.end + 0.5] : [0.5, last + 0.5];
}

/** Panels from top to bottom along the protein: of each the axis, its share of the height, what it says, its options.
 * `centre` says where a k-mer lies. */
function drawAlong(target, panels, traces, zoom, last, label, title, centre = middle) {
  const total = panels.reduce((sum, { share }) => sum + share + 0.5, -0.5);
  let top = 1;
  const axes = panels.map(({ axis, share, words = "", options }) => {
    const heights = [Math.max(0, top - share / total), top];
    top = heights[0] - 0.5 / total;
    return [axis.replace("y", "yaxis"), { ...options, domain: heights, title: { text: plain(words, 60) } }];
  });
  const span = residuesShown(zoom, last);
  target.draw(
    traces,
    {
      height: 160 + 45 * total,
      ...legendAbove(target, traces, 90),
      xaxis: { title: { text: "residue" }, range: span, anchor: panels.at(-1).axis, showgrid: false, zeroline: false },
      ...Object.fromEntries(axes),
      shapes: [...domainShapes(), ...chosenLine(tokenAsked() ? centre(tokenAsked()) : null)],
      annotations: domainNames(span),
      hovermode: "closest",
    },
    label,
    title,
  );
}

function mutationTrace(name, place) {
  const found = atlas.track.mutations[name] ?? [];
  return {
    type: "scatter",
    mode: "markers",
    showlegend: false,
    x: found.map(([, , first, last]) => (first + last) / 2),
    y: found.map(() => place),
    yaxis: "y2",
    marker: { color: classColour(name), symbol: markerName(name), size: 9 },
    text: found.map((one) => plainly(`${classTitle(name)}: ${one[1]} (${one[0]}), ${domainsOf(one[2], one[3])}`)),
    hovertemplate: "%{text}<extra></extra>",
  };
}

function domainShapes() {
  const fills = dark() ? ["#39414f", "#4d5a70"] : ["#dfe5ee", "#c3cfdf"];
  const line = { width: 0.5, color: dark() ? "#666" : "#bbb" };
  return [
    ...atlas.domains.map(({ start, end }, i) => ({
      type: "rect",
      x0: start - 0.5,
      x1: end + 0.5,
      y0: 0,
      y1: 1,
      yref: "y",
      fillcolor: fills[i % 2],
      line: { width: 0 },
    })),
    ...atlas.domains
      .slice(1)
      .map(({ start }) => ({ type: "line", x0: start - 0.5, x1: start - 0.5, yref: "paper", y0: 0, y1: 0.93, line })),
  ];
}

/** Names of the domains that have room for them in the span of residues. */
function domainNames([first, last]) {
  return atlas.domains.flatMap(({ name, start, end }) => {
    const [from, to] = [Math.max(start, first), Math.min(end, last)];
    const share = (to - from) / (last - first);
    if (share < 0.015) return [];
    return [
      {
        x: (from + to) / 2,
        y: 0.5,
        yref: "y",
        text: plain(name),
        showarrow: false,
        textangle: share > 0.05 ? 0 : -90,
        font: { size: 11 },
      },
    ];
  });
}
