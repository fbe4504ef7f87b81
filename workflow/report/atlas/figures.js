// Figures by plotly.js, which reads a little HTML in texts: names pass through `plain`.
// Cividis.
const SEQUENTIAL = [
  ...["#00224e", "#083370", "#35456c", "#4f576c", "#666970", "#7d7c78"],
  ...["#948e77", "#aea371", "#c8b866", "#e5cf52", "#fee838"],
].map((colour, i) => [i / 10, colour]);
const DIVERGING = [
  [0, "#2166ac"],
  [0.5, "#f7f7f7"],
  [1, "#b2182b"],
];
const LONGEST = 28;
const MARGIN = { l: 65, r: 20, t: 30, b: 50 };
// Pixels that a figure is wide on paper.
const PAPER = 680;

const cut = (text, longest = LONGEST) => (text.length > longest ? `${text.slice(0, longest - 1)}…` : text);

function plain(text, longest = LONGEST) {
  return cut(text, longest).replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");
}

/** What is said of a point, which may be longer. */
const plainly = (text) => plain(text, 300);

const dark = () => document.documentElement.dataset.theme === "dark";

function classColour(name) {
  const known = atlas.classes.find((one) => one.name === name);
  return known ? known.colour[dark() ? "dark" : "light"] : dark() ? "#dddddd" : "#555555";
}

const modelColour = (name) => atlas.models[name].colour[dark() ? "dark" : "light"];

// In the order of the figures of the report.
const MARKERS = [
  ...["circle", "square", "triangle-up", "diamond", "triangle-down"],
  ...["cross", "x", "star", "triangle-left"],
];
// In three dimensions plotly.js has no triangles, and the sign of its "x" is missing in common fonts.
const MARKERS_3D = ["circle", "square", "circle-open", "diamond", "square-open", "cross", "diamond-open"];
const classPlace = (name) =>
  Math.max(
    0,
    atlas.classes.findIndex((one) => one.name === name),
  );

/** The marker of a class in two dimensions; that of all classes together is no class' own while there are few. */
function markerName(name) {
  const place = name === ALL ? atlas.classes.length : classPlace(name);
  return MARKERS[(place + Math.floor(place / MARKERS.length)) % MARKERS.length];
}

function layoutOf(given) {
  const ink = dark() ? "#ececec" : "#1b1b1b";
  const line = dark() ? "#4a4d55" : "#c4c4c4";
  const axis = { gridcolor: line, linecolor: line, zerolinecolor: line };
  const layout = {
    paper_bgcolor: "rgba(0,0,0,0)",
    plot_bgcolor: "rgba(0,0,0,0)",
    font: { color: ink, size: 13, family: "system-ui, sans-serif" },
    margin: MARGIN,
    hoverlabel: { align: "left" },
    ...given,
  };
  for (const key of new Set([...Object.keys(given).filter((name) => /^[xy]axis/.test(name)), "xaxis", "yaxis"]))
    layout[key] = { ...axis, ...given[key] };
  return layout;
}

/** A figure with its title and buttons to save it. `draw` shows traces; `label` is what a screen reader says;
 * `events` are what plotly.js tells of the pointer; `keys` is what keys do where the figure can be walked through. */
