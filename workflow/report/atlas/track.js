// (c) Along the protein: domains, defining mutations, attention received, attribution.
function trackView(root) {
  const classes = classBoxes(() => atlas.classes.map(({ name }) => name));
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
  const methods = Object.keys(atlas.track.attributions ?? {});
  const method = menu(
    "Attribution by",
    "method",
    () => methods.map((name) => [name, name.replace(/_/g, " ")]),
    () => oneOf("method", methods),
  );
  const domains = menu(
    "Zoom to",
    "zoom",
    () => [["", "whole protein"], ...atlas.domains.map(({ name }) => [name, name])],
    () => oneOf("zoom", ["", ...atlas.domains.map(({ name }) => name)]),
  );
  const bar = controls(classes, layers, heads, ...(methods.length ? [method] : []), domains);
  const track = figure("", 720);
  const notes = element("div");
  const mutations = element("div");
  root.append(
    element(
      "p",
      {},
      "The protein from its first residue to its last. Attention received is what a k-mer gets of the attention of the k-mers; even attention gives each the same. Attributions say how much a k-mer speaks for the class.",
    ),
    bar.root,
    track.root,
    notes,
    mutations,
  );

  return () => {
    bar.sync();
    const chosen = classes.chosen();
    const [layer, head] = [counted("layer", atlas.layers, 0), counted("head", atlas.heads, 0)];
    const where = `${layer ? `layer ${layer}` : "all layers"}, ${head ? `head ${head}` : "all heads"}`;
    drawTrack(
      track,
      chosen,
      layer,
      head,
      oneOf("method", methods),
      oneOf("zoom", ["", ...atlas.domains.map(({ name }) => name)]),
      where,
    );
    notes.replaceChildren(
      ...(atlas.track.received ? [] : [missing("Attention received", "attention_maps")]),
      ...(atlas.track.attributions ? [] : [missing("Attribution", "attributions")]),
    );
    const columns = ["class", "in the protein", "in the genome", "residue", "domain", "share of founders"];
    const rows = chosen.flatMap((name) =>
      (atlas.track.mutations[name] ?? []).map(([text, protein, first, , share]) => [
        classTitle(name),
        protein,
        text,
        residueOfBase(first),
        domainOf(residueOfBase(first)),
        share,
      ]),
    );
    mutations.replaceChildren(
      rows.length
        ? table("Mutations that define the chosen classes", columns, rows)
        : note("No table names mutations that define these classes."),
      saver("attention_received", () => receivedTable(chosen, layer, head)),
    );
  };
}

const residueOfBase = (base) => Math.floor((base - 1) / CODON) + 1;

/** What each k-mer gets in a class, as the mean over the chosen heads. */
function received(name, layer, head) {
  const { kmers, classes } = atlas.track.received;
  if (!classes[name]) return null;
  const all = once(`received ${name}`, () => floats(classes[name]));
  const chosen = upTo(atlas.layers * atlas.heads)
    .map((number) => number - 1)
    .filter(
      (cell) =>
        (!layer || Math.floor(cell / atlas.heads) + 1 === layer) && (!head || (cell % atlas.heads) + 1 === head),
    )
    .filter((cell) => !Number.isNaN(all[cell * kmers]));
  if (!chosen.length) return null;
  return upTo(kmers).map(
    (token) => chosen.reduce((sum, cell) => sum + all[cell * kmers + token - 1], 0) / chosen.length,
  );
}

function receivedTable(classes, layer, head) {
  if (!atlas.track.received) return [["attention_maps was not active"]];
  const lists = classes.map((name) => received(name, layer, head));
  return [
    ["token", "residues", ...classes],
    ...upTo(atlas.track.received.kmers).map((token) => [
      token,
      residuesOf(token).join("-"),
      ...lists.map((list) => list?.[token - 1]),
    ]),
  ];
}

/** The panels from top to bottom: axis, share of the height, and what the axis says. */
function trackPanels(method) {
  const panels = [
    ["y", 1, ""],
    ["y2", 2, ""],
  ];
  if (atlas.track.received) panels.push(["y3", 5, "attention received"]);
  if (atlas.track.attributions) panels.push(["y4", 5, `attribution (${method.replace(/_/g, " ")})`]);
  return panels;
}

function drawTrack(target, classes, layer, head, method, zoom, where) {
  const last = residuesOf(atlas.maps.kmers)[1];
  const domain = atlas.domains.find(({ name }) => name === zoom);
  const span = domain ? [domain.start - 0.5, domain.end + 0.5] : [0.5, last + 0.5];
  const panels = trackPanels(method);
  const bottom = panels.at(-1)[0];
  const line = (name, values, axis, words) => ({
    type: "scatter",
    mode: "lines",
    name: plain(classTitle(name)),
    legendgroup: name,
    showlegend: axis === bottom,
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
    const attributed = atlas.track.attributions?.[method]?.[name];
    return [
      mutationTrace(name, classes.indexOf(name)),
      ...(got ? [line(name, got, "y3", "attention")] : []),
      ...(attributed ? [line(name, attributed, "y4", "attribution")] : []),
    ];
  });
  const quiet = { showgrid: false, zeroline: false, fixedrange: true };
  const own = {
    y: { ...quiet, range: [0, 1], showticklabels: false },
    y2: {
      ...quiet,
      automargin: true,
      range: [classes.length - 0.5, -0.5],
      tickvals: classes.map((_, i) => i),
      ticktext: classes.map((name) => plain(classTitle(name))),
    },
    y3: { rangemode: "tozero" },
    y4: {},
  };
  const total = panels.reduce((sum, [, share]) => sum + share + 0.5, -0.5);
  let top = 1;
  const axes = panels.map(([axis, share, words]) => {
    const heights = [Math.max(0, top - share / total), top];
    top = heights[0] - 0.5 / total;
    return [axis.replace("y", "yaxis"), { ...own[axis], domain: heights, title: { text: plain(words, 60) } }];
  });
  target.draw(
    traces,
    {
      height: 160 + 45 * total,
      margin: { l: 90, r: 20, t: 60, b: 50 },
      xaxis: { title: { text: "residue" }, range: span, anchor: bottom, showgrid: false, zeroline: false },
      ...Object.fromEntries(axes),
      shapes: domainShapes(),
      annotations: domainNames(span),
      legend: { orientation: "h", y: 1.02, yanchor: "bottom" },
      hovermode: "closest",
    },
    `Classes ${classes.map(classTitle).join(", ")}; the mutations are in the table below.`,
    `Along the protein: ${where}`,
  );
}

function mutationTrace(name, place) {
  const found = atlas.track.mutations[name] ?? [];
  const where = ([, , first]) => `residue ${residueOfBase(first)} (${domainOf(residueOfBase(first))})`;
  return {
    type: "scatter",
    mode: "markers",
    showlegend: false,
    x: found.map(([, , first, last]) => (residueOfBase(first) + residueOfBase(last)) / 2),
    y: found.map(() => place),
    yaxis: "y2",
    marker: { color: classColour(name), symbol: MARKERS[classPlace(name) % MARKERS.length], size: 9 },
    text: found.map((one) => plainly(`${classTitle(name)}: ${one[1]} (${one[0]}), ${where(one)}`)),
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
