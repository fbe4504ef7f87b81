// (d) The stream through the layers: a panel for each group of statistics.
const PANELS = ["Cone index", "Isotropy", "Norms", "Separability of the classes"];
const PANEL_ANALYSES = ["cone_index", "isotropy", "vector_norms", "clustering"];

function streamView(root) {
  const everything = () => [...atlas.classes.map(({ name }) => name), ALL];
  const classes = classBoxes(everything, () => [ALL, ...everything().slice(0, 2)]);
  const bar = controls(classes);
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
    const drawn = figure(group, 340);
    const numbers = element("div");
    const meaning = element("p", { class: "note" });
    drawn.root.prepend(choice.root, meaning);
    drawn.root.append(numbers);
    const update = () => {
      choice.sync();
      const statistic = known.find((one) => one.key === oneOf(key, keys));
      meaning.textContent = statistic.meaning;
      drawStream(drawn, statistic, classes.chosen());
      numbers.replaceChildren(streamTable(statistic, classes.chosen()));
    };
    return { root: drawn.root, update };
  });
  root.append(
    element(
      "p",
      {},
      "How the vectors of the tokens change from layer to layer; layer 0 is the embeddings. Error bars are intervals over sequences.",
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

function drawStream(target, statistic, chosen) {
  const known = chosen.filter((name) => statistic.classes[name]);
  const traces = known.map((name, i) => {
    const { layer, value, low, high } = statistic.classes[name];
    return {
      type: "scatter",
      mode: "lines+markers",
      name: plain(classTitle(name)),
      x: layer,
      y: value,
      error_y: {
        type: "data",
        symmetric: false,
        array: value.map((middle, j) => (high?.[j] ?? middle) - middle),
        arrayminus: value.map((middle, j) => middle - (low?.[j] ?? middle)),
        thickness: 1,
      },
      line: { color: classColour(name), dash: name === ALL ? "dash" : "solid" },
      marker: { symbol: MARKERS[(name === ALL ? i : classPlace(name)) % MARKERS.length], size: 8 },
    };
  });
  const label = known
    .map((name) => `${classTitle(name)} ${statistic.classes[name].value.map(short).join(", ")}`)
    .join("; ");
  target.draw(
    traces,
    {
      xaxis: { title: { text: "layer" }, dtick: 1, range: [-0.3, atlas.layers + 0.3] },
      yaxis: { title: { text: plain(statistic.unit) } },
      legend: { orientation: "h", y: 1.15 },
      showlegend: true,
    },
    label,
    `${statistic.group}: ${statistic.title}`,
  );
}

function streamTable(statistic, chosen) {
  const columns = ["class", "layer", "value", INTERVAL, "n"];
  const rows = chosen
    .filter((name) => statistic.classes[name])
    .flatMap((name) => {
      const { layer, value, low, high, n } = statistic.classes[name];
      return layer.map((number, i) => [
        classTitle(name),
        number,
        value[i],
        new Interval(low?.[i], high?.[i]),
        n?.[i] ?? "",
      ]);
    });
  return element(
    "details",
    {},
    element("summary", {}, "Numbers"),
    table(`${statistic.title}; from geometry/${statistic.analysis}.tsv`, columns, rows),
    saver(statistic.key, () => [columns, ...rows]),
  );
}
