// The top of the page: which method is best, in one table that can be copied.

const listed = (words) => (words.length < 2 ? words.join("") : `${words.slice(0, -1).join(", ")} and ${words.at(-1)}`);

// "A has the best mean of PSNR and SSIM, B of LPIPS."
function verdict() {
  if (methods.length < 2) return `Evaluation of ${methods[0]}`;
  const leaders = new Map();
  data.result.forEach((column, m) => {
    if (!column.best.length) return;
    const key = column.best.join();
    leaders.set(key, [...(leaders.get(key) ?? []), metrics[m].title]);
  });
  if (!leaders.size) return `Evaluation of ${listed(methods)}`;
  const parts = [...leaders].map(([key, titles], n) => {
    const best = key.split(",").map((k) => methods[k]);
    const verb = best.length > 1 ? "share" : "has";
    if (leaders.size === 1 && titles.length === metrics.length && titles.length > 1)
      return `${listed(best)} ${verb} the best mean of ${titles.length === 2 ? "both" : `all ${titles.length}`} metrics`;
    return n ? `${listed(best)} of ${listed(titles)}` : `${listed(best)} ${verb} the best mean of ${listed(titles)}`;
  });
  return parts.join(", ");
}

function buildResult() {
  const many = methods.length > 1;
  const significant = data.result.some((column) => column.significant);
  const summaryOf = (k, m) => data.summaries.find((row) => row.method === k && row.metric === m);
  const cell = (column, m, k) => {
    const mean = column.means[k], best = column.best.includes(k), row = summaryOf(k, m);
    const whiskers = row && Number.isFinite(row.low) && column.common === null;
    return element("td", { class: best ? "number best" : "number" }, shown(mean, metrics[m]),
      best && column.significant ? element("sup", { title: "Significantly better than each other method" }, "*") : null,
      best ? element("span", { class: "unseen" }, " best") : null,
      whiskers ? element("small", {}, `${shown(row.low, metrics[m])} to ${shown(row.high, metrics[m])}`) : null);
  };
  const head = element("tr", {}, element("th", { scope: "col" }, many ? "Method" : ""),
    metrics.map((metric, m) => element("th", { scope: "col", class: "number" }, metric.label, " ",
      element("span", { "aria-label": metric.higher ? "higher is better" : "lower is better", title: metric.higher ? "higher is better" : "lower is better" }, metric.higher ? "↑" : "↓"),
      data.result[m].common === null ? null : element("small", {}, `over ${whole(data.result[m].common)} of ${plural(count, noun)}`))));
  const rows = methods.map((method, k) => element("tr", {},
    element("th", { scope: "row" }, many ? element("span", { class: `swatch ${colored(k)}` }) : null, element("span", { title: method }, methodName(k, METHOD_ROOM, 15))),
    data.result.map((column, m) => cell(column, m, k))));
  const notes = [
    many ? "Bold: the best mean." : "",
    significant ? "*: better than each other method at 5 % (sign-flip test, Holm)." : "",
    data.summaries.some((row) => Number.isFinite(row.low) && data.result[row.metric].common === null) ? "Small numbers: 95 % interval of the mean." : "",
    data.result.some((column) => column.common !== null)
      ? `If methods lack values of different ${noun}s, means are over the ${noun}s that all methods have.` : "",
    ...data.result.map((column, m) => (many && !column.best.length && column.means.some((mean) => mean !== null)
      ? `${metrics[m].title}: these means are over different sets of ${noun}s, so no best mean is marked.` : "")),
  ].filter(Boolean);
  byId("result").append(
    ...copyButtons(element("div", { class: "wide" }, element("table", { class: "result" }, element("thead", {}, head), element("tbody", {}, rows)))),
    element("p", { class: "aside" }, notes.join(" "), many ? [notes.length ? " " : "", element("a", { href: "#summary" }, "All statistics")] : null));
}

// Pages from disk may not have access to the clipboard: the text is then shown and selected, to be copied by hand.
function copyButtons(table) {
  const told = element("output", { class: "tally", "aria-live": "polite" });
  const text = element("textarea", { class: "copy", readonly: true, hidden: true, rows: 8, spellcheck: "false", "aria-label": "Text to copy" });
  const copy = async (kind) => {
    text.value = data.copies[kind];
    let done = true;
    try {
      await navigator.clipboard.writeText(text.value);
    } catch {
      text.hidden = false;
      text.select();
      done = document.execCommand("copy");
    }
    text.hidden = done;
    told.textContent = done ? `Copied as ${kind}.` : "Press Ctrl+C, or ⌘C, to copy.";
    if (!done) text.focus();
  };
  const buttons = element("div", { class: "tools copies" }, told,
    Object.keys(data.copies).map((kind) => element("button", { type: "button", class: "chip", click: () => copy(kind) }, `Copy as ${kind}`)));
  return [buttons, table, text];
}
