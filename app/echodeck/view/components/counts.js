// How many wait, run, are done and failed.

const SHOWN = [
  ["pending", "pending", ""], ["running", "running", ".running"], ["completed", "completed", ""],
  ["failed", "failed", ".failed"],
];

export function render({ model, el }) {
  const { feed, watch } = frame(model, el);
  const cells = SHOWN.map(([name, label, tone]) => {
    const figure = h(`div.figure${tone}`, { data: { testid: `count-${name}` } }, NONE);
    const extra = h("span.quiet");
    return { name, figure, extra, node: h("div.card.count", {}, figure, h("div.what", {}, label, extra)) };
  });
  el.append(h("section.count-grid", { "aria-label": "Counts" }, ...cells.map((cell) => cell.node)));

  watch(["queue", "metrics"], () => {
    const stats = feed.board.get("queue")?.stats;
    const metrics = feed.board.get("metrics")?.metrics;
    for (const cell of cells) {
      const count = stats?.[cell.name];
      setText(cell.figure, count === undefined ? NONE : String(count));
      cell.figure.classList.toggle("zero", !count);
    }
    setText(cells[0].extra, stats?.paused ? `${stats.paused} paused` : "");
    const rate = metrics?.generationsPerHour;
    setText(cells[2].extra, rate ? `${Number(rate.toFixed(rate < 10 ? 1 : 0))}/h` : "");
    setAttr(cells[2].extra, "title", rate ? "completed in the last hour" : "");
    setText(cells[3].extra, stats?.cancelled ? `${stats.cancelled} cancelled` : "");
  });
}
