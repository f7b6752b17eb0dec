"""The form in Chromium: the settings of every kind of engine, and workflows dropped onto it."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, PngImagePlugin

from echodeck import wire
from echodeck.errors import BadField
from echodeck.model import workflow
from echodeck.model.engine import EngineInfo, ModelInfo, Option

from .conftest import ENGINE, FakeHub, frame, wait_for

pytestmark = pytest.mark.browser

Open = Callable[..., Any]
GRAPH = json.loads((Path(__file__).parents[1] / "model" / "workflows" / "sd15.json").read_text("utf-8"))
LONG_SEED = 2**64 - 3
COMFYUI = EngineInfo("comfyui", "ComfyUI", kind="comfyui", workflows=True)
FORGE = EngineInfo(
    "forge", "Forge", models=(ModelInfo("xl"),), schedulers=("automatic", "karras"), reason="Forge does not answer",
    options=(Option("negative", "Negative prompt"), Option("cfg", "CFG scale", "number", 7.0, 1.0, 30.0, 0.5),
             Option("hires", "Hires. fix", "flag", False), Option("image", "Start picture", "image"),
             Option("upscaler", "Upscaler", "choice", "Latent", choices=("Latent", "Lanczos"))))


def answer(graph: dict[str, Any], seed: int | str | None = None) -> dict[str, Any]:
    """What the hub says of a workflow."""
    inputs = [asdict(one) for one in workflow.inputs(graph)]
    if seed is not None:
        next(one for one in inputs if one["input"] == "seed")["value"] = seed
    return {"workflow": graph, "text": wire.text(graph), "facts": asdict(workflow.facts(graph)),
            "nodes": len(workflow.stages(graph)), "inputs": inputs}


def of(input_: str) -> str:
    """The id of the node that has this input."""
    return next(one.node for one in workflow.inputs(GRAPH) if one.input == input_)


def png(noise: int = 0) -> bytes:
    """A picture with the workflow in it, as ComfyUI saves them; `noise` makes it larger than what is read."""
    info = PngImagePlugin.PngInfo()
    info.add_text("prompt", json.dumps(GRAPH))
    picture = Image.effect_noise((noise, noise), 90) if noise else Image.new("RGB", (4, 4))
    out = io.BytesIO()
    picture.save(out, "PNG", pnginfo=info)
    return out.getvalue()


def opened(page: Any, engine: str = "") -> Any:
    page.get_by_test_id("new-job").click()
    form = page.get_by_test_id("submit-form")
    form.wait_for()
    if engine:
        form.get_by_test_id("submit-engine").select_option(engine)
    return form


def drop(page: Any, onto: Any, name: str, content: bytes, kind: str = "application/json") -> None:
    """As a browser drops a file."""
    transfer = page.evaluate_handle("""([name, text, type]) => {
      const data = new DataTransfer();
      data.items.add(new File([Uint8Array.from(atob(text), (c) => c.charCodeAt(0))], name, { type }));
      return data;
    }""", [name, base64.b64encode(content).decode(), kind])
    for event in ("dragenter", "dragover", "drop"):
        onto.dispatch_event(event, {"dataTransfer": transfer, "bubbles": True, "cancelable": True})


@pytest.fixture(autouse=True)
def engines(hub: FakeHub) -> None:
    hub.engines = [ENGINE, COMFYUI, FORGE]
    hub.answers["read_workflow"] = answer(GRAPH)


def test_a_workflow_is_dropped_changed_and_queued(hub: FakeHub, open_page: Open) -> None:
    page = open_page()
    form = opened(page)
    drop(page, form.get_by_test_id("submit-prompt"), "hills.json", json.dumps(GRAPH).encode())
    form.get_by_text("hills.json", exact=True).wait_for()
    assert form.get_by_test_id("submit-engine").input_value() == "comfyui"
    assert json.loads(hub.of("read_workflow")[0]["payload"]["text"]) == GRAPH
    facts = workflow.facts(GRAPH)
    for words in (facts.model, f"{facts.width} × {facts.height}", f"{facts.steps} steps",
                  f"{len(workflow.stages(GRAPH))} nodes"):
        assert words in form.get_by_test_id("submit-drop").inner_text()
    steps, seed = f"values.{of('steps')}.steps", f"values.{of('seed')}.seed"
    form.get_by_test_id(f"submit-{steps}").fill("12")
    form.get_by_test_id("submit-dice").click()
    rolled = int(form.get_by_test_id(f"submit-{seed}").input_value())
    form.get_by_test_id("submit-title").fill("a try")
    form.get_by_test_id("submit-button").click()
    form.wait_for(state="hidden")
    payload = hub.of("submit")[0]["payload"]
    assert json.loads(payload["workflow"]) == GRAPH
    assert payload["values"] == {f"{of('steps')}.steps": 12, f"{of('seed')}.seed": rolled}
    assert (payload["engine"], payload["title"], payload["count"], payload["priority"]) == (
        "comfyui", "a try", 1, "normal")
    assert not set(payload) & {"prompt", "model", "steps", "width"}


def test_of_a_picture_only_the_beginning_is_sent(hub: FakeHub, open_page: Open) -> None:
    page = open_page()
    form = opened(page, "comfyui")
    picture = png(noise=1024)
    assert len(picture) > 512 << 10
    form.get_by_test_id("submit-workflow-file").set_input_files(
        {"name": "hills.png", "mimeType": "image/png", "buffer": picture})
    form.get_by_text("hills.png", exact=True).wait_for()
    sent = base64.b64decode(hub.of("read_workflow")[0]["payload"]["data"])
    assert sent == picture[: 512 << 10]
    assert workflow.read(sent) == GRAPH


def test_a_seed_of_64_bits_is_kept_to_the_last_digit(hub: FakeHub, open_page: Open) -> None:
    node = of("seed")
    graph = {**GRAPH, node: {**GRAPH[node], "inputs": {**GRAPH[node]["inputs"], "seed": LONG_SEED}}}
    hub.answers["read_workflow"] = answer(graph, str(LONG_SEED))
    page = open_page()
    form = opened(page, "comfyui")
    drop(page, form, "hills.json", json.dumps(graph).encode())
    field = form.get_by_test_id(f"submit-values.{node}.seed")
    field.wait_for()
    assert field.input_value() == str(LONG_SEED)
    form.get_by_test_id("submit-button").click()
    form.wait_for(state="hidden")
    payload = hub.of("submit")[0]["payload"]
    assert json.loads(payload["workflow"])[node]["inputs"]["seed"] == LONG_SEED
    assert "values" not in payload
    form = opened(page)
    field.fill(str(LONG_SEED - 1))
    form.get_by_test_id("submit-button").click()
    form.wait_for(state="hidden")
    assert hub.of("submit")[1]["payload"]["values"] == {f"{node}.seed": str(LONG_SEED - 1)}


def test_a_workflow_that_cannot_be_read_is_refused_in_the_hubs_words(hub: FakeHub, open_page: Open) -> None:
    with pytest.raises(BadField) as caught:
        workflow.read(json.dumps({"nodes": [], "links": [], "version": 0.4}))
    hub.refuse["read_workflow"] = caught.value.as_dict()
    page = open_page()
    form = opened(page, "comfyui")
    form.get_by_test_id("submit-button").click()
    form.get_by_text("Give a workflow first.").wait_for()
    drop(page, form, "ui.json", b'{"nodes": []}')
    form.get_by_text("Export").wait_for()
    assert caught.value.message.removeprefix("workflow: ") in form.inner_text()
    form.get_by_test_id("submit-button").click()
    form.get_by_text("Export").wait_for()
    assert not hub.of("submit")


def test_what_is_wrong_with_an_input_is_said_at_it(hub: FakeHub, open_page: Open) -> None:
    page = open_page()
    form = opened(page, "comfyui")
    drop(page, form, "hills.json", json.dumps(GRAPH).encode())
    key = f"{of('steps')}.steps"
    steps = form.get_by_test_id(f"submit-values.{key}")
    steps.fill("")
    form.get_by_test_id("submit-button").click()
    form.get_by_text("give a whole number").wait_for()
    assert not hub.of("submit")
    steps.fill("9000")
    hub.refuse["submit"] = {"code": "bad_field", "message": f"values: '{key}' must be at most 200", "field": "values"}
    form.get_by_test_id("submit-button").click()
    form.get_by_text("must be at most 200").wait_for()
    assert steps.get_attribute("aria-invalid") == "true"
    further = form.get_by_test_id("submit-all-inputs")
    hidden = next(one for one in workflow.inputs(GRAPH) if not one.usual)
    hub.refuse["submit"]["message"] = f"values: '{hidden.node}.{hidden.input}' must be shorter"
    form.get_by_test_id("submit-button").click()
    further.get_by_text("must be shorter").wait_for()


def test_an_engines_own_settings_are_fields(hub: FakeHub, open_page: Open) -> None:
    page = open_page()
    form = opened(page, "forge")
    assert form.get_by_test_id("submit-notice").inner_text() == (
        "Forge does not answer. A job waits until it is ready.")
    form.get_by_test_id("submit-prompt").fill("hills")
    form.get_by_test_id("submit-scheduler").select_option("karras")
    form.get_by_test_id("submit-options.negative").fill("fog")
    form.get_by_test_id("submit-options.hires").check()
    form.get_by_test_id("submit-options.upscaler").select_option("Lanczos")
    form.locator("input[type=file][accept='image/*']").set_input_files(
        {"name": "start.png", "mimeType": "image/png", "buffer": png()})
    wait_for("the picture", lambda: form.get_by_test_id("submit-options.image").input_value() == "start.png")
    cfg = form.get_by_test_id("submit-options.cfg")
    cfg.fill("99")
    form.get_by_test_id("submit-button").click()
    form.get_by_text("CFG scale: give a number from 1 to 30").wait_for()
    cfg.fill("6.5")
    form.get_by_test_id("submit-button").click()
    form.wait_for(state="hidden")
    payload = hub.of("submit")[0]["payload"]
    assert (payload["engine"], payload["model"], payload["scheduler"]) == ("forge", "xl", "karras")
    picture = payload["options"].pop("image")
    assert base64.b64decode(picture.removeprefix("data:image/png;base64,")) == png()
    assert payload["options"] == {"negative": "fog", "cfg": 6.5, "hires": True, "upscaler": "Lanczos"}


def test_a_large_picture_is_drawn_again_so_that_it_can_be_sent(hub: FakeHub, open_page: Open) -> None:
    page = open_page()
    form = opened(page, "forge")
    form.locator("input[type=file][accept='image/*']").set_input_files(
        {"name": "start.png", "mimeType": "image/png", "buffer": png(noise=1024)})
    wait_for("the picture", lambda: form.get_by_test_id("submit-options.image").input_value() == "start.png")
    form.get_by_test_id("submit-button").click()
    form.wait_for(state="hidden")
    picture = hub.of("submit")[0]["payload"]["options"]["image"]
    with Image.open(io.BytesIO(base64.b64decode(picture.removeprefix("data:image/jpeg;base64,")))) as sent:
        assert sent.format == "JPEG"
        assert sent.width == sent.height <= 1024
    assert len(picture) < 700_000


def test_an_announcement_leaves_alone_what_is_being_typed(hub: FakeHub, open_page: Open) -> None:
    page = open_page()
    form = opened(page, "sketch")
    form.get_by_test_id("submit-steps").fill("77")
    hub.tell(frame("engine_update", replace(ENGINE, reason="It is starting.")))
    form.get_by_text("It is starting.").wait_for()
    assert form.get_by_test_id("submit-steps").input_value() == "77"
    form.get_by_test_id("submit-steps").press("Control+Enter")
    wait_for("the job", lambda: hub.of("submit"))
    assert hub.of("submit")[0]["payload"]["steps"] == 77


def test_a_drop_without_a_taker_says_so(hub: FakeHub, open_page: Open) -> None:
    hub.engines = [ENGINE]
    page = open_page()
    form = opened(page)
    drop(page, form, "hills.json", b"{}")
    form.get_by_text("No engine that takes workflows is announced.").wait_for()
    assert not hub.of("read_workflow")


def test_the_form_fits_a_telephone(hub: FakeHub, open_page: Open) -> None:
    page = open_page(viewport={"width": 390, "height": 844}, is_mobile=True, has_touch=True)
    form = opened(page)
    for engine in ("sketch", "forge", "comfyui"):
        form.get_by_test_id("submit-engine").select_option(engine)
        if engine == "comfyui":
            drop(page, form, "hills" * 30 + ".json", json.dumps(GRAPH).encode())
            form.get_by_test_id("submit-all-inputs").locator("summary").tap()
        assert form.evaluate("node => node.parentNode.scrollWidth <= node.parentNode.clientWidth"), engine
