// A map to drag through. The server's value is {picture, a, b}, the one sent back {a, b}: the place of the ring, in
// shares of the width and of the height. While the ring is dragged, a place is sent every PAUSE milliseconds at most.
const PAUSE = 80, STEP = 0.05;
const map = element.querySelector(".map"), picture = element.querySelector("img"), ring = element.querySelector(".ring");
let at = {a: 0.5, b: 0.5}, dragging = false, timer = null;

function show() {
  ring.style.left = 100 * at.a + "%";
  ring.style.top = 100 * at.b + "%";
}

function send() {
  timer = null;
  props.value = {a: at.a, b: at.b};
  trigger("input");
}

function move(a, b) {
  at = {a: Math.max(0, Math.min(1, a)), b: Math.max(0, Math.min(1, b))};
  show();
  if (!timer) timer = setTimeout(send, PAUSE);
}

function follow(event) {
  const box = map.getBoundingClientRect();
  move((event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height);
}

function receive() {
  const value = props.value;
  if (!value || !value.picture) return;
  picture.src = value.picture;
  at = {a: value.a, b: value.b};
  show();
}

map.addEventListener("pointerdown", event => {
  map.setPointerCapture(event.pointerId);
  dragging = true;
  follow(event);
});
map.addEventListener("pointermove", event => { if (dragging) follow(event); });
for (const end of ["pointerup", "pointercancel"]) map.addEventListener(end, () => { dragging = false; });
map.addEventListener("keydown", event => {
  const step = {ArrowLeft: [-STEP, 0], ArrowRight: [STEP, 0], ArrowUp: [0, -STEP], ArrowDown: [0, STEP]}[event.key];
  if (!step) return;
  event.preventDefault();
  move(at.a + step[0], at.b + step[1]);
});
watch("value", receive);
receive();
