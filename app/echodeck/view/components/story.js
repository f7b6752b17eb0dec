// What a job wished and what was tried for it, in a few words.

function storyOf(job) {
  const last = job.tries?.at(-1);
  return [
    job.wish?.auto && `auto: ${job.wish.quality}`,
    job.wish?.deadline && `by ${clock(when(job.wish.deadline))}`,
    job.follows && "a better one of an earlier picture",
    last && `failed ${job.tries.length === 1 ? "once" : `${job.tries.length} times`}, ${last.told}`,
  ].filter(Boolean);
}

// When it is tried again; "" when it does not wait for that.
function againAt(job, now) {
  return job.notBefore && when(job.notBefore) > now ? `tried again at ${clock(when(job.notBefore))}` : "";
}
