// (d) The stream through the layers: a panel for each group of statistics.
const PANELS = ["Cone index", "Isotropy", "Norms", "Separability of the classes"];
const PANEL_ANALYSES = ["cone_index", "isotropy", "vector_norms", "clustering"];

function streamView(root) {
  const everything = () => [...atlas.classes.map(({ name }) => name), ALL];
  const classes = classBoxes(everything, () => [ALL, ...everything().slice(0, 2)]);
  const others = networksOf(atlas.stream);
  const network = () => oneOf("against", ["", ...others]);
  const beside = menu(
    "Beside it",
    "against",
    () => [["", "no other network"], ...others.map((name) => [name, modelTitle(name)])],
    network,
  );
  const steps = stepSlider(() => atlas.stream.some((one) => one.steps.length));
  const bar = controls(classes, beside, steps);
  const panels = PANELS.map((group, i) => {
    const known = atlas.stream.filter((one) => one.group === group);
    if (!known.length) return { root: element("figure", {}, missing(group, PANEL_ANALYSES[i])), update: () => {} };
    const key = `panel${i + 1}`;
    const keys = known.map((one) => one.key);
    const choice = controls(
      menu(
        group,
        key,
        () => known.map((one) => [one.key, one.title]),
        () => oneOf(key, keys),
      ),
    );
    const drawn = figure(group, 340, { plotly_click: ({ points: [{ x }] }) => change({ layer: x }) });
    const numbers = element("div");
    const meaning = element("p", { class: "note" });
    drawn.root.prepend(choice.root, meaning);
    drawn.root.append(numbers);
    const update = () => {
      choice.sync();
      const statistic = known.find((one) => one.key === oneOf(key, keys));
      const lines = linesOf(statistic, classes.chosen(), network(), stepAsked());
      const lacks = network() && !statistic.networks[network()];
      meaning.textContent = `${statistic.meaning}${lacks ? ` It was not measured of the ${modelTitle(network())} network.` : ""}`;
      drawStream(drawn, statistic, lines);
      numbers.replaceChildren(streamTable(statistic, lines));
    };
    return { root: drawn.root, update };
  });
  root.append(
    element(
      "p",
      {},
      "How the vectors of the tokens change from layer to layer; layer 0 is the embeddings. Error bars are intervals over sequences. Another network, and the network of all classes at a step of its training, is dotted, with open markers. A click chooses a layer, in all views.",
    ),
    bar.root,
    element(
      "div",
      { class: "figures two" },
      panels.map((one) => one.root),
    ),
  );
  return () => {
    bar.sync();
    panels.forEach((one) => one.update());
  };
}

/** The lines of a statistic: class, network and values of each, those of another network last, and of a step. */
function linesOf(statistic, chosen, other, step) {
  const of = (classes, network) =>
    chosen.filter((name) => classes?.[name]).map((name) => ({ name, network, values: classes[name] }));
  const then = step && statistic.steps[step - 1];
  return [
    ...of(statistic.classes, FINETUNED),
    ...(other ? of(statistic.networks[other], other) : []),
    ...(then ? [{ name: ALL, network: stepTitle(step), then: true, values: then }] : []),
  ];
}

function drawStream(target, statistic, lines) {
  const several = lines.some(({ network }) => network !== FINETUNED);
  // That of a step says all there is room for.
  const titleOf = ({ name, network, then }) =>
    then ? network : `${classTitle(name)}${several ? `, ${modelTitle(network)}` : ""}`;
  const traces = lines.map((line) => {
    const { name, network } = line;
    const { layer, value, low, high } = line.values;
    const own = network === FINETUNED;
    return {
      type: "scatter",
      mode: "lines+markers",
      name: plain(titleOf(line)),
      x: layer,
      y: value,
      error_y: {
        type: "data",
        symmetric: false,
        array: value.map((middle, j) => (high?.[j] ?? middle) - middle),
        arrayminus: value.map((middle, j) => middle - (low?.[j] ?? middle)),
        thickness: 1,
      },
      line: { color: classColour(name), dash: own ? (name === ALL ? "dash" : "solid") : "dot" },
      marker: { symbol: `${markerName(name)}${own ? "" : "-open"}`, size: 8 },
    };
  });
  const label = lines.map((line) => `${titleOf(line)} ${line.values.value.map(short).join(", ")}`).join("; ");
  target.draw(
    traces,
    {
      xaxis: { title: { text: "layer" }, dtick: 1, range: [-0.3, atlas.layers + 0.3] },
      yaxis: { title: { text: plain(statistic.unit) } },
      shapes: chosenLine(asked("layer") === "" ? null : within(Number(asked("layer")) || 0, 0, atlas.layers)),
      ...legendAbove(target, traces),
    },
    label,
    `${statistic.group}: ${statistic.title}`,
  );
}

function streamTable(statistic, lines) {
  const columns = ["class", "network", "layer", "value", INTERVAL, "n"];
  const rows = lines.flatMap(({ name, network, values: { layer, value, low, high, n } }) =>
    layer.map((number, i) => [
      classTitle(name),
      modelTitle(network),
      number,
      value[i],
      new Interval(low?.[i], high?.[i]),
      n?.[i] ?? "",
    ]),
  );
  return element(
    "details",
    {},
    element("summary", {}, "Numbers"),
    table(`${statistic.title}; from geometry/${statistic.analysis}.tsv`, columns, rows),
    saver(statistic.key, () => [columns, ...rows]),
  );
}
