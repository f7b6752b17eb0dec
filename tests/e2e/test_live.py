"""`echodeck up --demo` and a real browser: watched, steered, killed and back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.browser, pytest.mark.slow]

LONG = {"model": "sketch-s", "steps": 120, "width": 256, "height": 256}


def card(page: Any, job_id: str) -> Any:
    return page.locator(f"[data-testid=job-card][data-job='{job_id}']")


def progress(page: Any, job_id: str) -> float:
    return float(card(page, job_id).get_by_test_id("job-progress").get_attribute("aria-valuenow") or 0)


def step(page: Any, job_id: str) -> int:
    """The step on screen; 0 in a stage without steps, whose name stands there instead."""
    first = (card(page, job_id).get_by_test_id("job-step").text_content() or "").split("/")[0].strip()
    return int(first) if first.isdigit() else 0


def eta(page: Any, job_id: str) -> float:
    return float(card(page, job_id).get_by_test_id("job-eta").get_attribute("data-eta-s") or -1)


def sampling(deck: Any, page: Any, wait_for: Any, **spec: Any) -> str:
    """A job of ours that has begun to sample, on screen."""
    deck.clear()
    job_id = deck.submit(**{**LONG, **spec})
    card(page, job_id).wait_for()
    wait_for("the first steps", lambda: step(page, job_id) >= 2)
    return str(job_id)


def shoot(page: Any, path: Path) -> None:
    page.screenshot(path=path)
    assert path.stat().st_size > 10_000


def test_a_demo_generation_comes_into_being(deck: Any, page: Any, wait_for: Any, test_output: Path) -> None:
    running = wait_for("a running demo job", lambda: deck.jobs("running"))[0]["jobId"]
    card(page, running).wait_for()
    picture = card(page, running).get_by_test_id("job-preview").locator("img")
    wait_for("a preview", lambda: picture.count() and picture.get_attribute("src"))
    before, first = progress(page, running), picture.get_attribute("src")
    wait_for("the bar to move", lambda: progress(page, running) > before)
    wait_for("other pixels", lambda: picture.count() and picture.get_attribute("src") != first)
    shoot(page, test_output / "now-1440.png")


def test_the_estimate_falls(deck: Any, page: Any, wait_for: Any) -> None:
    job_id = sampling(deck, page, wait_for)
    wait_for("an estimate", lambda: eta(page, job_id) > 0)
    first = eta(page, job_id)
    wait_for("a smaller one", lambda: 0 < eta(page, job_id) < 0.8 * first)


def test_pause_holds_the_step_and_resume_goes_on(deck: Any, page: Any, wait_for: Any) -> None:
    job_id = sampling(deck, page, wait_for)
    card(page, job_id).get_by_test_id("job-pause").click()
    wait_for("paused", lambda: deck.job(job_id)["status"] == "paused")
    held = deck.job(job_id)["currentStep"]
    bar = card(page, job_id).get_by_test_id("job-progress")
    wait_for("the bar's colour", lambda: bar.get_attribute("data-state") == "paused")
    wait_for("two further samples of the machine", deck.samples(2))
    assert deck.job(job_id)["currentStep"] == held
    assert step(page, job_id) == held
    card(page, job_id).get_by_test_id("job-resume").click()
    wait_for("further steps", lambda: step(page, job_id) > held)


def test_cancel_ends_within_one_step(deck: Any, page: Any, wait_for: Any) -> None:
    job_id = sampling(deck, page, wait_for)
    card(page, job_id).get_by_test_id("job-cancel").click()
    said = ("cancelled", "cancel")
    asked = wait_for("the request", lambda: (j := deck.job(job_id))["status"] in said or j["request"] in said)
    assert asked
    at = max(s["step"] for s in deck.job(job_id)["stages"])
    ended = wait_for("cancelled", lambda: (j := deck.job(job_id))["status"] == "cancelled" and j)
    assert max(s["step"] for s in ended["stages"]) <= at + 1


def test_a_move_shows_in_a_second_browser(deck: Any, page: Any, chromium: Any, wait_for: Any, open_live: Any) -> None:
    sampling(deck, page, wait_for)
    first, second, third = (deck.submit(prompt=f"hills {n}", seed=n) for n in range(3))
    context = chromium.new_context(viewport={"width": 1000, "height": 900})
    try:
        other = context.new_page()
        open_live(other, deck)
        rows = "[...document.querySelectorAll('*')].flatMap(function all(e) { return [e, ...(e.shadowRoot ? " \
               "[...e.shadowRoot.querySelectorAll('*')].flatMap(all) : [])]; })" \
               ".filter(e => e.dataset && e.dataset.testid === 'queue-row').map(e => e.dataset.job)"

        def order(where: Any) -> list[str]:
            return list(dict.fromkeys(job for job in where.evaluate(rows) if job in (first, second, third)))

        wait_for("three rows", lambda: order(other) == [first, second, third])
        page.locator(f"[data-testid=queue-row][data-job='{third}']").get_by_test_id("queue-up").click()
        wait_for("the new order elsewhere", lambda: order(other) == [first, third, second], 1.0)
        page.locator(f"[data-testid=queue-row][data-job='{second}']").get_by_test_id("queue-top").click()
        wait_for("the top", lambda: order(other) == [second, first, third], 1.0)
    finally:
        context.close()


def test_a_failing_job_turns_red_and_raises_an_alert(deck: Any, page: Any, wait_for: Any, test_output: Path) -> None:
    deck.clear()
    job_id = deck.submit(title="too big for this machine", width=512, height=512, batch=8, frames=48)
    failed = wait_for("the failure", lambda: (j := deck.job(job_id))["status"] == "failed" and j)
    assert failed["errorKind"] == "out_of_memory"
    bar = card(page, job_id).get_by_test_id("job-progress")
    wait_for("the error state", lambda: bar.count() and bar.first.get_attribute("data-state") == "error")
    alert = page.get_by_test_id("alert").filter(has_text="too big for this machine")
    alert.first.wait_for()
    shoot(page, test_output / "failed-1440.png")


def test_it_is_readable_on_a_phone(deck: Any, page: Any, chromium: Any, wait_for: Any, open_live: Any,
                                   test_output: Path) -> None:
    job_id = sampling(deck, page, wait_for)
    context = chromium.new_context(viewport={"width": 390, "height": 844}, device_scale_factor=2, is_mobile=True,
                                   has_touch=True)
    try:
        phone = context.new_page()
        open_live(phone, deck)
        card(phone, job_id).wait_for()
        assert phone.evaluate("document.documentElement.scrollWidth <= innerWidth")
        shoot(phone, test_output / "now-390.png")
    finally:
        context.close()


def test_nothing_is_asked_of_the_internet(deck: Any, chromium: Any, open_live: Any) -> None:
    context = chromium.new_context()
    try:
        asked: list[str] = []
        quiet = context.new_page()
        quiet.on("request", lambda request: asked.append(request.url))
        open_live(quiet, deck)
        assert asked
        foreign = [url for url in asked if "127.0.0.1" not in url and not url.startswith(("data:", "blob:"))]
        assert not foreign
    finally:
        context.close()


def test_a_killed_hub_comes_back_with_everything(deck: Any, page: Any, wait_for: Any) -> None:
    job_id = sampling(deck, page, wait_for)
    waiting = [deck.submit(prompt=f"later {n}", seed=n) for n in range(5)]
    page.evaluate("window.stillTheSamePage = true")
    accepted = {job["jobId"] for job in deck.jobs()}
    before = progress(page, job_id)
    deck.kill("hub")
    badge = page.get_by_test_id("connection")
    wait_for("the page to notice", lambda: badge.get_attribute("data-state") != "live")
    wait_for("the hub", deck.up)
    wait_for("the page live again", lambda: badge.get_attribute("data-state") == "live", 5.0)
    assert {job["jobId"] for job in deck.jobs()} >= accepted
    wait_for("it to go on", lambda: progress(page, job_id) > before)
    assert page.evaluate("window.stillTheSamePage")
    assert deck.job(job_id)["attempt"] == 1
    assert [j["jobId"] for j in sorted(deck.jobs("pending"), key=lambda j: j["position"])] == waiting


def test_a_killed_agent_gives_its_job_back(deck: Any, page: Any, wait_for: Any) -> None:
    job_id = sampling(deck, page, wait_for)
    deck.kill("agent")
    wait_for("the second attempt", lambda: deck.job(job_id)["attempt"] == 2)
    assert len([job for job in deck.jobs("running", "pending", "paused") if job["jobId"] == job_id]) == 1
    alerts = deck.state()["alerts"]
    assert [alert for alert in alerts if alert["jobId"] == job_id and alert["level"] == "warning"]
    wait_for("steps of the second attempt", lambda: step(page, job_id) >= 1)


def test_html_in_a_title_is_text(deck: Any, page: Any, wait_for: Any) -> None:
    deck.clear()
    title = "<img src=x onerror='window.hacked=1'><b>bold</b>"
    job_id = deck.submit(title=title, prompt=title, **LONG)
    wait_for("the title", lambda: title in (card(page, job_id).text_content() or ""))
    assert page.evaluate("window.hacked") is None
    deck.clear()
