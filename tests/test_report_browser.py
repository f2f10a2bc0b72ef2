"""The report as a person meets it: in a browser, with the network off."""

import re
import shutil
from itertools import pairwise

import pytest
from playwright.sync_api import sync_playwright

from basetag.report.render import render_report
from tests.class_fixture import write_class_results
from tests.report_fixture import write_results
from tests.test_report import read

CHROMIUM = shutil.which("chromium")
ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine")


# What is wider than its place, by what it is called.
CUT = """[...document.querySelectorAll('.wide, figure')]
    .filter((one) => one.offsetParent && one.scrollWidth > one.clientWidth + 1)
    .map((one) => one.getAttribute('aria-label') || one.textContent.slice(0, 60))"""


@pytest.fixture(scope="module")
def browser():
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    folder = tmp_path_factory.mktemp("browser")
    render_report(read(write_results(folder)), folder / "report.html")
    return folder / "report.html"


@pytest.fixture
def page(browser, path):
    """The opened page; whatever it says on the console or asks of a network fails the test."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, offline=True)
    page = context.new_page()
    said, asked = [], []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    page.goto(path.as_uri())
    page.wait_for_selector("#tracks svg")
    yield page
    assert said == []
    assert [url for url in asked if not url.startswith(("file:", "data:", "blob:"))] == []
    context.close()


def test_every_chart_is_drawn(page):
    for select in page.query_selector_all("select[data-panels]"):  # drawn when they are shown
        for option in select.query_selector_all("option"):
            select.select_option(option.get_attribute("value"))
    charts = page.query_selector_all(".chart")
    assert len(charts) > 10
    for chart in charts:
        svg = chart.wait_for_selector("svg", state="attached")
        marks = svg.query_selector_all("[role='graphics-symbol'], .mark-line path, .mark-rect path")
        assert marks, chart.get_attribute("id")


def test_nothing_scrolls_sideways_at_1280_pixels(page):
    assert page.evaluate("document.documentElement.scrollWidth") <= 1280


def test_no_table_of_the_comparison_is_cut_at_1280_pixels(page):
    assert page.evaluate(CUT.replace(".wide", "#comparison .wide")) == []


def test_nothing_is_cut_on_a_printed_page(page):
    page.emulate_media(media="print")
    page.set_viewport_size({"width": 688, "height": 1000})  # A4 without its margins
    assert page.evaluate(CUT) == []


def test_the_table_sorts_by_click_and_by_keyboard(page):
    table = page.query_selector("#comparison table")
    headings = [cell.inner_text() for cell in table.query_selector_all("thead th")]
    at = next(i for i, text in enumerate(headings) if text.replace("\xad", "").startswith("accur"))
    button = table.query_selector_all("thead th button")[at]

    def values():
        rows = table.query_selector_all("tbody tr")
        return [float(row.query_selector_all("th, td")[at].inner_text().split()[0]) for row in rows]

    button.click()
    first = values()
    assert first in (sorted(first), sorted(first, reverse=True))
    button.focus()
    page.keyboard.press("Enter")
    assert values() == first[::-1] or sorted(values()) == sorted(first)
    assert values() in (sorted(first), sorted(first, reverse=True))
    assert values() != first


def test_another_tagger_changes_alignment_and_table(page):
    alignment = page.inner_text("#alignment")
    lines = [line for line in alignment.splitlines() if line.strip()]
    assert any("|" in line for line in lines)
    assert "*" in alignment  # mismatches are marked
    probabilities = page.inner_text("#probabilities")
    page.select_option("#explore select[name=tagger]", label="majority")
    assert page.inner_text("#alignment") != alignment
    assert page.inner_text("#probabilities") != probabilities


def test_the_alignment_has_sixty_bases_a_line(page):
    rows = page.inner_text("#alignment").splitlines()
    bases = [match for row in rows for match in row.split() if set(match) <= set("ACGT") and match]
    assert bases
    assert max(map(len, bases)) == 60


def test_tracks_answer_to_zoom_and_hover(page):
    def ticks():
        return sorted(page.text_content("#tracks svg[role=img]"))

    whole = ticks()
    zoom = page.locator("[data-zoom='tracks'] button[data-step='in']")
    zoom.click()
    page.wait_for_timeout(300)
    assert ticks() != whole
    page.locator("[data-zoom='tracks'] button[data-step='all']").click()
    page.wait_for_timeout(300)
    assert ticks() == whole
    box = page.locator("#tracks svg[role=img]").bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.move(box["x"] + box["width"] / 2 + 3, box["y"] + box["height"] / 2)
    page.wait_for_selector("#vg-tooltip-element.visible", timeout=5000)


def test_the_table_behind_the_hidden_states_is_that_of_the_chosen_tagger(page):
    page.wait_for_selector("#hidden svg image")
    page.locator("#hidden-data summary").click()
    table = page.locator("#hidden-data table")
    page.wait_for_selector("#hidden-data tbody tr")
    columns = table.locator("th").count()
    assert columns > 5
    assert table.locator("tbody tr").first.locator("td").count() == columns
    page.select_option("#explore select[name=tagger]", label="bilstm")
    page.wait_for_function(
        "n => document.querySelectorAll('#hidden-data th').length !== n", arg=columns
    )
    assert table.locator("tbody tr").count() > 10


def shown_part(page, chart):
    """What is shown of the record, as the axis below the chart tells."""
    ticks = page.locator(f"#{chart} svg .mark-group.role-axis text").all_text_contents()
    return sorted(tick for tick in ticks if tick.replace(",", "").isdigit())


def test_hidden_states_follow_the_zoom_of_the_posteriors_and_answer_to_hovering(page):
    page.wait_for_selector("#hidden svg image")
    whole = shown_part(page, "hidden")
    page.locator("[data-zoom='tracks'] button[data-step='in']").click()
    page.wait_for_timeout(300)
    assert shown_part(page, "hidden") != whole
    page.locator("[data-zoom='tracks'] button[data-step='all']").click()
    page.wait_for_timeout(300)
    assert shown_part(page, "hidden") == whole
    box = page.locator("#hidden svg[role=img]").bounding_box()
    for step in (0, 3):
        page.mouse.move(box["x"] + box["width"] / 2 + step, box["y"] + box["height"] / 2)
    page.wait_for_selector("#vg-tooltip-element.visible", timeout=5000)
    assert "most positive" in page.inner_text("#vg-tooltip-element")


def test_a_tagger_without_hidden_states_says_so(page):
    page.wait_for_selector("#hidden svg image")
    page.select_option("#explore select[name=tagger]", label="exact")
    page.wait_for_selector("#hidden-none:not([hidden])")
    assert "exact has no hidden states to show" in page.inner_text("#hidden-none")
    assert page.locator("#hidden-panel").is_hidden()
    page.select_option("#explore select[name=tagger]", label="bilstm")
    page.wait_for_selector("#hidden svg image")
    assert "a row for each unit" in page.inner_text("#hidden-caption")


def test_the_map_of_hidden_states_has_the_colours_of_its_values(page):
    """The first column of the first row, decoded from the page's own data."""
    page.wait_for_selector("#hidden svg image")
    found, expected = page.evaluate(
        """async () => {
          const { hidden } = chosen().tagger;
          const byte = atob(hidden.records[0].values).charCodeAt(0);
          const image = new Image();
          image.src = document.querySelector("#hidden svg image").getAttribute("xlink:href")
            ?? document.querySelector("#hidden svg image").getAttribute("href");
          await image.decode();
          const canvas = document.createElement("canvas");
          [canvas.width, canvas.height] = [image.width, image.height];
          const context = canvas.getContext("2d");
          context.drawImage(image, 0, 0);
          return [[...context.getImageData(1, 1, 1, 1).data].slice(0, 3), colourOf(byte / 254)];
        }"""
    )
    assert found == pytest.approx(expected, abs=1)


