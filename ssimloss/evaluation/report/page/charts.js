// Distributions and intervals, drawn as SVG at the available width.

const LEAST_BINS = 14, MOST_BINS = 48; // before the width is rounded
const LEFT = 1, RIGHT = 1;

function niceStep(span, steps) {
  const rough = span / steps;
  const power = 10 ** Math.floor(Math.log10(rough));
  return power * [1, 2, 2.5, 5, 10].find((factor) => factor * power >= rough * 0.999);
}
function ticksOf(low, high, most) {
  const step = niceStep(high - low, most);
  const ticks = [];
  for (let t = Math.ceil(low / step - 1e-9); t * step <= high + 1e-9 * step; t++) ticks.push(t * step);
  return { ticks, digits: Math.max(0, -Math.floor(Math.log10(step) + 1e-9) + (step / 10 ** Math.floor(Math.log10(step)) === 2.5 ? 1 : 0)) };
}
const quantile = (sorted, q) => {
  const at = q * (sorted.length - 1), below = Math.floor(at);
  return sorted[below] + (at - below) * ((sorted[below + 1] ?? sorted[below]) - sorted[below]);
};

// Bins by the Freedman-Diaconis rule, the same for all methods, at round numbers.
function binsOf(values) {
  const sorted = Float64Array.from(values).sort();
  const low = sorted[0], high = sorted[sorted.length - 1];
  if (low === high) { const pad = Math.abs(low) * 0.01 || 0.01; return { low: low - pad, high: high + pad, step: 2 * pad, number: 1 }; }
  const width = (2 * (quantile(sorted, 0.75) - quantile(sorted, 0.25))) / Math.cbrt(sorted.length) || (high - low) / 10;
  const step = niceStep(high - low, Math.max(LEAST_BINS, Math.min(MOST_BINS, (high - low) / width)));
  const start = Math.floor(low / step + 1e-9) * step;
  const number = Math.max(1, Math.ceil((high - start) / step - 1e-9));
  return { low: start, high: start + number * step, step, number };
}
const binOf = (bins, value) => Math.max(0, Math.min(bins.number - 1, Math.floor((value - bins.low) / bins.step + 1e-9)));

