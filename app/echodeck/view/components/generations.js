// The generations that a worker has in hand.

export function render({ model, el }) {
  const { feed, watch, tick } = frame(model, el);
  const list = h("div.stack");
  const empty = h("div.card.empty", { data: { testid: "generations-empty" } }, h("b", {},
    "Nothing is being generated"), h("p"));
  el.append(h("section.stack", { "aria-label": "Generations" }, list, empty));
  watch(["jobs", "previews", "engines", "connection"], (changed) => {
    const keys = new Set([...(changed.get("jobs") ?? []), ...(changed.get("previews") ?? [])]);
    const jobs = [...feed.board.all("jobs").values()].filter(inHand).sort((a, b) =>
      (a.status === "paused") - (b.status === "paused") || when(a.startedAt) - when(b.startedAt)
      || (a.jobId < b.jobId ? -1 : 1));
    rows(list, jobs, (job) => job.jobId, (job) => card(feed, job.jobId), (job) => keys.has(job.jobId));
    show(list, jobs.length > 0);
    show(empty, jobs.length === 0);
    const engines = [...feed.board.all("engines").values()];
    const why = engines.every((engine) => engine.reason) ? engines[0]?.reason : "";
    setText(empty.lastChild, feed.status.state === "live" || feed.status.state === "polling"
      ? why || (engines.length ? "Add a job, and watch it come into being here."
        : "No agent has announced an engine yet.")
      : "Waiting for the hub.");
  });
  tick(() => [...list.children].forEach((node) => node.tick()));
}
