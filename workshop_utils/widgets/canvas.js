// Adds to jupyter-bbox-widget, which is `library` here, what labelling needs: a choice of classes, keys for the whole
// editor, Shift to draw on top of a box, drags that leave the photo, and a notice while the kernel works.

export default {
  render({ model, el }) {
    el.classList.add("workshop-canvas");
    // The library would save the boxes as the widget's state. ipywidgets delays states while the kernel is busy, so a
    // click on Submit could overtake a box. Messages keep their order: the boxes are sent as one after each drag.
    const forLibrary = {
      get: (name) => model.get(name),
      set: (name, value) => model.set(name, value),
      on: (event, callback) => model.on(event, callback),
      save_changes: () => {},
    };
    const removeLibrary = library.render({ model: forLibrary, el });
    const [wrapper, photo] = [el.querySelector(".wrapper"), el.querySelector("img")];
    wrapper.tabIndex = -1; // Tab skips the photo; a click still gives it the keyboard
    photo.alt = model.get("alt");

    const send = (kind, content) => model.send({ kind, photo: model.get("photo"), ...content });
    const removers = [
      followMouse(model, el, send),
      followKeys(model, el, wrapper, send),
      showClasses(model, el, send),
      showProposals(model, el),
      showWork(model, el, wrapper),
      removeLibrary,
    ];
    return () => removers.forEach((remove) => remove?.());
  },
};

function followMouse(model, el, send) {
  let [dragging, drawing] = [false, null];
  const svg = () => el.querySelector("svg");
  const markSelection = () => el.classList.toggle("has-selection", model.get("selected_index") >= 0);
  // Outside the photo, the nearest point of its edge counts.
  const nearest = ({ clientX, clientY }) => {
    const { left, right, top, bottom } = svg().getBoundingClientRect();
    return { clientX: Math.min(Math.max(clientX, left), right), clientY: Math.min(Math.max(clientY, top), bottom) };
  };
  const pixel = (event) => {
    const [photo, { left, top, width, height }] = [el.querySelector("img"), svg().getBoundingClientRect()];
    const { clientX, clientY } = nearest(event);
    return {
      x: Math.round(((clientX - left) * photo.naturalWidth) / width),
      y: Math.round(((clientY - top) * photo.naturalHeight) / height),
    };
  };
  const draw = (event) => {
    const [start, end] = [drawing.start, pixel(event)];
    const corner = { x: Math.min(start.x, end.x), y: Math.min(start.y, end.y) };
    const sides = { width: Math.abs(start.x - end.x), height: Math.abs(start.y - end.y) };
    model.set("bboxes", [...drawing.others, { ...corner, ...sides, label: model.get("current") }]);
    model.set("selected_index", drawing.others.length);
  };
  // The library moves, resizes, renames and deletes boxes. We draw new ones, also on a deleted box that still fades: the
  // library would lose that drag.
  const isOnBox = (target) => {
    const drawn = target.closest("svg > g")?.querySelector("rect.movable");
    const [photo, { width, height }] = [el.querySelector("img"), svg().getBoundingClientRect()];
    const [across, down] = [width / photo.naturalWidth, height / photo.naturalHeight];
    const scales = { x: across, y: down, width: across, height: down };
    const isDrawn = (box) =>
      Object.keys(scales).every((key) => Math.abs(drawn[key].baseVal.value - box[key] * scales[key]) < 2);
    return Boolean(drawn) && model.get("bboxes").some(isDrawn);
  };
  const press = (event) => {
    if (model.get("work")) {
      event.stopPropagation();
      event.preventDefault();
    } else if (event.button === 0 && svg()?.contains(event.target)) {
      dragging = true;
      model.set("label", model.get("current"));
      if (!isOnBox(event.target) || event.shiftKey) {
        event.stopPropagation();
        drawing = { start: pixel(event), others: model.get("bboxes") };
        model.set("selected_index", -1);
      }
    }
  };
  const move = (event) => {
    if (!dragging) return;
    if (event.buttons === 0) release(event); // released outside the window
    else if (drawing) draw(event);
    else if (!svg().contains(event.target)) svg().dispatchEvent(new MouseEvent("mousemove", nearest(event)));
  };
  const release = (event) => {
    if (!dragging) return;
    if (event.type !== "mouseup" || !svg().contains(event.target)) svg().dispatchEvent(new MouseEvent("mouseup"));
    [dragging, drawing] = [false, null];
    send("boxes", { boxes: model.get("bboxes"), selected: model.get("selected_index") });
  };
  markSelection();
  model.on("change:selected_index", markSelection);
  el.addEventListener("mousedown", press, true);
  window.addEventListener("mousemove", move);
  window.addEventListener("mouseup", release);
  return () => {
    window.removeEventListener("mousemove", move);
    window.removeEventListener("mouseup", release);
  };
}

