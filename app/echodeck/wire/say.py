"""What a client may say to the hub: one class of payload a message type.

Wrong fields are refused. Unknown ones are ignored, but where one that is misspelt would change what is asked: there
they are refused too (`Exact`). Payload keys are camelCase. Every request may carry an `id` beside its payload; it is
echoed in exactly one `ack` or `error`, and a repeated one has no second effect.

The module is over 400 lines because it is a catalogue: one class a message type.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from ..model.engine import EngineInfo
from ..model.job import JobError, JobSpec, Output
from ..model.record import Host
from ..model.verdict import Verdict

Id = Annotated[str, Meta(min_length=1, max_length=128)]
Whole = Annotated[int, Meta(ge=0, le=2**53)]
Seconds = Annotated[float, Meta(ge=0)]
PriorityName = Literal["low", "normal", "high", "urgent"]
Priority = Annotated[int, Meta(ge=-100, le=100)] | PriorityName
PRIORITIES: dict[str, int] = {"low": -10, "normal": 0, "high": 10, "urgent": 20}


class Say(Struct, rename="camel", omit_defaults=True):
    """The base of every payload a client sends."""


class Exact(Say, forbid_unknown_fields=True):
    """The base of those that mean something else without a field; what existing clients send is none of them."""


class Nothing(Say):
    """A request without a payload."""


# --- viewers and people ----------------------------------------------------------------------------------------------


class JobRef(Say):
    job_id: Id


class GenerationCommand(Say):
    """`skip` leaves out the picture in hand and goes on with the next, where the engine can."""

    job_id: Id
    command: Literal["pause", "resume", "cancel", "skip"]


class EngineCommand(Say):
    """`free`: let go of the models that the engine keeps loaded."""

    engine: Id
    command: Literal["free"]


class ForgetHost(Say):
    """A machine that was taken away for good; refused while it is heard from."""

    host: Annotated[str, Meta(min_length=1, max_length=140)]


class Submit(Exact):
    """A job to queue, `count` times (the seed grows by one each). What is left out takes the engine's default.

    With the model "auto" the hub takes the cheapest one that should meet `quality` in time for `deadline` (ISO 8601
    with its time zone, or seconds since the epoch), from the ladder named or the engine's. `allow` names what may be
    made smaller when memory is short (what is left out is as the hub's settings say), and "steps" if a picture that
    lacked some may be made again with more than were asked for.

    `workflow` is a workflow in ComfyUI's API format, as an object or as JSON text, for engines that take one; `values`
    sets inputs in it ("NODE.INPUT": value; NODE is an id, or a title or class that only one node has).
    """

    engine: str | UnsetType = UNSET
    model: str | UnsetType = UNSET
    title: str | UnsetType = UNSET
    prompt: str | UnsetType = UNSET
    width: int | UnsetType = UNSET
    height: int | UnsetType = UNSET
    steps: int | UnsetType = UNSET
    seed: int | UnsetType = UNSET
    batch: int | UnsetType = UNSET
    frames: int | UnsetType = UNSET
    sampler: str | UnsetType = UNSET
    scheduler: str | UnsetType = UNSET
    workflow: dict[str, Any] | str | UnsetType = UNSET
    values: dict[str, Any] | UnsetType = UNSET
    options: dict[str, str | int | float | bool] | UnsetType = UNSET
    quality: Literal["draft", "standard", "final"] | UnsetType = UNSET
    deadline: float | Annotated[str, Meta(max_length=40)] | UnsetType = UNSET
    allow: list[Literal["batch", "tiles", "resolution", "steps"]] | UnsetType = UNSET
    ladder: Annotated[str, Meta(max_length=80)] | UnsetType = UNSET
    priority: Priority = 0
    count: Annotated[int, Meta(ge=1, le=1000)] = 1
    user: Annotated[str, Meta(max_length=80)] = ""


class ReadWorkflow(Say):
    """Asks what a workflow is, without queueing it: the ack has `workflow`, `facts` and the `inputs` that can be set.

    `text` is JSON, or `data` the beginning of a file (JSON, or a PNG with a workflow in it) as base64.
    """

    text: str = ""
    data: str = ""


class Move(Say):
    """Give one of: `direction`, `place` (0 is the front), `before` or `after` (another job's id)."""

    job_id: Id
    direction: Literal["up", "down", "top", "bottom"] | None = None
    place: Whole | None = None
    before: Id | None = None
    after: Id | None = None


class SetPriority(Say):
    job_id: Id
    priority: Priority


class AlertRef(Say):
    alert_id: Id


class SilenceAlert(Say):
    """Give one of: `alert_id`, or `cause`. For so many seconds it calls nobody, also when it comes again; 0 ends it."""

    seconds: Annotated[float, Meta(ge=0, le=31 * 86_400)]
    alert_id: Annotated[str, Meta(max_length=128)] = ""
    cause: Annotated[str, Meta(max_length=1000)] = ""


class ForgetGpu(Say):
    """A GPU that is missed was taken out: by its host and number."""

    host: Id
    gpu: Annotated[int, Meta(ge=0)]


class Communicate(Exact):
    """A message to everybody, to one agent or person (`to`), or about a job."""

    message: Annotated[str, Meta(min_length=1, max_length=4000)]
    level: Literal["info", "success", "warning", "error"] = "info"
    to: Annotated[str, Meta(max_length=128)] = ""
    job_id: Annotated[str, Meta(max_length=128)] = ""


class BrainSwitch(Say):
    """Switches a part of the brain off, or on again."""

    part: Id
    on: bool


class NotifyTest(Say):
    """Sends a test message by a channel."""

    channel: Id


class Subscribe(Say):
    """Only these message types (empty: all), and previews of these jobs only; at most `max_rate` flushes a second."""

    topics: list[str] = []
    max_rate: Annotated[float, Meta(gt=0, le=60)] = 10.0


class Query(Exact):
    """A question to the coordinator; the answer is the ack's `answer`, and a `query_result`.

    "estimate" and "why" are of `job_id`; an estimate also of `job`, a submit payload. "plan" may `add` jobs, which are
    not queued: what would become of those that wait. "recommend" chooses a model for `count` jobs like `job` by a
    `deadline` (ISO 8601, or seconds since the epoch) and a `quality` (a score from 0 to 100, or a word), out of
    `models` if there are any. "compare" sets `jobs` side by side, or `job` with each of `models`. "ladders" are those
    that jobs with the model "auto" choose from.
    """

    what: Literal["health", "plan", "estimate", "capacity", "why", "recommend", "compare", "ladders"]
    job_id: str = ""
    job: Submit | None = None
    add: Annotated[list[Submit], Meta(max_length=100)] = []
    jobs: Annotated[list[Submit], Meta(max_length=20)] = []
    models: Annotated[list[str], Meta(max_length=100)] = []
    count: Annotated[int, Meta(ge=1, le=1000)] = 1
    deadline: str | float = ""
    quality: Annotated[float, Meta(ge=0, le=100)] | Literal["draft", "standard", "final"] | None = None


OnFailure = Literal["cancel", "continue"]


class Task(Submit):
    """A job of a workflow. `after` are those of the same workflow that it comes after: their names, or their places
    from 0. When one of them does not complete, it is cancelled, or with `onFailure` "continue" goes on all the same.
    """

    name: Annotated[str, Meta(max_length=80)] = ""
    after: Annotated[list[str | int], Meta(max_length=1000)] = []
    on_failure: OnFailure | UnsetType = UNSET


class Workflow(Exact):
    """Jobs in the order given, each as soon as those that it comes after have completed; the result is sent when all
    of them have ended. `on_failure` is for the jobs that say nothing themselves."""

    jobs: Annotated[list[Task], Meta(min_length=1, max_length=1000)]
    name: Annotated[str, Meta(max_length=200)] = ""
    on_failure: OnFailure = "cancel"


# --- agents ----------------------------------------------------------------------------------------------------------


class InHand(Say):
    """A job that an agent still has in hand when it registers."""

    job_id: Id
    attempt: Whole
    worker_id: Id


class Register(Say):
    """Who the agent is. `agent_id` is new for every process, so a restarted agent is another agent.

    `lanes` has the names of the engines that each slot drives; without it every slot drives all of them. `workers` are
    the slots' names, by which they claim, in the same order.

    `machine` and `boot` tell machines of one name apart (see `model.machines`). The ack has the name that the machine
    is shown by, as `host`, and whether this agent is to measure it, as `measure`; so has a heartbeat's.
    """

    agent_id: Id
    host: Annotated[str, Meta(min_length=1, max_length=128)]
    pid: int = 0
    version: str = ""
    engines: list[EngineInfo] = []
    slots: Whole = 1
    lanes: list[list[str]] = []
    workers: list[Id] = []
    machine: Annotated[str, Meta(max_length=128)] = ""
    boot: Annotated[str, Meta(max_length=128)] = ""
    running: list[InHand] = []
    kind: Literal["", "worker", "metrics", "script"] = ""


class Announce(Say):
    """What an agent's engines are now: one is down, or up again, or knows more models."""

    engines: list[EngineInfo]


class Adopt(Say):
    """A job that lives elsewhere: in a script (`origin` "script"), or given by another client to a server that the
    agent watches ("observed"). Said again, it brings what is known up to date; `worker_id` tells of it from here on,
    by `job_report` and `job_progress` with attempt 1.

    `place` orders the jobs that wait in the same foreign queue, smallest first. `workflow` is kept so that the job can
    be tried again.
    """

    job_id: Id
    worker_id: Id
    spec: JobSpec
    origin: Literal["observed", "script"]
    state: Literal["pending", "running"] = "running"
    created_s: Seconds = 0.0
    started_s: Seconds | None = None
    place: float = 0.0
    user: Annotated[str, Meta(max_length=80)] = ""
    cannot: dict[str, str] = {}
    workflow: dict[str, Any] | None = None


class Heartbeat(Say):
    """Renews the leases of the jobs named."""

    jobs: list[Id] = []


class Claim(Say):
    """Asks for the next job that one of these engines can do. The ack's `job` is null when there is none.

    `beside` is a job that this agent holds for an urgent one, as it was told: that is what it asks for then.
    """

    worker_id: Id
    engines: list[str]
    beside: Annotated[str, Meta(max_length=128)] = ""


class JobReport(Say):
    """A fact about a job in hand. Which other fields matter depends on `fact`; times are by the agent's clock.

    "planned" said again replaces the stages that have not begun. "refused": `command` cannot be done, `error` says
    why. "lost": the server that ran it has forgotten it. "judged": `verdicts` on the outputs of a job that completed.
    """

    job_id: Id
    attempt: Whole
    worker_id: Id
    fact: Literal["planned", "stage_started", "stage_done", "paused", "resumed", "refused", "cancelled",
                  "completed", "failed", "lost", "released", "judged"]
    at_s: Seconds
    index: Whole = 0
    duration_s: Seconds = 0.0
    skipped: bool = False
    stages: list[tuple[str, Whole]] = []
    outputs: list[Output] = []
    error: JobError | None = None
    command: str = ""
    verdicts: list[Verdict] = []


class JobProgress(Say):
    """The newest step of the current stage, and the steps measured since the last report, oldest first.

    A sample is (stage index, step from 1, when it ended, its duration in seconds). `metrics` are figures that the job
    tells of itself, the latest of each name.
    """

    job_id: Id
    attempt: Whole
    worker_id: Id
    index: Whole
    step: Whole
    at_s: Seconds
    samples: list[tuple[Whole, Whole, Seconds, Seconds]] = []
    metrics: dict[str, float] = {}


class JobPreview(Say):
    """`image` is a data URL of a small picture."""

    job_id: Id
    attempt: Whole
    step: Whole
    image: Annotated[str, Meta(max_length=400_000, pattern="^data:image/(png|jpeg|webp);base64,[A-Za-z0-9+/=]*$")]


class HostMetrics(Say):
    host: Host


class Log(Say):
    level: Literal["debug", "info", "success", "warning", "error"]
    source: Annotated[str, Meta(max_length=128)]
    message: Annotated[str, Meta(max_length=4000)]
    job_id: Annotated[str, Meta(max_length=128)] = ""
    at_s: Seconds = 0.0


VIEWER: dict[str, type[Say]] = {
    "ping": Nothing,
    "subscribe_generation": JobRef,
    "request_system_status": Nothing,
    "request_queue_status": Nothing,
    "generation_command": GenerationCommand,
    "submit": Submit,
    "move": Move,
    "set_priority": SetPriority,
    "retry": JobRef,
    "remove": JobRef,
    "clear_completed": Nothing,
    "acknowledge_alert": AlertRef,
    "communicate": Communicate,
    "subscribe": Subscribe,
    "engine_command": EngineCommand,
    "forget_host": ForgetHost,
    "read_workflow": ReadWorkflow,
    "brain_switch": BrainSwitch,
    "query": Query,
    "workflow": Workflow,
    "silence_alert": SilenceAlert,
    "notify_test": NotifyTest,
    "forget_gpu": ForgetGpu,
}
WORKER: dict[str, type[Say]] = {
    **VIEWER,
    "register": Register,
    "announce": Announce,
    "heartbeat": Heartbeat,
    "claim": Claim,
    "adopt": Adopt,
    "job_report": JobReport,
    "job_progress": JobProgress,
    "job_preview": JobPreview,
    "host_metrics": HostMetrics,
    "log": Log,
}
ENDPOINTS: dict[str, dict[str, type[Say]]] = {
    "/api/ws": VIEWER,
    "/api/echo/ws": VIEWER,
    "/api/coordination/ws": WORKER,
}
"""What may be said where. Existing clients ask at `/api/echo/ws`; whoever watches may ask as well."""


def given(submit: Submit) -> dict[str, Any]:
    """The fields of JobSpec that were given, without those left out."""
    names = ("model", "title", "prompt", "width", "height", "steps", "seed", "batch", "frames", "sampler", "scheduler",
             "options")
    return {name: getattr(submit, name) for name in names if getattr(submit, name) is not UNSET}


def priority(value: int | str) -> int:
    return PRIORITIES[value] if isinstance(value, str) else value
