// Elements of the page. Text from the data enters it as text alone.
function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (value === true) made.setAttribute(key, "");
    else if (value !== false && value !== null && value !== undefined) made.setAttribute(key, value);
  }
  made.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return made;
}

const said = document.getElementById("said");

function say(text) {
  said.textContent = text;
}

/** A menu of the state's `key`. `options()` gives [value, text, group]; `current()` the value that holds. */
function menu(label, key, options, current) {
  const select = element("select", {
    name: typeof key === "string" ? key : null,
    "aria-label": label,
    onchange: () => change(changesOf(key, select.value)),
  });
  let held = "";
  const sync = () => {
    const entries = options();
    if (held !== JSON.stringify(entries)) fill(entries);
    held = JSON.stringify(entries);
    select.value = current();
  };
  const fill = (entries) => {
    const groups = new Map();
    for (const [value, text, group = ""] of entries) {
      if (!groups.has(group)) groups.set(group, []);
      groups.get(group).push(element("option", { value }, text));
    }
    select.replaceChildren(
      ...[...groups].flatMap(([group, within]) => (group ? [element("optgroup", { label: group }, within)] : within)),
    );
  };
  return { root: element("label", {}, label, select), sync };
}

const changesOf = (key, value) => (typeof key === "function" ? key(value) : { [key]: value });

function tick(label, key, checked = () => asked(key) === "1") {
  const box = element("input", {
    type: "checkbox",
    name: key,
    onchange: () => change({ [key]: box.checked ? "1" : "" }),
  });
  const text = element("span", {}, label);
  return { root: element("label", { class: "check" }, box, text), text, sync: () => (box.checked = checked()) };
}

/** A field to search with, of the state's `key`; `typed` is called while it changes. */
function searchField(label, key, typed) {
  const field = element("input", {
    type: "search",
    name: key,
    onchange: () => change({ [key]: field.value }),
    oninput: () => typed(field.value),
  });
  const sync = () => {
    if (document.activeElement !== field) field.value = asked(key);
  };
  return { root: element("label", {}, label, field), field, sync };
}

/** Boxes of the classes; those of the address, or at first `fallback`, are ticked. */
function classBoxes(options, fallback = () => options().slice(0, 2)) {
  const root = element("fieldset");
  const chosen = () => {
    const found = classesAsked(options());
    return found.length ? found : fallback();
  };
  const sync = () => {
    const boxes = options().map((name) => {
      const box = element("input", {
        type: "checkbox",
        name: "class",
        value: name,
        onchange: () => {
          const rest = chosen().filter((other) => other !== name);
          change({ class: box.checked ? [...rest, name] : rest });
        },
      });
      box.checked = chosen().includes(name);
      return element("label", {}, box, classTitle(name));
    });
    const focused = root.contains(document.activeElement) ? document.activeElement.value : null;
    root.replaceChildren(element("legend", {}, "Classes"), ...boxes);
    if (focused !== null) [...root.querySelectorAll("input")].find((box) => box.value === focused)?.focus();
  };
  return { root, sync, chosen };
}

/** Menus of a class and of what to hold against it: another class, or the same class in another network.
 *
 * The classes stand in the address as `class`, the network as `against`. `networks()` are those there are to choose. */
function classMenus(options, networks = () => []) {
  const pair = () => {
    const [first = options()[0], second = ""] = classesAsked(options());
    return [first, second];
  };
  const network = () => (pair()[1] === "" ? oneOf("against", ["", ...networks()]) : "");
  const entries = () => options().map((name) => [name, classTitle(name)]);
  const first = menu(
    "Class",
    (value) => ({ class: [value, pair()[1]].filter(unlike) }),
    entries,
    () => pair()[0],
  );
  const ofNetwork = (name) => `network ${name}`;
  const others = () => [
    ["", "none"],
    ...entries()
      .filter(([name]) => name !== pair()[0])
      .map(([name, title]) => [`class ${name}`, title, "Another class"]),
    ...networks().map((name) => [ofNetwork(name), modelTitle(name), "The same class in another network"]),
  ];
  const chosen = (value) => {
    const name = networks().find((one) => ofNetwork(one) === value) ?? "";
    return { class: [pair()[0], value.startsWith("class ") ? value.slice(6) : ""], against: name };
  };
  const second = menu("Compare with", chosen, others, () => {
    if (network()) return ofNetwork(network());
    return pair()[1] && `class ${pair()[1]}`;
  });
  return { menus: [first, second], pair, network };
}

