// A question to the coordinator: which one, what it is about, and its answer in words and figures.

const QUESTIONS = [
  ["why", "Why does it wait?", ["job"]], ["estimate", "How long will it take?", ["job"]],
  ["plan", "What if I add more?", ["more", "model"]], ["recommend", "Which model by then?", ["count", "by", "quality"]],
  ["compare", "How do two models compare?", ["model", "other"]], ["capacity", "How much can be done?", []],
  ["health", "How is the hub?", []],
];

function labelled(text, control) {
  return { control, node: h("label.field", {}, h("span", {}, text), control) };
}

function chooser(name) {
  return h("select", { data: { testid: `ask-${name}` } });
}

function whole(name, value) {
  return h("input", { type: "number", min: 1, max: 1000, value: String(value), inputMode: "numeric",
    data: { testid: `ask-${name}` } });
}

// The next moment at which it is this time of day, as ISO 8601; undefined for none.
function momentOf(text, now) {
  if (!text) return undefined;
  const at = new Date(now);
  at.setHours(...text.split(":").map(Number), 0, 0);
  if (at <= now) at.setDate(at.getDate() + 1);
  return at.toISOString();
}

function questionOf(feed, what, { job, more, model, other, count, by, quality }) {
  const given = {
    why: () => ({ jobId: job.value }), estimate: () => ({ jobId: job.value }),
    plan: () => ({ add: [{ model: model.value || undefined, count: Number(more.value) }] }),
    recommend: () => ({ count: Number(count.value), deadline: momentOf(by.value, feed.now()),
      quality: quality.value || undefined }),
    compare: () => ({ models: [model.value, other.value] }),
  }[what];
  return { what, ...given?.() };
}

export function render({ model: of, el }) {
  const { feed, watch } = frame(of, el);
  const what = labelled("Question", chooser("what"));
  const picker = jobPicker(feed, "ask-job");
  const fields = {
    job: { control: picker.select, node: h("div.field.field-job", {}, h("span", {}, "Job", picker.count, picker.find),
      picker.select) }, more: labelled("How many more", whole("more", 20)),
    model: labelled("Model", chooser("model")), other: labelled("Against", chooser("other")),
    count: labelled("How many", whole("count", 1)), by: labelled("Done by", h("input", { type: "time",
      data: { testid: "ask-by" } })), quality: labelled("Quality", chooser("quality")),
  };
  const answer = h("div.reply", { role: "status", "aria-live": "polite", data: { testid: "ask-answer" } });
  const button = h("button.primary", { type: "submit", data: { testid: "ask-button" } }, "Ask");
  const form = h("form.ask", { noValidate: true, data: { testid: "ask-form" } }, what.node,
    ...Object.values(fields).map((item) => item.node), button);
  el.append(h("section.card", { "aria-label": "Ask", data: { testid: "ask" } },
    h("div.label", {}, h("h2", {}, "Ask")), form, answer));
  options(what.control, QUESTIONS.map(([name, text]) => [name, text]));
  options(fields.quality.control, [["", "any"], ["draft", "draft"], ["standard", "standard"], ["final", "final"]]);

  const needed = () => QUESTIONS.find(([name]) => name === what.control.value)[2];
  const describe = () => {
    for (const [name, item] of Object.entries(fields)) show(item.node, needed().includes(name));
    const nothing = (needed().includes("job") && !fields.job.control.options.length)
      || (needed().includes("other") && fields.other.control.options.length < 2);
    button.disabled = nothing;
    button.title = nothing ? "There is nothing to ask about yet" : "";
  };
  const refresh = () => {
    picker.refresh();
    const models = [...feed.board.all("engines").values()].filter((info) => !info.reason && !info.workflows)
      .flatMap((info) => info.models.map((one) => one.name));
    const pairs = [...new Set(models)].map((name) => [name, name]);
    const unset = fields.other.control.options.length < 2;
    options(fields.model.control, pairs);
    options(fields.other.control, pairs, unset ? pairs[1]?.[0] : undefined);
    describe();
  };
  picker.find.addEventListener("input", refresh);
  picker.find.addEventListener("keydown", (event) => {
    if (event.key === "Enter") event.preventDefault(); // it searches, and asks nothing yet
  });
  what.control.addEventListener("change", () => {
    answer.replaceChildren(); // what was answered belongs to another question
    describe();
  });
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const asked = what.control.value;
    const controls = Object.fromEntries(Object.entries(fields).map(([name, item]) => [name, item.control]));
    button.disabled = true;
    answer.replaceChildren(h("p.quiet", {}, "Thinking…"));
    try {
      const result = await feed.call("query", questionOf(feed, asked, controls));
      answer.replaceChildren(...answerOf(asked, result.answer));
    } catch (error) {
      answer.replaceChildren(h("p.problem", {}, wordsOf(error)));
    } finally {
      describe();
    }
  });
  watch(["jobs", "queue", "engines"], refresh);
  refresh();
}