function followKeys(model, el, wrapper, send) {
  const editor = () => el.closest(`.${model.get("editor")}`);
  // Keys belong to the editor that the mouse points at, too, if you do not write elsewhere: JupyterLab would understand a
  // 1 as "make this cell a heading". Enter submits only inside the editor, where Shift+Enter does nothing.
  const down = (event) => {
    const { target } = event;
    const inside = editor()?.contains(target);
    const elsewhere = takesText(target) || target.closest(`.${model.get("editor")}`);
    if (!inside && (elsewhere || !el.matches(":hover"))) return;
    if (event.key === "Enter" && (!inside || event.shiftKey)) return;
    if (wrapper.contains(target)) event.stopPropagation(); // the library has other keys, and would catch Tab
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    const inField = target.matches("input[type=number]");
    const meantForTarget =
      target.matches("select, textarea, input[type=text]") ||
      (inField && /^(\d|Delete|Backspace)$/.test(key)) ||
      (target.matches("button") && key === "Enter");
    if (event.ctrlKey || event.metaKey || event.altKey || event.repeat || meantForTarget) return;
    const classes = model.get("classes");
    const name = /^\d$/.test(key) ? classes[(Number(key) + 9) % 10] : undefined;
    if (name === undefined && key !== "e" && !model.get("shortcuts").includes(key)) return;
    event.preventDefault();
    event.stopPropagation();
    if (model.get("work")) return;
    if (!inside || inField) wrapper.focus({ preventScroll: true }); // the field sends its number before the key is sent
    if (key === "e") editEdges();
    else if (name === undefined) send("key", { key });
    else choose(model, send, name);
    adding = key === "a";
  };
  let adding = false;
  const editEdges = () => {
    const field = editor()?.querySelector("input[type=number]:enabled");
    field?.focus({ preventScroll: true });
    field?.select();
  };
  // The fields have received the new box's edges when the canvas hears of its selection. The kernel may first have to
  // deselect another box, because of an Escape just before.
  model.on("change:selected_index", () => {
    if (model.get("selected_index") < 0) return;
    if (adding) setTimeout(editEdges);
    adding = false;
  });
  // JupyterLab would understand an x that is typed on a button as "cut this cell".
  const claim = ({ target }) => {
    if (editor()?.contains(target)) target.setAttribute("data-lm-suppress-shortcuts", "true");
  };
  window.addEventListener("keydown", down, true); // before JupyterLab, which listens to the document
  document.addEventListener("focusin", claim);
  return () => {
    window.removeEventListener("keydown", down, true);
    document.removeEventListener("focusin", claim);
  };
}

function takesText(element) {
  return element?.matches("input:not([type=radio], [type=checkbox]), textarea, select") || element?.isContentEditable;
}

function choose(model, send, name) {
  model.set("current", name); // a drag may begin before the kernel answers
  send("class", { name });
}

