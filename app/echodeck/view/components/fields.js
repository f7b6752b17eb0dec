// What forms are made of: a control with its label and the place where what is wrong with it is said.

function field(name, label, control, ...extra) {
  control.name = name;
  control.dataset.testid = `submit-${name}`;
  const problem = h("span.problem", { id: `problem-${name}`, role: "alert" });
  control.setAttribute("aria-describedby", problem.id);
  const node = h(`label.field.field-${name}`, {}, h("span", {}, label), extra.length ? h("span.joined", {}, control,
    ...extra) : control, problem);
  return { name, node, control, problem };
}

function number(value, minimum, maximum, step = 1) {
  return h("input", { type: "number", inputMode: "numeric", min: minimum, max: maximum, step, value: String(value),
    required: true });
}

function options(select, pairs, wanted) {
  const before = wanted ?? select.value;
  select.replaceChildren(...pairs.map(([value, text, title]) => h("option", { value, title }, text)));
  if (pairs.some(([value]) => value === before)) select.value = before;
}
