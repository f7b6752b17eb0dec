// What forms are made of. A field has its control with its label and the place where what is wrong with it is said;
// `read` gives its value (undefined: not to be sent), `wrong` what is wrong in words or "", `raw` what was put in.

let madeFields = 0;

function field(name, label, control, { extra = [], read, wrong = () => "" } = {}) {
  madeFields += 1;
  control.name = name;
  control.dataset.testid = `submit-${name}`;
  const problem = h("span.problem", { id: `problem-${madeFields}`, role: "alert" });
  control.setAttribute("aria-describedby", problem.id);
  const node = h(`label.field${/^\w+$/.test(name) ? `.field-${name}` : ""}`, {}, h("span", {}, label), extra.length
    ? h("span.joined", {}, control, ...extra) : control, problem);
  const raw = () => (control.type === "checkbox" ? control.checked : control.value);
  return { name, node, control, problem, raw, read: read ?? raw, wrong };
}

function number(value, minimum, maximum, step = 1) {
  return h("input", { type: "number", inputMode: step === 1 ? "numeric" : "decimal", min: minimum, max: maximum, step,
    value: String(value), required: true });
}

// A whole number of an engine: its bounds and the step between values are the engine's.
function wholeField(name, label, value, { minimum, maximum, multiple = 1 }, extra = []) {
  const control = number(value, minimum, maximum, multiple);
  const wrong = () => {
    const given = control.value.trim();
    const fine = given !== "" && Number.isInteger(Number(given)) && Number(given) >= minimum
      && Number(given) <= maximum;
    return fine ? "" : `${name}: give a whole number, ${minimum} to ${maximum}`;
  };
  return field(name, label, control, { extra, wrong, read: () => Number(control.value) });
}

// Where nothing has to be chosen, "" is not sent.
function selectField(name, label, pairs, wanted) {
  const control = h("select");
  options(control, pairs, wanted);
  return field(name, label, control, { read: () => control.value || undefined });
}

function flagField(name, label, value) {
  const made = field(name, label, h("input", { type: "checkbox", checked: value }));
  made.node.classList.add("flag");
  return made;
}

function options(select, pairs, wanted) {
  const before = wanted ?? select.value;
  select.replaceChildren(...pairs.map(([value, text, title]) => h("option", { value, title }, text)));
  if (pairs.some(([value]) => value === before)) select.value = before;
}

// A button beside a number that rolls another; `roll` gives it.
function diceFor(control, roll) {
  return iconButton("dice", "Another seed", "submit-dice", () => {
    control().value = String(roll());
  });
}

// The values of fields as one payload: those named a.b lie in an object a under b.
function collect(fields) {
  const payload = {};
  for (const { name, read } of fields) {
    const value = read();
    if (value === undefined) continue;
    const dot = name.indexOf(".");
    if (dot < 0) payload[name] = value;
    else (payload[name.slice(0, dot)] ??= {})[name.slice(dot + 1)] = value;
  }
  return payload;
}
