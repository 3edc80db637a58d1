// Scores over time, one plot for each clip and metric; rings are frames with pictures.

const MOST_CLIPS = 24; // drawn at most

function curve(holder, clip, m) {
  const metric = metrics[m], tall = 150, left = 52, right = 8, above = 10, below = 26;
  const lines = methods.map((_, k) => data.curves[clip][k][m].map(([frame, value]) => [frame, decoded(value)]).filter(([, value]) => Number.isFinite(value)));
  const all = lines.flat();
  if (!all.length) { holder.append(element("p", { class: "aside" }, "No finite value.")); return; }
  const last = Math.max(1, ...data.curves[clip].map((of) => of[m].at(-1)?.[0] ?? 0));
  let [low, high] = [Math.min(...all.map(([, value]) => value)), Math.max(...all.map(([, value]) => value))];
  if (low === high) { const pad = Math.abs(low) * 0.01 || 0.01; low -= pad; high += pad; }
  const svgHolder = element("div", { class: "chart" });
  holder.append(svgHolder);

  function drawAt(width) {
    const x = (frame) => left + (frame / last) * (width - left - right);
    const y = (value) => above + ((high - value) / (high - low)) * (tall - above - below);
    const root = drawn("svg", { width, height: tall, viewBox: `0 0 ${width} ${tall}`, role: "img",
      "aria-label": `${metric.title} of ${data.names[clip]} over ${plural(last + 1, "frame")}` });
    const scale = ticksOf(low, high, 3), frames = ticksOf(0, last, Math.max(2, Math.floor(width / 110)));
    for (const tick of scale.ticks) root.append(
      drawn("line", { class: "rule", x1: left, x2: width - right, y1: y(tick), y2: y(tick) }),
      drawn("text", { class: "tick", x: left - 8, y: y(tick) + 4, "text-anchor": "end" }, fixed(tick, scale.digits)));
    for (const tick of frames.ticks) if (Number.isInteger(tick)) root.append(
      drawn("text", { class: "tick", x: x(tick), y: tall - 6, "text-anchor": tick === 0 ? "start" : x(tick) > width - 30 ? "end" : "middle" }, tick === 0 ? "frame 0" : whole(tick)));
    root.append(drawn("line", { class: "axis", x1: left, x2: width - right, y1: tall - below, y2: tall - below }));
    lines.forEach((points, k) => {
      const group = drawn("g", { class: colored(k) });
      group.append(drawn("polyline", { class: "curve", points: points.map(([frame, value]) => `${x(frame).toFixed(1)},${y(value).toFixed(1)}`).join(" ") }));
      shots.forEach(([of, frame], n) => {
        const value = data.values[k][m][count + n];
        if (of !== clip || !Number.isFinite(value)) return;
        group.append(drawn("circle", { class: "shot", cx: x(frame), cy: y(value), r: 3.5, click: () => openViewer(shotsOf(clip), shotsOf(clip).indexOf(count + n), k) },
          drawn("title", {}, `frame ${frame}: ${shown(value, metric)}`)));
      });
      root.append(group);
    });
    svgHolder.replaceChildren(root);
  }
  drawAtWidthOf(svgHolder, drawAt);
}

function buildCurves() {
  if (!data.curves) { byId("curves").hidden = true; return; }
  const drawnClips = [...data.curves.keys()].filter((clip) => data.curves[clip].flat(2).length).slice(0, MOST_CLIPS);
  byId("curves").append(...drawnClips.map((clip) => element("div", {},
    element("h3", { class: "clip-name" }, data.names[clip]),
    element("div", { class: "charts" }, metrics.map((metric, m) => {
      if (!data.curves[clip].some((of) => of[m].length)) return null;
      const figure = element("figure", {}, element("figcaption", {}, metric.label,
        methods.length > 1 ? methods.map((method, k) => element("span", {}, element("i", { class: `key ${colored(k)}` }), methodName(k, 200))) : element("span", {}, metric.higher ? "higher is better" : "lower is better")));
      curve(figure, clip, m);
      return figure;
    })))));
  const left = data.curves.length - drawnClips.length;
  byId("curves").append(element("p", { class: "aside" },
    "A ring marks a frame with pictures on this page; click it to open them. In long clips, each point is the worst frame of an interval."
    + (left ? ` ${plural(left, "more clip")} not drawn: see per_frame.csv.` : "")));
}
