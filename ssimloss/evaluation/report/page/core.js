// Shared by all parts: the data, elements whose content is always text, numbers, choices.

const data = JSON.parse(document.getElementById("data").textContent);
const { metrics, methods } = data;
const byId = (id) => document.getElementById(id);
// For clips, the frames with pictures follow the clips in all lists.
const shots = data.shots ?? [];
const count = data.names.length - shots.length;
const noun = data.curves ? "clip" : "image";
const shotsOf = (i) => {
  const found = shots.map(([clip], n) => (clip === i ? count + n : -1)).filter((n) => n >= 0);
  return i < count && found.length ? found : [i];
};

// JSON has no NaN and no infinity: they are stored as words; null means that there is no value.
const WORDS = { inf: Infinity, "-inf": -Infinity, nan: NaN };
const decoded = (value) => (typeof value === "string" ? WORDS[value] : value);
for (const ofMethod of data.values) ofMethod.forEach((column, m) => (ofMethod[m] = column.map(decoded)));
for (const fair of data.fair) fair.means = fair.means.map(decoded);
for (const row of [...data.summaries, ...data.comparisons]) for (const key of Object.keys(row)) row[key] = decoded(row[key]);

// Children are elements or text, never markup: file names may contain anything.
function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") node.addEventListener(name, value);
    else if (value !== null && value !== false) node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.flat().filter((child) => child !== null && child !== ""));
  return node;
}
const element = (tag, attributes = {}, ...children) => fill(document.createElement(tag), attributes, children);
const drawn = (tag, attributes = {}, ...children) =>
  fill(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);

const MINUS = "\u2212";
const NONE = "\u2013";
// Two digits after the point from 10 on (PSNR, VMAF), otherwise four.
const digitsOf = (metric) => metric.digits;
for (const [m, metric] of metrics.entries()) {
  const large = data.summaries.some((row) => row.metric === m && Number.isFinite(row.mean) && Math.abs(row.mean) >= 10);
  metric.digits = metric.unit === "dB" || large ? 2 : 4;
}

function fixed(value, digits) {
  if (value === null || value === undefined) return NONE;
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "\u221e" : `${MINUS}\u221e`;
  const size = Math.abs(value);
  const text = size > 0 && (size >= 1e6 || size < 0.5 * 10 ** -digits) ? size.toExponential(2) : size.toFixed(digits);
  return value < 0 && Number(text) !== 0 ? MINUS + text : text;
}
const shown = (value, metric, more = 0) => fixed(value, digitsOf(metric) + more);
const signed = (value, digits) => (value > 0 ? `+${fixed(value, digits)}` : fixed(value, digits));
const whole = (value) => value.toLocaleString("en").replaceAll(",", "\u202f");
const plural = (number, word) => `${whole(number)} ${word}${number === 1 ? "" : "s"}`;
const capital = (word) => word[0].toUpperCase() + word.slice(1);
const probability = (p) => (p === null || Number.isNaN(p) ? NONE : p < 0.001 ? "< 0.001" : p.toFixed(3));

// In both directions, NaN sorts after all numbers, and missing values after NaN.
const standing = (value) => (value === null || value === undefined ? 2 : Number.isNaN(value) ? 1 : 0);
function byNumber(value, direction) {
  return (i, j) => {
    const a = value(i), b = value(j);
    const rank = standing(a) - standing(b);
    if (rank || standing(a)) return rank || i - j;
    return (a === b ? 0 : a < b ? -direction : direction) || i - j;
  };
}
// The direction in which the worst comes first.
const worstFirst = (metric) => (metric.higher ? 1 : -1);
const worstOf = (method, metric) => {
  const column = data.values[method][metric];
  return [...column.keys()].filter((i) => standing(column[i]) < 2 && (!data.curves || i >= count)).sort(byNumber((i) => column[i], worstFirst(metrics[metric])));
};

const collator = new Intl.Collator("en", { numeric: true });
// The pictures take many megabytes: they are parsed when the first one is needed.
const pictured = new Set(data.pictured);
let pictures = null;
const pictureOf = (i) => {
  pictures ??= JSON.parse(byId("pictures").textContent);
  return pictures[i];
};
const failures = new Map();
for (const failure of data.failures) failures.set(failure.image, [...(failures.get(failure.image) ?? []), failure]);

// A row of words, one of them chosen: radio buttons, so that arrow keys and screen readers work.
let groups = 0;
// Draw now and whenever the width of the holder changes.
function drawAtWidthOf(holder, draw) {
  let before = 0;
  new ResizeObserver(([entry]) => {
    const width = Math.floor(entry.contentRect.width);
    if (width > 0 && width !== before) draw((before = width));
  }).observe(holder);
}

function choice(holder, legend, words, chosen, change, titles = words) {
  const name = `choice-${groups++}`;
  holder.classList.add("choice");
  holder.setAttribute("role", "radiogroup");
  holder.setAttribute("aria-label", legend);
  holder.replaceChildren(
    ...words.map((word, i) =>
      element("label", { title: titles[i] },
        element("input", { type: "radio", name, value: i, checked: i === chosen, change: () => change(i) }),
        element("span", {}, word))));
  return (i) => { holder.querySelectorAll("input")[i].checked = true; };
}
const typing = (target) =>
  target instanceof HTMLElement && (target.matches("textarea, select, input:not([type=radio])") || target.isContentEditable);
const colored = (method) => `series-${method % 8}`;
