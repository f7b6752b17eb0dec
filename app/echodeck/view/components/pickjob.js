// A choice among the jobs that have not ended: those in work first, then in the order of the queue, found by words.

const MOST_OFFERED = 100;
const MANY_JOBS = 8; // with fewer, nobody needs to search

// Running ones first, then what is paused in hand, then the queue as it stands.
function inTurn(feed) {
  const place = new Map((feed.board.get("queue")?.order ?? []).map((id, number) => [id, number]));
  const rank = ({ jobId, status, workerId }) => (status === "running" ? -2 : workerId && status === "paused" ? -1
    : place.get(jobId) ?? Infinity);
  const ranked = [...feed.board.all("jobs").values()].filter((job) => !ended(job)).map((job) => [rank(job), job]);
  return ranked.sort(([a], [b]) => (a === b ? 0 : a - b)).map(([, job]) => job);
}

function offerOf(job) {
  const state = job.status === "pending" ? Number.isInteger(job.position) ? `number ${job.position + 1}` : "waits"
    : job.status;
  return [job.jobId, `${job.title} · ${state} · ${job.jobId.slice(0, 8)}`];
}

// The select, a field to search it, and `refresh` for when jobs may be others. What was chosen stays until it has ended
// or is not among those found.
function jobPicker(feed, testid) {
  const select = h("select", { "aria-label": "Job", data: { testid } });
  const find = h("input", { type: "search", placeholder: "Find", "aria-label": "Find a job",
    data: { testid: `${testid}-find` } });
  const count = h("small.quiet", { role: "status" });
  let drawn = "";
  const describe = () => setAttr(select, "title", select.selectedOptions[0]?.text ?? "");
  select.addEventListener("change", describe);
  function refresh() {
    const jobs = inTurn(feed);
    const words = find.value.toLowerCase().split(/\s+/).filter(Boolean);
    const found = jobs.filter((job) => {
      const text = `${job.title} ${job.jobId} ${job.model} ${job.prompt} ${job.status}`.toLowerCase();
      return words.every((word) => text.includes(word));
    });
    const pairs = found.slice(0, MOST_OFFERED).map(offerOf);
    const key = JSON.stringify(pairs); // an open list is not drawn again for nothing
    if (key !== drawn) options(select, pairs);
    drawn = key;
    describe();
    show(find, jobs.length > MANY_JOBS || words.length > 0);
    const part = found.length > MOST_OFFERED ? `, the first ${MOST_OFFERED} here` : "";
    const number = words.length ? `${found.length} of ${jobs.length}` : `${jobs.length}`;
    setText(count, words.length || part ? `${number}${part}` : "");
  }
  return { select, find, count, refresh };
}