function showClasses(model, el, send) {
  const group = document.createElement("div");
  const name = `workshop-class-${Math.random()}`;
  group.className = "workshop-classes";
  group.setAttribute("role", "radiogroup");
  group.setAttribute("aria-label", "class");
  const choice = (value, place) => {
    const [label, radio, colour, key] = ["label", "input", "span", "kbd"].map((tag) => document.createElement(tag));
    Object.assign(radio, { type: "radio", name, value, checked: value === model.get("current") });
    radio.addEventListener("change", () => choose(model, send, value));
    colour.style.background = model.get("colors")[place];
    key.textContent = place < 10 ? (place + 1) % 10 : "";
    label.append(radio, colour, value, key);
    return label;
  };
  const build = () => group.replaceChildren(...model.get("classes").map(choice));
  const check = () => {
    for (const radio of group.querySelectorAll("input")) radio.checked = radio.value === model.get("current");
  };
  build();
  model.on("change:classes", build);
  model.on("change:colors", build);
  model.on("change:current", check);
  el.prepend(group);
}

// Screen readers read the list of proposals in the panel.
function showProposals(model, el) {
  const photo = el.querySelector("img");
  const layer = document.createElement("div");
  layer.className = "workshop-proposals";
  layer.setAttribute("aria-hidden", "true");
  el.querySelector(".image").append(layer);
  const proposal = (box, place) => {
    const [frame, text] = ["div", "span"].map((tag) => document.createElement(tag));
    const share = (pixels, side) => `${(100 * pixels) / side}%`;
    const [across, down] = [photo.naturalWidth, photo.naturalHeight];
    frame.classList.toggle("is-sure", box.sure);
    frame.classList.toggle("is-next", place === 0);
    Object.assign(frame.style, { left: share(box.x, across), top: share(box.y, down), borderColor: box.colour });
    Object.assign(frame.style, { width: share(box.width, across), height: share(box.height, down) });
    text.textContent = box.text;
    frame.append(text);
    return frame;
  };
  const show = () => {
    Object.assign(layer.style, { width: `${photo.clientWidth}px`, height: `${photo.clientHeight}px` });
    layer.replaceChildren(...model.get("proposals").map(proposal));
  };
  const resized = new ResizeObserver(show);
  resized.observe(photo);
  photo.addEventListener("load", show);
  model.on("change:proposals", show);
  return () => resized.disconnect();
}

function showWork(model, el, wrapper) {
  let [timer, began, before] = [undefined, 0, null];
  const notice = document.createElement("div");
  notice.className = "workshop-work";
  notice.setAttribute("aria-hidden", "true"); // the message below the photo is read out, without the seconds
  el.querySelector(".image").append(notice);
  const tick = () => {
    notice.textContent = `${model.get("work")} (${Math.round((Date.now() - began) / 1000)} s)`;
  };
  const stop = () => {
    clearInterval(timer);
    timer = undefined;
  };
  // A click on a button that is off takes the keyboard out of the editor; a click into a text was meant so.
  const giveBack = () => {
    const now = document.activeElement;
    const editor = el.closest(`.${model.get("editor")}`);
    if (now !== wrapper && (takesText(now) || editor?.contains(now))) return;
    before.focus({ preventScroll: true });
    if (document.activeElement !== before) wrapper.focus({ preventScroll: true });
  };
  const show = () => {
    const work = model.get("work");
    el.classList.toggle("is-working", work !== "");
    if (work && timer === undefined) {
      began = Date.now();
      timer = setInterval(tick, 250);
      const editor = el.closest(`.${model.get("editor")}`);
      before = editor?.contains(document.activeElement) ? document.activeElement : null;
      if (before) wrapper.focus({ preventScroll: true }); // a button that is switched off would lose the keyboard
    }
    if (work) tick();
    if (!work && timer !== undefined) {
      stop();
      if (before) giveBack();
    }
  };
  show();
  model.on("change:work", show);
  return stop;
}
