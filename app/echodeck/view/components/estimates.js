// How good the estimates were: of all jobs, and of each model, by how much of a job was done when they were made.

const WIDEST = 0.5; // an error that fills its bar
const ENOUGH = 20; // estimates before a coverage says something
const POOR = 0.25; // an error that is nothing to be proud of
const COVERED = [0.7, 0.9]; // what an interval of 80 % may hold and be left without a remark

const rounded = (x) => `${(100 * x).toFixed(100 * x < 9.95 ? 1 : 0)} %`;
const doneAt = (share) => (share ? `${Math.round(100 * share)} % done` : "waiting");

function shareRow() {
  const [name, bar, off, held, count] = [h("th", { scope: "row" }), h("i"), h("td.right"), h("td.right"), h("td.right")];
  const node = h("tr", { data: { testid: "estimate-share" } }, name, h("td", {}, h("div.bar.thin", {}, bar)), off, held,
    count);
  node.update = (one) => {
    setText(name, doneAt(one.share));
    bar.style.width = `${Math.min(100, (100 * one.error) / WIDEST)}%`;
    bar.classList.toggle("poor", one.error > POOR);
    setText(off, rounded(one.error));
    off.title = `on average ${rounded(Math.abs(one.bias))} too ${one.bias > 0 ? "long" : "short"}`;
    setText(held, `${Math.round(100 * one.coverage)} %`);
    held.title = `the interval is now ${one.factorLow.toFixed(2)} times as wide towards sooner, and `
      + `${one.factorHigh.toFixed(2)} times towards later, as history alone would make it`;
    held.classList.toggle("odd", one.count >= ENOUGH && (one.coverage < COVERED[0] || one.coverage > COVERED[1]));
    setText(count, String(one.count));
  };
  return node;
}

function kindCard() {
  const [title, learning, body] = [h("span"), h("small"), h("tbody")];
  const heads = ["how far", "", "off by", "held", "jobs"].map((text, n) => h("th", { scope: "col",
    title: n === 3 ? "how often the 80 % interval held the truth" : null }, text));
  heads.slice(2).forEach((head) => head.classList.add("right"));
  const node = h("table.scores", { data: { testid: "estimate-kind" } }, h("caption", {}, title, learning),
    h("thead", {}, h("tr", {}, ...heads)), body);
  node.update = (score) => {
    setText(title, score.name || "all jobs");
    setText(learning, score.shares.some((one) => one.count >= ENOUGH) ? "" : " · still learning");
    rows(body, score.shares, (one) => one.share, shareRow);
  };
  return node;
}

export function render({ model, el }) {
  const { feed, watch } = frame(model, el);
  const list = h("div.stack");
  const what = h("p.quiet", {}, "The time left as it was told, beside the truth. An interval of 80 % should hold it"
    + " 80 % of the time.");
  const empty = h("p.empty", {}, "Nothing to compare yet. When a job completes, what was said of its time left is"
    + " compared with the truth.");
  el.append(h("section.card", { "aria-label": "How good the estimates were", data: { testid: "estimates" } },
    h("div.label", {}, h("h2", {}, "How good the estimates were")), list, what, empty));
  watch(["estimates"], (changed) => {
    const keys = changed.get("estimates");
    const kinds = [...feed.board.all("estimates").values()].sort((a, b) => (a.name < b.name ? -1 : 1));
    rows(list, kinds, (score) => score.name, kindCard, (score) => keys?.has(score.name));
    show(empty, !kinds.length);
    show(what, kinds.length > 0);
  });
}
