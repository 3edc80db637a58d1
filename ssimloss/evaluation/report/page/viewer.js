// One image: reference and result under a slider, maps of similarity and error with their colour bars, values.

const view = { list: [], at: 0, method: 0, layer: 0, against: 0, zoom: 0, share: 50, maps: {}, token: 0 };
const LAYERS = [["Result", null], ["SSIM map", "ssim"], ["Error map", "error"]];
const ZOOMS = [["Fit", 0], ["100 %", 1], ["200 %", 2], ["400 %", 4], ["800 %", 8]];
const parts = {};
const dialog = byId("viewer");
const luts = Object.fromEntries(Object.entries(data.colors).map(([map, text]) => [map, Uint8Array.from(atob(text), (c) => c.charCodeAt(0))]));
const current = () => view.list[view.at];

function openViewer(list, at, method = null) {
  if (!list.length) return;
  const wanted = shotsOf(list[at])[0]; // of a clip its frames, the worst first
  list = list.flatMap(shotsOf);
  at = list.indexOf(wanted);
  view.list = list;
  view.at = at;
  if (method !== null) view.method = method;
  view.share = 50;
  view.layer = 0;
  if (!parts.stage) buildViewer();
  if (!dialog.open) { view.opener = document.activeElement; dialog.showModal(); }
  show();
  parts.handle.hidden ? parts.close.focus() : parts.handle.focus();
}
function step(by) {
  const at = view.at + by;
  if (at < 0 || at >= view.list.length) return;
  view.at = at;
  show();
}

function button(text, label, click) {
  return element("button", { type: "button", "aria-label": label, title: label, click }, text);
}
function buildViewer() {
  parts.name = element("h2", { id: "viewer-name" });
  parts.place = element("span", { class: "place", "aria-live": "polite" });
  parts.previous = button("‹", "Previous image (P)", () => step(-1));
  parts.next = button("›", "Next image (N)", () => step(1));
  parts.close = button("×", "Close (Esc)", () => dialog.close());
  parts.handle = element("div", { class: "handle", role: "slider", tabindex: 0, "aria-label": "Border between reference and result",
    "aria-valuemin": 0, "aria-valuemax": 100, "aria-orientation": "horizontal" }, element("i", { "aria-hidden": "true" }));
  parts.left = element("img", { alt: "", draggable: "false", decoding: "async" });
  parts.right = element("img", { alt: "", draggable: "false", decoding: "async" });
  parts.map = element("canvas", { hidden: true });
  parts.over = element("div", { class: "over" }, parts.right, parts.map);
  parts.leftTag = element("span", { class: "tag left" });
  parts.rightTag = element("span", { class: "tag right" });
  parts.sheet = element("div", { class: "sheet" }, parts.left, parts.over, parts.handle);
  parts.stage = element("div", { class: "stage", pointerdown: grab, pointermove: hover, pointerup: release, pointercancel: release, pointerleave: () => { parts.readout.textContent = parts.hint; } }, parts.sheet);
  parts.alone = element("div", { class: "alone" });
  parts.readout = element("p", { class: "readout" });
  parts.note = element("p", { class: "aside note" });
  parts.layers = element("div");
  parts.zooms = element("div");
  parts.methods = element("div", { class: "methods" });
  parts.setLayer = choice(parts.layers, "What is on the right", LAYERS.map(([word]) => word), 0, (i) => { view.layer = i; paint(); });
  parts.setZoom = choice(parts.zooms, "Magnification", ZOOMS.map(([word]) => word), 0, (i) => { view.zoom = i; layout(); });
  parts.setMethod = choice(parts.methods, "Method", methods, 0, (i) => { view.method = i; show(); });
  parts.methods.hidden = methods.length < 2;
  const others = ["Reference", ...methods];
  parts.against = element("select", { "aria-label": "What is on the left", change: () => { view.against = Number(parts.against.value); paint(); } },
    others.map((word, i) => element("option", { value: i }, i ? word : "reference")));
  parts.againstLabel = element("label", { class: "against", hidden: methods.length < 2 }, "against ", parts.against);
  parts.values = element("div", { class: "values" });
  parts.mapHolders = { ssim: mapPanel("ssim", 1), error: mapPanel("error", 2) };
  parts.files = element("dl", { class: "files" });
  dialog.append(
    element("header", {}, element("div", { class: "title" }, parts.name, parts.place), element("div", { class: "buttons" }, parts.previous, parts.next, parts.close)),
    element("div", { class: "viewer-body" },
      element("div", { class: "main" },
        element("div", { class: "controls" }, parts.methods, parts.againstLabel, parts.layers, parts.zooms),
        element("div", { class: "frame" }, parts.stage, parts.leftTag, parts.rightTag), parts.alone, parts.readout, parts.note),
      element("aside", { "aria-label": "Values and maps" }, parts.values, parts.mapHolders.ssim.figure, parts.mapHolders.error.figure, parts.files)));
  dialog.addEventListener("close", () => { view.opener?.isConnected && view.opener.focus({ preventScroll: true }); });
  new ResizeObserver(layout).observe(parts.stage);
}

