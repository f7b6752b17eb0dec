// What has ended, newest first.

const IN_NOW = 6;
const MOST = 60;
export function render({ model, el }) {
  const { feed, watch, tick, hear } = frame(model, el);
  const list = h("div.tiles");
  const clear = h("button.small", { type: "button", data: { testid: "clear-completed" },
    onclick: (event) => act(feed, event.currentTarget, "clear_completed", {}) }, "Clear completed");
  const more = h("a.more", { href: "#queue" });
  const today = h("span.quiet", { data: { testid: "today" } });
  const section = h("section.card", { "aria-label": "Recently ended", data: { testid: "ended" } },
    h("div.label", {}, h("h2", {}, "Recently ended"), today, h("span.space"), more, clear), list);
  el.append(section);
  let wanted = "";
  const reveal = () => {
    const node = [...list.children].find((one) => one.dataset.job === wanted);
    if (!node?.offsetParent) return;
    wanted = "";
    node.scrollIntoView({ block: "center" });
  };

  const draw = (changed) => {
    const keys = changed?.get("jobs");
    const jobs = [...feed.board.all("jobs").values()].filter(ended)
      .sort((a, b) => when(b.finishedAt) - when(a.finishedAt) || (a.jobId < b.jobId ? -1 : 1));
    const { text, title } = todayOf(jobs, Date.now());
    setText(today, text);
    setAttr(today, "title", title);
    const few = view() === "now" ? IN_NOW : MOST;
    rows(list, jobs.slice(0, few), (job) => job.jobId, (job) => tile(feed, job.jobId), (job) => !keys
      || keys.has(job.jobId));
    setText(more, view() === "now" && jobs.length > few ? `all ${jobs.length}` : "");
    show(clear, jobs.some((job) => job.status === "completed"));
    show(section, jobs.length > 0);
    if (wanted) reveal();
  };
  watch(["jobs"], draw);
  hear("echodeck-view", () => draw());
  hear("echodeck-job", (event) => {
    wanted = event.detail;
    draw();
  });
  let beat = 0;
  tick(() => (beat += 1) % 10 === 0 && [...list.children].forEach((node) => node.tick()));
}
