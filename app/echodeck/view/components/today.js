// What the day's jobs took together, in a few words; "" while none of it was measured.

function todayOf(jobs, now) {
  const midnight = new Date(now).setHours(0, 0, 0, 0);
  const today = jobs.filter((job) => when(job.finishedAt) >= midnight);
  const measured = today.map((job) => job.usage).filter((usage) => Number.isFinite(usage?.energyWh));
  if (!measured.length) return { text: "", title: "" };
  const sum = (name) => measured.reduce((all, usage) => all + usage[name], 0);
  const known = (name) => measured.every((usage) => Number.isFinite(usage[name]));
  const text = ["today", amount(sum("energyWh"), "Wh"),
    known("cost") && money(sum("cost"), measured[0].currency),
    known("emissionG") && `${amount(sum("emissionG"), "g")} CO₂`].filter(Boolean).join(" · ");
  return { text, title: `Measured of ${measured.length} of the ${today.length} jobs shown that ended today` };
}
