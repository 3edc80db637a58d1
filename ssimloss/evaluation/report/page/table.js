// All images: sorted and filtered; only the rows in view exist.

const ROW = 52; // pixels, as in the style sheet
const SPARE = 6; // rows beyond either edge of the view
const PAGE = 8;
const HEAD_ROOM = 170; // pixels for a method's name, over three lines
const WORDS_BESIDE = 28; // pixels of a cell's padding

const columns = [
  { title: capital(noun), value: (i) => data.names[i], text: true },
  { title: "H × W", value: (i) => (data.sizes[i] ? data.sizes[i][0] * data.sizes[i][1] : null) },
  ...metrics.flatMap((metric, m) =>
    methods.map((method, k) => ({ title: method, metric, method: k, value: (i) => data.values[k][m][i] }))),
];
const table = {
  order: [], sort: null, direction: 1, words: "", status: 0, range: null, active: 0, live: new Map(), nameRoom: 0,
};
const lowerNames = data.names.map((name) => name.toLocaleLowerCase());
const CONDITION = /^([\w.-]+)(<=|>=|<|>)(-?[\d.]+(?:e-?\d+)?)$/i;

// "night psnr<25": every word is part of the name, every condition holds for at least one method.
function accepts(words) {
  const tests = words.toLocaleLowerCase().split(/\s+/).filter(Boolean).map((word) => {
    const [, name, operator, limit] = CONDITION.exec(word) ?? [];
    const m = metrics.findIndex((metric) => metric.name.toLowerCase() === name);
    if (m < 0) return (i) => lowerNames[i].includes(word);
    const holds = { "<": (v) => v < limit, "<=": (v) => v <= limit, ">": (v) => v > limit, ">=": (v) => v >= limit }[operator];
    return (i) => methods.some((_, k) => standing(data.values[k][m][i]) === 0 && holds(data.values[k][m][i]));
  });
  return (i) => tests.every((test) => test(i));
}
const STATUS = [
  ["All", () => true],
  ["With pictures", (i) => pictured.has(i)],
  ["Incomplete", (i) => failures.has(i)],
];

function arrange() {
  const accepted = accepts(table.words);
  const status = STATUS[table.status][1];
  const { range } = table;
  const inRange = (i) => {
    const value = data.values[range.method][range.metric][i];
    return standing(value) === 0 && value >= range.low && (value < range.high || (range.last && value <= range.high));
  };
  table.order = [...data.names.keys()].slice(0, count).filter((i) => status(i) && accepted(i) && (!range || inRange(i)));
  if (table.sort?.text) table.order.sort((i, j) => table.direction * collator.compare(data.names[i], data.names[j]) || i - j);
  else if (table.sort) table.order.sort(byNumber(table.sort.value, table.direction));
  table.active = 0;
  table.scroller.scrollTop = 0;
  table.live.clear();
  draw();
  table.tally.textContent = table.order.length === count ? plural(count, noun) : `${whole(table.order.length)} of ${plural(count, noun)}`;
  table.empty.hidden = table.order.length > 0;
  table.grid.setAttribute("aria-rowcount", table.order.length + table.headRows);
  for (const { cell, column } of table.heads) {
    const direction = column === table.sort ? (table.direction > 0 ? "ascending" : "descending") : "none";
    cell.setAttribute("aria-sort", direction);
  }
  table.chip.hidden = !range;
  if (range) table.chip.firstChild.textContent = range.words;
}

// Names take up to two lines of the first column, which is narrow on a phone.
function fitNames() {
  const narrow = table.scroller.clientWidth < 560;
  table.grid.classList.toggle("narrow", narrow);
  const many = methods.length > 1;
  const others = (narrow ? 0 : 104) + (many ? 88 : 112) * metrics.length * methods.length;
  const least = narrow ? 150 : 270;
  table.grid.style.minWidth = `${least + others}px`;
  const room = Math.max(least, table.scroller.clientWidth - others) - (narrow ? 20 : WORDS_BESIDE + 74);
  const twoLines = 2 * room - 24;
  if (twoLines === table.nameRoom) return;
  table.nameRoom = twoLines;
  table.live.clear();
}

