// One generation in hand, as a card.

function textPart() {
  const node = h("span");
  node.update = ([, text]) => setText(node, text);
  return node;
}

function headOf(feed, jobId) {
  const title = h("h2.title", { data: { testid: "job-title" } });
  const origin = h("span.origin", { data: { testid: "job-origin" } });
  const parts = h("span.parts");
  const actions = controls(feed, jobId);
  const node = h("div.head", {}, h("div.names", {}, title, h("div.meta", {}, origin, parts)), actions);
  node.update = (job) => {
    setText(title, job.title);
    setAttr(title, "title", job.prompt || job.title);
    setText(origin, originOf(feed, job));
    show(origin, Boolean(origin.textContent));
    const texts = [job.user, job.model, size(job), method(job), job.host, ...storyOf(job)].filter(Boolean);
    rows(parts, [...texts.entries()], ([n]) => n, textPart);
    actions.update(job);
  };
  return node;
}

function pictureOf(feed, jobId) {
  const picture = h("img", { alt: "", decoding: "async", hidden: true });
  const label = h("span.tag");
  const node = h("div.picture", { data: { testid: "job-preview" } }, mark(), picture, label);
  node.tick = (job) => {
    const preview = feed.board.get("previews", jobId);
    const age = preview ? since((feed.now() - when(preview.at)) / 1000) : "";
    setText(label, job.status === "paused" ? `paused at step ${job.currentStep}`
      : preview ? `step ${preview.step} · ${age}` : "");
    show(label, Boolean(label.textContent));
  };
  node.update = (job) => {
    const image = feed.board.get("previews", jobId)?.image;
    if (image && picture.src !== image) {
      picture.src = image;
      picture.alt = `Preview of ${job.title}`;
    }
    show(picture, Boolean(image));
    node.classList.toggle("none", !image);
  };
  return node;
}

// The two sparklines; they begin with what the hub remembers.
function trailBox(feed, jobId, of) {
  const sparks = [sparkBox("seconds per step", "job-spark-steps"), sparkBox("estimate", "job-spark-eta")];
  const node = h("div.sparks", {}, ...sparks);
  let trail = null;

  function draw(job) {
    drawSteps(sparks[0], trail, job.totalSteps);
    drawEstimate(sparks[1], trail, Date.now() + (left(job, feed.now()) ?? NaN) * 1000);
  }

  async function seed(job) {
    const mine = (trail = new Trail(job.attempt));
    try {
      mine.seed(await feed.fetch(`/api/generations/${jobId}/trail`));
    } catch (error) {
      console.info("echodeck: no trail yet", error); // it grows from what comes
    }
    if (mine === trail && of()) draw(of());
  }

  node.update = (job) => {
    if (!trail || trail.attempt !== job.attempt) seed(job);
    trail.add(job);
    draw(job);
  };
  return node;
}

function card(feed, jobId) {
  const of = () => feed.board.get("jobs", jobId);
  const [picture, head, facts] = [pictureOf(feed, jobId), headOf(feed, jobId), factBox(feed)];
  const [stages, list, sparks, took] = [strip(), stageList(), trailBox(feed, jobId, of), tookBox(feed, jobId)];
  const fill = h("i");
  const bar = h("div.bar", { role: "progressbar", "aria-valuemin": 0, "aria-valuemax": 100,
    data: { testid: "job-progress" } }, fill);
  const node = h("article.card.generation", { data: { testid: "job-card", job: jobId } }, picture,
    h("div.body", {}, head, facts, bar, stages, list, sparks), took);

  node.tick = () => {
    const job = of();
    if (job) [facts, picture, took].forEach((part) => part.tick(job));
  };
  node.update = (job) => {
    const state = job.progressState || job.status;
    setAttr(node, "data-state", state);
    setAttr(node, "data-request", job.request);
    [head, facts, list, sparks, picture, took].forEach((part) => part.update(job));
    stages.update(job.stages);
    setAttr(bar, "data-state", state);
    setAttr(bar, "aria-valuenow", job.progress.toFixed(1));
    setAttr(bar, "aria-label", `${job.title}: ${shareOf(job)}`);
    bar.classList.toggle("endless", endless(job));
    fill.style.width = `${job.progress}%`;
    node.tick();
  };
  return node;
}
