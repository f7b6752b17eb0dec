// What has ended: pictures, and what went wrong with what failed.

const IN_NOW = 6;
const MOST = 60;
const STATES = { completed: "done", failed: "error", cancelled: "cancelled" };

// One output as a small link: its number, and where the file lies if the hub cannot show it.
function numbered(feed, job) {
  const node = h("a", { target: "_blank", rel: "noopener", data: { testid: "job-output-n" } });
  node.update = ([n, output]) => {
    const url = feed.url(output.url);
    setText(node, String(n + 1));
    setAttr(node, "title", placeOf(job, output));
    setAttr(node, "aria-label", `Open picture ${n + 1} of ${job.title}`);
    if (url) node.href = url;
  };
  return node;
}

function placeOf(job, output) {
  return `on ${output.host || job.host || "its machine"}: ${output.path}`;
}

function tile(feed, jobId) {
  const of = () => feed.board.get("jobs", jobId);
  const image = h("img", { alt: "", loading: "lazy", decoding: "async" });
  const link = h("a.picture", { target: "_blank", rel: "noopener", data: { testid: "job-output" } }, mark(), image);
  const title = h("b.name");
  const line = h("small");
  const each = h("div.each");
  let lost = ""; // the address of a picture that could not be had
  const fill = h("i");
  const bar = h("div.bar.thin", { role: "progressbar", "aria-valuemin": 0, "aria-valuemax": 100,
    data: { testid: "job-progress" } }, fill);
  const again = iconButton("retry", "Try again", "job-retry", (event) => act(feed, event.currentTarget, "retry",
    { jobId }));
  const away = iconButton("remove", "Remove", "job-remove", (event) => act(feed, event.currentTarget, "remove",
    { jobId }));
  const node = h("article.tile", { data: { testid: "job-card", job: jobId } }, link,
    h("div.about", {}, title, line, each, bar), h("div.actions", {}, again, away));
  image.addEventListener("error", () => {
    const job = of();
    if (job && image.src === feed.url(job.outputs[0]?.url ?? "")) {
      lost = image.src;
      node.update(job);
    } else {
      link.classList.add("gone");
    }
  });

  node.tick = () => {
    const job = of();
    if (!job) return;
    const took = job.status === "completed" ? `in ${short(job.elapsed)}` : "";
    const many = job.outputs.length > 1 ? `${job.outputs.length} pictures` : "";
    const where = lost && job.outputs.length ? placeOf(job, job.outputs[0]) : "";
    const at = since((feed.now() - when(job.finishedAt)) / 1000);
    setText(line, job.status === "failed" ? job.error || "failed"
      : [job.status === "cancelled" ? `cancelled${job.cancelledBy ? ` by ${job.cancelledBy}` : ""}` : "", job.model,
        many, took, at, where]
        .filter(Boolean).join(" · "));
  };
  node.update = (job) => {
    const state = STATES[job.status];
    setAttr(node, "data-state", state);
    setText(title, job.title);
    setAttr(line, "title", job.error ?? (lost && job.outputs[0] ? placeOf(job, job.outputs[0]) : ""));
    setAttr(title, "title", `${job.prompt || job.title}\n${[job.model, size(job), `seed ${job.seed}`].join(" · ")}`);
    const output = job.outputs[0];
    const whole = output ? feed.url(output.url) : "";
    const url = whole === lost ? "" : whole; // its file lies on another machine, or is gone
    const preview = feed.board.get("previews", jobId)?.image ?? "";
    const shown = url || preview;
    if (image.getAttribute("src") !== shown && shown) {
      link.classList.remove("gone");
      image.src = shown;
    }
    image.alt = shown ? job.title : "";
    if (url) link.href = url;
    else link.removeAttribute("href");
    setAttr(link, "title", output ? placeOf(job, output) : "");
    const several = !lost && job.outputs.length > 1 && whole ? job.outputs : [];
    rows(each, several.map((item, n) => [n, item]), ([n]) => n, () => numbered(feed, job));
    show(each, several.length > 0);
    link.classList.toggle("none", !shown);
    setAttr(link, "aria-label", url ? `Open ${job.title}` : job.title);
    fill.style.width = `${job.progress}%`;
    setAttr(bar, "data-state", state);
    setAttr(bar, "aria-valuenow", job.progress.toFixed(1));
    setAttr(bar, "aria-label", `${job.title}: ${job.status}`);
    show(again, job.status !== "completed");
    node.tick();
  };
  return node;
}

export function render({ model, el }) {
  const { feed, watch, tick, hear } = frame(model, el);
  const list = h("div.tiles");
  const clear = h("button.small", { type: "button", data: { testid: "clear-completed" },
    onclick: (event) => act(feed, event.currentTarget, "clear_completed", {}) }, "Clear completed");
  const more = h("a.more", { href: "#queue" });
  const section = h("section.card", { "aria-label": "Recently ended", data: { testid: "ended" } },
    h("div.label", {}, h("h2", {}, "Recently ended"), h("span.space"), more, clear), list);
  el.append(section);

  const draw = (changed) => {
    const keys = changed?.get("jobs");
    const jobs = [...feed.board.all("jobs").values()].filter(ended)
      .sort((a, b) => when(b.finishedAt) - when(a.finishedAt) || (a.jobId < b.jobId ? -1 : 1));
    const few = view() === "now" ? IN_NOW : MOST;
    rows(list, jobs.slice(0, few), (job) => job.jobId, (job) => tile(feed, job.jobId), (job) => !keys
      || keys.has(job.jobId));
    setText(more, view() === "now" && jobs.length > few ? `all ${jobs.length}` : "");
    show(clear, jobs.some((job) => job.status === "completed"));
    show(section, jobs.length > 0);
  };
  watch(["jobs"], draw);
  hear("echodeck-view", () => draw());
  let beat = 0;
  tick(() => (beat += 1) % 10 === 0 && [...list.children].forEach((node) => node.tick()));
}
