// Commands: what a press says to the hub, and what it says to who presses when the command is impossible.

const ASKED = { pause: "pausing…", resume: "resuming…", cancel: "cancelling…", move: "moving…" };

// What the fields of messages are to people; "" for those that they have not filled in themselves.
const FIELDS = { jobId: "", alertId: "", command: "", payload: "", cause: "" };

// A refusal in words: without the field's name on the wire, or with its own.
function wordsOf(error) {
  const { field, message = String(error) } = error;
  if (!field || !message.startsWith(`${field}: `)) return message;
  const [problem, last] = [message.slice(field.length + 2), field.replace(/^(job|add|jobs)(\[\d+\])?\./, "")];
  const name = FIELDS[last] ?? last.replace(/\[\d+\]$/, "").replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
  return name ? `${name}: ${problem}` : `${problem[0].toUpperCase()}${problem.slice(1)}`;
}

// Runs a command with its button shut, and tells the page in words when the hub refuses.
async function act(feed, button, type, payload) {
  if (button) button.disabled = true;
  try {
    return await feed.call(type, payload);
  } catch (error) {
    say(wordsOf(error));
    return null;
  } finally {
    if (button) button.disabled = false;
  }
}

// An icon button for a command that may be impossible; `forbid` says so.
function commandButton(name, label, testid, press, extra = "") {
  const node = iconButton(name, label, testid, (event) => (node.why ? say(node.why) : press(event)), extra);
  node.label = label;
  node.why = "";
  return node;
}

// A button whose command is impossible stays in reach: its reason is the tooltip, the description for screen readers,
// and on a press the sentence at the foot of the page, which is how a telephone shows it. "" allows it again.
function forbid(button, why) {
  const reason = why ? `${why[0].toUpperCase()}${why.slice(1)}` : "";
  button.why = reason;
  setAttr(button, "title", reason || button.label);
  setAttr(button, "aria-disabled", Boolean(reason));
}

// What the job was asked and has not confirmed, in a word; "" if nothing.
function asked(job) {
  return ASKED[job.request] ?? "";
}
