// Draws the charts, sorts the tables, and shows the records base by base.
"use strict";

const page = JSON.parse(document.getElementById("page-data").textContent);
const views = new Map();  // id of a chart to its Vega view
const LINE = 60;
const FIRST_LINES = 10;
const FIRST_ROWS = 15;

function element(name, text, className) {
  const made = document.createElement(name);
  if (text !== undefined) made.textContent = text;
  if (className) made.className = className;
  return made;
}

// ---- charts

async function draw(id, spec) {
  const place = document.getElementById(id);
  views.get(id)?.finalize();
  const { view } = await vegaEmbed(place, spec, {
    actions: { export: true, source: false, compiled: false, editor: false },
    config: page.theme,
    renderer: "svg",
    downloadFileName: id,
  });
  views.set(id, view);
  const svg = place.querySelector("svg");
  svg.setAttribute("role", "img");
  svg.setAttribute("aria-label", place.dataset.description);
  const menu = place.querySelector("details");
  menu.title = "Save this chart";
  menu.querySelector("summary").setAttribute("aria-label", `Save the chart ${id}`);
  place.dataset.drawn = "yes";
}

async function drawShown() {
  for (const place of document.querySelectorAll("[data-chart]")) {
    if (!place.dataset.drawn && !place.closest("[hidden]")) {
      await draw(place.id, page.charts[place.id]);
      refine(place.id);
    }
  }
}

for (const select of document.querySelectorAll("select[data-panels]")) {
  select.addEventListener("change", () => {
    for (const panel of select.closest(".panels").querySelectorAll(".panel")) {
      panel.hidden = panel.dataset.panel !== select.value;
    }
    drawShown();
  });
}

// The scale-bound selection `window` keeps what is shown in a signal named after its field.
function windowSignal(view) {
  return Object.keys(view.getState({ signals: (name) => /^window_(position|start|low)$/.test(name) }).signals)[0];
}

for (const group of document.querySelectorAll("[data-zoom]")) {
  group.addEventListener("click", (event) => {
    const step = event.target.dataset.step;
    const view = views.get(group.dataset.zoom);
    if (!step || !view) return;
    const name = windowSignal(view);
    const [low, high] = view.scale("x").domain();
    const width = high - low;
    const shown = {
      in: [low + width / 4, high - width / 4],
      out: [low - width / 2, high + width / 2],
      left: [low - width / 2, high - width / 2],
      right: [low + width / 2, high + width / 2],
      all: null,
    }[step];
    view.signal(name, shown).run();
  });
}

// ---- regions of genomes: what is zoomed into is drawn from its own bases

const COLUMNS = 400;  // as in region_charts.py

function basesOf(track) {
  if (!track.values) {
    const bytes = Uint8Array.from(atob(track.posterior), (letter) => letter.charCodeAt(0));
    track.values = new Uint16Array(bytes.buffer);
  }
  return track.values;
}

// Rows of the data set `columns` of a region's chart, for its bases `low` to below `high`.
function columnsOf(region, low, high) {
  const width = Math.ceil((high - low) / COLUMNS);
  const rows = [];
  for (const track of region.tracks) {
    const values = basesOf(track);
    const n = track.states.length;
    for (let at = low; at < high; at += width) {
      const end = Math.min(at + width, high);
      const sums = track.states.map(() => 0);
      for (let i = at * n; i < end * n; i += 1) sums[i % n] += values[i];
      const all = sums.reduce((a, b) => a + b, 0);
      const means = track.states.map((state, k) => `${state} ${(sums[k] / (end - at) / 1000).toFixed(3)}`).join(", ");
      const [first, last] = [region.start + at + 1, region.start + end];
      let bottom = 0;
      track.states.forEach((state, k) => {
        const top = bottom + sums[k] / all;
        rows.push({
          tagger: track.tagger, state, low: first - 0.5, high: last + 0.5, bottom, top, means, lowest: k === 0,
          positions: first === last ? first.toLocaleString("en") : `${first.toLocaleString("en")} to ${last.toLocaleString("en")}`,
        });
        bottom = top;
      });
    }
  }
  return rows;
}

function refine(id) {
  const region = page.regions[id];
  if (!region) return;
  const view = views.get(id);
  let waiting = 0;
  view.addSignalListener(windowSignal(view), (_, shown) => {
    clearTimeout(waiting);
    waiting = setTimeout(() => {
      const [low, high] = shown ?? [region.start, region.start + region.bases];
      const inside = (place) => Math.min(Math.max(place - region.start, 0), region.bases);
      const rows = columnsOf(region, inside(Math.floor(low) - 1), inside(Math.ceil(high) + 1));
      view.data("columns", rows).runAsync();
    }, 60);
  });
}