function histogram(holder, metric, m) {
  const finite = methods.map((_, k) => data.values[k][m].slice(0, count).filter((v) => Number.isFinite(v)));
  const all = finite.flat();
  if (!all.length) { holder.append(element("p", { class: "aside" }, "No finite value.")); return; }
  const bins = binsOf(all);
  const counts = finite.map((values) => {
    const tally = new Array(bins.number).fill(0);
    for (const value of values) tally[binOf(bins, value)]++;
    return tally;
  });
  const most = Math.max(...counts.flat());
  const tall = methods.length === 1 ? 132 : 68;
  const above = 24;
  const svgHolder = element("div", { class: "chart" });
  holder.append(svgHolder);

  function drawAt(width) {
    const span = width - LEFT - RIGHT;
    const x = (value) => LEFT + ((value - bins.low) / (bins.high - bins.low)) * span;
    const height = methods.length * (tall + above) + 26;
    const root = drawn("svg", { width, height, viewBox: `0 0 ${width} ${height}`, role: "img",
      "aria-label": `Histogram of ${metric.title}: ${methods.map((method, k) => `${method}, ${finite[k].length} ${noun}s`).join("; ")}` });
    const { ticks, digits } = ticksOf(bins.low, bins.high, Math.max(2, Math.floor(span / 64)));
    const bottom = height - 26;
    for (const tick of ticks) root.append(
      drawn("line", { class: "rule", x1: x(tick), x2: x(tick), y1: above, y2: bottom }),
      drawn("text", { class: "tick", x: Math.max(LEFT + 4, Math.min(width - RIGHT - 4, x(tick))), y: bottom + 17, "text-anchor": x(tick) < 24 ? "start" : x(tick) > width - 24 ? "end" : "middle" }, fixed(tick, digits)));
    methods.forEach((method, k) => {
      const base = k * (tall + above) + above + tall;
      const summary = data.summaries.find((row) => row.method === k && row.metric === m);
      const group = drawn("g", { class: colored(k) });
      counts[k].forEach((number, bin) => {
        const [low, high] = [bins.low + bin * bins.step, bins.low + (bin + 1) * bins.step];
        const scaled = number ? Math.max(1.5, (number / most) * (tall - 6)) : 0;
        const words = `${metric.title}${methods.length > 1 ? ` of ${method}` : ""} ${shown(low, metric)} to ${shown(high, metric)}${metric.unit ? ` ${metric.unit}` : ""}`;
        const range = { method: k, metric: m, low, high, last: bin === bins.number - 1, words };
        const slot = drawn("g", { class: "bin", click: () => { table.range = range; arrange(); byId("images").scrollIntoView(); } },
          drawn("title", {}, `${words}: ${plural(number, noun)}`),
          drawn("rect", { class: "catch", x: x(low), y: base - tall, width: x(high) - x(low), height: tall }));
        if (number) slot.append(drawn("rect", { class: "bar", x: x(low) + 0.5, y: base - scaled, width: Math.max(1, x(high) - x(low) - 1), height: scaled }));
        group.append(slot);
      });
      group.append(drawn("line", { class: "axis", x1: LEFT, x2: width - RIGHT, y1: base, y2: base }));
      if (summary && Number.isFinite(summary.mean)) group.append(
        drawn("line", { class: "mean", x1: x(summary.mean), x2: x(summary.mean), y1: base - tall, y2: base + 4 }));
      const infinite = data.values[k][m].slice(0, count).filter((v) => v === Infinity || v === -Infinity).length;
      const undefinedOnes = data.values[k][m].slice(0, count).filter((v) => Number.isNaN(v)).length;
      const words = [methods.length > 1 ? method : null, summary ? `mean ${shown(summary.mean, metric)}` : null,
        infinite ? `${whole(infinite)} infinite` : null, undefinedOnes ? `${whole(undefinedOnes)} NaN` : null].filter(Boolean);
      const label = drawn("text", { class: "label", x: LEFT, y: base - tall - 7 });
      words.forEach((word, n) => label.append(drawn("tspan", { class: n === 0 && methods.length > 1 ? "strong" : null, dx: n ? 10 : 0 }, n === 0 && methods.length > 1 ? methodName(k, Math.max(90, width - 190)) : word)));
      root.append(group, label);
    });
    svgHolder.replaceChildren(root);
  }
  drawAtWidthOf(svgHolder, drawAt);
}

// A mean and its interval on a scale shared by several rows; zero is marked if it is in range.
function interval(row, key, low, high, zero) {
  const width = 132, height = 16, pad = 5;
  const x = (value) => pad + ((value - low) / (high - low || 1)) * (width - 2 * pad);
  if (![row[key], row.low, row.high].every(Number.isFinite)) return element("span", {});
  const root = drawn("svg", { class: "interval", width, height, viewBox: `0 0 ${width} ${height}`, "aria-hidden": "true" });
  if (zero) root.append(drawn("line", { class: "zero", x1: x(0), x2: x(0), y1: 0, y2: height }));
  root.append(
    drawn("line", { class: "whisker", x1: x(row.low), x2: x(row.high), y1: height / 2, y2: height / 2 }),
    drawn("circle", { class: "point", cx: x(row[key]), cy: height / 2, r: 3.2 }));
  return root;
}

function buildDistributions() {
  const holder = element("div", { class: [2, 4].includes(metrics.length) ? "charts pairs" : "charts" });
  metrics.forEach((metric, m) => {
    const figure = element("figure", {}, element("figcaption", {}, metric.label,
      element("span", {}, metric.higher ? "higher is better" : "lower is better")));
    histogram(figure, metric, m);
    holder.append(figure);
  });
  byId("distributions").append(
    element("p", { class: "aside" }, `${capital(noun)}s per interval; the vertical line is the mean. Click a bar to see its ${noun}s in the table.`), holder);
}
