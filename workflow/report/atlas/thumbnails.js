// Small maps of the attention of all heads, each a link to the page of its head.
// Every so manieth cell tells the common range, from the one share of them to the other.
const SAMPLED = 37;
const SHARES = [0.02, 0.995];

function thumbnails() {
  const caption = element("p", { class: "note" });
  const pictures = upTo(atlas.layers * atlas.heads).map((number) => {
    const { side } = atlas.maps;
    const canvas = element("canvas", { width: side, height: side });
    return { cell: number - 1, canvas, link: element("a", { "aria-label": headName(number - 1) }, canvas) };
  });
  const number = (text) => element("span", { "aria-hidden": "true" }, text);
  const table = element("div", {
    class: "thumbnails",
    role: "group",
    "aria-label": "Maps of all heads",
    style: `--heads: ${atlas.heads}`,
  });
  table.append(
    number(""),
    ...upTo(atlas.heads).map((head) => number(`head ${head}`)),
    ...pictures.flatMap(({ cell, link }) => (cell % atlas.heads ? [link] : [number(`layer ${cell / atlas.heads + 1}`), link])),
  );
  const root = element("section", {}, element("h3", {}, "Maps of all heads"), caption, table);
  let drawn = "";
  let wanted = "";
  let seen = false;
  const draw = () => {
    if (!seen || drawn === wanted) return;
    drawn = wanted;
    const name = wanted;
    const range = commonRange(name);
    const [least, most] = range.map((log) => short(10 ** log));
    caption.textContent = `Mean attention of the queries (down) to the keys (across) in ${classTitle(name)}, on one scale for all heads: its logarithm from ${least} or less, dark, to ${most} or more, light.`;
    pictures.forEach(({ cell, canvas }) => drawThumbnail(canvas, name, cell, range));
  };
  // They are many, and below the table: drawn when they come into sight, or onto paper.
  new IntersectionObserver((entries) => {
    seen = entries.at(-1).isIntersecting;
    draw();
  }).observe(root);
  const update = (name) => {
    for (const { cell, link } of pictures) {
      const [layer, head] = [Math.floor(cell / atlas.heads) + 1, (cell % atlas.heads) + 1];
      link.href = addressWith({ view: "head", layer, head });
      link.className = layer === counted("layer", atlas.layers, 0) && head === counted("head", atlas.heads, 0) ? "here" : "";
    }
    wanted = name;
    seen ||= printing;
    draw();
  };
  return { root, update };
}

/** Logarithms that all but a few cells of a class lie between: one bright cell would make all others dark. */
function commonRange(name) {
  const some = upTo(atlas.layers * atlas.heads).flatMap((number) => {
    const { steps, cells } = stepsOf(name, number - 1);
    return upTo(Math.ceil(cells.length / SAMPLED))
      .map((i) => steps[cells[(i - 1) * SAMPLED]])
      .filter((log) => log !== null);
  });
  const sorted = Float64Array.from(some).sort();
  return SHARES.map((share) => sorted[Math.round(share * (sorted.length - 1))]);
}

function drawThumbnail(canvas, name, cell, range) {
  const { side } = atlas.maps;
  const { steps, cells } = stepsOf(name, cell);
  const [low, high] = range;
  // A pixel in one number, in the order of the machine's bytes; nothing is known of a cell of step 0.
  const pixel = new Uint8ClampedArray(4);
  const colours = steps.map((log) => {
    pixel.set(log === null ? [0, 0, 0, 0] : [...shade((log - low) / (high - low || 1)), 255]);
    return new Uint32Array(pixel.buffer)[0];
  });
  const image = new ImageData(side, side);
  const pixels = new Uint32Array(image.data.buffer);
  cells.forEach((step, i) => (pixels[i] = colours[step]));
  canvas.getContext("2d").putImageData(image, 0, 0);
}

/** Red, green and blue of a share of the sequential scale. */
function shade(share) {
  const place = within(share, 0, 1) * (SEQUENTIAL.length - 1);
  const from = Math.min(Math.floor(place), SEQUENTIAL.length - 2);
  const [one, next] = [from, from + 1].map((i) => [1, 3, 5].map((at) => parseInt(SEQUENTIAL[i][1].slice(at, at + 2), 16)));
  return one.map((value, i) => Math.round(value + (place - from) * (next[i] - value)));
}
