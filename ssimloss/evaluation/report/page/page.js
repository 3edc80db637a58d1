// The sections, in the order of the page.

function buildHead() {
  const failed = failures.size;
  byId("verdict").textContent = verdict();
  byId("gist").textContent = [plural(count, noun), ...(methods.length > 1 ? [plural(methods.length, "method")] : []),
    metrics.map((metric) => metric.title).join(", ")].join("  ·  ");
  if (failed) byId("gist").after(element("p", { class: "notice" },
    `${whole(failed)} of ${plural(count, noun)} could not be compared completely. Means leave out missing values. `,
    element("a", { href: "#damaged" }, "See why")));
  const words = ["Auto", "Light", "Dark"], values = ["auto", "light", "dark"];
  let stored = null;
  try { stored = localStorage.getItem("ssimloss-theme"); } catch { /* pages from disk may have no storage: the choice then lasts until the page is closed */ }
  const set = (i) => {
    document.documentElement.dataset.theme = values[i];
    try { localStorage.setItem("ssimloss-theme", values[i]); } catch { /* as above */ }
  };
  const chosen = Math.max(0, values.indexOf(stored));
  document.documentElement.dataset.theme = values[chosen];
  const setTheme = choice(byId("theme"), "Colours of the page", words, chosen, set);
  return () => { const next = (values.indexOf(document.documentElement.dataset.theme) + 1) % 3; setTheme(next); set(next); };
}

function buildContents() {
  const sections = [...document.querySelectorAll("main > section")].filter((section) => !section.hidden && section.id !== "result"); // which is in sight
  byId("contents").append(...sections.map((section) => element("a", { href: `#${section.id}` }, section.querySelector("h2").textContent)));
}

function buildAbout() {
  const list = element("dl", { class: "about" });
  for (const [term, text] of data.about) list.append(element("dt", {}, term), element("dd", {}, text));
  byId("about").append(list, element("details", { open: true }, element("summary", {}, "Definitions of the metrics"),
    element("dl", { class: "about" }, metrics.flatMap((metric) => [
      element("dt", {}, metric.label), element("dd", {}, metric.description)]))));
}

const nameLink = (i) => (i === null ? element("span", {}, NONE) : element("button", {
  type: "button", class: "link whole", title: data.names[i], click: () => openViewer([i], 0) }, imageName(i, 340, 15)));

function buildSummary() {
  const many = methods.length > 1;
  const heads = ["Mean", "95 % interval", null, "Std. dev.", `${capital(noun)}s`, "Best", "Worst"];
  const groups = metrics.map((metric, m) => {
    const rows = data.summaries.filter((row) => row.metric === m).sort((a, b) => a.method - b.method);
    const ends = rows.flatMap((row) => [row.low, row.high, row.mean]).filter(Number.isFinite);
    // If methods lack different images, the best mean is that over the images that all methods have.
    const fair = data.fair.find((one) => one.metric === m);
    const meanOf = (row) => (fair ? fair.means[row.method] : row.mean);
    const means = rows.map(meanOf).filter((mean) => standing(mean) === 0);
    const best = metric.higher ? Math.max(...means) : Math.min(...means);
    const isBest = (row) => many && means.length > 1 && meanOf(row) === best;
    return element("tbody", {},
      many ? element("tr", { class: "group" }, element("th", { scope: "rowgroup", colspan: 8 }, metric.label,
        element("span", {}, metric.higher ? "higher is better" : "lower is better"))) : null,
      rows.map((row) => element("tr", {},
        element("th", { scope: "row" }, many ? element("span", { class: `swatch ${colored(row.method)}` }) : null, many ? element("span", { title: methods[row.method] }, methodName(row.method, METHOD_ROOM, 15)) : metric.label),
        element("td", { class: !fair && isBest(row) ? "number mean best" : "number mean" }, shown(row.mean, metric),
          fair && means.length ? element("small", { class: isBest(row) ? "best" : null }, `${shown(meanOf(row), metric)} of ${whole(fair.count)}`) : null),
        element("td", { class: "number" }, Number.isNaN(row.low) ? NONE : `${shown(row.low, metric)} to ${shown(row.high, metric)}`),
        element("td", { class: colored(row.method) }, many ? interval(row, "mean", Math.min(...ends), Math.max(...ends), false) : null),
        element("td", { class: "number" }, shown(row.std, metric)),
        element("td", { class: "number" }, whole(row.count), row.infinite ? element("small", {}, `${whole(row.infinite)} infinite`) : null),
        element("td", {}, nameLink(row.best)), element("td", {}, nameLink(row.worst)))));
  });
  const unequal = data.fair.map(({ metric, count: shared }) => element("p", { class: "aside" },
    `${metrics[metric].title}: these means are over unequal sets of ${noun}s and cannot be compared. ` + (shared
      ? `The small numbers are the means over the ${plural(shared, noun)} of which all methods have a finite value; the best of these is marked.`
      : `No ${noun} has a finite value of all methods, so no best mean is marked.`)));
  byId("summary").append(
    element("div", { class: "wide" }, element("table", { class: many ? "summary many" : "summary" },
      element("thead", {}, element("tr", {}, element("th", { scope: "col" }, many ? "Method" : "Metric"),
        heads.map((head) => element(head ? "th" : "td", { scope: head ? "col" : null, class: ["Best", "Worst", null].includes(head) ? null : "number" }, head ?? "")))), groups)),
    element("p", { class: "aside" }, `Intervals are bootstrapped over the ${noun}s, and the standard deviation is over the ${noun}s. Means, deviations and intervals leave out infinite values; the column ${capital(noun)}s counts them.`), ...unequal);
}

