"""All charts in a real browser, embedded as the page does it: they draw, rows stream in, and no label runs as HTML."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from bokeh.util.paths import bokehjs_path

from echodeck import charts
from echodeck.charts import Chart

PAGE = """<!doctype html><meta charset="utf-8"><title>quiet</title>{bokeh}<body style="width:700px">
<script type="application/json" id="items">{items}</script><script>
window.views = []
const items = JSON.parse(document.getElementById("items").textContent)
window.ready = Promise.all(items.map(async item => {{
  const el = document.body.appendChild(document.createElement("div"))
  const views = await Bokeh.embed.embed_item(item, el)
  window.views.push([...views][0])
}}))
</script>"""

ADD_ROW = """async () => {
  await window.ready
  const doc = window.views.map(view => view.model.document).find(doc => doc.get_model_by_name("system:atelier"))
  const source = doc.get_model_by_name("system:atelier")
  source.stream({time: [Date.now()], cpu: [10], memory: [NaN]}, 600)
  return [source.data.time.length, window.views.length, document.querySelectorAll("div").length]
}"""


@pytest.mark.browser
def test_every_chart_draws_and_takes_rows(chromium: Any, all_charts: list[Chart], tmp_path: Path,
                                          test_output: Path) -> None:
    items = json.dumps([charts.to_json(chart)["item"] for chart in all_charts]).replace("</", "<\\/")
    page_file = tmp_path / "charts.html"
    bokeh = f"<script>{(bokehjs_path() / 'js' / 'bokeh.min.js').read_text('utf-8')}</script>"
    page_file.write_text(PAGE.format(bokeh=bokeh, items=items), encoding="utf-8")
    page = chromium.new_page()
    problems: list[str] = []
    page.on("console", lambda message: message.type == "error" and problems.append(message.text))
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.goto(page_file.as_uri())
    rows, views, _ = page.evaluate(ADD_ROW)
    page.wait_for_function(f"document.querySelectorAll('.bk-Figure').length === {len(all_charts)}")
    page.screenshot(path=test_output / "charts.png", full_page=True)
    assert (rows, views) == (1, len(all_charts))
    assert page.title() == "quiet"
    assert not problems
    page.close()
