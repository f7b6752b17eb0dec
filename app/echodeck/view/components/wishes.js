// Leaving the model to the hub: "auto" among the models, with the quality that is wished and by when.

const AUTO = "auto";
const QUALITIES = ["draft", "standard", "final"];

// The engine as the form shows it: with "auto" after its models, where there is a choice and the hub makes it.
function withAuto(feed, info) {
  const choice = info && !info.workflows && info.models.length > 1 && feed.board.get("parts", "ladder")?.on;
  if (!choice || info.models.some(({ name }) => name === AUTO)) return info;
  const note = "The hub takes the cheapest model that should be good enough, and a better one if it was not.";
  return { ...info, models: [...info.models, { name: AUTO, label: "auto", note }] };
}

// Two fields that are there while the model is left open; none for an engine that has no such choice.
function wishFields(model, kept) {
  if (!model || ![...model.control.options].some(({ value }) => value === AUTO)) return [];
  const auto = () => model.control.value === AUTO;
  const quality = selectField("quality", "Quality", QUALITIES.map((name) => [name, name]),
    kept.get("quality") ?? "standard");
  const deadline = field("deadline", "Done by", h("input", { type: "datetime-local",
    value: kept.get("deadline") ?? "" }));
  quality.read = () => (auto() ? quality.control.value : undefined);
  deadline.read = () => (auto() && deadline.control.value ? new Date(deadline.control.value).toISOString() : undefined);
  const draw = () => [quality, deadline].forEach((item) => show(item.node, auto()));
  model.control.addEventListener("change", draw);
  draw();
  return [quality, deadline];
}

// Numbers left as the engine has them are not said where the model is left open: a rung may set them.
function unsaid(info, fields, item) {
  const auto = fields.find(({ name }) => name === "model")?.control.value === AUTO;
  const param = info?.params.find(({ name }) => name === item.name);
  return Boolean(auto && param && param.name !== "seed" && item.read() === param.default);
}
