// A generation in figures: how far, what is left, at which step and how fast, and what it tells of itself.

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

// A figure that the job names itself: its loss, say.
function metric() {
  const [name, value] = [h("span"), h("b")];
  const node = h("span.metric", {}, name, " ", value);
  node.update = ([called, found]) => {
    setText(name, called);
    setText(value, figures(found));
    setAttr(node, "title", `${called} ${found}`);
  };
  return node;
}

function stepOf(job) {
  if (job.totalSteps) return `${job.currentStep} / ${job.totalSteps}`;
  return job.currentStep ? String(job.currentStep) : "";
}

function factBox(feed) {
  const share = h("div.share");
  const facts = { left: figure("left", "job-eta"), done: figure("done at", "job-done"),
    step: figure("step", "job-step"), stage: figure("stage", "job-stage"), speed: figure("speed", "job-speed") };
  const metrics = h("div.metrics", { data: { testid: "job-metrics" } });
  const node = h("div.facts", {}, share, ...Object.values(facts).map((fact) => fact.node), metrics);

  // What moves with the clock alone.
  node.tick = (job) => {
    const rest = left(job, feed.now());
    const paused = job.status === "paused";
    put(facts.left, rest === null ? NONE : span(rest), rest === null ? "" : doubt(job.eta, job.etaLow, job.etaHigh));
    setAttr(facts.left.value, "data-eta-s", rest === null ? "" : rest.toFixed(1));
    setText(facts.left.caption, paused ? "left when resumed" : "left");
    setText(facts.done.caption, paused ? "paused by" : "done at");
    if (paused) put(facts.done, job.pausedBy || "somebody", since((feed.now() - when(job.pausedAt)) / 1000));
    else put(facts.done, rest === null ? NONE : clock(Date.now() + rest * 1000, true));
  };

  node.update = (job) => {
    const step = endless(job) ? "" : stepOf(job);
    setText(share, shareOf(job));
    put(facts.step, step);
    put(facts.stage, job.stage || NONE);
    put(facts.speed, job.speed ? job.speed.toFixed(job.speed < 10 ? 2 : 0) : NONE, job.speed ? "steps/s" : "");
    show(facts.step.node, Boolean(step));
    for (const name of ["left", "done"]) show(facts[name].node, !endless(job) || job.status === "paused");
    show(facts.stage.node, !step);
    show(facts.speed.node, job.status === "running" && job.speed > 0);
    rows(metrics, Object.entries(job.metrics), ([name]) => name, metric);
    show(metrics, Object.keys(job.metrics).length > 0);
  };
  return node;
}
