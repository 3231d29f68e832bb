// A sheet of width x height pixels to draw on. The value is {pixels, known}: grey levels or colours 0 to 255, row by
// row, and 0 for each pixel that is hidden. A value that comes from the server replaces the drawing.
const {width, height, channels, binary, masked} = props;
const canvas = element.querySelector("canvas"), context = canvas.getContext("2d");
const ink = element.querySelector("input[type=color]"), buttons = element.querySelectorAll("[data-brush]");
const radius = Math.max(0.5, Math.min(width, height) / 22);
let pixels = new Float32Array(width * height * channels), known = new Uint8Array(width * height).fill(1);
let brush = "draw", last = null;

canvas.width = width;
canvas.height = height;
canvas.style.aspectRatio = width + " / " + height;
ink.style.display = channels === 3 ? "" : "none";
element.querySelector("[data-brush=hide]").style.display = masked ? "" : "none";

function paint() {
  const image = context.createImageData(width, height);
  for (let i = 0; i < width * height; i++) {
    const x = i % width, y = Math.floor(i / width);
    for (let c = 0; c < 3; c++) {
      const grey = 255 * pixels[channels === 3 ? 3 * i + c : i];
      image.data[4 * i + c] = known[i] ? grey : [255, 140, 0][c] * ((x + y) % 2 ? 0.9 : 0.65);
    }
    image.data[4 * i + 3] = 255;
  }
  context.putImageData(image, 0, 0);
}

function colour() {
  return channels === 3 ? [1, 3, 5].map(at => parseInt(ink.value.slice(at, at + 2), 16) / 255) : [1];
}

function stroke(from, to) {
  const reach = brush === "draw" ? radius : 2 * radius, paint_with = colour();
  const dx = to.x - from.x, dy = to.y - from.y, length = dx * dx + dy * dy;
  for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) {
    const px = x + 0.5 - from.x, py = y + 0.5 - from.y;
    const along = length ? Math.max(0, Math.min(1, (px * dx + py * dy) / length)) : 0;
    const distance = Math.hypot(px - along * dx, py - along * dy);
    let cover = Math.max(0, Math.min(1, reach + 0.5 - distance));
    if (binary) cover = Math.round(cover);
    if (!cover) continue;
    const i = y * width + x;
    if (brush === "hide") { known[i] = 0; continue; }
    known[i] = 1;
    for (let c = 0; c < channels; c++) {
      const at = channels * i + c, wanted = brush === "draw" ? paint_with[c] : 0;
      pixels[at] = channels === 1 && brush === "draw" ? Math.max(pixels[at], cover)
                                                      : (1 - cover) * pixels[at] + cover * wanted;
    }
  }
  paint();
}

function place(event) {
  const box = canvas.getBoundingClientRect();
  return {x: (event.clientX - box.left) / box.width * width, y: (event.clientY - box.top) / box.height * height};
}

function send() {
  props.value = {pixels: Array.from(pixels, one => Math.round(255 * one)), known: Array.from(known)};
  trigger("input");
}

function choose(name) {
  brush = name;
  buttons.forEach(button => button.setAttribute("aria-pressed", button.dataset.brush === name));
}

function receive() {
  const value = props.value;
  if (!value || !value.pixels || value.pixels.length !== pixels.length) return;
  pixels = Float32Array.from(value.pixels, one => one / 255);
  known = value.known ? Uint8Array.from(value.known) : known.fill(1);
  paint();
}

canvas.addEventListener("pointerdown", event => {
  canvas.setPointerCapture(event.pointerId);
  last = place(event);
  stroke(last, last);
});
canvas.addEventListener("pointermove", event => {
  if (!last) return;
  const next = place(event);
  stroke(last, next);
  last = next;
});
for (const end of ["pointerup", "pointercancel"]) canvas.addEventListener(end, () => {
  if (last) send();
  last = null;
});
buttons.forEach(button => button.addEventListener("click", () => choose(button.dataset.brush)));
element.querySelector("[data-clear]").addEventListener("click", () => {
  pixels.fill(0);
  known.fill(1);
  paint();
  send();
});
watch("value", receive);
choose("draw");
paint();
receive();