@pytest.mark.parametrize("width", [390, 1280])
def test_new_charts_stay_within_the_page(browser, path, width):
    context = browser.new_context(viewport={"width": width, "height": 800}, offline=True)
    page = context.new_page()
    page.goto(path.as_uri())
    page.wait_for_selector("#hidden svg image")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    context.close()


def test_the_first_page_of_a_dataset_fits_a_screen_and_a_half(page):
    page.set_viewport_size({"width": 1280, "height": 1000})
    for section in page.locator("section.dataset").all():
        assert section.bounding_box()["height"] < 1500
    top = page.locator("section.dataset").first.bounding_box()["y"]
    assert top < 320


def test_headings_skip_no_level(page):
    levels = page.evaluate(
        "[...document.querySelectorAll('h1, h2, h3, h4')].map((one) => Number(one.tagName[1]))"
    )
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))


def test_all_that_can_be_used_has_a_name_of_its_own(page):
    """As assistive software is told, by the browser's own tree of names."""
    tree = page.locator("body").aria_snapshot()
    lines = [line.strip() for line in tree.splitlines()]
    roles = ("link", "button", "combobox", "region", "img", "figure", "navigation", "table")
    for role in roles:
        assert any(re.match(rf"- '?{role} \"", line) for line in lines), role
    for line in lines:
        assert not re.fullmatch(r"- (link|button|combobox|region|figure|navigation):?", line), line
    menus = page.locator(".chart summary").evaluate_all(
        "(all) => all.map((one) => one.getAttribute('aria-label'))"
    )
    assert len(set(menus)) == len(menus) > 10


def test_every_control_is_reached_by_the_tab_key_and_shows_that_it_is(page):
    """Up to the first table; a ring is drawn around each that the key brings to the front."""
    reached = []
    for _ in range(30):
        page.keyboard.press("Tab")
        reached.append(
            page.evaluate(
                """() => {
                  const at = document.activeElement;
                  return [at.tagName, at.innerText.trim(), getComputedStyle(at).outlineStyle];
                }"""
            )
        )
    assert all(outline != "none" for *_, outline in reached)
    texts = [text for _, text, _ in reached]
    for expected in ("Skip to the verdicts", "Cost", "blocks", "The figures behind this chart"):
        assert expected in texts
    assert any(text.startswith("Why, and how sure") for text in texts)


