// What the coordinator answers: its sentences, and the figures as a table.

const MOST_ROWS = 12;

// Of each question that has rows: where they lie in the answer, and the columns, each a heading and its text of a row.
const TABLES = {
  plan: [(answer) => answer.jobs.filter((row) => row.start), [["Job", (row) => row.title],
    ["Begins", (row) => clock(when(row.start))], ["Takes", (row) => short(row.duration)],
    ["Later by", (row) => (row.shift > 0 ? short(row.shift) : "")]]],
  recommend: [(answer) => [answer.choice, ...answer.alternatives].filter(Boolean), [["Model", (row) => row.label],
    ["Takes", (row) => short(row.duration)], ["Done", (row) => clock(when(row.doneAt))],
    ["At the latest", (row) => clock(when(row.doneHigh))], ["Score", (row) => scoreOf(row)],
    ["Fits", (row) => (row.fits ? "yes" : "no")]]],
  compare: [(answer) => answer.options, [["", (row) => row.label], ["Takes", (row) => short(row.duration)],
    ["80 %", (row) => `${short(row.low)} – ${short(row.high)}`], ["A picture", (row) => short(row.perPicture)],
    ["VRAM", (row) => (row.vramBytes ? bytes(row.vramBytes) : NONE)], ["Score", (row) => scoreOf(row)]]],
  capacity: [(answer) => answer.kinds, [["Model", (row) => row.model || row.engine],
    ["Size", (row) => row.resolution], ["Steps", (row) => row.steps || ""], ["Makes", makes],
    ["Takes", (row) => short(row.duration)],
    ["An hour", (row) => String(Math.round(row.perHour))]]],
};

// What a job of this kind makes.
function makes({ batch = 1, frames = 1 }) {
  if (frames > 1) return `${batch > 1 ? `${batch} × ` : ""}${frames} frames`;
  return `${batch} picture${batch > 1 ? "s" : ""}`;
}

function scoreOf(row) {
  return Number.isFinite(row.quality) ? String(Math.round(row.quality)) : NONE;
}

function tableOf(what, answer) {
  const [rowsOf, columns] = TABLES[what] ?? [() => [], []];
  const found = rowsOf(answer);
  if (!found.length) return null;
  const more = found.length - MOST_ROWS;
  return h("div.figures-table", { tabIndex: 0, role: "region", "aria-label": "The figures" }, h("table", {},
    h("thead", {}, h("tr", {}, ...columns.map(([heading]) => h("th", { scope: "col" }, heading)))),
    h("tbody", {}, ...found.slice(0, MOST_ROWS).map((row) => h("tr", {},
      ...columns.map(([, text]) => h("td", {}, text(row))))))),
  more > 0 && h("small", {}, `and ${more} more`));
}

function answerOf(what, answer) {
  return [h("ul.reasons", {}, ...answer.text.slice(0, MOST_ROWS).map((line) => h("li", {}, line))),
    tableOf(what, answer)].filter(Boolean);
}
