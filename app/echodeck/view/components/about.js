// What an alert is about: the jobs, to be gone to, and what is for whoever looks closer, to be opened.

const MOST_LINKS = 8;

// The job's place on the page: whoever shows it hears which one is wanted.
function jobLink(feed, jobId) {
  const wanted = () => dispatchEvent(new CustomEvent("echodeck-job", { detail: jobId }));
  const node = h("a", { href: "#queue", data: { testid: "alert-job" }, onclick: wanted });
  setAttr(node, "title", jobId);
  node.update = () => setText(node, feed.board.get("jobs", jobId)?.title ?? jobId);
  return node;
}

function aboutAlert(feed) {
  const [links, more] = [h("span.jobs"), h("span")];
  const jobs = h("div.about-jobs", {}, links, more);
  const text = h("pre", { tabIndex: 0 });
  const detail = h("details.traceback", { data: { testid: "alert-detail" } }, h("summary", {}, "Details"), text);
  const node = h("div.about-alert", {}, jobs, detail);
  node.update = (alert) => {
    const known = (alert.jobs ?? []).filter((jobId) => feed.board.get("jobs", jobId)).reverse();
    rows(links, known.slice(0, MOST_LINKS), (jobId) => jobId, (jobId) => jobLink(feed, jobId));
    setText(more, known.length > MOST_LINKS ? `and ${known.length - MOST_LINKS} more` : "");
    show(jobs, known.length > 0);
    const raw = alert.detail && !alert.message.includes(alert.detail) ? alert.detail : "";
    setText(text, [raw, `cause: ${alert.cause}`].filter(Boolean).join("\n\n"));
  };
  return node;
}
