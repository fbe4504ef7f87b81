// (c) Along the protein: domains, defining mutations, attention received, attribution.
function trackView(root) {
  const classes = classBoxes(() => atlas.classes.map(({ name }) => name));
  const numbered = (count, all) => [["", all], ...upTo(count).map((i) => [String(i), String(i)])];
  const layers = menu("Layer", "layer", () => numbered(atlas.layers, "mean of all"), () => (counted("layer", atlas.layers, 0) || "").toString());
  const heads = menu("Head", "head", () => numbered(atlas.heads, "mean of all"), () => (counted("head", atlas.heads, 0) || "").toString());
  const methods = Object.keys(atlas.track.attributions ?? {});
  const method = menu("Attribution by", "method", () => methods.map((name) => [name, name.replace(/_/g, " ")]), () => oneOf("method", methods));
  const domains = menu("Zoom to", "zoom", () => [["", "whole protein"], ...atlas.domains.map(({ name }) => [name, name])], () => oneOf("zoom", ["", ...atlas.domains.map(({ name }) => name)]));
  const bar = controls(classes, layers, heads, ...(methods.length ? [method] : []), domains);
  const track = figure("", 720);
  const notes = element("div");
  const mutations = element("div");
  root.append(
    element("p", {}, "The protein from its first residue to its last. Attention received is what a k-mer gets of the attention of the k-mers; even attention gives each the same. Attributions say how much a k-mer speaks for the class."),
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
    drawTrack(track, chosen, layer, head, oneOf("method", methods), oneOf("zoom", ["", ...atlas.domains.map(({ name }) => name)]), where);
    notes.replaceChildren(
      ...(atlas.track.received ? [] : [missing("Attention received", "attention_maps")]),
      ...(atlas.track.attributions ? [] : [missing("Attribution", "attributions")]),
    );
    const columns = ["class", "mutation (of the genome)", "residue", "domain", "share of founders"];
    const rows = chosen.flatMap((name) =>
      (atlas.track.mutations[name] ?? []).map(([text, first, last, share]) => [classTitle(name), text, residueOfBase(first), domainOf(residueOfBase(first)), share]),
    );
    mutations.replaceChildren(
      rows.length ? table("Mutations that define the chosen classes", columns, rows) : note("No table names mutations that define these classes."),
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
    .filter((cell) => (!layer || Math.floor(cell / atlas.heads) + 1 === layer) && (!head || (cell % atlas.heads) + 1 === head))
    .filter((cell) => !Number.isNaN(all[cell * kmers]));
  if (!chosen.length) return null;
  return upTo(kmers).map((token) => chosen.reduce((sum, cell) => sum + all[cell * kmers + token - 1], 0) / chosen.length);
}

function receivedTable(classes, layer, head) {
  if (!atlas.track.received) return [["attention_maps was not active"]];
  const lists = classes.map((name) => received(name, layer, head));
  return [["token", "residues", ...classes], ...upTo(atlas.track.received.kmers).map((token) => [token, residuesOf(token).join("-"), ...lists.map((list) => list?.[token - 1])])];
}

function drawTrack(target, classes, layer, head, method, zoom, where) {
  const kmers = atlas.maps.kmers;
  const last = residuesOf(kmers)[1];
  const domain = atlas.domains.find(({ name }) => name === zoom);
  const traces = [];
  const line = (name, values, axis, words) => ({
    type: "scatter",
    mode: "lines",
    name: plain(classTitle(name)),
    legendgroup: name,
    showlegend: axis === "y3" || !atlas.track.received,
    x: values.map((_, i) => middle(i + 1)),
    y: values,
    yaxis: axis,
    line: { color: classColour(name), width: 1.5, dash: ["solid", "dash", "dot", "dashdot"][classes.indexOf(name) % 4] },
    text: values.map((value, i) => plainLong(`${classTitle(name)}, ${placeOf(i + 1)}: ${words} ${short(value)}`)),
    hovertemplate: "%{text}<extra></extra>",
  });
  for (const name of classes) {
    const found = atlas.track.mutations[name] ?? [];
    traces.push({
      type: "scatter",
      mode: "markers",
      showlegend: false,
      x: found.map(([, first, end]) => (residueOfBase(first) + residueOfBase(end)) / 2),
      y: found.map(() => classes.indexOf(name)),
      yaxis: "y2",
      marker: { color: classColour(name), symbol: MARKERS[classPlace(name) % MARKERS.length], size: 9 },
      text: found.map(([text, first]) => plainLong(`${classTitle(name)}: ${text}, residue ${residueOfBase(first)} (${domainOf(residueOfBase(first))})`)),
      hovertemplate: "%{text}<extra></extra>",
    });
    const got = atlas.track.received ? received(name, layer, head) : null;
    if (got) traces.push(line(name, got, "y3", "attention"));
    const attributed = atlas.track.attributions?.[method]?.[name];
    if (attributed) traces.push(line(name, attributed, "y4", "attribution"));
  }
  const fills = dark() ? ["#39414f", "#4d5a70"] : ["#dfe5ee", "#c3cfdf"];
  const shapes = atlas.domains.map(({ start, end }, i) => ({ type: "rect", x0: start - 0.5, x1: end + 0.5, y0: 0, y1: 1, yref: "y", fillcolor: fills[i % 2], line: { width: 0 } }));
  const borders = atlas.domains.slice(1).map(({ start }) => ({ type: "line", x0: start - 0.5, x1: start - 0.5, yref: "paper", y0: 0, y1: 0.93, line: { width: 0.5, color: dark() ? "#666" : "#bbb" } }));
  const span = domain ? [domain.start - 0.5, domain.end + 0.5] : [0.5, last + 0.5];
  const wide = (one) => (Math.min(one.end, span[1]) - Math.max(one.start, span[0])) / (span[1] - span[0]) > 0.028;
  const annotations = atlas.domains.filter(wide).map(({ name, start, end }) => ({ x: (Math.max(start, span[0]) + Math.min(end, span[1])) / 2, y: 0.5, yref: "y", text: plain(name), showarrow: false, textangle: (end - start) / (span[1] - span[0]) > 0.06 ? 0 : -90, font: { size: 11 } }));
  const quiet = { showgrid: false, zeroline: false, fixedrange: true };
  target.draw(
    traces,
    {
      xaxis: { title: { text: "residue" }, range: span, anchor: "y4", showgrid: false, zeroline: false },
      yaxis: { ...quiet, domain: [0.93, 1], range: [0, 1], showticklabels: false },
      yaxis2: { ...quiet, domain: [0.76, 0.91], range: [classes.length - 0.5, -0.5], tickvals: classes.map((_, i) => i), ticktext: classes.map((name) => plain(classTitle(name))) },
      yaxis3: { domain: [0.4, 0.72], title: { text: "attention received" }, rangemode: "tozero" },
      yaxis4: { domain: [0, 0.34], title: { text: method ? plain(method.replace(/_/g, " ")) : "attribution" } },
      shapes: [...shapes, ...borders],
      annotations,
      legend: { orientation: "h", y: 1.1 },
      hovermode: "closest",
    },
    "Domains, mutations, attention received and attribution along the protein.",
    `Along the protein: ${where}`,
  );
}
