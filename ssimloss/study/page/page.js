"use strict";
// Tables sort by the number in data-value, else by the text; undefined cells always come last.
for (const table of document.querySelectorAll("table")) {
  table.querySelectorAll("thead th").forEach((head, column) => {
    head.querySelector("button").addEventListener("click", () => {
      const rising = head.getAttribute("aria-sort") !== "ascending";
      for (const other of table.querySelectorAll("thead th")) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", rising ? "ascending" : "descending");
      const body = table.tBodies[0];
      const key = (row) => {
        const cell = row.cells[column];
        if (cell.dataset.value !== undefined) return Number(cell.dataset.value);
        return cell.textContent === "-" ? null : cell.textContent;
      };
      const rows = [...body.rows].map((row) => [key(row), row]);
      rows.sort(([a], [b]) => {
        if (a === null || b === null) return (a === null) - (b === null);
        const numbers = typeof a === "number" && typeof b === "number";
        const order = numbers ? (a > b) - (a < b) : String(a).localeCompare(String(b));
        return rising ? order : -order;
      });
      body.append(...rows.map(([, row]) => row));
    });
  });
}

const pictures = JSON.parse(document.getElementById("pictures").textContent);
const start = document.getElementById("start");
if (start) {
  const left = document.getElementById("left"), right = document.getElementById("right");
  const over = document.getElementById("over"), under = document.getElementById("under");
  const split = document.getElementById("split");
  const fill = (select, names, chosen) => {
    select.replaceChildren(...names.map((name) => new Option(name, name, false, name === chosen)));
  };
  const cut = () => { over.style.clipPath = `inset(0 ${100 - split.value}% 0 0)`; };
  const draw = () => {
    over.src = pictures[start.value][left.value];
    under.src = pictures[start.value][right.value];
    cut();
  };
  fill(start, Object.keys(pictures));
  const names = Object.keys(pictures[start.value]);
  const losses = names.filter((name) => name !== "reference" && name !== "start");
  fill(left, names, losses[0]);
  fill(right, names, "reference");
  for (const select of [start, left, right]) select.addEventListener("change", draw);
  split.addEventListener("input", cut);
  draw();
}
document.documentElement.dataset.ready = "";