function mapPanel(kind, layer) {
  const canvas = element("canvas", { role: "img" });
  const bar = element("canvas", { class: "scale", width: 256, height: 1, "aria-hidden": "true" });
  const pixels = new ImageData(256, 1);
  for (let i = 0; i < 256; i++) pixels.data.set([...luts[kind].subarray(3 * i, 3 * i + 3), 255], 4 * i);
  bar.getContext("2d").putImageData(pixels, 0, 0);
  const ticks = element("div", { class: "ticks" });
  const unit = element("p", { class: "unit" });
  const toggle = () => { view.layer = view.layer === layer ? 0 : layer; parts.setLayer(view.layer); paint(); };
  const caption = element("button", { type: "button", click: toggle });
  const figure = element("figure", { class: "map" }, element("figcaption", {}, caption), canvas, bar, ticks, unit);
  canvas.addEventListener("click", toggle);
  return { figure, canvas, ticks, unit, caption };
}

function show() {
  const i = current(), picture = pictureOf(i), size = data.sizes[i];
  const m = view.method;
  parts.name.textContent = data.names[i];
  parts.name.title = data.names[i];
  parts.place.textContent = `${whole(view.at + 1)} of ${whole(view.list.length)}${size ? `  ·  ${size[0]} × ${size[1]} (height × width)` : ""}`;
  parts.previous.disabled = view.at === 0;
  parts.next.disabled = view.at === view.list.length - 1;
  parts.setMethod(m);
  const has = Boolean(picture?.results[m]);
  const focused = parts.stage.contains(document.activeElement);
  for (const part of [parts.stage.parentElement, parts.readout, parts.layers, parts.zooms]) part.hidden = !has;
  parts.againstLabel.hidden = !has || methods.length < 2;
  parts.handle.hidden = !has;
  parts.alone.hidden = has;
  if (!has) {
    const reasons = (failures.get(i) ?? []).filter((f) => f.method === m).map((f) => f.reason);
    parts.alone.replaceChildren(thumbnail(i, "large"), element("p", {}, ...(reasons.length ? reasons
      : [`Pictures are on this page for ${plural(data.pictured.length, "image")} only, the worst of each method and metric; the files of this one are named beside it.`])));
    if (focused) parts.close.focus(); // what is hidden cannot keep it
  }
  parts.note.textContent = picture?.note ?? "";
  showValues(i);
  const files = [["Reference", data.references[i]], [methods.length > 1 ? methods[m] : "Result", data.distorted[m][i]]];
  parts.files.replaceChildren(...files.flatMap(([term, path]) => (path ? [element("dt", {}, term), element("dd", {}, path)] : [])));
  paint();
}

