// The state of the page is its address: #view=grid&stat=...&class=A&class=B&layer=3&head=5
const atlas = JSON.parse(document.getElementById("atlas").textContent);
const ALL = "all";
let printing = false;

let read = ["", new URLSearchParams()];

/** What the address says, read once for each address. */
function parameters() {
  if (read[0] !== location.hash) read = [location.hash, new URLSearchParams(location.hash.slice(1))];
  return read[1];
}

function asked(key, fallback = "") {
  return parameters().get(key) ?? fallback;
}

/** A whole number from 1 to `most`, whatever the address says. */
function counted(key, most, fallback = 1) {
  const value = Number(asked(key));
  return Number.isInteger(value) && value >= 1 && value <= most ? value : fallback;
}

/** One of `options`: what the address says, or the first. */
function oneOf(key, options, fallback = options[0]) {
  const value = asked(key, null);
  return options.includes(value) ? value : fallback;
}

/** Classes of the address that are among `options`, in its order. */
function classesAsked(options) {
  return [...new Set(parameters().getAll("class"))].filter((name) => options.includes(name));
}

function addressWith(changes) {
  const next = new URLSearchParams(parameters());
  for (const [key, value] of Object.entries(changes)) {
    next.delete(key);
    for (const one of [value].flat()) if (one !== "" && one !== null && one !== undefined) next.append(key, one);
  }
  return `#${next}`;
}

/** Go to another address. Another view is a step that the browser can go back; steps within a view are not. */
function change(changes) {
  if ("view" in changes) {
    location.hash = addressWith(changes);
    return;
  }
  history.replaceState(null, "", addressWith(changes));
  show();
}

/** The view of the address; a head without a view is a head's page. */
function viewAsked(names) {
  return oneOf("view", names, parameters().has("layer") && parameters().has("head") ? "head" : names[0]);
}
