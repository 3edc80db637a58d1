// A picture under a slider: one image left of the border, another image or a map right of it.
// The panes of a group share the border and the scroll position.

const makeGroup = () => ({ share: 50, panes: [] });
function slide(group, share) {
  group.share = Math.max(0, Math.min(100, share));
  for (const pane of group.panes) pane.border();
}
// The action of a key on the border; undefined for other keys.
function sliderKey(group, event) {
  const by = event.shiftKey ? 10 : 2;
  return {
    ArrowLeft: () => slide(group, group.share - by), ArrowRight: () => slide(group, group.share + by),
    PageDown: () => slide(group, group.share - 10), PageUp: () => slide(group, group.share + 10),
    Home: () => slide(group, 0), End: () => slide(group, 100),
  }[event.key];
}

class Pane {
  // `pointed` is called with the column and the row under the pointer, in [0, 1], or null when it leaves.
  constructor(group, { pointed = () => {}, label = "Border between the pictures" } = {}) {
    Object.assign(this, { group, pointed, dragging: false });
    const picture = () => element("img", { alt: "", draggable: "false", decoding: "async" });
    this.left = picture();
    this.right = picture();
    this.map = element("canvas", { hidden: true });
    this.over = element("div", { class: "over" }, this.right, this.map);
    this.handle = element("div", { class: "handle", role: "slider", tabindex: group.panes.length ? -1 : 0, "aria-label": label,
      "aria-valuemin": 0, "aria-valuemax": 100, "aria-orientation": "horizontal" }, element("i", { "aria-hidden": "true" }));
    this.leftTag = element("span", { class: "tag left" });
    this.rightTag = element("span", { class: "tag right" });
    this.sheet = element("div", { class: "sheet" }, this.left, this.over, this.handle);
    const release = () => { this.dragging = false; };
    this.stage = element("div", { class: "stage", pointerdown: (event) => this.grab(event), pointermove: (event) => this.move(event),
      pointerup: release, pointercancel: release, pointerleave: () => this.pointed(null), scroll: () => this.scrolled() }, this.sheet);
    this.frame = element("div", { class: "frame" }, this.stage, this.leftTag, this.rightTag);
    group.panes.push(this);
  }
  // Sources and names of both sides; without a right one the left picture stands alone.
  show(left, right) {
    this.left.src = left.source;
    this.alone = !right;
    if (right) this.right.src = right.source;
    this.leftTag.textContent = left.name;
    this.rightTag.textContent = right?.name ?? "";
    this.over.hidden = this.handle.hidden = this.alone;
    this.frame.classList.toggle("alone-pane", this.alone);
    this.right.hidden = false;
    this.map.hidden = true;
    this.border();
  }
  paint(pixels, name) {
    this.map.width = pixels.width;
    this.map.height = pixels.height;
    this.map.getContext("2d").putImageData(pixels, 0, 0);
    this.map.hidden = false;
    this.right.hidden = true;
    this.rightTag.textContent = name;
    this.border();
  }
  // Whole in the given room if `factor` is 0; small images by whole factors, so that their pixels stay squares.
  size([height, width], factor, [roomHeight, roomWidth], squares = true) {
    if (!factor) {
      factor = Math.min(roomWidth / width, roomHeight / height);
      if (squares && factor > 1) factor = factor < 2 ? 1 : Math.floor(factor);
    }
    this.sheet.style.width = `${Math.round(width * factor)}px`;
    this.sheet.style.height = `${Math.round(height * factor)}px`;
    this.sheet.classList.toggle("pixelated", factor >= 2);
    const beside = Math.max(0, (this.stage.clientWidth - Math.round(width * factor)) / 2);
    this.frame.style.setProperty("--beside", `${beside}px`); // where the tags begin
  }
  border() {
    const { share } = this.group;
    this.over.style.clipPath = `inset(0 0 0 ${share}%)`;
    this.handle.style.left = `${share}%`;
    this.handle.setAttribute("aria-valuenow", Math.round(share));
    this.handle.setAttribute("aria-valuetext", `${Math.round(share)} % ${this.leftTag.textContent}, the rest ${this.rightTag.textContent}`);
    this.leftTag.hidden = !this.alone && share === 0;
    this.rightTag.hidden = this.alone || share === 100;
  }
  place(event) {
    const box = this.sheet.getBoundingClientRect();
    return [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
  }
  grab(event) {
    if (event.button !== 0 || this.alone || !this.sheet.contains(event.target)) return;
    this.stage.setPointerCapture(event.pointerId);
    this.dragging = true;
    slide(this.group, 100 * this.place(event)[0]);
    this.handle.focus({ preventScroll: true });
    event.preventDefault();
  }
  move(event) {
    const [x, y] = this.place(event);
    if (this.dragging) slide(this.group, 100 * x);
    this.pointed(x >= 0 && y >= 0 && x < 1 && y < 1 ? [x, y] : null);
  }
  scrolled() {
    const { scrollLeft, scrollTop } = this.stage;
    for (const { stage } of this.group.panes) if (stage !== this.stage && (stage.scrollLeft !== scrollLeft || stage.scrollTop !== scrollTop)) stage.scrollTo(scrollLeft, scrollTop);
  }
}
