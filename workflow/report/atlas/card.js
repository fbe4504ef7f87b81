// (g) What the run is: data, model, metrics, versions, configuration, files.
function cardView(root) {
  const { card } = atlas;
  const given = ({ columns, rows }, caption) => table(caption, columns, rows);
  const metric = menu(
    "Metric",
    "metric",
    () => [...new Set(card.metrics.map((row) => row[2]))].map((name) => [name, metricTitle(name)]),
    () => oneOf("metric", [...new Set(card.metrics.map((row) => row[2]))]),
  );
  const bar = controls(metric);
  const metrics = element("div");
  const bars = figure("", 380);
  root.append(
    element(
      "p",
      {},
      card.simulated
        ? "The genomes of this run are simulated: what the model learns of them says that the workflow works, and is no finding about the virus."
        : "What this run was made of.",
    ),
    element("h3", {}, "Metrics, the model beside baselines"),
    note("The fine-tuned model is the one of this page. The untrained one and other seeds are its controls, the others baselines."),
    bar.root,
    bars.root,
    metrics,
    element("h3", {}, "Data"),
    given(card.data, "Where the genomes come from, and how they are read"),
    given(card.splits, "Genomes and distinct sequences in each split; from dataset/split_sizes.tsv"),
    element("h3", {}, "Model"),
    given(card.model, "The fine-tuned model; from model/finetuned/config.json"),
    element("h3", {}, "Tables"),
    element(
      "p",
      {},
      "These links work while the page lies in the folder of its run. Each view also saves what it shows.",
    ),
    element(
      "ul",
      {},
      card.tables.map((path) => element("li", {}, element("a", { href: path, download: true }, path))),
    ),
    ...inactive(),
    element("h3", {}, "Versions"),
    given(card.versions, "Programs, machines and packages that the jobs before this page used; those of all jobs are in provenance.json"),
    element("h3", {}, "Citation"),
    element("p", {}, card.citation),
    element("h3", {}, "Configuration"),
    element("pre", { tabindex: "0" }, card.config),
  );
  return () => {
    bar.sync();
    const name = oneOf("metric", [...new Set(card.metrics.map((row) => row[2]))]);
    const rows = card.metrics.filter((row) => row[2] === name);
    const columns = ["set", "model", "value", INTERVAL, "n"];
    const cells = rows.map(([set, model, , value, low, high, n]) => [
      set,
      modelTitle(model),
      value,
      new Interval(low, high),
      n,
    ]);
    metrics.replaceChildren(
      table(`${metricTitle(name)}; from evaluation/metrics.tsv`, columns, cells),
      saver(`metric_${name}`, () => [columns, ...cells]),
    );
    drawMetric(bars, name, rows);
  };
}

const METRICS = {
  ece: "expected calibration error (ECE)",
  log_loss: "log loss (nats)",
  macro_f1: "macro F1",
  micro_f1: "micro F1",
};
const metricTitle = (name) => METRICS[name] ?? name.replace(/_/g, " ");

function drawMetric(target, name, rows) {
  const models = [...new Set(rows.map((row) => row[1]))];
  const traces = models.map((model, i) => {
    const own = rows.filter((row) => row[1] === model);
    return {
      type: "scatter",
      mode: "markers",
      name: plain(modelTitle(model)),
      x: own.map((row) => plain(row[0])),
      y: own.map((row) => row[3]),
      error_y: {
        type: "data",
        symmetric: false,
        array: own.map((row) => (row[5] ?? row[3]) - row[3]),
        arrayminus: own.map((row) => row[3] - (row[4] ?? row[3])),
        thickness: 1.5,
      },
      marker: { color: modelColour(model), symbol: MARKERS[i % MARKERS.length], size: 9 },
    };
  });
  target.draw(
    traces,
    {
      scattermode: "group",
      yaxis: { title: { text: metricTitle(name) }, rangemode: "tozero" },
      xaxis: { title: { text: "set" }, automargin: true },
      ...legendAbove(target, traces),
    },
    "The numbers are in the table below.",
    metricTitle(name),
  );
}
