// The form that queues a job. Its fields are what the chosen engine says of itself; what the hub refuses is said at the
// field it is about.

const LABELS = { width: "Width", height: "Height", steps: "Steps", seed: "Seed", batch: "Batch", frames: "Frames" };
// The hub's own bounds, in characters; what is longer would only be refused.
const MOST = { prompt: 16384, title: 200 };
const PRIORITIES = ["low", "normal", "high", "urgent"];

function dice(param) {
  const span = Math.min(param.maximum, 2 ** 31 - 1) - param.minimum + 1;
  return param.minimum + Math.floor(Math.random() * span);
}

// Said as soon as a field is as full as it may be: what is typed or pasted beyond is left out by the browser.
function bound({ name, control, problem }) {
  control.addEventListener("input", () => {
    setText(problem, control.value.length >= MOST[name] ? `At most ${MOST[name]} characters; the rest is left out.` : "");
  });
}

// What is wrong with a number field in words, or "".
function wrongNumber({ name, control }) {
  const [least, most] = [Number(control.min), Number(control.max)];
  const given = control.value.trim();
  const fine = given !== "" && Number.isInteger(Number(given)) && Number(given) >= least && Number(given) <= most;
  return fine ? "" : `${name}: give a whole number, ${least} to ${most}`;
}

function form(feed, done) {
  const engine = field("engine", "Engine", h("select"));
  const model = field("model", "Model", h("select"));
  const sampler = field("sampler", "Sampler", h("select"));
  const prompt = field("prompt", "Prompt", h("textarea", { rows: 3, maxLength: MOST.prompt,
    placeholder: "dusk over the hills, warm light" }));
  const title = field("title", "Title", h("input", { maxLength: MOST.title, placeholder: "taken from the prompt" }));
  const priority = field("priority", "Priority", h("select"));
  const count = field("count", "How many", number(1, 1, 1000));
  const user = field("user", "Your name", h("input", { autocomplete: "name", maxLength: 80 }));
  options(priority.control, PRIORITIES.map((name) => [name, name]), "normal");
  const numbers = h("div.numbers");
  const reason = h("p.problem", { role: "alert" });
  const button = h("button.primary", { type: "submit", data: { testid: "submit-button" } }, "Add to the queue");
  const node = h("form.submit", { noValidate: true, data: { testid: "submit-form" } }, prompt.node,
    h("div.grid", {}, model.node, sampler.node, engine.node), numbers,
    h("div.grid", {}, title.node, priority.node, count.node, user.node), reason, h("div.foot", {}, button));
  let fields = [];
  let drawnFor = "";
  user.control.value = feed.link?.user ?? "";
  [prompt, title].forEach(bound);

  const all = () => [prompt, title, engine, model, sampler, priority, count, user, ...fields];
  const infoOf = () => feed.board.get("engines", engine.control.value);

  function describe() {
    const info = infoOf();
    setText(reason, info ? info.reason : "No agent has announced an engine yet.");
    if (!info || drawnFor === JSON.stringify(info)) return;
    drawnFor = JSON.stringify(info);
    options(model.control, info.models.map((m) => [m.name, m.label || m.name, m.note]));
    options(sampler.control, info.samplers.map((name) => [name, name]));
    show(model.node, info.models.length > 0);
    show(sampler.node, info.samplers.length > 0);
    const kept = new Map(fields.map(({ name, control }) => [name, control.value]));
    fields = info.params.map((param) => {
      const value = kept.get(param.name) ?? (param.name === "seed" ? dice(param) : param.default);
      const control = number(value, param.minimum, param.maximum, param.multiple);
      const roll = param.name === "seed" ? [iconButton("dice", "Another seed", "submit-dice",
        () => { control.value = String(dice(param)); })] : [];
      return field(param.name, LABELS[param.name] ?? param.name, control, ...roll);
    });
    numbers.replaceChildren(...fields.map((item) => item.node));
  }

  node.refresh = () => {
    const engines = [...feed.board.all("engines").values()].sort((a, b) => Boolean(a.reason) - Boolean(b.reason));
    options(engine.control, engines.map((info) => [info.name, info.label || info.name]));
    show(engine.node, engines.length > 1);
    describe();
  };
  engine.control.addEventListener("change", describe);

  function collect() {
    const payload = { engine: engine.control.value, prompt: prompt.control.value, priority: priority.control.value };
    for (const item of [model, sampler]) if (item.control.value) payload[item.name] = item.control.value;
    for (const item of [title, user]) if (item.control.value.trim()) payload[item.name] = item.control.value.trim();
    for (const { name, control } of [count, ...fields]) payload[name] = Number(control.value);
    return payload;
  }

  function complain(error) {
    const found = all().find((item) => item.name === error.field);
    for (const item of all()) {
      setText(item.problem, item === found ? error.message : "");
      item.control.setAttribute("aria-invalid", String(item === found));
    }
    if (found) found.control.focus();
    setText(reason, found || !error.message ? "" : error.message);
  }

  node.addEventListener("submit", async (event) => {
    event.preventDefault();
    button.disabled = true;
    complain({ message: "" });
    const wrong = [...fields, count].find(wrongNumber);
    if (wrong) {
      complain({ field: wrong.name, message: wrongNumber(wrong) });
      button.disabled = false;
      return;
    }
    rename(feed, user.control.value.trim());
    try {
      const result = await feed.call("submit", collect());
      const seed = fields.find((item) => item.name === "seed");
      const param = infoOf()?.params.find(({ name }) => name === "seed");
      if (seed && param) seed.control.value = String(dice(param));
      done(result.jobIds ?? []);
    } catch (error) {
      complain({ ...error, message: error.message.replace(`${error.field}: `, "") }); // the field is there to be seen
    } finally {
      button.disabled = false;
    }
  });
  node.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) node.requestSubmit();
  });
  return node;
}

function rename(feed, name) {
  if (!feed.link?.rename || feed.link.user === name) return;
  try {
    localStorage.setItem("echodeck.user", name);
  } catch (error) {
    console.info("echodeck: the name is not remembered", error);
  }
  feed.link.user = name; // told to the hub with each submit, and with the next connection
}

export function render({ model, el }) {
  const { feed, watch, hear } = frame(model, el);
  const heading = h("h2", {}, "New job");
  const dialog = h("dialog.sheet", { "aria-label": "New job" });
  const node = form(feed, (ids) => {
    say(ids.length > 1 ? `${ids.length} jobs are queued.` : "The job is queued.");
    if (dialog.open) dialog.close();
  });
  const close = iconButton("cancel", "Close", "submit-close", () => dialog.close(), ".plain");
  if (model.inline) {
    el.append(h("section.card", {}, h("div.label", {}, heading), node));
  } else {
    dialog.append(h("div.label", {}, heading, h("span.space"), close), node);
    dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
    el.append(dialog);
    hear("echodeck-new-job", () => {
      node.refresh();
      dialog.showModal();
      node.elements.prompt.focus();
    });
  }
  watch(["engines"], () => node.refresh());
}
