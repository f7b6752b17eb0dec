"""REST for questions, messages, and who is here."""

from __future__ import annotations

from typing import Any

import pytest


async def test_a_question_over_rest(web: Any, meet: Any) -> None:
    agent = await meet("/api/coordination/ws")
    await agent.register()
    found = await web.post("/api/echo/query", {"what": "capacity"})
    assert found["what"] == "capacity"
    assert found["answer"]["slots"] == 1
    assert found["answer"]["text"][0] == "1 of 1 slot is free"
    plan = await web.post("/api/echo/query", {"what": "plan", "add": [{"prompt": "x", "count": 3}]})
    assert len(plan["answer"]["added"]) == 3
    assert (await web.get("/api/generations/queue"))["items"] == []


@pytest.mark.parametrize(("body", "field"), [
    ({"what": "weather"}, "what"), ({"what": "why"}, "jobId"), ({}, "what"),
    ({"what": "recommend", "deadline": "noon"}, "deadline"), ({"what": "compare"}, "models"),
    ({"what": "recommend", "models": ["none such"]}, "models"),
])
async def test_a_wrong_question_names_its_field(web: Any, body: Any, field: str) -> None:
    reply = await web("POST", "/api/echo/query", body)
    assert (reply.status, reply.json["error"]["field"]) == (400, field)


@pytest.mark.parametrize(("path", "body", "field"), [
    ("/api/echo/query", {"what": "plan", "ad": [{}]}, "ad"), ("/api/messages", {"message": "x", "job": "j1"}, "job"),
    ("/api/generations", {"prompt": "x", "stepz": 3}, "stepz")])
async def test_a_misspelt_field_is_refused_over_rest(web: Any, path: str, body: Any, field: str) -> None:
    reply = await web("POST", path, body)
    assert (reply.status, reply.json["error"]["field"]) == (400, field)
    assert (await web.get("/api/generations/queue"))["items"] == []


async def test_questions_and_workflows_are_taken_wherever_one_watches(meet: Any) -> None:
    for path in ("/api/ws", "/api/echo/ws"):
        talk = await meet(path)
        assert (await talk.ask("query", {"what": "health"}))["answer"]["text"]


async def test_messages_are_found_again(web: Any) -> None:
    sent = await web.post("/api/messages?user=ada", {"message": "the lake is done", "jobId": "j1"})
    assert sent == {"id": sent["id"], "delivered": 0, "held": False, "names": []}
    await web.post("/api/messages?user=ada", {"message": "look at it", "to": "bob", "level": "warning"})
    every = await web.get("/api/messages")
    assert [one["message"] for one in every["messages"]] == ["the lake is done", "look at it"]
    assert every["seq"] == every["messages"][-1]["seq"]
    first = every["messages"][0]["seq"]
    for query, expected in {"q=LAKE+done": 1, "q=lake+look": 0, "to=bob": 1, "job=j1": 1, "level=warning,error": 1,
                            "limit=1": 1, f"after={first}": 1, "q=ada": 2}.items():
        assert len((await web.get(f"/api/messages?{query}"))["messages"]) == expected, query
    assert (await web.get(f"/api/messages?after={every['seq']}"))["seq"] == every["seq"]
    reply = await web("GET", "/api/messages?level=loud")
    assert (reply.status, reply.json["error"]["field"]) == (400, "level")


async def test_agents_and_people_are_listed_together(web: Any, meet: Any) -> None:
    agent = await meet("/api/coordination/ws")
    await agent.register()
    person = await meet("/api/ws", "?user=mika")
    first = await person.until("initial_state")
    found = {one["metadata"]["kind"]: one["id"] for one in (await web.get("/api/agents"))["agents"]}
    assert found == {"worker": "agent-1", "person": "person:mika"}
    assert [one["id"] for one in (await web.get("/api/agents?kind=person"))["agents"]] == ["person:mika"]
    assert [one["id"] for one in first["payload"]["agents"]] == ["agent-1"], "existing dashboards show agents that work"
