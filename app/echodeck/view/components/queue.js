// What waits, in the order it will run. Hundreds of rows: only those that changed are drawn again.

const IN_NOW = 8;
const PRIORITIES = [["urgent", 20], ["high", 10], ["normal", 0], ["low", -10]];

function priorityName(value) {
  return PRIORITIES.find(([, from]) => value >= from)?.[0] ?? "low";
}

function priorityPicker(feed, jobId) {
  const select = h("select.pill", { "aria-label": "Priority", data: { testid: "queue-priority" },
    onchange: () => act(feed, select, "set_priority", { jobId, priority: select.value }) },
  ...PRIORITIES.map(([name]) => h("option", { value: name }, name)));
  return select;
}

function row(feed, jobId) {
  const move = (direction) => (event) => act(feed, event.currentTarget, "move", { jobId, direction });
  const command = (name) => (event) => act(feed, event.currentTarget, "generation_command", { jobId, command: name });
  const position = h("span.position");
  const name = h("b.name");
  const quiet = h("small");
  const starts = h("span.starts", { data: { testid: "queue-start" } });
  const takes = h("small.takes");
  const priority = priorityPicker(feed, jobId);
  const pause = iconButton("pause", "Hold back", "queue-pause", command("pause"), ".bare");
  const resume = iconButton("resume", "Resume", "queue-resume", command("resume"), ".bare");
  const node = h("div.row", { role: "listitem", tabIndex: 0, data: { testid: "queue-row", job: jobId } },
    position, h("div.names", {}, name, quiet), h("div.times", {}, starts, takes), priority, h("div.actions", {},
      iconButton("top", "To the top", "queue-top", move("top"), ".bare"),
      iconButton("up", "Up", "queue-up", move("up"), ".bare"),
      iconButton("down", "Down", "queue-down", move("down"), ".bare"), pause, resume,
      iconButton("cancel", "Cancel", "queue-cancel", command("cancel"), ".bare"),
      iconButton("remove", "Remove", "queue-remove", (event) => act(feed, event.currentTarget, "remove", { jobId }),
        ".bare")));
  node.addEventListener("keydown", (event) => {
    const direction = { ArrowUp: "up", ArrowDown: "down", Home: "top", End: "bottom" }[event.key];
    if (!event.altKey || !direction || event.target !== node) return;
    event.preventDefault();
    act(feed, null, "move", { jobId, direction });
  });
  node.update = ({ job, place }) => {
    const held = job.status === "paused";
    setAttr(node, "data-state", job.status);
    setText(position, String(place));
    setText(name, job.title);
    setAttr(name, "title", job.prompt || job.title);
    setText(quiet, [job.user, job.model, size(job), job.movedBy
      && `moved by ${job.movedBy}`].filter(Boolean).join(" · "));
    setText(starts, held ? `held${job.pausedBy ? ` by ${job.pausedBy}` : ""}`
      : job.expectedStart ? `starts ${clock(Math.max(when(job.expectedStart), Date.now()))}` : "waits");
    setText(takes, job.expectedDuration ? `≈ ${short(job.expectedDuration)}` : "");
    setAttr(priority, "data-priority", priorityName(job.priority));
    if (priority.getRootNode().activeElement !== priority) priority.value = priorityName(job.priority);
    show(pause, !held);
    show(resume, held);
  };
  return node;
}

export function render({ model, el }) {
  const { feed, watch, hear } = frame(model, el);
  const list = h("div.rows", { role: "list" });
  const clear = h("span.quiet");
  const more = h("a.more", { href: "#queue" });
  const empty = h("p.empty", {}, "The queue is empty.");
  const heading = h("h2", {}, "Next");
  el.append(h("section.card", { "aria-label": "Queue", data: { testid: "queue" } },
    h("div.label", {}, heading, h("span.space"), clear), list, empty, more));

  let drawn = new Map();
  const draw = (changed) => {
    const queue = feed.board.get("queue");
    const jobs = (queue?.order ?? []).map((id) => feed.board.get("jobs", id)).filter((job) => job && !inHand(job)
      && !ended(job));
    const few = view() === "now" ? IN_NOW : Infinity;
    const items = jobs.slice(0, few).map((job, n) => ({ job, place: n + 1 }));
    const keys = changed?.get("jobs") ?? new Set();
    rows(list, items, (item) => item.job.jobId, (item) => row(feed, item.job.jobId),
      ({ job, place }) => keys.has(job.jobId) || drawn.get(job.jobId) !== place);
    drawn = new Map(items.map(({ job, place }) => [job.jobId, place]));
    setText(heading, view() === "now" ? "Next" : "Queue");
    setText(clear, queue?.clearAt && jobs.length ? `queue is clear at ${clock(when(queue.clearAt))}` : "");
    setText(more, jobs.length > items.length ? `all ${jobs.length} in the queue` : "");
    show(empty, !jobs.length);
  };
  watch(["queue", "jobs"], draw);
  hear("echodeck-view", () => draw());
}
