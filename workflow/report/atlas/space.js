// (e) The test sequences in three dimensions, layer by layer.
const METHOD_NAMES = { pca: "PCA", tsne: "t-SNE", umap: "UMAP" };
const SITE_NAMES = { cls: "[CLS]", kmers: "mean k-mer" };

function spaceView(root) {
  const { space } = atlas;
  const key = ({ method, site }) => `${method}.${site}`;
  const methods = ["pca.cls", ...new Set(space.maps.map(key))];
  const name = (id) => `${METHOD_NAMES[id.split(".")[0]] ?? id} of ${SITE_NAMES[id.split(".")[1]] ?? id}`;
  const layersOf = (id) =>
    id === "pca.cls"
      ? space.pca.map((_, i) => i)
      : space.maps
          .filter((one) => key(one) === id)
          .map((one) => one.layer)
          .sort((a, b) => a - b);
  const method = menu(
    "Space",
    "space",
    () => methods.map((id) => [id, name(id)]),
    () => oneOf("space", methods),
  );
  const shownLayer = () => {
    const known = layersOf(oneOf("space", methods));
    const wanted = asked("layer") === "" ? known.at(-1) : Number(asked("layer"));
    return known.includes(wanted) ? wanted : known.at(-1);
  };
  const slider = element("input", {
    type: "range",
    name: "layer",
    min: 0,
    step: 1,
    oninput: () => change({ layer: layersOf(oneOf("space", methods))[slider.value] }),
  });
  const readout = element("output");
  const sliding = {
    root: element("label", {}, "Layer", element("span", {}, slider, " ", readout)),
    sync: () => {
      const known = layersOf(oneOf("space", methods));
      slider.max = known.length - 1;
      slider.disabled = known.length < 2;
      slider.value = known.indexOf(shownLayer());
      readout.textContent = shownLayer() === 0 ? "0 (embeddings)" : String(shownLayer());
      slider.setAttribute("aria-valuetext", `layer ${readout.textContent}`);
    },
  };
  const classes = classBoxes(
    () => [...new Set(space.class)].sort((a, b) => classPlace(a) - classPlace(b)),
    () => [...new Set(space.class)],
  );
  const bar = controls(method, sliding, classes);
  const turn = (event) => {
    if (!WEBGL || !(event.key in ARROWS)) return;
    const [down, right] = ARROWS[event.key];
    Plotly.relayout(cloud.area, { "scene.camera.eye": turned(cloud.area.layout.scene.camera.eye, down, right) });
    event.preventDefault();
  };
  const choose = ({ points: [point] }) => change({ sequence: point.data.accessions[point.pointNumber] });
  const cloud = figure("", 640, { plotly_click: choose }, turn);
  const told = element("p", { class: "readout" });
  root.append(
    element(
      "p",
      {},
      "A point is a test sequence. Drag or press the arrow keys to turn, scroll to zoom; a click chooses a sequence, in all views. The axes of t-SNE and UMAP have no meaning, and distances between groups there say little.",
    ),
    bar.root,
    cloud.root,
    told,
    saver("space", () => spaceTable(...shown())),
  );

  const shown = () => {
    const [id, layer] = [oneOf("space", methods), shownLayer()];
    const data =
      id === "pca.cls"
        ? { ...space.pca[layer], accessions: space.accessions, class: space.class }
        : space.maps.find((one) => key(one) === id && one.layer === layer);
    return [data, once(`space ${id} ${layer}`, () => floats(data.points)), id, layer];
  };

  return () => {
    bar.sync();
    const [data, points, id, layer] = shown();
    drawSpace(cloud, data, points, classes.chosen(), `${name(id)}, layer ${layer === 0 ? "0 (embeddings)" : layer}`);
    const same = points.every((value) => value === 0);
    const words = same
      ? "All sequences have the same vector here: before the first layer, [CLS] has read nothing."
      : `${data.class.length} of ${space.n} test sequences. Those that the classifier calls wrongly are larger.`;
    const place = data.accessions.indexOf(asked("sequence"));
    told.textContent = asked("sequence") === "" ? words : `${words} ${sequenceText(asked("sequence"), place)}`;
  };
}

