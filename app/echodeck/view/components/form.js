// The form of a job. Its fields are what the chosen engine says of itself, or the inputs of a workflow where it takes
// those; what the hub refuses is said at the field it is about.

// The field that a refusal is about. What is wrong with an input of a workflow begins with its name.
function fieldOf(fields, { field: name, message }) {
  const said = (item) => name === "values" && message.includes(`'${item.name.replace("values.", "")}'`);
  return fields.find((item) => item.name === name) ?? fields.find(said);
}

// In words, without the name of a field that is there to be seen.
function wordsOf(error) {
  return (error.message ?? String(error)).replace(`${error.field}: `, "");
}

function form(feed, done) {
  const engine = selectField("engine", "Engine", []);
  const prompt = promptField();
  const common = commonFields(feed);
  const workflow = workflowBox(feed);
  const [choices, numbers, further] = [h("div.grid"), h("div.numbers"), h("div.grid")];
  const notice = h("p.notice", { role: "status", data: { testid: "submit-notice" } });
  const reason = h("p.problem", { role: "alert" });
  const button = h("button.primary", { type: "submit", data: { testid: "submit-button" } }, "Add to the queue");
  const node = h("form.submit", { noValidate: true, data: { testid: "submit-form" } }, engine.node, notice, prompt.node,
    workflow, choices, numbers, further, h("div.grid", {}, ...Object.values(common).map((item) => item.node)), reason,
    h("div.foot", {}, button));
  let settings = [];
  let drawnFor = "";

  const infoOf = () => withAuto(feed, feed.board.get("engines", engine.control.value));
  const ours = () => (infoOf()?.workflows ? [workflow.whole, ...workflow.fields] : [prompt, ...settings]);
  const all = () => [engine, ...ours(), ...Object.values(common)];

  function describe() {
    const info = infoOf();
    setText(notice, info?.reason ? `${info.reason.replace(/\.?$/, ".")} A job waits until it is ready.` : "");
    if (!info) setText(reason, "No agent has announced an engine yet.");
    else if (!drawnFor) setText(reason, "");
    if (!info || drawnFor === settingsKey(info)) return;
    drawnFor = settingsKey(info);
    const kept = new Map(settings.map((item) => [item.name, item.raw()]));
    const groups = settingsOf(info, kept);
    groups.choices.splice(1, 0, ...wishFields(groups.choices.find(({ name }) => name === "model"), kept));
    settings = Object.values(groups).flat();
    [[choices, groups.choices], [numbers, groups.numbers], [further, groups.further]].forEach(([box, fields]) => {
      box.replaceChildren(...fields.map((item) => item.node));
      show(box, fields.length > 0 && !info.workflows);
    });
    show(prompt.node, !info.workflows);
    show(workflow, info.workflows);
  }

  function complain(error) {
    const found = fieldOf(all(), error);
    for (const item of all()) {
      setText(item.problem, item === found ? error.message : "");
      item.control.setAttribute("aria-invalid", String(item === found));
    }
    if (found) {
      workflow.reveal(found);
      found.control.focus();
    }
    setText(reason, found || !error.message ? "" : error.message);
  }

  // What is wrong already here, as the hub would say it; undefined if nothing is.
  function mistake() {
    if (infoOf()?.workflows && !workflow.text) {
      return { field: "workflow", message: workflow.whole.problem.textContent || "Give a workflow first." };
    }
    const item = [...ours(), common.count].find(({ wrong }) => wrong());
    return item && { field: item.name, message: item.wrong() };
  }

  async function send() {
    const flow = infoOf()?.workflows ? { workflow: workflow.text } : {};
    const said = all().filter((item) => item !== workflow.whole && !unsaid(infoOf(), settings, item));
    const result = await feed.call("submit", { ...collect(said), ...flow });
    const param = infoOf()?.params.find(({ name }) => name === "seed");
    const seed = settings.find((item) => item.name === "seed");
    if (seed && param) seed.control.value = String(dice(param));
    done(result.jobIds ?? []);
  }

  node.addEventListener("submit", async (event) => {
    event.preventDefault();
    const wrong = mistake();
    complain(wrong ?? { message: "" });
    if (wrong) return;
    button.disabled = true;
    rename(feed, common.user.control.value.trim());
    try {
      await send();
    } catch (error) {
      complain({ ...error, message: wordsOf(error) });
    } finally {
      button.disabled = false;
    }
  });
  node.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) node.requestSubmit();
  });
  engine.control.addEventListener("change", describe);

  node.refresh = () => {
    const engines = [...feed.board.all("engines").values()].sort((a, b) => Boolean(a.reason) - Boolean(b.reason));
    options(engine.control, engines.map((info) => [info.name, info.label || info.name]));
    show(engine.node, engines.length > 1);
    describe();
  };
  // A file that was dropped anywhere: the form turns to an engine that takes workflows.
  node.take = (file) => {
    const taker = [...feed.board.all("engines").values()].find((info) => info.workflows);
    if (!infoOf()?.workflows && taker) engine.control.value = taker.name;
    describe();
    if (infoOf()?.workflows) workflow.take(file);
    else setText(reason, "No engine that takes workflows is announced.");
  };
  node.begin = () => (infoOf()?.workflows ? workflow.button : prompt.control).focus();
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
