// What can be done with a generation in hand: its buttons, and what it was asked and has not confirmed.

function controls(feed, jobId) {
  const command = (name) => (event) => act(feed, event.currentTarget, "generation_command", { jobId, command: name });
  const request = h("span.quiet", { role: "status", data: { testid: "job-request" } });
  const buttons = {
    skip: commandButton("skip", "Skip this picture", "job-skip", command("skip")),
    pause: commandButton("pause", "Pause", "job-pause", command("pause")),
    resume: commandButton("resume", "Resume", "job-resume", command("resume")),
    cancel: commandButton("cancel", "Cancel", "job-cancel", command("cancel"), ".danger"),
  };
  const node = h("div.actions", {}, request, ...Object.values(buttons));
  node.update = (job) => {
    const { pause, resume, cancel, skip } = buttons;
    setText(request, asked(job));
    for (const [name, button] of Object.entries(buttons)) forbid(button, job.cannot[name]);
    show(pause, job.status === "running" && job.request !== "cancel");
    show(resume, job.status === "paused");
    show(skip, job.extras.includes("skip") && job.request !== "cancel");
    pause.disabled = resume.disabled = Boolean(job.request);
    cancel.disabled = job.request === "cancel";
  };
  return node;
}