def test_why_a_verdict_is_so_opens_by_keyboard(page):
    summary = page.locator(".verdict summary").first
    reasons = page.locator(".verdict details ul").first
    assert not reasons.is_visible()
    summary.focus()
    page.keyboard.press("Enter")
    assert reasons.is_visible()
    assert "Always giving the commonest label" in reasons.inner_text()


def test_all_columns_are_shown_on_demand(page):
    table = page.locator("#comparison-blocks")
    button = page.locator("[data-columns='comparison-blocks']")
    assert not table.get_by_text("Brier").is_visible()
    button.click()
    assert button.get_attribute("aria-pressed") == "true"
    assert table.get_by_text("Brier").is_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 1280
    button.click()
    assert not table.get_by_text("Brier").is_visible()


@pytest.mark.parametrize("chart", ["blocks.scale", "blocks.cost", "blocks.loss", "toy.certainty"])
def test_a_mark_answers_to_hovering(page, chart):
    mark = page.locator(f"[id='{chart}'] svg .mark-symbol path").nth(2)
    mark.scroll_into_view_if_needed()
    mark.hover(force=True)
    page.wait_for_selector("#vg-tooltip-element.visible", timeout=5000)
    assert "tagger" in page.inner_text("#vg-tooltip-element")


def test_an_annotated_genome_answers_to_zooming(page):
    place = page.locator("[id='phage.annotation-1'] svg[role=img]")
    whole = place.text_content()
    page.locator("[data-zoom='phage.annotation-1'] button[data-step='in']").click()
    page.wait_for_timeout(300)
    assert place.text_content() != whole


def test_a_region_of_a_genome_is_drawn_base_by_base_where_it_is_zoomed_into(page):
    place = page.locator("[id='phage.region-1'] svg[role=img]")
    place.scroll_into_view_if_needed()

    def positions():
        box = place.bounding_box()
        page.mouse.move(box["x"] + 0.4 * box["width"], box["y"] + 0.2 * box["height"])
        page.mouse.move(box["x"] + 0.5 * box["width"], box["y"] + 0.2 * box["height"])
        page.wait_for_selector("#vg-tooltip-element.visible", timeout=5000)
        return page.inner_text("#vg-tooltip-element")

    assert " to " in positions()
    for _ in range(8):
        page.locator("[data-zoom='phage.region-1'] button[data-step='in']").click()
        page.wait_for_timeout(200)
    alone = positions()
    assert " to " not in alone
    assert "GC-rich 0." in alone
    page.locator("[data-zoom='phage.region-1'] button[data-step='all']").click()
    page.wait_for_timeout(300)
    assert " to " in positions()


def test_the_config_is_saved_as_it_is_shown(page):
    with page.expect_download() as download:
        page.get_by_role("link", name="Save it as again.yaml").click()
    assert download.value.suggested_filename == "again.yaml"
    assert download.value.path().read_text() == "seeds: [1]\n"


def test_print_has_no_controls_opens_what_is_folded_and_cuts_no_chart(page):
    page.emulate_media(media="print")
    page.set_viewport_size({"width": 690, "height": 1000})  # A4 less its margins, at 96 dpi
    for control in page.locator("button, select, nav").all():
        assert not control.is_visible() or control.locator("xpath=ancestor::thead").count()
    assert page.locator(".verdict details ul").first.is_visible()
    assert page.get_by_text("In expectation no method can do better").is_visible()
    assert not page.locator("figure table").first.is_visible()
    for chart in page.locator(".chart svg[role=img]").all():
        box = chart.bounding_box()
        assert box is None or box["x"] + box["width"] <= 690
        assert box is None or box["height"] < 900


@pytest.fixture(scope="module")
def classes_path(tmp_path_factory):
    folder = tmp_path_factory.mktemp("classes")
    render_report(read(write_class_results(folder)), folder / "report.html")
    return folder / "report.html"


def test_a_page_of_classes_draws_every_chart_that_is_shown_and_says_nothing(browser, classes_path):
    context = browser.new_context(viewport={"width": 1280, "height": 900}, offline=True)
    page = context.new_page()
    said = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto(classes_path.as_uri())
    page.wait_for_function(
        "[...document.querySelectorAll('[data-chart]')]"
        ".every((one) => one.dataset.drawn || one.closest('[hidden]'))"
    )
    assert page.evaluate(CUT) == []
    choice = page.locator("#classes .panels").nth(1).locator("select")
    choice.select_option(index=1)
    page.wait_for_selector("#classes .panel:not([hidden]) [id*='mutagenesis-bilstm-seed1-2'] svg")
    assert said == []
    context.close()
