// (c) Along the protein: domains, defining mutations, attention received, attribution.
const METHODS = {
  gradients_reference: ["integrated gradients from the reference", "logit"],
  gradients_mask: ["integrated gradients from [MASK]", "logit"],
  attention: ["attention of [CLS] in the last layer", "share"],
  rollout: ["rollout of attention from [CLS]", "share"],
};

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
    () => methods.map((name) => [name, METHODS[name][0]]),
    () => oneOf("method", methods),
  );
  const domains = menu(
    "Zoom to",
    "zoom",
    () => [["", "whole protein"], ...atlas.domains.map(({ name }) => [name, name])],
    () => oneOf("zoom", ["", ...atlas.domains.map(({ name }) => name)]),
  );
  const bar = controls(classes, layers, heads, ...(methods.length ? [method] : []), domains);
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
    chosenToken.textContent = tokenText();
    notes.replaceChildren(
      ...trackNote(chosen, oneOf("method", methods)),
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
      saver("along_the_protein", () => trackTable(chosen, layer, head, oneOf("method", methods))),
    );
  };
}

const tokenText = () =>
  tokenAsked()
    ? `K-mer ${tokenAsked()} is chosen, ${placeOf(tokenAsked())}: the black line, here and on the maps of a head.`
    : "A click on a line chooses a k-mer, here and on the maps of a head.";

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
  return told ? [note(`Means over distinct test sequences. ${told}`)] : [];
}

/** The panels from top to bottom: axis, share of the height, and what the axis says. */
function trackPanels(method) {
  const panels = [
    ["y", 1, ""],
    ["y2", 2, ""],
  ];
  if (atlas.track.received) panels.push(["y3", 5, "attention received (share)"]);
  if (atlas.track.attributions) panels.push(["y4", 5, `attribution (${METHODS[method][1]})`]);
  return panels;
}

function drawTrack(target, classes, layer, head, method, zoom, where) {
  const last = residuesOf(atlas.maps.kmers)[1];
  const domain = atlas.domains.find(({ name }) => name === zoom);
  const span = domain ? [domain.start - 0.5, domain.end + 0.5] : [0.5, last + 0.5];
  const panels = trackPanels(method);
  const bottom = panels.at(-1)[0];
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
  if (atlas.track.received)
    traces.push({
      type: "scatter",
      mode: "lines",
      name: "uniform attention",
      showlegend: true,
      x: [1, last],
      y: [1, 1].map((one) => one / atlas.track.received.kmers),
      yaxis: "y3",
      line: { color: dark() ? "#aaaaaa" : "#777777", width: 1, dash: "dot" },
      hoverinfo: "skip",
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
      ...legendAbove(target, traces, 90),
      xaxis: { title: { text: "residue" }, range: span, anchor: bottom, showgrid: false, zeroline: false },
      ...Object.fromEntries(axes),
      shapes: [...domainShapes(), ...chosenLine(tokenAsked() ? middle(tokenAsked()) : null)],
      annotations: domainNames(span),
      hovermode: "closest",
    },
    `Classes ${classes.map(classTitle).join(", ")}; the mutations are in the table below.`,
    `Along the protein: ${where}`,
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
