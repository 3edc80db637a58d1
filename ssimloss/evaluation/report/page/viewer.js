// One image: reference and result under a slider, maps of similarity and error with colour bars, and values.

const view = { list: [], at: 0, method: 0, layer: 0, against: 0, zoom: 0, all: false, maps: new Map(), token: 0, group: makeGroup() };
const LAYERS = [["Result", null], ["SSIM map", "ssim"], ["Error map", "error"]];
const ZOOMS = [["Fit", 0], ["100 %", 1], ["200 %", 2], ["400 %", 4], ["800 %", 8]];
const GAP = 8; // pixels between panes
const LEAST_PANE = 190; // pixels of height; panes that do not fit are reached by scrolling
const parts = {};
const dialog = byId("viewer");
const luts = Object.fromEntries(Object.entries(data.colors).map(([map, text]) => [map, Uint8Array.from(atob(text), (c) => c.charCodeAt(0))]));
const current = () => view.list[view.at];
const HINT = "Point at the picture to read values; drag, or use ← and →, to move the border.";

function openViewer(list, at, method = null) {
  if (!list.length) return;
  const wanted = shotsOf(list[at])[0]; // for a clip, its frames, the worst first
  list = list.flatMap(shotsOf);
  at = list.indexOf(wanted);
  view.list = list;
  view.at = at;
  if (method !== null) view.method = method;
  view.layer = 0;
  if (!parts.main) buildViewer();
  parts.setLayer(0);
  slide(view.group, view.all ? 0 : 50);
  if (!dialog.open) { view.opener = document.activeElement; dialog.showModal(); }
  show();
  focusPane();
}
const focusPane = () => {
  const handle = view.group.panes.map((pane) => pane.handle).find((one) => one.checkVisibility());
  (handle ?? parts.close).focus();
};
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
  // The pane of two chosen pictures; then the panes side by side: the reference, and one for each method.
  const one = new Pane(view.group, { pointed: (at) => readOut(at, view.method) });
  parts.panes = { one, reference: new Pane(view.group, { pointed: (at) => readOut(at, null) }),
    methods: methods.map((method, k) => new Pane(view.group, { label: `Border between reference and ${method}`, pointed: (at) => readOut(at, k) })) };
  parts.all = element("div", { class: "all-panes" }, [parts.panes.reference, ...parts.panes.methods].map((pane) => pane.frame));
  parts.main = element("div", { class: "stages" }, one.frame, parts.all);
  parts.alone = element("div", { class: "alone" });
  parts.readout = element("p", { class: "readout" });
  parts.note = element("p", { class: "aside note" });
  parts.layers = element("div");
  parts.zooms = element("div");
  parts.methods = element("div", { class: "methods" });
  parts.setLayer = choice(parts.layers, "What is on the right", LAYERS.map(([word]) => word), 0, (i) => { view.layer = i; paint(); });
  parts.setZoom = choice(parts.zooms, "Magnification", ZOOMS.map(([word]) => word), 0, (i) => { view.zoom = i; layout(); });
  parts.setMethod = choice(parts.methods, "Method", methods.map((_, k) => methodName(k, 300)), 0, (i) => { view.method = i; show(); }, methods);
  parts.views = element("div");
  parts.setView = choice(parts.views, "How many pictures", ["Two", "All"], 0, (i) => showAll(i === 1), ["Two pictures under the slider", "All methods side by side, at the same place"]);
  parts.methods.hidden = methods.length < 2;
  const others = ["Reference", ...methods];
  parts.against = element("select", { "aria-label": "What is on the left", change: () => { view.against = Number(parts.against.value); paint(); } },
    others.map((word, i) => element("option", { value: i }, i ? methodName(i - 1, 300) : "reference")));
  parts.againstLabel = element("label", { class: "against", hidden: methods.length < 2 }, "against ", parts.against);
  parts.values = element("div", { class: "values" });
  parts.mapHolders = { ssim: mapPanel("ssim", 1), error: mapPanel("error", 2) };
  parts.files = element("dl", { class: "files" });
  dialog.append(
    element("header", {}, element("div", { class: "title" }, parts.name, parts.place), element("div", { class: "buttons" }, parts.previous, parts.next, parts.close)),
    element("div", { class: "viewer-body" },
      element("div", { class: "main" },
        element("div", { class: "controls" }, parts.views, parts.methods, parts.againstLabel, parts.layers, parts.zooms),
        parts.main, parts.alone, parts.readout, parts.note),
      element("aside", { "aria-label": "Values and maps" }, parts.values, parts.mapHolders.ssim.figure, parts.mapHolders.error.figure, parts.files)));
  dialog.addEventListener("close", () => { view.opener?.isConnected && view.opener.focus({ preventScroll: true }); });
  new ResizeObserver(layout).observe(parts.main);
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
  const focused = parts.main.contains(document.activeElement);
  for (const part of [parts.main, parts.readout, parts.layers, parts.zooms]) part.hidden = !has;
  parts.views.hidden = !has || methods.length < 2;
  parts.againstLabel.hidden = parts.views.hidden || view.all;
  parts.alone.hidden = has;
  if (!has) {
    const reasons = (failures.get(i) ?? []).filter((f) => f.method === m).map((f) => f.reason);
    parts.alone.replaceChildren(thumbnail(i, "large"), element("p", {}, ...(reasons.length ? reasons
      : [`This page has pictures of ${plural(data.pictured.length, "image")} only, the worst of each method and metric. The files of this image are listed in this window.`])));
    if (focused) parts.close.focus(); // a hidden element cannot keep the focus
  }
  parts.note.textContent = picture?.note ?? "";
  showValues(i);
  const files = [["Reference", data.references[i]], [methods.length > 1 ? methods[m] : "Result", data.distorted[m][i]]];
  parts.files.replaceChildren(...files.flatMap(([term, path]) => (path ? [element("dt", {}, term), element("dd", {}, path)] : [])));
  paint();
}