function showValues(i) {
  const head = methods.length > 1 ? element("thead", {}, element("tr", {}, element("td"), methods.map((method, k) =>
    element("th", { scope: "col", class: k === view.method ? "number chosen" : "number", title: method }, method)))) : null;
  const body = element("tbody", {}, metrics.map((metric, m) => {
    if (i >= count && methods.every((_, k) => data.values[k][m][i] === null)) return null; // a mean over frames
    const best = bestOf(i, metric, m);
    return element("tr", {}, element("th", { scope: "row" }, titleOf(metric)), methods.map((_, k) => {
      const value = data.values[k][m][i];
      return element("td", { class: best === value && standing(value) === 0 ? "number best" : "number" }, shown(value, metric, metric.unit === "dB" ? 1 : 0));
    }));
  }));
  parts.values.replaceChildren(element("table", {}, head, body));
}

async function paint() {
  const token = ++view.token;
  const i = current(), picture = pictureOf(i), m = view.method;
  const has = Boolean(picture?.results[m]);
  for (const [kind, panel] of Object.entries(parts.mapHolders)) panel.figure.hidden = !(has && picture[kind][m]);
  view.maps = {};
  if (!has) return;
  const kind = LAYERS[view.layer][1];
  const left = view.against === 0 ? null : view.against - 1;
  const leftName = left === null ? "reference" : methods[left];
  parts.left.src = (left === null ? picture.reference : picture.results[left]) ?? picture.reference;
  parts.right.src = picture.results[m];
  parts.right.hidden = Boolean(kind && picture[kind][m]);
  parts.map.hidden = !parts.right.hidden;
  parts.leftTag.textContent = leftName;
  parts.rightTag.textContent = parts.right.hidden ? LAYERS[view.layer][0] : methods.length > 1 ? methods[m] : "result";
  parts.hint = "Point at the picture to read values; drag, or use ← and →, to move the border.";
  parts.readout.textContent = parts.hint;
  layout();
  slide(view.share);
  for (const [name, panel] of Object.entries(parts.mapHolders)) {
    if (!picture[name][m]) continue;
    const scale = { ...data.scales[name], ...(name === "error" ? { high: picture.limit, unit: picture.unit } : {}) };
    describeMap(name, panel, scale);
    const map = await coloredMap(picture[name][m], luts[name]);
    if (token !== view.token) return;
    view.maps[name] = { ...map, scale };
    for (const canvas of [panel.canvas, ...(name === kind ? [parts.map] : [])]) {
      canvas.width = map.pixels.width;
      canvas.height = map.pixels.height;
      canvas.classList.toggle("pixelated", map.pixels.width < 150);
      canvas.getContext("2d").putImageData(map.pixels, 0, 0);
    }
  }
}

function describeMap(name, panel, scale) {
  const ends = [scale.low, scale.low + (scale.high - scale.low) / 2, scale.high];
  const [below, above] = name === "ssim" ? ["≤ ", ""] : ["", "≥ "];
  panel.ticks.replaceChildren(...ends.map((end, n) => element("span", {}, `${n === 0 ? below : n === 2 ? above : ""}${Number(end.toPrecision(4))}`)));
  panel.unit.textContent = scale.unit;
  panel.caption.textContent = name === "ssim" ? "SSIM map" : "Error map";
  panel.caption.setAttribute("aria-pressed", LAYERS[view.layer][1] === name);
  panel.caption.title = "Lay it under the slider";
  panel.canvas.setAttribute("aria-label", `${panel.caption.textContent} of ${data.names[current()]}: ${scale.unit}, ${scale.low} to ${scale.high}`);
}

// Maps travel as gray levels, so that the page can colour them and read values back.
async function coloredMap(source, lut) {
  const image = new Image();
  image.src = source;
  await image.decode();
  const canvas = element("canvas", { width: image.naturalWidth, height: image.naturalHeight });
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.drawImage(image, 0, 0);
  const pixels = context.getImageData(0, 0, canvas.width, canvas.height);
  const levels = new Uint8Array(canvas.width * canvas.height);
  for (let p = 0; p < levels.length; p++) {
    const level = (levels[p] = pixels.data[4 * p]);
    pixels.data.set(lut.subarray(3 * level, 3 * level + 3), 4 * p);
  }
  return { pixels, levels };
}