// ---- sorting

function sortBy(header) {
  const table = header.closest("table");
  const column = [...header.parentNode.children].indexOf(header);
  const falling = header.getAttribute("aria-sort") === "ascending";
  for (const other of header.parentNode.children) other.setAttribute("aria-sort", "none");
  header.setAttribute("aria-sort", falling ? "descending" : "ascending");
  const body = table.tBodies[0];
  const key = (row) => row.children[column].dataset.value;
  const rows = [...body.rows].sort((a, b) => {
    const [x, y] = [key(a), key(b)];
    if (x === "" || y === "") return (x === "") - (y === "");  // empty cells stay below
    const order = Number.isNaN(Number(x) + Number(y)) ? x.localeCompare(y) : Number(x) - Number(y);
    return falling ? -order : order;
  });
  body.append(...rows);
}

for (const button of document.querySelectorAll(".sortable thead button")) {
  button.addEventListener("click", () => sortBy(button.closest("th")));
}

for (const button of document.querySelectorAll("[data-columns]")) {
  button.addEventListener("click", () => {
    const all = document.getElementById(button.dataset.columns).classList.toggle("all");
    button.setAttribute("aria-pressed", String(all));
  });
}

// ---- print: what is folded is opened, where the style sheet alone does not do it

let folded = [];
window.addEventListener("beforeprint", () => {
  folded = [...document.querySelectorAll("details:not([open]):not(.behind)")].filter((one) => !one.closest(".vega-embed"));
  for (const one of folded) one.open = true;
});
window.addEventListener("afterprint", () => {
  for (const one of folded) one.open = false;
});

// ---- base by base

const form = document.getElementById("explore");
let wholeAlignment = false;
let wholeTable = false;
let hiddenTable = () => {};  // fills the table behind the map of hidden states, once it is opened

function fill(select, values, chosen) {
  select.replaceChildren(...values.map(([value, text]) => {
    const option = element("option", text);
    option.value = value;
    option.selected = value === chosen;
    return option;
  }));
}

function chooseDataset() {
  const dataset = page.explore[form.elements.dataset.value];
  fill(form.elements.tagger, dataset.taggers.map((t) => [t.label, t.label]), dataset.first);
  fill(form.elements.record, dataset.records.map((r, i) => [String(i), r.name]), "0");
  fill(form.elements.state, dataset.states.map((s) => [s, `${s} (${dataset.state_names[s]})`]), dataset.states[0]);
}

// One row per base of the chosen record, with the probabilities of tagger and reference.
function chosen() {
  const dataset = page.explore[form.elements.dataset.value];
  const index = Number(form.elements.record.value);
  const record = dataset.records[index];
  const tagger = dataset.taggers.find((t) => t.label === form.elements.tagger.value);
  const reference = dataset.taggers.find((t) => t.label === tagger.reference && t !== tagger);
  const n = dataset.states.length;
  const of = (who, i) => who?.posterior[index].slice(i * n, (i + 1) * n).map((p) => p / 10000);
  const rows = [...record.bases].map((base, i) => {
    const p = of(tagger, i);
    const called = tagger.called[index][i];
    const truth = record.truth[i] === " " ? "." : record.truth[i];
    return {
      position: record.start + i + 1, base, truth, called, p, q: of(reference, i),
      miss: truth !== "." && truth !== called,
    };
  });
  return { dataset, record, tagger, reference, rows };
}

function showSummary({ record, tagger, reference, rows, dataset }) {
  const labelled = rows.filter((row) => row.truth !== ".");
  const matches = labelled.filter((row) => !row.miss).length;
  document.getElementById("explore-summary").textContent =
    `${tagger.label} on ${record.name}, ${dataset.many} ${record.start + 1} to ${record.start + rows.length}: ` +
    `${matches} of ${labelled.length} labelled ${dataset.many} match (${(100 * matches / labelled.length).toFixed(1)} %).`;
  const state = form.elements.state.value;
  document.getElementById("tracks-caption").textContent =
    `Probability of ${state} (${dataset.state_names[state]}) by ${tagger.label} (blue line)` +
    (reference ? ` and by ${reference.label}, the best possible for it (black, dashed)` : "") +
    ". Under it the true and the called states. The probability table below holds the same figures.";
}

function showTracks({ dataset, reference, rows }) {
  const k = dataset.states.indexOf(form.elements.state.value);
  const values = rows.map((row) => ({
    position: row.position, base: row.base, true: row.truth === "." ? null : row.truth,
    called: row.called, tagger: row.p[k], reference: reference ? row.q[k] : null,
  }));
  return draw("tracks", { ...dataset.spec, datasets: { bases: values } });
}

