"use strict";
/* Tables that sort and filter, methods that copy, people in charts, pictures to wipe between, links that open what they lead to. */
const valueOf = (row, column) => {
  const cell = row.cells[column];
  const text = (cell.dataset.value || cell.textContent).trim();
  const number = Number.parseFloat(text.replace(/,(?=\d{3})/g, ""));
  return Number.isNaN(number) || !/^[-+<>= ]*[\d.]/.test(text) ? text.toLowerCase() : number;
};
const inOrder = (a, b) =>
  typeof a === "number" && typeof b === "number" ? a - b
    : typeof a === "number" ? -1 : typeof b === "number" ? 1
    : a.localeCompare(b, "en", { numeric: true });
for (const table of document.querySelectorAll("table.explore")) {
  const body = table.tBodies[0];
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const sign = head.getAttribute("aria-sort") === "ascending" ? -1 : 1;
      heads.forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", sign > 0 ? "ascending" : "descending");
      const rows = [...body.rows].map((row) => [valueOf(row, column), row]);
      rows.sort((one, other) => sign * inOrder(one[0], other[0]));
      body.append(...rows.map(([, row]) => row));
    });
  });
  if (body.rows.length > 12) {
    const label = document.createElement("label");
    const field = document.createElement("input");
    const count = document.createElement("span");
    field.type = "search";
    label.className = "filter";
    label.append("Show rows with ", field, " ", count);
    field.addEventListener("input", () => {
      const wanted = field.value.trim().toLowerCase();
      let shown = 0;
      for (const row of body.rows) {
        row.hidden = !row.textContent.toLowerCase().includes(wanted);
        shown += row.hidden ? 0 : 1;
      }
      count.textContent = wanted ? `${shown} of ${body.rows.length}` : "";
    });
    table.closest(".scroll").before(label);
  }
}
for (const part of document.querySelectorAll("[data-copy]")) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "copy";
  button.textContent = "Copy";
  button.addEventListener("click", () => {
    const range = document.createRange();
    range.selectNodeContents(part);
    const selection = getSelection();
    selection.removeAllRanges();
    selection.addRange(range);
    button.textContent = document.execCommand("copy") ? "Copied" : "Selected: copy it by hand";
  });
  part.before(button);
}
/* People in a chart: Tab reaches one of them, arrow keys go on to the others. */
for (const chart of document.querySelectorAll(".marked svg")) {
  const links = [...chart.querySelectorAll("a")];
  chart.addEventListener("keydown", (event) => {
    const by = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (!by) return;
    event.preventDefault();
    const next = links[(links.indexOf(event.target) + by + links.length) % links.length];
    links.forEach((one) => one.setAttribute("tabindex", one === next ? 0 : -1));
    next.focus();
  });
}
/* Two pictures of the same slices, one over the other: a slider moves the edge between them. */
for (const states of document.querySelectorAll(".states")) {
  const box = states.parentElement.querySelector(".swipe");
  const [first, second] = [...states.children].map((one) => one.textContent);
  const range = document.createElement("input");
  range.type = "range";
  range.setAttribute("aria-label", `${states.dataset.title}: how much of "${first}" is shown`);
  const wipe = () => {
    box.style.setProperty("--edge", `${range.value}%`);
    range.setAttribute("aria-valuetext", `${range.value} % ${first}, the rest ${second}`);
  };
  range.addEventListener("input", wipe);
  states.children[0].after(range);
  states.classList.add("live");
  box.classList.add("live");
  wipe();
}
const openTarget = () => {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  const folded = target && target.closest("details");
  if (folded) { folded.open = true; target.scrollIntoView(); }
};
addEventListener("hashchange", openTarget);
openTarget();
