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
    const wanted = asked("depth") === "" ? known.at(-1) : Number(asked("depth"));
    return known.includes(wanted) ? wanted : known.at(-1);
  };
  const slider = element("input", {
    type: "range",
    name: "depth",
    min: 0,
    step: 1,
    oninput: () => change({ depth: layersOf(oneOf("space", methods))[slider.value] }),
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
  const cloud = figure("", 640);
  const told = element("p", { class: "readout" });
  root.append(
    element(
      "p",
      {},
      "A point is a test sequence. Drag to turn, scroll to zoom. The axes of t-SNE and UMAP have no meaning, and distances between groups there say little.",
    ),
    bar.root,
    cloud.root,
    told,
  );

  return () => {
    bar.sync();
    const id = oneOf("space", methods);
    const layer = shownLayer();
    const data =
      id === "pca.cls"
        ? { ...space.pca[layer], accessions: space.accessions, class: space.class }
        : space.maps.find((one) => key(one) === id && one.layer === layer);
    const points = once(`space ${id} ${layer}`, () => floats(data.points));
    drawSpace(cloud, data, points, classes.chosen(), `${name(id)}, layer ${layer === 0 ? "0 (embeddings)" : layer}`);
    const same = points.every((value) => value === 0);
    told.textContent = same
      ? "All sequences have the same vector here: before the first layer, [CLS] has read nothing."
      : `${data.class.length} sequences${data.class.length < space.n ? ` of ${space.n}` : ""}; errors of the classifier are larger.`;
  };
}

const WEBGL = (() => {
  const canvas = document.createElement("canvas");
  return Boolean(canvas.getContext("webgl") ?? canvas.getContext("experimental-webgl"));
})();

const markerOf = (group) => {
  const markers = WEBGL ? MARKERS_3D : MARKERS;
  return markers[classPlace(group) % markers.length];
};

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
      },
      text: members.map((i) =>
        plainly(`${data.accessions[i]}: ${group}, called ${predicted.get(data.accessions[i]) ?? "unknown"}`),
      ),
      hovertemplate: "%{text}<extra></extra>",
    };
  });
  const title = (i) => ({
    text: data.shares ? `component ${i + 1} (${short(100 * data.shares[i])} %)` : `axis ${i + 1}`,
  });
  const axis = (i) => ({
    title: title(i),
    backgroundcolor: "rgba(0,0,0,0)",
    gridcolor: dark() ? "#4a4d55" : "#c4c4c4",
    color: dark() ? "#ececec" : "#1b1b1b",
  });
  const camera = { eye: { x: 1.6, y: 1.6, z: 0.9 } };
  const layout = WEBGL
    ? { scene: { xaxis: axis(0), yaxis: axis(1), zaxis: axis(2), camera } }
    : { xaxis: axis(0), yaxis: axis(1) };
  target.draw(
    traces,
    { ...layout, uirevision: "turned", showlegend: true, margin: { l: 10, r: 10, t: 10, b: 10 } },
    `${data.class.length} sequences in ${chosen.length} classes.`,
    name,
  );
}
