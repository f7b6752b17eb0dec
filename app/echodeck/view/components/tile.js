// A job that has ended: its pictures, or what went wrong.

const STATES = { completed: "done", failed: "error", cancelled: "cancelled" };
// What the kinds of errors are called; those that only say that it failed have no name.
const ERRORS = { out_of_memory: "Out of memory", lost: "Lost", worker_lost: "Its worker was lost", engine_error: "",
  node_error: "", error: "" };

// "" where the message begins with it anyway.
function errorName(job) {
  const name = ERRORS[job.errorKind] ?? (job.errorKind ?? "").replaceAll("_", " ");
  return (job.error ?? "").toLowerCase().startsWith(name.toLowerCase()) ? "" : name;
}

// What was tried and where the error came from, line by line, to be opened.
function traceback() {
  const text = h("pre", { tabIndex: 0 });
  const node = h("details.traceback", { data: { testid: "job-traceback" } }, h("summary", {}, "Details"), text);
  node.update = (job) => {
    setText(text, job.errorDetail ?? "");
    show(node, Boolean(job.errorDetail));
  };
  return node;
}

function lineOf(feed, job, missing) {
  if (job.status === "failed") return job.error || "failed";
  const took = job.status === "completed" ? `in ${short(job.elapsed)}` : "";
  const many = job.outputs.length > 1 ? `${job.outputs.length} files` : "";
  const gone = missing && job.outputs.length && !job.outputs[0].link ? placeOf(job, job.outputs[0]) : "";
  const why = job.cancelledBy ? ` by ${job.cancelledBy}` : job.calledOff ? `: ${job.calledOff}` : "";
  return [job.status === "cancelled" ? `cancelled${why}` : "", job.model,
    many, took, since((feed.now() - when(job.finishedAt)) / 1000), gone].filter(Boolean).join(" · ");
}

function tooltipOf(job) {
  // A seed of more digits than a browser's numbers have would be shown wrong.
  const seed = Number.isSafeInteger(job.seed) ? `seed ${job.seed}` : "";
  return `${job.prompt || job.title}\n${[job.model, size(job), method(job), seed].filter(Boolean).join(" · ")}`;
}

function tile(feed, jobId) {
  const of = () => feed.board.get("jobs", jobId);
  const [title, line, each, kind] = [h("b.name"), h("small"), h("div.each"), h("b.kind")];
  const origin = h("span.origin", { data: { testid: "job-origin" } });
  const front = frontOf(feed, jobId, () => node.update(of()));
  const [trace, verdict, took] = [traceback(), verdictChip(), tookBox(feed, jobId)];
  const fill = h("i");
  const bar = h("div.bar.thin", { role: "progressbar", "aria-valuemin": 0, "aria-valuemax": 100,
    data: { testid: "job-progress" } }, fill);
  const press = (type) => (event) => act(feed, event.currentTarget, type, { jobId });
  const again = commandButton("retry", "Try again", "job-retry", press("retry"));
  const away = commandButton("remove", "Remove", "job-remove", press("remove"));
  const node = h("article.tile", { data: { testid: "job-card", job: jobId } }, front,
    h("div.about", {}, title, kind, line, verdict, took, origin, each, bar), h("div.actions", {}, again, away), trace);

  node.tick = () => {
    const job = of();
    if (job) setText(line, lineOf(feed, job, front.missing));
  };
  node.update = (job) => {
    const state = STATES[job.status];
    setAttr(node, "data-state", state);
    setText(title, job.title);
    setAttr(title, "title", tooltipOf(job));
    setText(kind, job.status === "failed" ? errorName(job) : "");
    setAttr(line, "title", job.error ?? "");
    setText(origin, originOf(feed, job));
    show(origin, Boolean(origin.textContent));
    front.update(job);
    const several = job.outputs.length > 1 && job.outputs.every((output) => addressOf(feed, output))
      && (!front.missing || job.outputs[0].link) ? job.outputs : [];
    rows(each, [...several.entries()], ([n]) => n, () => numbered(feed, job));
    show(each, several.length > 0);
    fill.style.width = `${job.progress}%`;
    setAttr(bar, "data-state", state);
    setAttr(bar, "aria-valuenow", job.progress.toFixed(1));
    setAttr(bar, "aria-label", `${job.title}: ${job.status}`);
    trace.update(job);
    verdict.update(job);
    took.update(job);
    forbid(again, job.cannot.retry);
    show(again, job.status !== "completed");
    node.tick();
  };
  return node;
}