// Fit: as large as the stage allows, small images by whole factors so that their pixels stay squares.
function layout() {
  const picture = parts.stage && pictureOf(current());
  if (!picture || parts.stage.parentElement.hidden) return;
  const [height, width] = picture.shape;
  let factor = ZOOMS[view.zoom][1];
  if (!factor) {
    factor = Math.min(parts.stage.clientWidth / width, Math.max(160, window.innerHeight * 0.68) / height);
    if (factor > 1) factor = factor < 2 ? 1 : Math.floor(factor);
  }
  parts.sheet.style.width = `${Math.round(width * factor)}px`;
  parts.sheet.style.height = `${Math.round(height * factor)}px`;
  parts.sheet.classList.toggle("pixelated", factor >= 2);
  view.factor = factor;
}

function slide(share) {
  view.share = Math.max(0, Math.min(100, share));
  parts.over.style.clipPath = `inset(0 0 0 ${view.share}%)`;
  parts.handle.style.left = `${view.share}%`;
  parts.handle.setAttribute("aria-valuenow", Math.round(view.share));
  parts.handle.setAttribute("aria-valuetext", `${Math.round(view.share)} % ${parts.leftTag.textContent}, the rest ${parts.rightTag.textContent}`);
}
const place = (event) => {
  const box = parts.sheet.getBoundingClientRect();
  return [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
};
function grab(event) {
  if (event.button !== 0 || !parts.sheet.contains(event.target)) return;
  parts.stage.setPointerCapture(event.pointerId);
  view.dragging = true;
  slide(100 * place(event)[0]);
  parts.handle.focus({ preventScroll: true });
  event.preventDefault();
}
function release() { view.dragging = false; }
function hover(event) {
  const [x, y] = place(event);
  if (view.dragging) slide(100 * x);
  const picture = pictureOf(current());
  if (!picture || x < 0 || y < 0 || x >= 1 || y >= 1) return;
  const [height, width] = picture.shape, [top, left] = picture.corner;
  const column = Math.floor(x * width), row = Math.floor(y * height);
  const words = [`x ${left + column}, y ${top + row}`];
  for (const [name, map] of Object.entries(view.maps)) {
    const level = map.levels[row * width + column] / 255;
    const value = map.scale.low + level * (map.scale.high - map.scale.low);
    words.push(name === "ssim" ? `SSIM ${value.toFixed(2)}` : `error ${level === 1 ? "≥ " : ""}${value.toPrecision(2)}`);
  }
  parts.readout.textContent = words.join("   ");
}

function viewerKeys(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
  const radio = event.target.matches("input[type=radio]");
  const by = event.shiftKey ? 10 : 2;
  const zoom = (i) => { view.zoom = Math.max(0, Math.min(ZOOMS.length - 1, i)); parts.setZoom(view.zoom); layout(); };
  const layer = (i) => { view.layer = i; parts.setLayer(i); paint(); };
  const keys = {
    n: () => step(1), p: () => step(-1), r: () => layer(0), s: () => layer(1), e: () => layer(2),
    "+": () => zoom(view.zoom + 1), "=": () => zoom(view.zoom + 1), "-": () => zoom(view.zoom - 1), 0: () => zoom(0),
    ...(radio ? {} : {
      ArrowLeft: () => slide(view.share - by), ArrowRight: () => slide(view.share + by), PageDown: () => slide(view.share - 10),
      PageUp: () => slide(view.share + 10), Home: () => slide(0), End: () => slide(100),
    }),
    ...(event.target.matches("button, input") ? {} : { " ": () => slide(view.share > 50 ? 0 : 100) }),
  };
  const number = Number(event.key);
  if (number >= 1 && number <= methods.length) { view.method = number - 1; show(); }
  else if (keys[event.key.length === 1 ? event.key.toLowerCase() : event.key]) keys[event.key.length === 1 ? event.key.toLowerCase() : event.key]();
  else return;
  event.preventDefault();
}
