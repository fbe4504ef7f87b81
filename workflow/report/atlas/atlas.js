// The views, the keys 1 to 9 and 0 for them, and light or dark.
const VIEWS = {
  findings: ["Findings", "What was found", findingsView],
  grid: ["Heads", "Every layer and head", gridView],
  head: ["One head", "One head", headView],
  track: ["Protein", "Along the protein", trackView],
  sequence: ["Sequence", "One sequence", sequenceView],
  substitutions: ["Substitutions", "What each substitution does", substitutionsView],
  stream: ["Layers", "The stream through the layers", streamView],
  space: ["Space", "The space of the sequences", spaceView],
  predictions: ["Predictions", "Predictions", predictionsView],
  card: ["The run", "The run's card", cardView],
};
const main = document.getElementById("main");
const views = document.getElementById("views");
let shown = "";
let update = () => {};

function show() {
  const name = viewAsked(Object.keys(VIEWS));
  applyTheme();
  for (const link of views.children) {
    const own = link.dataset.view === name;
    if (own) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
    link.href = addressWith({ view: link.dataset.view });
  }
  if (name !== shown) {
    for (const area of main.querySelectorAll(".js-plotly-plot")) Plotly.purge(area);
    const heading = element("h2", { id: "view-title", tabindex: "-1" }, VIEWS[name][1]);
    main.replaceChildren(heading);
    update = VIEWS[name][2](main);
    document.title = `${VIEWS[name][0]}: atlas of ${atlas.run}`;
    // What had the focus is gone with the old view.
    if (shown !== "") heading.focus();
    shown = name;
  }
  update();
}

function applyTheme() {
  const preferred = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
  document.documentElement.dataset.theme = printing ? "light" : oneOf("theme", ["dark", "light"], preferred);
}

/** Draw for paper, light and as wide as a page, or for the screen. */
function drawForPaper(begins) {
  printing = begins;
  show();
}

document.getElementById("title").textContent = `Atlas of ${atlas.run}`;
const warning = document.getElementById("warning");
warning.textContent = atlas.warning;
warning.hidden = atlas.warning === "";
Object.entries(VIEWS).forEach(([name, [text]], i) =>
  views.append(element("a", { "data-view": name, "aria-keyshortcuts": String((i + 1) % 10) }, text)),
);
document.getElementById("theme").addEventListener("click", () => change({ theme: dark() ? "light" : "dark" }));
document.getElementById("skip").addEventListener("click", (event) => {
  event.preventDefault();
  main.focus();
});
document.addEventListener("keydown", (event) => {
  if (event.target.matches("input, select, textarea") || event.ctrlKey || event.metaKey || event.altKey) return;
  const name = /^\d$/.test(event.key) ? Object.keys(VIEWS)[(Number(event.key) + 9) % 10] : undefined;
  if (name) change({ view: name });
});
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", show);
addEventListener("beforeprint", () => drawForPaper(true));
addEventListener("afterprint", () => drawForPaper(false));
addEventListener("hashchange", show);
show();