const sequenceText = (name, place) =>
  place < 0 ? `${name} is not among them.` : `Chosen, as the black diamond: ${name}.`;

const spaceTable = (data, points) => [
  ["accession", "class", "x", "y", "z"],
  ...data.accessions.map((name, i) => [name, data.class[i], ...points.subarray(3 * i, 3 * i + 3)]),
];

/** The eye of the camera a tenth of a radian further round, or up and down. */
function turned({ x, y, z }, down, right) {
  const [across, far] = [Math.hypot(x, y), Math.hypot(x, y, z)];
  const round = Math.atan2(y, x) + right / 10;
  const up = within(Math.atan2(z, across) - down / 10, -1.5, 1.5);
  return { x: far * Math.cos(up) * Math.cos(round), y: far * Math.cos(up) * Math.sin(round), z: far * Math.sin(up) };
}

const WEBGL = (() => {
  const canvas = document.createElement("canvas");
  return Boolean(canvas.getContext("webgl") ?? canvas.getContext("experimental-webgl"));
})();

const markerOf = (group) => (WEBGL ? MARKERS_3D[classPlace(group) % MARKERS_3D.length] : markerName(group));

function drawSpace(target, data, points, chosen, name) {
  const predicted = new Map(atlas.space.accessions.map((accession, i) => [accession, atlas.space.predicted[i]]));
  const traces = chosen.map((group) => {
    const members = data.class
      .map((one, i) => [one, i])
      .filter(([one]) => one === group)
      .map(([, i]) => i);
    const wrong = members.map((i) => (predicted.get(data.accessions[i]) ?? group) !== group && group !== "other");
    const solid = { type: "scatter3d", z: members.map((i) => points[3 * i + 2]) };
    return {
      ...(WEBGL ? solid : { type: "scatter" }),
      mode: "markers",
      name: plain(classTitle(group)),
      x: members.map((i) => points[3 * i]),
      y: members.map((i) => points[3 * i + 1]),
      marker: {
        color: classColour(group),
        symbol: markerOf(group),
        size: wrong.map((is) => (is ? 13 : 7)),
        opacity: 1,
        // Open markers and crosses are drawn by their line.
        line: { color: classColour(group), width: 1 },
      },
      accessions: members.map((i) => data.accessions[i]),
      text: members.map((i) =>
        plainly(`${data.accessions[i]}: ${group}, called ${predicted.get(data.accessions[i]) ?? "unknown"}`),
      ),
      hovertemplate: "%{text}<extra></extra>",
    };
  });
  const place = data.accessions.indexOf(asked("sequence"));
  if (place >= 0) {
    const [x, y, z] = points.subarray(3 * place, 3 * place + 3);
    const name = asked("sequence");
    traces.push({
      ...(WEBGL ? { type: "scatter3d", z: [z] } : { type: "scatter" }),
      mode: "markers",
      name: plain(name),
      x: [x],
      y: [y],
      marker: { symbol: "diamond", size: 16, color: dark() ? "#ffffff" : "#000000" },
      accessions: [name],
      text: [plainly(`${name}, chosen`)],
      hovertemplate: "%{text}<extra></extra>",
    });
  }
  const title = (i) => ({
    text: data.shares ? `component ${i + 1} (${short(100 * data.shares[i])} %)` : `axis ${i + 1}`,
  });
  const axis = (i) => ({
    title: title(i),
    backgroundcolor: "rgba(0,0,0,0)",
    gridcolor: dark() ? "#4a4d55" : "#c4c4c4",
    color: dark() ? "#ececec" : "#1b1b1b",
  });
  const camera = { eye: { x: 1.45, y: 1.45, z: 0.8 }, center: { x: 0, y: 0, z: -0.12 } };
  const layout = WEBGL
    ? { scene: { xaxis: axis(0), yaxis: axis(1), zaxis: axis(2), camera } }
    : { xaxis: axis(0), yaxis: axis(1) };
  target.draw(
    traces,
    { ...layout, uirevision: "turned", ...legendAbove(target, traces, 10) },
    `${data.class.length} sequences in ${chosen.length} classes.`,
    name,
  );
}