function showValues(i) {
  const head = methods.length > 1 ? element("thead", {}, element("tr", {}, element("td"), methods.map((method, k) =>
    element("th", { scope: "col", class: k === view.method ? "number chosen" : "number", title: method }, methodName(k, 200, 12))))) : null;
  const body = element("tbody", {}, metrics.map((metric, m) => {
    if (i >= count && methods.every((_, k) => data.values[k][m][i] === null)) return null; // a mean over frames
    const best = bestOf(i, metric, m);
    return element("tr", {}, element("th", { scope: "row" }, metric.label), methods.map((_, k) => {
      const value = data.values[k][m][i];
      return element("td", { class: best === value && standing(value) === 0 ? "number best" : "number" }, shown(value, metric, metric.unit === "dB" ? 1 : 0));
    }));
  }));
  parts.values.replaceChildren(element("table", {}, head, body));
}

function showAll(all) {
  view.all = all;
  parts.setView(all ? 1 : 0);
  slide(view.group, all ? 0 : 50); // side by side, the results are shown whole at first
  show();
}

async function paint() {
  const token = ++view.token;
  const i = current(), picture = pictureOf(i), m = view.method;
  const has = Boolean(picture?.results[m]);
  for (const [kind, panel] of Object.entries(parts.mapHolders)) panel.figure.hidden = !(has && picture[kind][m]);
  view.maps = new Map();
  if (!has) return;
  const kind = LAYERS[view.layer][1];
  const { one, reference, methods: each } = parts.panes;
  one.frame.hidden = view.all;
  parts.all.hidden = !view.all;
  const resultOf = (k) => ({ source: picture.results[k], name: methods.length > 1 ? methodName(k, 200, 12) : "result" });
  const referenceSide = { source: picture.reference, name: "reference" };
  // The panes shown, by the method whose result and maps they hold.
  const live = new Map();
  if (view.all) {
    reference.show(referenceSide, null);
    each.forEach((pane, k) => {
      pane.frame.hidden = !picture.results[k];
      if (pane.frame.hidden) return;
      pane.show(referenceSide, resultOf(k));
      live.set(k, pane);
    });
  } else {
    const left = view.against && picture.results[view.against - 1] ? resultOf(view.against - 1) : referenceSide;
    one.show(left, resultOf(m));
    live.set(m, one);
  }
  parts.readout.textContent = HINT;
  layout();
  for (const k of new Set([m, ...live.keys()])) {
    for (const [name, panel] of Object.entries(parts.mapHolders)) {
      if (!picture[name][k]) continue;
      const scale = { ...data.scales[name], ...(name === "error" ? { high: picture.limit, unit: picture.unit } : {}) };
      if (k === m) describeMap(name, panel, scale);
      const map = await coloredMap(picture[name][k], luts[name]);
      if (token !== view.token) return;
      view.maps.set(k, { ...view.maps.get(k), [name]: { ...map, scale } });
      if (name === kind) live.get(k)?.paint(map.pixels, view.all ? `${methodName(k, 200, 12)}, ${LAYERS[view.layer][0]}` : LAYERS[view.layer][0]);
      if (k !== m) continue;
      panel.canvas.width = map.pixels.width;
      panel.canvas.height = map.pixels.height;
      panel.canvas.classList.toggle("pixelated", map.pixels.width < 150);
      panel.canvas.getContext("2d").putImageData(map.pixels, 0, 0);
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
  panel.caption.title = "Show this map under the slider";
  panel.canvas.setAttribute("aria-label", `${panel.caption.textContent} of ${data.names[current()]}: ${scale.unit}, ${scale.low} to ${scale.high}`);
}

// Maps are stored as gray levels, so that the page can colour them and read their values.
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

function layout() {
  const picture = parts.main && pictureOf(current());
  if (!picture || parts.main.hidden) return;
  const { one, reference, methods: each } = parts.panes;
  const factor = ZOOMS[view.zoom][1], width = parts.main.clientWidth, height = Math.max(160, window.innerHeight * 0.68);
  if (!view.all) { one.size(picture.shape, factor, [height, width]); return; }
  const panes = [reference, ...each].filter((pane) => !pane.frame.hidden);
  const roomOf = (columns) => [Math.max(LEAST_PANE, (height + GAP) / Math.ceil(panes.length / columns) - GAP), (width - GAP * (columns - 1)) / columns];
  const fit = (columns) => Math.min(roomOf(columns)[0] / picture.shape[0], roomOf(columns)[1] / picture.shape[1]);
  const columns = panes.map((_, n) => n + 1).reduce((best, n) => (fit(n) > fit(best) ? n : best), 1);
  parts.all.style.gridTemplateColumns = `repeat(${columns}, minmax(0, 1fr))`;
  for (const pane of panes) {
    pane.stage.style.maxHeight = `${roomOf(columns)[0]}px`;
    pane.size(picture.shape, factor, roomOf(columns));
  }
}

// The values under the pointer, in the pane of a method; `null` for the reference.
function readOut(at, method) {
  const picture = at && pictureOf(current());
  if (!picture) { parts.readout.textContent = HINT; return; }
  const [height, width] = picture.shape, [top, left] = picture.corner;
  const column = Math.floor(at[0] * width), row = Math.floor(at[1] * height);
  const words = [`x ${left + column}, y ${top + row}`];
  for (const [name, map] of Object.entries(view.maps.get(method) ?? {})) {
    const level = map.levels[row * width + column] / 255;
    const value = map.scale.low + level * (map.scale.high - map.scale.low);
    words.push(name === "ssim" ? `SSIM ${value.toFixed(2)}` : `error ${level === 1 ? "≥ " : ""}${value.toPrecision(2)}`);
  }
  parts.readout.textContent = words.join("   ");
}

function viewerKeys(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
  const radio = event.target.matches("input[type=radio]");
  const zoom = (i) => { view.zoom = Math.max(0, Math.min(ZOOMS.length - 1, i)); parts.setZoom(view.zoom); layout(); };
  const layer = (i) => { view.layer = i; parts.setLayer(i); paint(); };
  const keys = {
    n: () => step(1), p: () => step(-1), r: () => layer(0), s: () => layer(1), e: () => layer(2),
    "+": () => zoom(view.zoom + 1), "=": () => zoom(view.zoom + 1), "-": () => zoom(view.zoom - 1), 0: () => zoom(0),
    ...(methods.length > 1 ? { a: () => showAll(!view.all) } : {}),
    ...(event.target.matches("button, input") ? {} : { " ": () => slide(view.group, view.group.share > 50 ? 0 : 100) }),
  };
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  const number = Number(event.key);
  if (number >= 1 && number <= methods.length) { view.method = number - 1; show(); }
  else if (keys[key]) keys[key]();
  else if (!radio && sliderKey(view.group, event)) sliderKey(view.group, event)();
  else return;
  event.preventDefault();
}