/** The number of the step of the training that is asked for, from 1; 0 for the network that was kept in the end. */
const stepAsked = () => counted("step", atlas.steps.length, 0);

function stepTitle(number) {
  const { phase, step, of } = atlas.steps[number - 1];
  return `${phase}, step ${step} of ${of}`;
}

/** A slider along the steps of both trainings, at whose right end is the network that was kept. `measured()` says
 * whether there is something to see at them. */
function stepSlider(measured) {
  const last = atlas.steps.length + 1;
  const slide = element("input", {
    type: "range",
    name: "step",
    min: 1,
    max: last,
    step: 1,
    oninput: () => change({ step: Number(slide.value) < last ? slide.value : "" }),
  });
  const words = element("output");
  const root = element("label", {}, "Step of the training", slide, words);
  const sync = () => {
    root.hidden = !measured();
    slide.value = stepAsked() || last;
    words.textContent = stepAsked() ? stepTitle(stepAsked()) : "the network that was kept";
    slide.setAttribute("aria-valuetext", words.textContent);
  };
  return { root, sync };
}

/** The other networks that some of the statistics were measured of. */
const networksOf = (statistics) => [...new Set(statistics.flatMap((one) => Object.keys(one.networks)))];

const modelTitle = (name) => atlas.models[name]?.title ?? name;

const unlike = (value, index, all) => all.indexOf(value) === index;

function classTitle(name) {
  return name === ALL ? "all classes" : name === "" ? "weights" : name;
}

function controls(...parts) {
  return {
    root: element(
      "div",
      { class: "controls" },
      parts.map((part) => part.root ?? part),
    ),
    sync: () => parts.forEach((part) => part.sync?.()),
  };
}

function button(text, action, label = text) {
  return element("button", { type: "button", "aria-label": label, onclick: action }, text);
}

/** A table: `columns` are its heads, `rows` lists of texts, numbers or elements; `mark(i)` gives the class of row i. */
function table(caption, columns, rows, mark = () => null) {
  const cell = (value) =>
    typeof value === "number"
      ? element("td", { class: "number" }, String(value))
      : element("td", {}, value === null || value === undefined ? "" : value instanceof Interval ? String(value) : value);
  return element(
    "div",
    { class: "scroll", tabindex: "0", role: "region", "aria-label": caption },
    element(
      "table",
      {},
      element("caption", {}, caption),
      element(
        "thead",
        {},
        element(
          "tr",
          {},
          columns.map((name, i) =>
            element("th", { scope: "col", class: rows.some((row) => typeof row[i] === "number") ? "number" : null }, name),
          ),
        ),
      ),
      element(
        "tbody",
        {},
        rows.map((row, i) => element("tr", { class: mark(i) }, row.map(cell))),
      ),
    ),
  );
}

function save(name, text) {
  const link = element("a", {
    href: URL.createObjectURL(new Blob([text], { type: "text/tab-separated-values" })),
    download: name,
  });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

/** A button that saves the rows as a table, the first of which are its heads; an interval makes two columns. */
function saver(name, rows) {
  const cells = (value) => (value instanceof Interval ? [value.low, value.high] : value === INTERVAL ? ["low", "high"] : [value]);
  const line = (row) => row.flatMap(cells).map((value) => String(value ?? "").replace(/[\t\n\r]/g, " ")).join("\t");
  const file = `${atlas.run}_${name}.tsv`.replace(/[^\w.-]+/g, "_");
  return button("Save the numbers (TSV)", () => save(file, `${rows().map(line).join("\n")}\n`));
}

function note(text) {
  return element("p", { class: "note" }, text);
}

function missing(what, analysis) {
  return note(
    `${what}: not here, because the analysis ${analysis} was not active in this run. analyses.${analysis}.activate: true in its configuration turns it on.`,
  );
}

/** What is said where analyses are missing; nothing where all are there. */
function inactive() {
  if (!atlas.missing.length) return [];
  return [
    note(
      `Not active in this run, and so not shown: ${atlas.missing.join(", ")}. analyses.NAME.activate: true in its configuration turns one on.`,
    ),
  ];
}

const short = (number) => (number === null || number === undefined ? "none" : String(Number(number.toPrecision(3))));

const INTERVAL = `${100 * atlas.confidence} % interval`;

/** Two bounds, which a table shows in one cell; empty where one of them is missing. */
class Interval {
  constructor(low, high) {
    const known = [low, high].every((bound) => bound !== null && bound !== undefined);
    [this.low, this.high] = known ? [low, high] : ["", ""];
  }

  toString() {
    return this.low === "" ? "" : `${this.low} to ${this.high}`;
  }
}
