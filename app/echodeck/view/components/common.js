// The fields that jobs have whatever their engine is.

// The hub's own bounds, in characters; what is longer would only be refused.
const MOST = { prompt: 16384, title: 200 };
const LEVELS = ["low", "normal", "high", "urgent"];

// Says as soon as a field is as full as it may be: what is typed or pasted beyond is left out by the browser.
function bound(made) {
  const { name, control, problem } = made;
  control.maxLength = MOST[name];
  const full = `At most ${MOST[name]} characters; the rest is left out.`;
  control.addEventListener("input", () => setText(problem, control.value.length >= MOST[name] ? full : ""));
  return made;
}

function promptField() {
  return bound(field("prompt", "Prompt", h("textarea", { rows: 3, placeholder: "dusk over the hills, warm light" })));
}

// A text that is not sent when nothing is in it.
function lineField(name, label, control) {
  return field(name, label, control, { read: () => control.value.trim() || undefined });
}

// The fields that every job has.
function commonFields(feed) {
  const found = {
    title: bound(lineField("title", "Title", h("input", { placeholder: "taken from the prompt" }))),
    priority: selectField("priority", "Priority", LEVELS.map((name) => [name, name]), "normal"),
    count: wholeField("count", "How many", 1, { minimum: 1, maximum: 1000 }),
    user: lineField("user", "Your name", h("input", { autocomplete: "name", maxLength: 80 })),
  };
  found.user.control.value = feed.link?.user ?? "";
  return found;
}
