// The worst image of each method under one slider, and the next worst as cards.

const TILE_HEIGHT = 300; // pixels at most

function buildWorst() {
  const state = { metric: 0, method: 0 };
  const many = methods.length > 1;
  const ranked = [...metrics.keys()].filter((m) => methods.some((_, k) => worstOf(k, m).length) || !data.curves);
  state.metric = ranked[0] ?? 0;
  const group = makeGroup();
  const tiles = methods.map((_, k) => makeTile(group, k, state));
  const strip = element("div", { class: "tiles" }, tiles.map((tile) => tile.figure));
  strip.addEventListener("keydown", (event) => {
    const move = event.target.matches(".handle") ? sliderKey(group, event) : undefined;
    if (!move) return;
    move();
    event.preventDefault();
  });
  const cards = element("div", { class: "cards" });
  const refresh = () => {
    const { method, metric } = state;
    for (const tile of tiles) tile.refresh();
    strip.hidden = tiles.every((tile) => tile.figure.hidden);
    const list = worstOf(method, metric).slice(0, data.worst);
    cards.replaceChildren(...list.map((i, place) => element("button", {
      type: "button", class: "card", title: data.names[i], "aria-label": `Open ${data.names[i]}`, click: () => openViewer(list, place, method) },
      thumbnail(i, "large"),
      element("span", { class: "caption" }, element("b", {}, valued(data.values[method][metric][i], metrics[metric])),
        element("span", { class: "card-name" }, imageName(i, 270))))));
  };
  const metricChoice = element("div"), methodChoice = element("div", { hidden: !many });
  choice(metricChoice, "Metric", ranked.map((m) => metrics[m].title), 0, (i) => { state.metric = ranked[i]; refresh(); });
  choice(methodChoice, "Method", methods.map((_, k) => methodName(k, 300)), 0, (i) => { state.method = i; refresh(); }, methods);
  byId("worst").append(element("div", { class: "tools" }, metricChoice), strip,
    element("div", { class: "tools more" }, element("h3", {}, many ? "More of the worst of" : "More of the worst"), methodChoice), cards,
    element("p", { class: "aside" }, data.pictures_note));
  refresh();
}
const valued = (value, metric) => `${shown(value, metric)}${metric.unit ? ` ${metric.unit}` : ""}`;

function makeTile(group, k, state) {
  const pane = new Pane(group, { label: `Border between reference and ${methods.length > 1 ? methods[k] : "result"}` });
  const title = element("b"), name = element("button", { type: "button", class: "link whole", click: () => openViewer(worstOf(k, state.metric), 0, k) });
  const figure = element("figure", { class: "tile" },
    element("figcaption", {}, methods.length > 1 ? element("span", { class: `key ${colored(k)}` }) : null, title, element("span", { class: "tile-name" }, name)), pane.frame);
  let shape = null;
  const layout = () => { if (shape) pane.size(shape, 0, [TILE_HEIGHT, pane.stage.clientWidth], false); };
  new ResizeObserver(layout).observe(pane.stage);
  const refresh = () => {
    const [i] = worstOf(k, state.metric);
    const picture = i === undefined ? null : pictureOf(i);
    figure.hidden = !picture?.results[k];
    if (figure.hidden) return;
    title.textContent = `${methods.length > 1 ? `${methodName(k, NARROW ? 200 : 420)}: ` : ""}${metrics[state.metric].title} ${valued(data.values[k][state.metric][i], metrics[state.metric])}`;
    name.textContent = imageName(i, NARROW ? 270 : 520);
    name.title = `Open ${data.names[i]}`;
    pane.show({ source: picture.reference, name: "reference" }, { source: picture.results[k], name: "result" });
    shape = picture.shape;
    layout();
  };
  return { figure, refresh };
}