// Red, green and blue of a share of the way from the most negative to the most positive.
function colourOf(share) {
  const stops = page.diverging;
  const at = share * (stops.length - 1);
  const left = Math.min(Math.floor(at), stops.length - 2);
  const parts = (stop) => [1, 3, 5].map((i) => parseInt(stop.slice(i, i + 2), 16));
  const [from, to] = [parts(stops[left]), parts(stops[left + 1])];
  return from.map((part, i) => part + (at - left) * (to[i] - part));
}

// A picture of hidden states: bytes, row by row, 0 to 254 for the two ends of the colours.
function mapOf(values, units, columns) {
  const canvas = element("canvas");
  [canvas.width, canvas.height] = [columns, units];
  const context = canvas.getContext("2d");
  const image = context.createImageData(columns, units);
  values.forEach((value, i) => image.data.set([...colourOf(value / 254), 255], 4 * i));
  context.putImageData(image, 0, 0);
  // Large squares, so that no viewer blurs one value into the next.
  const large = element("canvas");
  const times = Math.max(1, Math.round(2000 / columns));
  [large.width, large.height] = [columns * times, units * Math.max(1, Math.round(520 / units))];
  const brush = large.getContext("2d");
  brush.imageSmoothingEnabled = false;
  brush.drawImage(canvas, 0, 0, large.width, large.height);
  return large.toDataURL("image/png");
}

function runsOf(rows) {
  const runs = [];
  for (const { position, truth } of rows) {
    const last = runs[runs.length - 1];
    if (last && last.state === truth) last.high = position + 0.5;
    else runs.push({ low: position - 0.5, high: position + 0.5, state: truth });
  }
  return runs.filter((run) => run.state !== ".");
}

function fillTable(table, headings, rows) {
  const head = element("thead");
  head.append(element("tr"));
  head.firstChild.append(...headings.map((name) => {
    const cell = element("th", name);
    cell.scope = "col";
    return cell;
  }));
  const body = element("tbody");
  body.append(...rows.map((row) => {
    const line = element("tr");
    line.append(...row.map((text) => element("td", text, "n")));
    return line;
  }));
  table.replaceChildren(head, body);
}

async function showHidden({ dataset, record, tagger, rows }) {
  const panel = document.getElementById("hidden-panel");
  const none = document.getElementById("hidden-none");
  panel.hidden = !tagger.hidden;
  none.hidden = Boolean(tagger.hidden);
  none.textContent = `${tagger.label} has no hidden states to show.`;
  if (!tagger.hidden) return;
  const { units, of, most, records } = tagger.hidden;
  const { bin, norm, values: text } = records[Number(form.elements.record.value)];
  const values = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const first = record.start + 0.5;
  const end = first + rows.length;
  const columns = norm.map((size, i) => {
    const [low, high] = [first + i * bin, Math.min(first + (i + 1) * bin, end)];
    const ordered = units
      .map((unit, row) => ({ unit, value: ((values[row * norm.length + i] - 127) / 127) * most }))
      .sort((a, b) => b.value - a.value);
    const told = (some) => some.map(({ unit, value }) => `${unit}: ${value.toFixed(2)}`).join(", ");
    return {
      low, high, norm: size,
      bases: high - low === 1 ? `${low + 0.5}` : `${low + 0.5} to ${high - 0.5}`,
      rising: `unit ${told(ordered.slice(0, 3))}`,
      falling: `unit ${told(ordered.slice(-3).reverse())}`,
    };
  });
  const cells = (i) => units.map((_, row) => (((values[row * norm.length + i] - 127) / 127) * most).toFixed(2));
  hiddenTable = () => fillTable(
    document.querySelector("#hidden-data table"),
    [`position (${dataset.unit})`, "norm", ...units.map((unit) => `unit ${unit}`)],
    columns.map((column, i) => [column.bases, column.norm.toFixed(3), ...cells(i)]),
  );
  if (document.getElementById("hidden-data").open) hiddenTable();
  const place = document.getElementById("hidden");
  place.dataset.description =
    `Hidden states of ${tagger.label} on ${record.name}: the norm along the record, and a map of ${units.length} units by position.`;
  document.getElementById("hidden-caption").textContent =
    `What the head of ${tagger.label} reads along ${record.name}: above, the norm of its ${of} numbers; below, a row for each ` +
    (units.length < of ? `of the ${units.length} units that vary most` : "unit") +
    `, white at 0, those that go alike side by side, those that rise with P(${dataset.states[0]}) on top; under it the true states. ` +
    (bin > 1 ? `A column is the mean of ${bin} neighbouring ${dataset.many}. ` : "") +
    "It shows the same part of the record as the chart above.";
  await draw("hidden", {
    ...dataset.hidden_spec,
    params: dataset.hidden_spec.params.map((one) => (one.name === "most" ? { name: "most", value: most } : one)),
    datasets: {
      columns, runs: runsOf(rows),
      map: [{ low: first, high: end, bottom: 0, top: 1, url: mapOf(values, units.length, norm.length) }],
    },
  });
  link("tracks", "hidden");
}

