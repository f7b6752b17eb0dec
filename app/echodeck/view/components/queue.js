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

// Why a command is impossible: by its reason, or because the job waits in a queue that is not ours.
function whyNot(feed, job, command) {
  const elsewhere = job.origin !== "echodeck" && `it waits in ${engineName(feed, job.engine)}'s queue`;
  if (elsewhere && command === "remove") return `${elsewhere}; cancel it, and it goes from there`;
  if (elsewhere && command === "pause") return `${elsewhere}, where none can be held back`;
  return job.cannot[command] ?? "";
}

function rowButtons(feed, jobId) {
  const move = (direction) => (event) => act(feed, event.currentTarget, "move", { jobId, direction });
  const command = (name) => (event) => act(feed, event.currentTarget, "generation_command", { jobId, command: name });
  const remove = (event) => act(feed, event.currentTarget, "remove", { jobId });
  const button = (said, icon_, label, press) => ({ said, node: commandButton(icon_, label, `queue-${icon_}`, press,
    ".bare") });
  const all = [
    button("move", "top", "To the top", move("top")), button("move", "up", "Up", move("up")),
    button("move", "down", "Down", move("down")), button("pause", "pause", "Hold back", command("pause")),
    button("resume", "resume", "Resume", command("resume")), button("cancel", "cancel", "Cancel", command("cancel")),
    button("remove", "remove", "Remove", remove),
  ];
  const node = h("div.actions", {}, ...all.map((item) => item.node));
  node.update = (job) => {
    const held = job.status === "paused";
    for (const { said, node: one } of all) {
      forbid(one, whyNot(feed, job, said));
      if (said === "pause" || said === "resume") show(one, held === (said === "resume"));
    }
  };
  return node;
}

// For which other jobs it waits; "" if for none.
function waitsFor(feed, job) {
  const names = (job.waits ?? []).map((id) => feed.board.get("jobs", id)?.title ?? id.slice(0, 8));
  return names.length ? `waits for ${names.slice(0, 2).join(", ")}${names.length > 2 ? ` and ${names.length - 2} more`
    : ""}` : "";
}

function row(feed, jobId) {
  const [position, name, quiet] = [h("span.position"), h("b.name"), h("small")];
  const starts = h("span.starts", { data: { testid: "queue-start" } });
  const takes = h("small.takes");
  const origin = h("span.origin", { data: { testid: "queue-origin" } });
  const why = h("span.because", { data: { testid: "queue-why" } });
  const moved = h("span.because.by", { data: { testid: "queue-moved" } });
  const priority = priorityPicker(feed, jobId);
  const buttons = rowButtons(feed, jobId);
  const node = h("div.row", { role: "listitem", tabIndex: 0, data: { testid: "queue-row", job: jobId } },
    position, h("div.names", {}, name, quiet, h("div.becauses", {}, moved, why)),
    h("div.times", {}, starts, takes), origin, priority, buttons);
  node.addEventListener("keydown", (event) => {
    const direction = { ArrowUp: "up", ArrowDown: "down", Home: "top", End: "bottom" }[event.key];
    if (!event.altKey || !direction || event.target !== node) return;
    event.preventDefault();
    const why = whyNot(feed, feed.board.get("jobs", jobId), "move");
    if (why) say(why);
    else act(feed, null, "move", { jobId, direction });
  });
  node.update = ({ job, place }) => {
    const foreign = job.origin !== "echodeck";
    setAttr(node, "data-state", job.status);
    setAttr(node, "data-request", job.request);
    setText(position, String(place));
    setText(name, job.title);
    setAttr(name, "title", job.prompt || job.title);
    setText(quiet, [waitsFor(feed, job), job.user, job.model, size(job), ...storyOf(job)].filter(Boolean).join(" · "));
    setAttr(quiet, "title", storyOf(job).join(" · "));
    because(moved, job.movedBy && `moved by ${job.movedBy}`);
    because(why, job.status === "pending" && !job.waits.length && job.why);
    setText(starts, asked(job) || startOf(job));
    starts.title = boundsOf(job);
    setText(takes, job.expectedDuration ? `≈ ${short(job.expectedDuration)}` : "");
    setText(origin, job.origin === "observed" ? `in ${engineName(feed, job.engine)}'s queue` : originOf(feed, job));
    setAttr(origin, "title", originOf(feed, job));
    show(origin, foreign);
    show(priority, !foreign);
    setAttr(priority, "data-priority", priorityName(job.priority));
    if (priority.getRootNode().activeElement !== priority) priority.value = priorityName(job.priority);
    buttons.update(job);
  };
  return node;
}

// A short reason, whole in the tooltip where it is cut; nothing where there is none.
function because(node, text) {
  setText(node, text || "");
  setAttr(node, "title", text || "");
  show(node, Boolean(text));
}

function startOf(job) {
  if (job.status === "paused") return `held${job.pausedBy ? ` by ${job.pausedBy}` : ""}`;
  const again = againAt(job, Date.now());
  if (again) return again;
  return job.expectedStart ? `starts ${clock(Math.max(when(job.expectedStart), Date.now()))}` : "waits";
}

// The intervals of its start and end, for who wants to know.
function boundsOf(job) {
  if (!job.expectedStartLow || !job.expectedEndLow) return "";
  const [startLow, startHigh, endLow, endHigh] = ["StartLow", "StartHigh", "EndLow", "EndHigh"]
    .map((name) => clock(when(job[`expected${name}`])));
  return `80 % likely to start between ${startLow} and ${startHigh}, and to end between ${endLow} and ${endHigh}`;
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
    clear.title = queue?.clearLow && jobs.length
      ? `80 % likely between ${clock(when(queue.clearLow))} and ${clock(when(queue.clearHigh))}` : "";
    setText(more, jobs.length > items.length ? `all ${jobs.length} in the queue` : "");
    show(empty, !jobs.length);
  };
  watch(["queue", "jobs"], draw);
  hear("echodeck-view", () => draw());
}
