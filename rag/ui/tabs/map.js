// Draws the map of the library on a canvas from the JSON in `props.value`; see rag/ui/render_map.py for what stands in
// it. Points are painted, names are elements; what papers say is only ever set as text.
({ element, props, trigger, watch }) => {
  const $ = (selector) => element.querySelector(selector);
  const stage = $(".fn-map-stage"), canvas = $("canvas"), labels = $(".fn-map-labels"), tip = $(".fn-map-tip");
  const find = $("input[type=search]"), found = $(".fn-map-found"), said = $(".fn-map-said"), ramp = $(".fn-map-ramp");
  const pen = canvas.getContext("2d");
  const COLUMNS = ["id", "title", "year", "x", "y", "group"];
  const TONES = 12, SHADES = 9, CELLS = 64, MOST_ZOOM = 60, MARGIN = 34, HAZE = 384, HAZY = 5000, MANY = 8000;
  const calm = matchMedia("(prefers-reduced-motion: reduce)");
  let map = null;          // the papers, as columns
  let cells = [];          // papers by place: cell → indices
  let view = { scale: 1, x: 0, y: 0 }; // pixels a unit of the map, and where its corner lies
  let size = { width: 0, height: 0 };
  let ink = null;          // colours of the theme
  let haze = null;         // the soft ground below the points, painted once
  let hovered = -1, focused = -1, chosen = -1;
  let group = -1;          // highlighted by the legend, or
  let matches = null;      // by the search: a Uint8Array
  let cited = new Set();
  let byYear = false, firstYear = 0, lastYear = 0;
  let layer = null, pixels = null; // of many points
  let waiting = 0;
  let base = null;         // of a large map the points that came with it; others come for what is looked at
  let asked = "", looking = 0, foundBy = null;

  // --- data ---

  const load = () => {
    map = props.value ? JSON.parse(props.value) : null;
    element.firstElementChild.classList.toggle("fn-map-empty", !map || !map.id.length);
    hovered = focused = chosen = group = -1;
    matches = null;
    haze = null;
    find.value = found.textContent = said.textContent = "";
    tip.hidden = true;
    labels.replaceChildren();
    asked = "";
    foundBy = null;
    if (!map) return draw();
    base = map.density ? Object.fromEntries(COLUMNS.map((name) => [name, map[name]])) : null;
    index();
    const known = map.years ? map.years.flatMap((counts) => Object.keys(counts).map(Number)) : map.year;
    const years = known.filter((year) => year);
    firstYear = years.reduce((a, b) => Math.min(a, b), years[0] ?? 0);
    lastYear = years.reduce((a, b) => Math.max(a, b), years[0] ?? 0);
    const choice = $("input[value=year]");
    choice.disabled = !years.length;
    choice.parentElement.title = years.length ? "" : "No paper of this library names its year.";
    if (byYear && !years.length) { $("input[value=topic]").checked = true; byYear = false; }
    [ramp.firstElementChild.textContent, ramp.lastElementChild.textContent] = [firstYear || "", lastYear || ""];
    for (const one of map.groups) labels.append(label(one));
    marks();
    fit();
  };
  const index = () => {
    map.count = map.id.length;
    map.find = map.title.map((title) => fold(title));
    map.index = new Map(map.id.map((id, i) => [id, i]));
    cells = Array.from({ length: CELLS * CELLS }, () => []);
    for (let i = 0; i < map.count; i++) cells[cell(map.x[i], map.y[i])].push(i);
  };
  // Of a large map: ask for the points of what is looked at, once it stays so.
  const look = () => {
    if (!base || !size.width) return;
    const [left, top] = [-view.x / view.scale, -view.y / view.scale];
    const box = [left, top, left + size.width / view.scale, top + size.height / view.scale].map(Math.round);
    const time = JSON.stringify([map.total, box, find.value]);
    if (time === asked) return;
    asked = time;
    clearTimeout(looking);
    looking = setTimeout(() => {
      const [left, top, right, bottom] = box;
      if (map) trigger("expand", { left, top, right, bottom, text: find.value, time });
    }, 200);
  };
  const looked = () => {
    const sent = window.footnoteMap?.points ? JSON.parse(window.footnoteMap.points) : null;
    if (!base || !sent || sent.time !== asked) return;
    const ids = [hovered, focused].map((i) => map.id[i]);
    const there = new Set(base.id), more = sent.id.map((_, i) => i).filter((i) => !there.has(sent.id[i]));
    for (const name of COLUMNS) map[name] = base[name].concat(more.map((i) => sent[name][i]));
    index();
    [hovered, focused] = ids.map((id) => map.index.get(id) ?? -1);
    foundBy = sent.found;
    marks();
    if (find.value.trim()) search();
  };
  const fold = (text) => text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
  const cell = (x, y) => slot(y) * CELLS + slot(x);
  const slot = (v) => Math.max(0, Math.min(CELLS - 1, Math.floor((v / (map.edge + 1)) * CELLS)));
  const label = (one) => {
    const box = document.createElement("div"), first = document.createElement("b"), rest = document.createElement("span");
    first.textContent = one.terms[0] ?? "";
    rest.textContent = one.terms.slice(1).join(", ");
    box.append(first, rest);
    return box;
  };
  const marks = () => {
    const sent = window.footnoteMap?.marks ? JSON.parse(window.footnoteMap.marks) : { cited: [], chosen: "" };
    cited = new Set(sent.cited.map((id) => map?.index.get(id)).filter((i) => i !== undefined));
    chosen = map?.index.get(sent.chosen) ?? -1;
    element.querySelector(".fn-map-cited-key").classList.toggle("fn-map-some", cited.size > 0);
    draw();
  };

  // --- places ---

  const toX = (x) => view.x + x * view.scale, toY = (y) => view.y + y * view.scale;
  const whole = () => Math.min(size.width - 2 * MARGIN, size.height - 2 * MARGIN) / map.edge;
  const bounds = (chosen) => {
    let [left, top, right, bottom] = [Infinity, Infinity, -Infinity, -Infinity];
    for (const i of chosen) {
      left = Math.min(left, map.x[i]); right = Math.max(right, map.x[i]);
      top = Math.min(top, map.y[i]); bottom = Math.max(bottom, map.y[i]);
    }
    return { left, top, right, bottom };
  };
  const target = (chosen) => {
    const box = bounds(chosen);
    const scale = Math.min(
      (size.width - 2 * MARGIN) / Math.max(1, box.right - box.left),
      (size.height - 2 * MARGIN) / Math.max(1, box.bottom - box.top),
      whole() * (chosen.length === map.count ? MOST_ZOOM : 8),
    );
    return around(scale, (box.left + box.right) / 2, (box.top + box.bottom) / 2);
  };
  const around = (scale, x, y) => ({ scale, x: size.width / 2 - x * scale, y: size.height / 2 - y * scale });
  const everything = () => Array.from({ length: map.count }, (_, i) => i);
  const fit = () => { if (map?.count && size.width) { view = target(everything()); } draw(); };
  const go = (to) => {
    if (calm.matches) { view = to; return draw(); }
    const from = view, begun = performance.now();
    const step = (now) => {
      const t = Math.min(1, (now - begun) / 320), ease = 1 - (1 - t) ** 3;
      view = { scale: from.scale * (to.scale / from.scale) ** ease, x: 0, y: 0 };
      // The point that ends in the middle moves there in a straight line.
      const cx = (size.width / 2 - to.x) / to.scale, cy = (size.height / 2 - to.y) / to.scale;
      const px = from.x + cx * from.scale, py = from.y + cy * from.scale;
      view.x = px + (size.width / 2 - px) * ease - cx * view.scale;
      view.y = py + (size.height / 2 - py) * ease - cy * view.scale;
      draw();
      if (t < 1 && map) requestAnimationFrame(step);
    };
    requestAnimationFrame(step);
  };
  const zoom = (factor, x = size.width / 2, y = size.height / 2) => {
    if (!map) return;
    const scale = Math.max(whole() * 0.5, Math.min(whole() * MOST_ZOOM, view.scale * factor));
    const ratio = scale / view.scale;
    view = { scale, x: x - (x - view.x) * ratio, y: y - (y - view.y) * ratio };
    draw();
  };
  const move = (dx, dy) => { view = { ...view, x: view.x + dx, y: view.y + dy }; draw(); };
  const nearest = (px, py, reach) => {
    const x = (px - view.x) / view.scale, y = (py - view.y) / view.scale, r = reach / view.scale;
    let best = -1, least = r * r;
    for (let row = slot(y - r); row <= slot(y + r); row++)
      for (let column = slot(x - r); column <= slot(x + r); column++)
        for (const i of cells[row * CELLS + column]) {
          const d = (map.x[i] - x) ** 2 + (map.y[i] - y) ** 2 - (lit(i) ? 0 : -least / 2);
          if (d < least) [best, least] = [i, d];
        }
    return best;
  };

  // --- painting ---

  const lit = (i) => (matches ? matches[i] === 1 : group < 0 || map.group[i] === group);
  const colours = () => {
    const style = getComputedStyle(element), of = (name) => style.getPropertyValue(name).trim();
    return {
      tones: Array.from({ length: TONES }, (_, i) => of(`--fn-tone-${i}`)),
      shades: Array.from({ length: SHADES }, (_, i) => of(`--fn-shade-${i}`)),
      sheet: of("--fn-sheet"), ink: of("--fn-ink"), soft: of("--fn-soft"), link: of("--fn-link"),
    };
  };
  const colour = (i) => {
    if (!byYear) return ink.tones[map.groups[map.group[i]].tone];
    if (!map.year[i]) return ink.soft;
    const share = lastYear > firstYear ? (map.year[i] - firstYear) / (lastYear - firstYear) : 1;
    return ink.shades[Math.round(share * (SHADES - 1))];
  };
  const radius = () => {
    const base = Math.max(1.3, Math.min(4.6, 70 / Math.sqrt(map.count + 60)));
    const room = Math.min(1.15, Math.max(0.75, size.width / 760));
    return base * room * Math.min(2.2, Math.max(1, (view.scale / whole()) ** 0.35));
  };
  const ground = () => {
    // Soft territories: every paper colours the ground around it a little.
    const sheet = Object.assign(document.createElement("canvas"), { width: HAZE, height: HAZE });
    if (map.density) return density(sheet);
    const brush = sheet.getContext("2d"), step = Math.max(1, Math.ceil(map.count / HAZY));
    const reach = HAZE * Math.max(0.032, Math.min(0.085, 1 / Math.sqrt(map.count / step + 20)));
    const pad = HAZE * 0.1, unit = (HAZE - 2 * pad) / map.edge;
    const stamps = new Map();
    brush.globalAlpha = Math.min(0.13, 9 / Math.sqrt(map.count / step + 200) / 3.2);
    for (let i = 0; i < map.count; i += step) {
      const tone = colour(i);
      if (!stamps.has(tone)) stamps.set(tone, stamp(tone, reach));
      brush.drawImage(stamps.get(tone), pad + map.x[i] * unit - reach, pad + map.y[i] * unit - reach);
    }
    return { sheet, pad: pad / unit, span: HAZE / unit };
  };
  // Of a large map every cell is painted, the darker the more papers lie there.
  const density = (sheet) => {
    const brush = sheet.getContext("2d"), { side, cell, papers, group } = map.density;
    const pad = HAZE * 0.1, unit = (HAZE - 2 * pad) / map.edge, span = (map.edge / side) * unit, reach = span * 1.6;
    const most = papers.reduce((a, b) => Math.max(a, b), 1), stamps = new Map();
    for (let i = 0; i < cell.length; i++) {
      const tone = byYear ? ink.soft : ink.tones[map.groups[group[i]].tone];
      if (!stamps.has(tone)) stamps.set(tone, stamp(tone, reach));
      brush.globalAlpha = 0.06 + 0.5 * Math.sqrt(papers[i] / most);
      const x = pad + ((cell[i] % side) + 0.5) * span, y = pad + (Math.floor(cell[i] / side) + 0.5) * span;
      brush.drawImage(stamps.get(tone), x - reach, y - reach);
    }
    return { sheet, pad: pad / unit, span: HAZE / unit };
  };
  const stamp = (tone, reach) => {
    const dab = Object.assign(document.createElement("canvas"), { width: 2 * reach, height: 2 * reach });
    const brush = dab.getContext("2d");
    brush.fillStyle = tone;
    brush.fillRect(0, 0, dab.width, dab.height);
    brush.globalCompositeOperation = "destination-in";
    const fade = brush.createRadialGradient(reach, reach, 0, reach, reach, reach);
    fade.addColorStop(0, "rgba(0,0,0,1)");
    fade.addColorStop(0.5, "rgba(0,0,0,0.4)");
    fade.addColorStop(1, "rgba(0,0,0,0)");
    brush.fillStyle = fade;
    brush.fillRect(0, 0, dab.width, dab.height);
    return dab;
  };
  // A point is painted once for each colour and then copied: forty thousand copies take a few milliseconds.
  const dots = (tone, r, sharp) => {
    const edge = Math.ceil((r + 1) * sharp) * 2;
    const dab = Object.assign(document.createElement("canvas"), { width: edge, height: edge });
    const brush = dab.getContext("2d");
    brush.scale(sharp, sharp);
    brush.beginPath();
    brush.arc(edge / 2 / sharp, edge / 2 / sharp, r, 0, 2 * Math.PI);
    brush.fillStyle = tone;
    brush.fill();
    if (r >= 2.4) { brush.lineWidth = 1; brush.strokeStyle = ink.sheet; brush.stroke(); }
    return dab;
  };
  const draw = () => { waiting ||= requestAnimationFrame(paint); };
  const paint = () => {
    waiting = 0;
    const sharp = devicePixelRatio || 1;
    if (!size.width) return;
    const [width, height] = [Math.round(size.width * sharp), Math.round(size.height * sharp)];
    if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
    pen.setTransform(sharp, 0, 0, sharp, 0, 0);
    pen.clearRect(0, 0, size.width, size.height);
    ramp.hidden = !byYear || !map?.count;
    if (!map?.count) return;
    ink ??= colours();
    haze ??= ground();
    const some = group >= 0 || matches !== null;
    pen.globalAlpha = some ? 0.35 : 1;
    pen.drawImage(haze.sheet, toX(-haze.pad), toY(-haze.pad), haze.span * view.scale, haze.span * view.scale);
    const r = radius(), stamps = new Map();
    const put = (i) => {
      const x = toX(map.x[i]), y = toY(map.y[i]);
      if (x < -9 || y < -9 || x > size.width + 9 || y > size.height + 9) return;
      const tone = colour(i);
      if (!stamps.has(tone)) stamps.set(tone, dots(tone, r, sharp));
      const dab = stamps.get(tone);
      pen.drawImage(dab, x - dab.width / 2 / sharp, y - dab.height / 2 / sharp, dab.width / sharp, dab.height / sharp);
    };
    if (map.count > MANY) swarm(some, r, sharp);
    else {
      if (some) {
        pen.globalAlpha = 0.16;
        for (let i = 0; i < map.count; i++) if (!lit(i)) put(i);
      }
      pen.globalAlpha = 1;
      for (let i = 0; i < map.count; i++) if (!some || lit(i)) put(i);
    }
    pen.globalAlpha = 1;
    for (const i of cited) ring(i, r + 3.2, ink.ink, 1.8);
    if (chosen >= 0) ring(chosen, r + 4.6, ink.link, 2.6);
    if (focused >= 0 && document.activeElement === canvas) ring(focused, r + 7, ink.ink, 1.4);
    if (hovered >= 0 && hovered !== chosen) ring(hovered, r + 2.4, ink.ink, 1.4);
    placeLabels(some, r);
    show(hovered >= 0 ? hovered : document.activeElement === canvas ? focused : -1);
    element.firstElementChild.dataset.drawn = map.total;
    element.firstElementChild.dataset.points = map.count;
    look();
  };
  // Tens of thousands of points are written as pixels: a call of the canvas for each would take half a second.
  const swarm = (some, r, sharp) => {
    const { width, height } = canvas;
    if (!layer || layer.width !== width || layer.height !== height) {
      layer = Object.assign(document.createElement("canvas"), { width, height });
      pixels = layer.getContext("2d").createImageData(width, height);
    }
    const words = new Uint32Array(pixels.data.buffer), tones = new Map();
    words.fill(0);
    const reach = r * sharp, disc = [];
    for (let dy = -Math.ceil(reach); dy <= reach + 1; dy++)
      for (let dx = -Math.ceil(reach); dx <= reach + 1; dx++) {
        const cover = Math.max(0, Math.min(1, reach + 0.5 - Math.hypot(dx, dy)));
        if (cover > 0) disc.push([dx, dy, cover]);
      }
    const dab = (i, strength) => {
      const x = Math.round(toX(map.x[i]) * sharp), y = Math.round(toY(map.y[i]) * sharp);
      if (x < 0 || y < 0 || x >= width || y >= height) return;
      const tone = colour(i);
      if (!tones.has(tone)) tones.set(tone, word(tone));
      const rgb = tones.get(tone);
      for (const [dx, dy, cover] of disc) {
        const px = x + dx, py = y + dy;
        if (px < 0 || py < 0 || px >= width || py >= height) continue;
        const alpha = Math.round(255 * cover * strength), at = py * width + px;
        if (alpha >= words[at] >>> 24) words[at] = (rgb | (alpha << 24)) >>> 0;
      }
    };
    if (some) for (let i = 0; i < map.count; i++) if (!lit(i)) dab(i, 0.16);
    for (let i = 0; i < map.count; i++) if (!some || lit(i)) dab(i, 1);
    layer.getContext("2d").putImageData(pixels, 0, 0);
    pen.globalAlpha = 1;
    pen.drawImage(layer, 0, 0, size.width, size.height);
  };
  const word = (tone) => {
    const one = Object.assign(document.createElement("canvas"), { width: 1, height: 1 }).getContext("2d");
    one.fillStyle = tone;
    one.fillRect(0, 0, 1, 1);
    const [red, green, blue] = one.getImageData(0, 0, 1, 1).data;
    return red | (green << 8) | (blue << 16);
  };
  const ring = (i, r, tone, width) => {
    pen.beginPath();
    pen.arc(toX(map.x[i]), toY(map.y[i]), r, 0, 2 * Math.PI);
    pen.lineWidth = width + 2;
    pen.strokeStyle = ink.sheet;
    pen.stroke();
    pen.lineWidth = width;
    pen.strokeStyle = tone;
    pen.stroke();
  };
  const placeLabels = (some, r) => {
    labels.classList.toggle("fn-map-small", size.width < 560);
    const boxes = [...labels.children].map((box) => [box.offsetWidth, box.offsetHeight]);
    const taken = [];
    map.groups.forEach((one, i) => {
      const box = labels.children[i], [width, height] = boxes[i];
      const x = toX(one.x), y = toY(one.y);
      const inside = x > 0 && y > 0 && x < size.width && y < size.height;
      const place = inside && (group < 0 || group === i) && !matches && width && spot(x, y, width, height, taken);
      box.classList.toggle("fn-map-hidden", !place);
      if (place) {
        taken.push(place);
        box.style.transform = `translate(${Math.round(place.left)}px, ${Math.round(place.top)}px)`;
      }
    });
  };
  const spot = (x, y, width, height, taken) => {
    for (const [dx, dy] of [[0, 0], [0, -0.7], [0, 0.7], [0, -1.3], [0, 1.3], [-0.35, 0], [0.35, 0], [-0.3, -0.9], [0.3, -0.9], [-0.3, 0.9], [0.3, 0.9], [0, -2], [0, 2]]) {
      const left = Math.max(4, Math.min(size.width - width - 4, x - width / 2 + dx * width));
      const top = Math.max(4, Math.min(size.height - height - 4, y - height / 2 + dy * height));
      const box = { left, top, right: left + width, bottom: top + height };
      const free = taken.every((o) => box.right + 6 < o.left || o.right + 6 < box.left || box.bottom + 3 < o.top || o.bottom + 3 < box.top);
      if (free) return box;
    }
    return null;
  };
  const about = (i) => {
    const terms = map.groups[map.group[i]].terms[0];
    return [map.year[i] || "", terms ?? "", cited.has(i) ? "cited in this conversation" : ""].filter(String).join(" · ");
  };
  const show = (i) => {
    tip.hidden = i < 0;
    if (i < 0) return;
    tip.firstElementChild.textContent = map.title[i] || map.id[i];
    tip.lastElementChild.textContent = about(i);
    const x = toX(map.x[i]), y = toY(map.y[i]), below = y < tip.offsetHeight + 22;
    const left = Math.max(6, Math.min(size.width - tip.offsetWidth - 6, x - tip.offsetWidth / 2));
    tip.style.transform = `translate(${Math.round(left)}px, ${Math.round(below ? y + 14 : y - tip.offsetHeight - 14)}px)`;
  };

  // --- highlights ---

  const groups = () => document.querySelectorAll(".fn-map-group");
  const highlight = (next) => {
    group = next;
    matches = null;
    find.value = found.textContent = "";
    marked();
  };
  const search = () => {
    const words = fold(find.value).split(/\s+/).filter(Boolean);
    group = -1;
    matches = null;
    let count = 0;
    if (map && words.length) {
      matches = new Uint8Array(map.count);
      for (let i = 0; i < map.count; i++)
        if (words.every((word) => map.find[i].includes(word))) { matches[i] = 1; count++; }
    }
    // What the library has, where not all of it is here.
    if (base && foundBy) count = Object.values(foundBy).reduce((a, b) => a + b, 0);
    const known = !base || foundBy;
    found.textContent = matches && known ? `${count.toLocaleString("en")} of ${map.total.toLocaleString("en")}` : "";
    marked();
  };
  const marked = () => {
    groups().forEach((button) => button.setAttribute("aria-pressed", String(Number(button.dataset.group) === group)));
    bars();
    draw();
  };
  const bars = () => {
    const chart = document.querySelector("svg.fn-map-years");
    if (!chart || !map) return;
    const { first, step, most, height } = chart.dataset, counts = new Map();
    const whole = !base ? null : matches ? (foundBy ?? {}) : group >= 0 ? map.years[group] : {};
    for (const [year, papers] of Object.entries(whole ?? {})) {
      if (!Number(year)) continue;
      const bin = Number(first) + Math.floor((year - first) / step) * step;
      counts.set(bin, (counts.get(bin) ?? 0) + papers);
    }
    if (!whole && (group >= 0 || matches))
      for (let i = 0; i < map.count; i++) {
        if (!map.year[i] || !lit(i)) continue;
        const bin = Number(first) + Math.floor((map.year[i] - first) / step) * step;
        counts.set(bin, (counts.get(bin) ?? 0) + 1);
      }
    chart.classList.toggle("fn-map-parted", group >= 0 || matches !== null);
    chart.querySelectorAll(".fn-map-bar").forEach((bar) => {
      const part = bar.querySelector(".fn-map-part"), tall = (height * (counts.get(Number(bar.dataset.year)) ?? 0)) / most;
      part.setAttribute("height", tall);
      part.setAttribute("y", height - tall);
    });
  };
  const members = () => everything().filter(lit);

  // --- hands ---

  const open = (i) => {
    if (i < 0) return;
    chosen = focused = i;
    trigger("select", { id: map.id[i] });
    draw();
  };
  const say = (i) => { said.textContent = i < 0 ? "" : `${map.title[i] || map.id[i]}. ${about(i)}`; };
  const step = (dx, dy) => {
    // The nearest paper that lies in this direction, within 45° of it.
    if (focused < 0) focused = nearest(size.width / 2, size.height / 2, Infinity);
    else {
      let best = -1, least = Infinity;
      for (let i = 0; i < map.count; i++) {
        const x = map.x[i] - map.x[focused], y = map.y[i] - map.y[focused];
        const along = x * dx + y * dy, across = Math.abs(x * dy) + Math.abs(y * dx);
        if (i === focused || along <= 0 || across > along || !lit(i)) continue;
        const d = along + 2 * across;
        if (d < least) [best, least] = [i, d];
      }
      if (best >= 0) focused = best;
    }
    const x = toX(map.x[focused]), y = toY(map.y[focused]);
    if (x < MARGIN || y < MARGIN || x > size.width - MARGIN || y > size.height - MARGIN)
      go(around(view.scale, map.x[focused], map.y[focused]));
    hovered = -1;
    say(focused);
    draw();
  };
  const at = (event) => {
    const box = canvas.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  };
  const hands = new Map(); // pointers that are down
  let travelled = 0;
  canvas.addEventListener("pointerdown", (event) => {
    if (!map?.count || event.button) return;
    canvas.setPointerCapture(event.pointerId);
    hands.set(event.pointerId, at(event));
    if (hands.size === 1) travelled = 0;
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!map?.count) return;
    const [x, y] = at(event), before = hands.get(event.pointerId);
    if (!before) {
      const i = nearest(x, y, 10);
      canvas.style.cursor = i < 0 ? "" : "pointer";
      if (i !== hovered) { hovered = i; draw(); }
      return;
    }
    const others = [...hands].filter(([id]) => id !== event.pointerId);
    hands.set(event.pointerId, [x, y]);
    if (others.length) {
      const [ox, oy] = others[0][1];
      const wide = Math.hypot(x - ox, y - oy), was = Math.hypot(before[0] - ox, before[1] - oy);
      zoom(wide / Math.max(1, was), (x + ox) / 2, (y + oy) / 2);
      travelled = Infinity;
    } else {
      travelled += Math.hypot(x - before[0], y - before[1]);
      if (travelled > 4) { hovered = -1; canvas.style.cursor = "grabbing"; move(x - before[0], y - before[1]); }
    }
  });
  const release = (event) => {
    const down = hands.delete(event.pointerId);
    canvas.style.cursor = "";
    if (down && event.type === "pointerup" && travelled <= 4 && !hands.size)
      open(nearest(...at(event), event.pointerType === "touch" ? 22 : 10));
  };
  canvas.addEventListener("pointerup", release);
  canvas.addEventListener("pointercancel", release);
  canvas.addEventListener("pointerleave", () => { if (hovered >= 0) { hovered = -1; draw(); } });
  canvas.addEventListener("dblclick", (event) => zoom(1.8, ...at(event)));
  canvas.addEventListener("wheel", (event) => {
    if (!map?.count) return;
    const lines = event.deltaMode ? 32 : 1;
    // Who has zoomed out as far as it goes scrolls the page.
    if (event.deltaY > 0 && view.scale <= whole() * 0.5) return;
    event.preventDefault();
    zoom(Math.exp(-event.deltaY * lines * 0.0016), ...at(event));
  }, { passive: false });
  canvas.addEventListener("keydown", (event) => {
    if (!map?.count || event.ctrlKey || event.metaKey || event.altKey) return;
    const arrow = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (arrow && event.shiftKey) move(-60 * arrow[0], -60 * arrow[1]);
    else if (arrow) step(...arrow);
    else if (event.key === "Enter" || event.key === " ") open(focused);
    else if (event.key === "+" || event.key === "=") zoom(1.4);
    else if (event.key === "-") zoom(1 / 1.4);
    else if (event.key === "0") go(target(everything()));
    else if (event.key === "Escape") { focused = -1; highlight(-1); }
    else return;
    event.preventDefault();
  });
  canvas.addEventListener("focus", draw);
  canvas.addEventListener("blur", draw);
  find.addEventListener("input", () => { foundBy = null; search(); });
  find.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && matches) { const some = members(); if (some.length) go(target(some)); }
    if (event.key === "Escape") { find.value = ""; search(); }
  });
  element.addEventListener("change", (event) => {
    if (event.target.name !== "fn-map-by") return;
    byYear = event.target.value === "year";
    haze = null;
    draw();
  });
  element.addEventListener("click", (event) => {
    const button = event.target.closest("[data-zoom]");
    if (!button || !map?.count) return;
    if (button.dataset.zoom === "all") go(target(everything()));
    else zoom(button.dataset.zoom === "in" ? 1.6 : 1 / 1.6);
  });
  document.addEventListener("click", (event) => {
    if (!element.isConnected || !map) return;
    const button = event.target.closest?.(".fn-map-group, .fn-map-open");
    if (!button) return;
    if (button.matches(".fn-map-open")) {
      const i = map.index.get(button.dataset.paper) ?? -1;
      // A point that is not here yet comes with those that are marked.
      if (i < 0 && base) { asked = ""; return trigger("select", { id: button.dataset.paper }); }
      return open(i);
    }
    const next = Number(button.dataset.group);
    highlight(next === group ? -1 : next);
  });

  // --- surroundings ---

  new ResizeObserver(() => {
    const box = stage.getBoundingClientRect(), first = !size.width;
    if (!box.width) return;
    const middle = [(size.width / 2 - view.x) / view.scale, (size.height / 2 - view.y) / view.scale];
    const share = map && size.width ? view.scale / whole() : 1;
    size = { width: stage.clientWidth, height: stage.clientHeight };
    if (!map?.count) return draw();
    if (first) return fit();
    view = around(whole() * share, ...middle);
    draw();
  }).observe(stage);
  const repaint = () => { ink = haze = null; draw(); };
  new MutationObserver(repaint).observe(document.body, { attributes: true, attributeFilter: ["class"] });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => setTimeout(repaint, 50));
  window.addEventListener("footnote-map-marks", () => { if (base && map) asked = ""; marks(); });
  window.addEventListener("footnote-map-points", looked);
  watch("value", load);
  load();
}