// Let two charts show the same part of the record.
function link(...ids) {
  const both = ids.map((id) => views.get(id));
  const names = both.map(windowSignal);
  const follow = (from, to) => both[from].addSignalListener(names[from], (_, shown) => {
    if (String(both[to].signal(names[to])) !== String(shown)) both[to].signal(names[to], shown).run();
  });
  follow(0, 1);
  follow(1, 0);
}

function alignmentLine(rows) {
  const line = element("pre");
  const position = String(rows[0].position).padStart(9);
  const blank = " ".repeat(9);
  const letters = (key) => {
    const parts = [];
    for (const row of rows) {
      const last = parts[parts.length - 1];
      if (last && last.miss === row.miss) last.text += row[key];
      else parts.push({ miss: row.miss, text: row[key] });
    }
    return parts.map((part) => element("span", part.text, part.miss ? "miss" : ""));
  };
  line.append(
    element("span", `${position}        `, "position"), rows.map((row) => row.base).join(""), "\n",
    element("span", `${blank} true   `, "position"), ...letters("truth"), "\n",
    element("span", `${blank}        `), rows.map((row) => (row.miss ? "*" : row.truth === "." ? " " : "|")).join(""), "\n",
    element("span", `${blank} called `, "position"), ...letters("called"),
  );
  return line;
}

function showAlignment({ rows }) {
  const lines = [];
  for (let i = 0; i < rows.length; i += LINE) lines.push(rows.slice(i, i + LINE));
  const shown = wholeAlignment ? lines : lines.slice(0, FIRST_LINES);
  document.getElementById("alignment").replaceChildren(...shown.map(alignmentLine));
  const more = document.getElementById("alignment-more");
  more.hidden = lines.length <= FIRST_LINES;
  more.textContent = wholeAlignment ? `Show the first ${FIRST_LINES} lines only` : `Show all ${lines.length} lines`;
}

function showTable({ dataset, tagger, reference, rows }) {
  const shown = wholeTable ? rows : rows.slice(0, FIRST_ROWS);
  const head = element("thead");
  const headings = element("tr");
  const names = [`position (${dataset.unit})`, dataset.one, "true", "called", "match"];
  names.push(...dataset.states.map((s) => `P(${s}), ${tagger.label}`));
  if (reference) names.push(...dataset.states.map((s) => `P(${s}), ${reference.label}`));
  for (const name of names) {
    const cell = element("th", name);
    cell.scope = "col";
    headings.append(cell);
  }
  head.append(headings);
  const body = element("tbody");
  for (const row of shown) {
    const line = element("tr", undefined, row.miss ? "miss" : "");
    line.append(element("td", String(row.position), "n"));
    for (const key of ["base", "truth", "called"]) line.append(element("td", row[key], "letter"));
    line.append(element("td", row.truth === "." ? "" : row.miss ? "✗ no" : "yes"));
    for (const p of [...row.p, ...(row.q ?? [])]) line.append(element("td", p.toFixed(4), "n"));
    body.append(line);
  }
  document.getElementById("probabilities").replaceChildren(head, body);
  const more = document.getElementById("probabilities-more");
  more.hidden = rows.length <= FIRST_ROWS;
  more.textContent = wholeTable ? `Show the first ${FIRST_ROWS} ${dataset.many} only` : `Show all ${rows.length} ${dataset.many}`;
}

async function show() {
  const choice = chosen();
  showSummary(choice);
  showAlignment(choice);
  showTable(choice);
  await showTracks(choice);
  await showHidden(choice);
}

async function start() {
  if (form) {
    form.addEventListener("submit", (event) => event.preventDefault());
    form.addEventListener("change", (event) => {
      if (event.target.name === "dataset") chooseDataset();
      show();
    });
    document.getElementById("alignment-more").addEventListener("click", () => {
      wholeAlignment = !wholeAlignment;
      showAlignment(chosen());
    });
    document.getElementById("probabilities-more").addEventListener("click", () => {
      wholeTable = !wholeTable;
      showTable(chosen());
    });
    document.getElementById("hidden-data").addEventListener("toggle", (event) => {
      if (event.target.open) hiddenTable();
    });
    chooseDataset();
  }
  await drawShown();
  if (form) await show();
  document.documentElement.dataset.ready = "yes";
}

start();