function sortBy(column) {
  const first = column.metric ? worstFirst(column.metric) : 1;
  table.direction = table.sort === column ? -table.direction : first;
  table.sort = column;
  arrange();
}

function rowOf(position) {
  const i = table.order[position];
  const size = data.sizes[i];
  const name = element("button", {
    type: "button", class: "name", title: data.names[i], tabindex: position === table.active ? 0 : -1,
    "aria-label": `Open ${data.names[i]}`,
  }, imageName(i, table.nameRoom, 15));
  const best = metrics.map((metric, m) => bestOf(i, metric, m));
  const cells = metrics.flatMap((metric, m) => methods.map((_, k) => {
    const value = data.values[k][m][i];
    const classes = ["number", best[m] === value && standing(value) === 0 ? "best" : "", k === 0 && methods.length > 1 ? "start" : ""];
    return element("td", { class: classes.filter(Boolean).join(" ") }, shown(value, metric));
  }));
  return element("tr", { class: failures.has(i) ? "failed" : null, "aria-rowindex": position + table.headRows + 1, "data-position": position },
    element("th", { scope: "row" }, element("div", { class: "named" }, thumbnail(i), element("div", {}, name,
      failures.has(i) || data.turned[i] ? element("div", { class: "flags" },
        failures.has(i) ? element("span", { class: "flag", title: failures.get(i)[0].reason }, failureWords(i)) : null,
        data.turned[i] ? element("span", { class: "flag turned", title: data.turned[i] }, TURNED) : null) : null))),
    element("td", { class: "number" }, size ? `${size[0]} × ${size[1]}` : NONE), cells);
}

const TURNED = data.orientation === "apply" ? "rotated by its tag" : "tag ignored";

function failureWords(i) {
  const failed = failures.get(i);
  const nothing = failed.every(({ method }) => metrics.every((_, m) => standing(data.values[method][m][i]) === 2));
  const word = nothing ? "not compared" : "incomplete";
  return failed.length < methods.length ? `${whole(failed.length)} of ${plural(methods.length, "method")} ${word}` : word;
}

// Undefined unless several methods differ.
function bestOf(i, metric, m) {
  const values = methods.map((_, k) => data.values[k][m][i]).filter((v) => standing(v) === 0);
  const best = metric.higher ? Math.max(...values) : Math.min(...values);
  return values.length > 1 && values.some((v) => v !== best) ? best : undefined;
}

function thumbnail(i, size = "small") {
  const source = data.thumbnails[i];
  if (!source) return element("span", { class: `thumbnail ${size} absent`, "aria-hidden": "true" });
  return element("img", { class: `thumbnail ${size}`, src: source, alt: "", decoding: "async", draggable: "false" });
}

function draw(focused = table.body.contains(document.activeElement)) {
  const { scroller, body, order, live } = table;
  const first = Math.max(0, Math.floor(scroller.scrollTop / ROW) - SPARE);
  const end = () => Math.min(order.length, Math.ceil((scroller.scrollTop + scroller.clientHeight) / ROW) + SPARE);
  const last = end();
  for (const position of [...live.keys()]) if (position < first || position >= last) live.delete(position);
  const rows = [];
  for (let position = first; position < last; position++) {
    if (!live.has(position)) live.set(position, rowOf(position));
    rows.push(live.get(position));
  }
  const space = (height) => {
    const row = element("tr", { class: "space", "aria-hidden": "true" }, element("td", { colspan: columns.length }));
    row.firstChild.style.height = `${height}px`;
    return row;
  };
  body.replaceChildren(...(first ? [space(first * ROW)] : []), ...rows, ...(last < order.length ? [space((order.length - last) * ROW)] : []));
  if (end() > last) return draw(focused); // The view grows if the list was short before.
  if (focused) live.get(table.active)?.querySelector("button").focus({ preventScroll: true });
}

function activate(position, focus = true) {
  if (!table.order.length) return;
  table.live.get(table.active)?.querySelector("button").setAttribute("tabindex", -1);
  table.active = Math.max(0, Math.min(table.order.length - 1, position));
  const { scroller } = table;
  const top = table.active * ROW;
  const head = table.grid.tHead.offsetHeight;
  if (top < scroller.scrollTop) scroller.scrollTop = top;
  if (top + ROW > scroller.scrollTop + scroller.clientHeight - head) scroller.scrollTop = top + ROW - scroller.clientHeight + head;
  draw();
  const button = table.live.get(table.active).querySelector("button");
  button.setAttribute("tabindex", 0);
  if (focus) button.focus({ preventScroll: true });
}

