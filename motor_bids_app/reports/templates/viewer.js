/* Three planes through the volumes of a participant, by mouse, touch, keys and sliders. reports/participant/viewer.py packs them. */
const bytesOf = (text) => Uint8Array.from(atob(text), (one) => one.charCodeAt(0));
const unpacked = async (text) => {
  const stream = new Blob([bytesOf(text)]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
};
const PLANES = [ /* axes of the volume that run to the right, up and through a drawing */
  { across: 0, up: 1, through: 2, ends: ["L", "R"] },
  { across: 0, up: 2, through: 1, ends: ["L", "R"] },
  { across: 1, up: 2, through: 0, ends: ["P", "A"] },
];
const startViewer = async (box) => {
  const numbers = (name) => box.dataset[name].split(" ").map(Number);
  const [shape, origin, at, [step]] = ["shape", "origin", "start", "step"].map(numbers);
  const stride = [1, shape[0], shape[0] * shape[1]];
  const colours = bytesOf(box.dataset.colours);
  const maps = [...box.querySelectorAll("template")].map(
    (one) => ({ ...one.dataset, text: one.content.textContent }));
  const field = (name) => box.querySelector(`[name=${name}]`);
  const wanted = (name) => maps[field(name)?.value];
  const chosen = (name) => (wanted(name)?.values ? wanted(name) : undefined); /* once it is unpacked */
  const shownImage = () => chosen("image") ?? maps[0];
  const sliders = [...box.querySelectorAll(".axes input")];
  const canvases = [...box.querySelectorAll("canvas")];
  const sheet = document.createElement("canvas");
  const index = () => at.reduce((sum, one, axis) => sum + one * stride[axis], 0);

  const paint = ({ across, up, through }) => {
    [sheet.width, sheet.height] = [shape[across], shape[up]];
    const pen = sheet.getContext("2d");
    const pixels = pen.createImageData(sheet.width, sheet.height);
    const [image, overlay, opacity] = [shownImage(), chosen("overlay"), (field("opacity")?.value ?? 0) / 100];
    for (let row = 0, pixel = 0; row < sheet.height; row += 1) {
      let place = at[through] * stride[through] + (sheet.height - 1 - row) * stride[up];
      for (let column = 0; column < sheet.width; column += 1, place += stride[across], pixel += 4) {
        const code = overlay ? overlay.values[place] : 0;
        const share = code ? opacity * ("fades" in overlay ? Math.min(1, code / 128) : 1) : 0;
        for (let part = 0; part < 3; part += 1) {
          pixels.data[pixel + part] = (1 - share) * image.values[place] + share * colours[3 * code + part];
        }
        pixels.data[pixel + 3] = 255;
      }
    }
    pen.putImageData(pixels, 0, 0);
  };
  const outline = (pen, { across, up, through }, zoom) => {
    const [wide, high] = [shape[across], shape[up]];
    const isIn = (column, row) => column >= 0 && row >= 0 && column < wide && row < high && chosen("lesion")
      .values[at[through] * stride[through] + column * stride[across] + row * stride[up]] > 127;
    pen.beginPath();
    for (let row = 0; row < high; row += 1) {
      for (let column = 0; column < wide; column += 1) {
        if (!isIn(column, row)) continue;
        const [left, top] = [column * zoom, (high - 1 - row) * zoom];
        for (const [right, higher] of [[-1, 0], [1, 0], [0, -1], [0, 1]]) {
          if (isIn(column + right, row + higher)) continue;
          const [x, y] = [left + (right > 0) * zoom, top + (higher < 0) * zoom];
          pen.moveTo(x, y);
          pen.lineTo(x + (higher !== 0) * zoom, y + (right !== 0) * zoom);
        }
      }
    }
    [pen.strokeStyle, pen.lineWidth] = ["#ff5c5c", 2];
    pen.stroke();
  };
  const letter = (pen, plane, { width, height }) => {
    const place = origin[plane.through] + step * at[plane.through];
    [pen.font, pen.fillStyle, pen.strokeStyle, pen.lineWidth] = ["22px system-ui, sans-serif", "#f0f0f0", "#000", 4];
    for (const [text, x, y, align] of [
      [plane.ends[0], 8, height / 2, "left"], [plane.ends[1], width - 8, height / 2, "right"],
      [`${"xyz"[plane.through]} = ${place} mm`, 8, height - 10, "left"],
    ]) {
      pen.textAlign = align;
      pen.strokeText(text, x, y);
      pen.fillText(text, x, y);
    }
  };
  const cross = (pen, plane, { width, height }, zoom) => {
    const [x, y] = [(at[plane.across] + 0.5) * zoom, height - (at[plane.up] + 0.5) * zoom];
    pen.beginPath();
    for (const [fromX, fromY, toX, toY] of [
      [0, y, x - 2 * zoom, y], [x + 2 * zoom, y, width, y], [x, 0, x, y - 2 * zoom], [x, y + 2 * zoom, x, height],
    ]) { pen.moveTo(fromX, fromY); pen.lineTo(toX, toY); }
    [pen.strokeStyle, pen.lineWidth] = ["#ffb000", 1.5];
    pen.stroke();
  };
  const reading = (map) => {
    const top = Number(map.top), code = map.values[index()];
    const digits = Math.max(0, Math.round(Math.log10(255 / top)));
    const least = "over" in map && code === 255 ? "at least " : "";
    return `${map.label}: ${least}${(top * code / 255).toFixed(digits)} ${map.unit}`.trim();
  };
  const show = () => {
    canvases.forEach((canvas, number) => {
      const plane = PLANES[number], pen = canvas.getContext("2d"), zoom = canvas.width / shape[plane.across];
      paint(plane);
      pen.drawImage(sheet, 0, 0, canvas.width, canvas.height);
      if (field("lesion")?.checked) outline(pen, plane, zoom);
      cross(pen, plane, canvas, zoom);
      letter(pen, plane, canvas);
    });
    const places = at.map((one, axis) => origin[axis] + step * one);
    const side = places[0] < 0 ? "left" : places[0] > 0 ? "right" : "middle";
    sliders.forEach((slider, axis) => {
      slider.value = places[axis];
      slider.setAttribute("aria-valuetext", `${places[axis]} mm${axis ? "" : `, ${side}`}`);
    });
    box.querySelector("output").textContent = [
      `x = ${places[0]}, y = ${places[1]}, z = ${places[2]} mm (${side})`,
      ...[shownImage(), chosen("overlay")].filter(Boolean).map(reading),
      ...(field("lesion") ? [chosen("lesion").values[index()] > 127 ? "in the lesion" : "outside the lesion"] : []),
    ].join(" · ");
    const overlay = chosen("overlay"), legend = box.querySelector(".legend");
    legend.hidden = !overlay;
    if (overlay) legend.lastElementChild.textContent = `${overlay.top} ${overlay.unit}`.trim();
  };
  const choose = async () => { /* a volume is unpacked when it is first asked for */
    const all = ["image", "overlay", "lesion"].map(wanted).filter(Boolean);
    await Promise.all(all.map(async (map) => { map.values ??= await unpacked(map.text); }));
    show();
  };
  const move = (axis, place) => { at[axis] = Math.min(Math.max(place, 0), shape[axis] - 1); show(); };
  canvases.forEach((canvas, number) => {
    const { across, up, through } = PLANES[number];
    const keys = { ArrowLeft: [across, -1], ArrowRight: [across, 1], ArrowDown: [up, -1], ArrowUp: [up, 1],
      PageDown: [through, -1], PageUp: [through, 1] };
    canvas.addEventListener("keydown", (event) => {
      if (!keys[event.key]) return;
      const [axis, by] = keys[event.key];
      event.preventDefault();
      move(axis, at[axis] + by);
    });
    const point = (event) => {
      if (!(event.buttons & 1)) return;
      const drawn = canvas.getBoundingClientRect();
      move(across, Math.floor((event.clientX - drawn.left) / drawn.width * shape[across]));
      move(up, Math.floor((drawn.bottom - event.clientY) / drawn.height * shape[up]));
    };
    canvas.addEventListener("pointerdown", point);
    canvas.addEventListener("pointermove", point);
  });
  sliders.forEach((slider, axis) => slider.addEventListener(
    "input", () => move(axis, Math.round((slider.value - origin[axis]) / step))));
  for (const name of ["image", "overlay", "opacity", "lesion"]) field(name)?.addEventListener("input", choose);
  const ramp = Array.from({ length: 16 }, (_, k) => `rgb(${colours.slice(51 * k, 51 * k + 3).join(" ")})`);
  box.querySelector(".ramp").style.background = `linear-gradient(to right, ${ramp.join(", ")})`;
  await choose();
  box.classList.add("started");
};
if ("DecompressionStream" in window) document.querySelectorAll(".viewer").forEach(startViewer);