function buildComparisons() {
  if (!data.comparisons.length) { byId("comparisons").hidden = true; return; }
  const verdict = (row, metric) => {
    if (!(row.p_holm < 0.05)) return "not significant";
    return `${(row.difference > 0) === metric.higher ? methodName(row.first, METHOD_ROOM, 15) : methodName(row.second, METHOD_ROOM, 15)} is better`;
  };
  const groups = metrics.map((metric, m) => {
    const rows = data.comparisons.filter((row) => row.metric === m);
    if (!rows.length) return null;
    const ends = rows.flatMap((row) => [row.low, row.high, row.difference]).filter(Number.isFinite);
    const [low, high] = [Math.min(0, ...ends), Math.max(0, ...ends)];
    return element("tbody", {},
      element("tr", { class: "group" }, element("th", { scope: "rowgroup", colspan: 8 }, metric.label,
        element("span", {}, metric.higher ? "higher is better" : "lower is better"))),
      rows.map((row) => element("tr", {},
        element("th", { scope: "row" }, `${methodName(row.first, METHOD_ROOM, 15)} ${MINUS} ${methodName(row.second, METHOD_ROOM, 15)}`),
        element("td", { class: "number mean" }, signed(row.difference, digitsOf(metric) + 1)),
        element("td", { class: "number" }, Number.isNaN(row.low) ? NONE : `${signed(row.low, digitsOf(metric) + 1)} to ${signed(row.high, digitsOf(metric) + 1)}`),
        element("td", {}, interval(row, "difference", low, high, true)),
        element("td", { class: "number" }, probability(row.p)),
        element("td", { class: "number" }, probability(row.p_holm)),
        element("td", { class: "number" }, whole(row.count)),
        element("td", { class: row.p_holm < 0.05 ? "verdict" : "verdict weak" }, verdict(row, metric)))));
  });
  const heads = ["Difference", "95 % interval", null, "p", "p, corrected", `${capital(noun)}s`, "At 5 %"];
  byId("comparisons").append(
    element("div", { class: "wide" }, element("table", { class: "summary many" },
      element("thead", {}, element("tr", {}, element("th", { scope: "col" }, "Methods"),
        heads.map((head) => element(head ? "th" : "td", { scope: head ? "col" : null, class: [null, "At 5 %"].includes(head) ? null : "number" }, head ?? "")))), groups)),
    element("p", { class: "aside" }, `The differences are means of paired differences over the ${noun}s that all methods have. The test flips signs and is two-sided; Holm's method corrects p for the number of comparisons. The line through the intervals marks 0.`));
}

function buildLists() {
  if (!data.failures.length) byId("damaged").hidden = true;
  else byId("damaged").append(element("div", { class: "wide capped" }, element("table", { class: "reasons" },
    element("thead", {}, element("tr", {}, [capital(noun), ...(methods.length > 1 ? ["Method"] : []), "Reason"].map((head) => element("th", { scope: "col" }, head)))),
    element("tbody", {}, data.failures.map(({ image, method, reason }) => element("tr", {}, element("th", { scope: "row" }, data.names[image]),
      methods.length > 1 ? element("td", {}, methods[method]) : null, element("td", {}, reason)))))));
  if (!data.unmatched.length) byId("unmatched").hidden = true;
  else byId("unmatched").append(element("ul", { class: "capped" }, data.unmatched.map((words) => element("li", {}, words))));
}

const KEYS = [
  ["On the page", [["/", "go to the filter"], ["T", "light, dark or system colours"], ["?", "this list"]]],
  ["In the table", [["↑ ↓ or K J", "previous, next row"], ["Page ↑ Page ↓", "eight rows"], ["Home End", "first, last row"], ["Enter", "open the image"]]],
  ["In an open image", [["← →", "move the border; hold Shift for large steps"], ["Home End", "show only the result, only the reference"], ["Space", "flip between the two"],
    ["N P", "next, previous image"], ["R S E", "result, SSIM map, error map"], ["1 – 9", "method"], ["A", "all methods side by side"], ["+ − 0", "magnify, reduce, fit"], ["Esc", "close"]]],
];
function buildKeys() {
  byId("keys").append(element("div", { class: "keys" }, KEYS.map(([title, rows]) => element("div", {}, element("h3", {}, title),
    element("dl", {}, rows.flatMap(([keys, words]) => [
      element("dt", {}, keys.split(" ").map((key) => (["or", "–"].includes(key) ? ` ${key} ` : element("kbd", {}, key)))), element("dd", {}, words)]))))));
}
function pageKeys(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
  if (event.key === "/") table.search.focus();
  else if (event.key === "?") byId("keys").scrollIntoView();
  else if (event.key.toLowerCase() === "t") nextTheme();
  else return;
  event.preventDefault();
}

if (data.curves) byId("images").querySelector("h2").textContent = "All clips";
const nextTheme = buildHead();
buildResult();
buildWorst();
buildCurves();
buildDistributions();
buildTable();
buildComparisons();
buildSummary();
buildAbout();
buildLists();
buildKeys();
buildContents();
document.addEventListener("keydown", (event) => (dialog.open ? viewerKeys : pageKeys)(event));
byId("colophon").textContent = data.colophon;
document.documentElement.dataset.ready = "yes";