function tableKeys(event) {
  const steps = { ArrowDown: 1, ArrowUp: -1, j: 1, k: -1, PageDown: PAGE, PageUp: -PAGE, Home: -Infinity, End: Infinity };
  if (!(event.key in steps) || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  activate(table.active + steps[event.key]);
}

function headCell(column, label, attributes) {
  const cell = element("th", { scope: "col", "aria-sort": "none", ...attributes },
    element("button", { type: "button", class: "sort", title: label, "aria-label": `Sort by ${label}`, click: () => sortBy(column) },
      element("span", {}, column.metric ? (methods.length === 1 ? column.metric.label : methodName(column.method, HEAD_ROOM)) : column.title),
      element("i", { class: "arrow", "aria-hidden": "true" })));
  table.heads.push({ cell, column });
  return cell;
}

function buildTable() {
  const section = byId("images");
  table.heads = [];
  const many = methods.length > 1;
  table.headRows = many ? 2 : 1;
  const [name, size, ...values] = columns;
  const label = (column) => `${column.metric.title}${many ? ` of ${column.title}` : ""}`;
  const fixedHeads = [headCell(name, "name", { rowspan: table.headRows }), headCell(size, "size (height × width)", { rowspan: table.headRows, class: "number" })];
  const valueHeads = values.map((column) => headCell(column, label(column), { class: many && column.method === 0 ? "number start" : "number" }));
  const rows = many
    ? [element("tr", {}, fixedHeads, metrics.map((metric) =>
        element("th", { scope: "colgroup", colspan: methods.length, class: "group start" }, metric.label))), element("tr", {}, valueHeads)]
    : [element("tr", {}, fixedHeads, valueHeads)];
  table.body = element("tbody", {
    click: (event) => {
      const row = event.target.closest("tr[data-position]");
      if (!row) return;
      activate(Number(row.dataset.position));
      openViewer(table.order, table.active);
    },
    keydown: tableKeys,
  });
  table.grid = element("table", { class: many ? "grid" : "grid single", "aria-label": "Values of every image" },
    element("colgroup", {}, element("col", { class: "wide" }), element("col", { class: "size" }), values.map(() => element("col", { class: "value" }))),
    element("thead", {}, rows), table.body);
  table.empty = element("p", { class: "empty", hidden: true }, `No ${noun} matches these filters.`);
  let waiting = false;
  table.scroller = element("div", { class: "scroller", scroll: () => {
    if (!waiting) requestAnimationFrame(() => { waiting = false; draw(); });
    waiting = true;
  } }, table.grid);
  table.search = element("input", {
    type: "search", id: "filter", placeholder: `Part of a name, or ${metrics[0].name}<${metrics[0].unit === "dB" ? 25 : 0.8}`, autocomplete: "off", spellcheck: "false",
    "aria-label": "Filter by name or by a condition on a metric", "aria-describedby": "filter-help",
    input: () => { table.words = table.search.value; arrange(); },
  });
  table.tally = element("output", { class: "tally", "aria-live": "polite" });
  table.chip = element("button", { type: "button", class: "chip", hidden: true, click: () => { table.range = null; arrange(); table.search.focus(); } },
    "", element("span", { "aria-label": "remove" }, " ×"));
  table.chip.prepend(document.createTextNode(""));
  const status = element("div");
  choice(status, `Which ${noun}s`, STATUS.map(([word]) => word), 0, (i) => { table.status = i; arrange(); });
  section.append(
    element("div", { class: "tools" }, table.search, status, table.chip, table.tally),
    element("p", { id: "filter-help", class: "aside" },
      `Type parts of names, or conditions such as ${metrics.map((m) => `${m.name}<…`).join(", ")}, which at least one method must meet. Click a row, or press Enter on it, to open the ${noun}.`),
    table.scroller, table.empty);
  fitNames();
  arrange();
  new ResizeObserver(() => { fitNames(); draw(); }).observe(table.scroller);
}
