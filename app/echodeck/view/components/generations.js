// The generations that a worker has in hand, one card each.

function figure(label, testid) {
  const caption = h("span.caption", {}, label);
  const value = h("span", { data: { testid } });
  const aside = h("span.aside");
  return { node: h("div.fact", {}, caption, h("span.value", {}, value, aside)), caption, value, aside };
}

function put(fact, text, aside = "") {
  setText(fact.value, text);
  setText(fact.aside, aside);
}

function card(feed, jobId) {
  const of = () => feed.board.get("jobs", jobId);
  const command = (name) => (event) => act(feed, event.currentTarget, "generation_command", { jobId, command: name });
  const picture = h("img", { alt: "", decoding: "async", hidden: true });
  const label = h("span.tag");
  const frameBox = h("div.picture", { data: { testid: "job-preview" } }, mark(), picture, label);
  const title = h("h2.title", { data: { testid: "job-title" } });
  const meta = h("div.meta");
  const pause = iconButton("pause", "Pause", "job-pause", command("pause"));
  const resume = iconButton("resume", "Resume", "job-resume", command("resume"));
  const cancel = iconButton("cancel", "Cancel", "job-cancel", command("cancel"), ".danger");
  const share = h("div.share");
  const facts = { left: figure("left", "job-eta"), done: figure("done at", "job-done"),
    step: figure("step", "job-step"), stage: figure("stage", "job-stage"), speed: figure("speed", "job-speed") };
  const fill = h("i");
  const bar = h("div.bar", { role: "progressbar", "aria-valuemin": 0, "aria-valuemax": 100,
    data: { testid: "job-progress" } }, fill);
  const stages = strip();
  const sparks = [sparkBox("seconds per step", "job-spark-steps"), sparkBox("estimate over time", "job-spark-eta")];
  const node = h("article.card.generation", { data: { testid: "job-card", job: jobId } }, frameBox, h("div.body", {},
    h("div.head", {}, h("div.names", {}, title, meta), h("div.actions", {}, pause, resume, cancel)),
    h("div.facts", {}, share, ...Object.values(facts).map((fact) => fact.node)), bar, stages, h("div.sparks", {},
      ...sparks)));
  let trail = null;

  async function seed(job) {
    trail = new Trail(job.attempt);
    const mine = trail;
    try {
      mine.seed(await feed.fetch(`/api/generations/${jobId}/trail`));
    } catch (error) {
      console.info("echodeck: no trail yet", error); // it grows from what comes
    }
    if (mine === trail && of()) drawTrail(of());
  }

  function drawTrail(job) {
    drawSteps(sparks[0], trail, job.totalSteps);
    drawEstimate(sparks[1], trail, Date.now() + (left(job, feed.now()) ?? NaN) * 1000);
  }

  // What moves with the clock alone.
  node.tick = () => {
    const job = of();
    if (!job) return;
    const rest = left(job, feed.now());
    const paused = job.status === "paused";
    put(facts.left, rest === null ? NONE : span(rest), rest === null ? "" : plusMinus(job.etaLow, job.etaHigh));
    setAttr(facts.left.value, "data-eta-s", rest === null ? "" : rest.toFixed(1));
    setText(facts.left.caption, paused ? "left when resumed" : "left");
    setText(facts.done.caption, paused ? "paused by" : "done at");
    const ago = since((feed.now() - when(job.pausedAt)) / 1000);
    if (paused) put(facts.done, job.pausedBy || "somebody", ago);
    else put(facts.done, rest === null ? NONE : clock(Date.now() + rest * 1000, true));
    const preview = feed.board.get("previews", jobId);
    const age = preview ? since((feed.now() - when(preview.at)) / 1000) : "";
    setText(label, paused ? `paused at step ${job.currentStep}` : preview ? `step ${preview.step} · ${age}` : "");
    show(label, Boolean(label.textContent));
  };

  node.update = (job) => {
    const state = job.progressState || job.status;
    setAttr(node, "data-state", state);
    setText(title, job.title);
    setAttr(title, "title", job.prompt || job.title);
    const parts = [job.user, job.model, size(job), job.sampler, job.host].filter(Boolean);
    rows(meta, parts.map((text, n) => [n, text]), ([n]) => n, () => {
      const part = h("span");
      part.update = ([, text]) => setText(part, text);
      return part;
    });
    setText(share, percent(job.progress));
    put(facts.step, job.totalSteps ? `${job.currentStep} / ${job.totalSteps}` : "");
    put(facts.stage, job.stage || NONE);
    put(facts.speed, job.speed ? job.speed.toFixed(job.speed < 10 ? 2 : 0) : NONE, job.speed ? "steps/s" : "");
    show(facts.step.node, job.totalSteps > 0);
    show(facts.stage.node, !job.totalSteps);
    show(facts.speed.node, job.status === "running" && job.speed > 0);
    setAttr(bar, "data-state", state);
    setAttr(bar, "aria-valuenow", job.progress.toFixed(1));
    setAttr(bar, "aria-label", `${job.title}: ${percent(job.progress)}`);
    fill.style.width = `${job.progress}%`;
    show(pause, job.status === "running" && job.request !== "cancel");
    show(resume, job.status === "paused");
    pause.disabled = resume.disabled = Boolean(job.request);
    cancel.disabled = job.request === "cancel";
    setAttr(node, "data-request", job.request);
    stages.update(job.stages);
    if (!trail || trail.attempt !== job.attempt) seed(job);
    trail.add(job);
    drawTrail(job);
    const image = feed.board.get("previews", jobId)?.image;
    if (image && picture.src !== image) {
      picture.src = image;
      picture.alt = `Preview of ${job.title}`;
    }
    show(picture, Boolean(image));
    frameBox.classList.toggle("none", !image);
    node.tick();
  };
  return node;
}

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
    const why = engines.length ? engines.map((engine) => engine.reason).filter(Boolean)[0] : "";
    setText(empty.lastChild, feed.status.state === "live" || feed.status.state === "polling"
      ? why || (engines.length ? "Add a job, and watch it come into being here."
        : "No agent has announced an engine yet.")
      : "Waiting for the hub.");
  });
  tick(() => [...list.children].forEach((node) => node.tick()));
}