function figure(title, height = 420, events = {}, keys = null) {
  const area = element("div", keys ? { role: "application", tabindex: "0", onkeydown: keys } : { role: "group" });
  const text = element("span");
  const saveAs = (format) => {
    const { width, height: tall } = area.getBoundingClientRect();
    const { margin, ...layout } = area.layout;
    const named = {
      ...layout,
      title: { text: plain(text.textContent, 120), font: { size: 15 } },
      paper_bgcolor: getComputedStyle(document.body).backgroundColor,
      margin: { ...margin, t: (margin.t ?? 20) + 45 },
    };
    const filename = `${atlas.run}_${text.textContent}`.replace(/[^\w.-]+/g, "_").slice(0, 80);
    return Plotly.downloadImage(
      { data: area.data, layout: named },
      { format, filename, width, height: tall + 45, scale: 2 },
    );
  };
  const buttons = ["SVG", "PNG"].map((kind) =>
    button(kind, () => saveAs(kind.toLowerCase()), `Save the figure as ${kind}`),
  );
  const root = element("figure", {}, element("figcaption", {}, text, buttons), area);
  const draw = (traces, layout, label, name = title) => {
    text.textContent = name;
    area.setAttribute("aria-label", `${name}. ${label}`);
    const options = {
      displaylogo: false,
      modeBarButtonsToRemove: ["toImage", "lasso2d", "select2d"],
      // Where no graphics card is, each of these dots costs the processor time.
      plotGlPixelRatio: Math.min(2, Math.max(1, devicePixelRatio)),
    };
    const fresh = !area.on;
    area.style.height = `${layout.height ?? height}px`;
    Plotly.react(area, traces, layoutOf({ height, width: widthOf(area), ...layout }), options);
    if (fresh) for (const [event, action] of Object.entries(events)) area.on(event, action);
  };
  // As the window changes, or another figure comes beside this one.
  const fit = () =>
    area.on &&
    area.clientWidth &&
    widthOf(area) !== area.layout.width &&
    Plotly.relayout(area, { width: widthOf(area) });
  new ResizeObserver(fit).observe(area);
  return { root, area, draw };
}

const widthOf = (area) => (printing ? PAPER : area.clientWidth);

/** A legend in rows above the figure, and the margins with the room that it needs there; `left` is for the axis. */
function legendAbove({ area }, traces, left = MARGIN.l) {
  const names = traces.filter((one) => one.showlegend !== false).map((one) => one.name);
  const entry = 45 + 8 * Math.max(...names.map((name) => name.length), 1);
  const rows = Math.ceil(names.length / Math.max(1, Math.floor((widthOf(area) - left - MARGIN.r) / entry)));
  return {
    showlegend: true,
    legend: { orientation: "h", x: 0, y: 1, yanchor: "bottom", traceorder: "normal" },
    margin: { ...MARGIN, l: left, t: MARGIN.t + 20 * rows },
  };
}

// Seen on all colours of a map.
const CHOSEN = "#ff2d2d";

/** A line from bottom to top where something was chosen; none where it is null. */
const chosenLine = (x, color = dark() ? "#fff" : "#000") =>
  x === null ? [] : [{ type: "line", x0: x, x1: x, yref: "paper", y0: 0, y1: 1, line: { color, width: 1.5 } }];

/** Steps of the arrow keys: down, right. */
const ARROWS = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };
const within = (value, least, most) => Math.min(most, Math.max(least, value));

// Arrays

function bytes(text) {
  const raw = atob(text);
  const found = new Uint8Array(raw.length);
  for (let i = 0; i < raw.length; i++) found[i] = raw.charCodeAt(i);
  return found;
}

const floats = (text) => new Float32Array(bytes(text).buffer);
const unpacked = new Map();

/** An array of the data, decoded once. */
function once(key, decode) {
  if (!unpacked.has(key)) unpacked.set(key, decode());
  return unpacked.get(key);
}

// Places

const CODON = 3;
const residuesOf = (first, last = first) => [
  Math.floor(((first - 1) * atlas.stride) / CODON) + 1,
  Math.floor(((last - 1) * atlas.stride + atlas.k - 1) / CODON) + 1,
];
/** The residue in the middle of a k-mer. */
const middle = (token) => ((token - 1) * atlas.stride + atlas.k / 2) / CODON + 0.5;
const domainsOf = (start, end = start) =>
  atlas.domains
    .filter((one) => one.start <= end && start <= one.end)
    .map(({ name }) => name)
    .join(", ") || "no domain";

const spanText = ([start, end]) => `residues ${start}-${end} (${domainsOf(start, end)})`;
const placeOf = (first, last = first) => spanText(residuesOf(first, last));

/** The k-mer of the address, from 1; 0 where there is none. */
const tokenAsked = () => counted("token", atlas.maps.kmers, 0);

const cellOf = (layer, head) => (layer - 1) * atlas.heads + head - 1;
