// Looking and listening: two pictures, clips or recordings in one place, with one clock.
"use strict";

const clockTime = (seconds) => {
  const whole = Math.max(0, seconds);
  return `${Math.floor(whole / 60)}:${(whole % 60).toFixed(2).padStart(5, "0")}`;
};

// What this browser cannot show or play, the server makes a copy of that it can.
function replace(media) {
  const copy = new URL(media.dataset.copy, location.href).href;
  if (media.src !== copy) media.src = copy;
}

// A clip of which a browser knows the sound alone is no error to it.
function watch(media) {
  const blind = () => media.tagName === "VIDEO" && media.readyState && !media.videoWidth;
  media.addEventListener("error", () => replace(media));
  media.addEventListener("loadedmetadata", () => blind() && replace(media));
  if (media.error || blind()) replace(media);
}

class Wipe {
  constructor(root) {
    this.root = root;
    this.stage = root.querySelector(".look-stage");
    this.input = root.querySelector(".look-wipe");
    root.dataset.view = root.querySelector("[data-view-choice]:checked")?.value || "wipe";
    for (const choice of root.querySelectorAll("[data-view-choice]"))
      choice.onchange = () => (root.dataset.view = choice.value);
    this.input.oninput = () => this.show();
    this.stage.onpointerdown = (event) => {
      if (event.button) return;
      if (root.dataset.view === "one") root.classList.add("before");
      if (root.dataset.view !== "wipe") return;
      this.stage.setPointerCapture(event.pointerId);
      this.move(event);
      this.stage.onpointermove = (moved) => this.move(moved);
    };
    this.stage.onpointerup = this.stage.onpointercancel = () => {
      this.stage.onpointermove = null;
      root.classList.remove("before");
    };
    const actual = root.querySelector("[data-actual]");
    if (actual)
      actual.onclick = () => actual.setAttribute("aria-pressed", String(root.classList.toggle("actual")));
    for (const choice of root.querySelectorAll("select[data-version]")) choice.onchange = () => this.choose(choice);
    for (const each of root.querySelectorAll("img[data-copy]")) {
      each.addEventListener("error", () => replace(each));
      if (each.complete && !each.naturalWidth) replace(each);
    }
    this.show();
  }

  show() {
    this.stage.style.setProperty("--at", `${this.input.value / 10}%`);
  }

  move(event) {
    const box = this.stage.getBoundingClientRect();
    this.input.value = Math.round((1000 * (event.clientX - box.left)) / box.width);
    this.show();
  }

  choose(choice) {
    const side = this.root.querySelector(`.look-side.${choice.dataset.version}`);
    const { src, copy, offset } = choice.selectedOptions[0].dataset;
    const media = side.querySelector("img, video");
    Object.assign(media.dataset, { copy, offset: offset || 0 });
    media.src = src;
    side.querySelector("figcaption").textContent = choice.selectedOptions[0].textContent;
    this.root.dispatchEvent(new Event("chosen"));
  }
}

// Two media elements that play as one: the first is the clock, the other is drawn along.
class Together {
  constructor(root, media) {
    this.root = root;
    this.media = media;
    this.play = root.querySelector("[data-play]");
    this.seek = root.querySelector("[data-seek]");
    this.time = root.querySelector("[data-time]");
    this.play.onclick = () => (this.playing ? this.pause() : this.start());
    this.seek.oninput = () => this.go((this.seek.value / 1000) * this.length);
    for (const each of media) {
      each.loop = false;
      each.addEventListener("loadedmetadata", () => this.go(this.now));
      watch(each);
    }
    media[0].addEventListener("ended", () => this.pause());
    this.go(0);
  }

  offset(each) {
    return Number(each.dataset.offset || 0);
  }

  get now() {
    return Math.max(0, this.media[0].currentTime - this.offset(this.media[0]));
  }

  get length() {
    const lengths = this.media.map((each) => each.duration - this.offset(each)).filter((length) => length > 0);
    return Math.min(...lengths, Number(this.root.dataset.seconds) || Infinity) || 0;
  }

  get playing() {
    return this.root.dataset.playing === "yes";
  }

  async start() {
    if (this.now >= this.length - 0.03) this.go(0);
    this.root.dataset.playing = "yes";
    this.play.setAttribute("aria-label", "Pause");
    try {
      await Promise.all(this.media.map((each) => each.play()));
    } catch {
      return this.pause();
    }
    const tick = () => {
      if (!this.playing) return;
      this.draw();
      this.show();
      if (this.now >= this.length) this.pause();
      else requestAnimationFrame(tick);
    };
    tick();
  }

  pause() {
    this.root.dataset.playing = "";
    this.play.setAttribute("aria-label", "Play");
    for (const each of this.media) each.pause();
    this.go(this.now);
  }

  draw() {
    const [first, ...others] = this.media;
    for (const each of others) {
      const behind = this.now + this.offset(each) - each.currentTime;
      if (Math.abs(behind) > 0.3) each.currentTime = this.now + this.offset(each);
      else each.playbackRate = first.playbackRate * (1 + Math.max(-0.2, Math.min(0.2, Math.abs(behind) > 0.008 ? 2 * behind : 0)));
    }
  }

  go(seconds) {
    const moment = Math.max(0, Math.min(seconds, this.length || 0));
    for (const each of this.media) if (each.readyState) each.currentTime = moment + this.offset(each);
    this.show(moment);
  }

  show(moment = this.now) {
    const length = this.length || 1;
    this.seek.value = (1000 * moment) / length;
    this.seek.setAttribute("aria-valuetext", clockTime(moment));
    this.time.textContent = `${clockTime(moment)} of ${clockTime(this.length)}`;
  }
}

class Clips extends Together {
  constructor(root) {
    super(root, [...root.querySelectorAll("video")]);
    this.rate = Number(root.dataset.rate) || 25;
    for (const step of root.querySelectorAll("[data-step]")) step.onclick = () => this.step(Number(step.dataset.step));
    const sound = root.querySelector("[data-sound]");
    this.media[0].muted = true;
    this.media[1].muted = true;
    if (sound)
      sound.onclick = () => {
        this.media[1].muted = sound.getAttribute("aria-pressed") === "true";
        sound.setAttribute("aria-pressed", String(!this.media[1].muted));
      };
    root.addEventListener("chosen", () => this.pause());
    root.addEventListener("keydown", (event) => {
      if (event.target.matches("select, input:not(.look-wipe), button, textarea")) return;
      const step = { ",": -1, ".": 1 }[event.key];
      if (step) this.step(step);
      else if (event.key === " ") this.play.click();
      else return;
      event.preventDefault();
    });
    this.show();
  }

  // To the middle of a frame, where rounding leads to no neighbour.
  step(count) {
    if (this.playing) this.pause();
    const frame = Math.floor(this.now * this.rate + 0.001) + count;
    this.go((Math.max(0, frame) + 0.5) / this.rate);
  }

  show(moment = this.now) {
    super.show(moment);
    if (!this.rate) return;
    const last = Math.max(1, Math.round(this.length * this.rate));
    this.time.textContent = `${clockTime(moment)} · frame ${Math.min(last, Math.floor(moment * this.rate + 0.001) + 1)} of ${last}`;
  }
}

class Recordings extends Together {
  constructor(root) {
    super(root, [...root.querySelectorAll("audio")]);
    this.tracks = [...root.querySelectorAll(".track")];
    const heard = [...root.querySelectorAll("[data-heard]")];
    for (const choice of heard) choice.onchange = () => this.hear(Number(choice.value));
    this.hear(Number(heard.find((choice) => choice.checked)?.value ?? this.media.length - 1));
    const pitch = root.querySelector("[data-pitch]");
    pitch.onchange = () => root.classList.toggle("without-pitch", !pitch.checked);
    for (const [number, track] of this.tracks.entries())
      track.querySelector(".spectrum").onpointerdown = (event) => {
        const box = event.currentTarget.getBoundingClientRect();
        heard[number].checked = true;
        this.hear(number);
        this.go(((event.clientX - box.left) / box.width) * this.length);
      };
    root.addEventListener("keydown", (event) => {
      if (event.key !== " " || event.target.matches("select, input, button")) return;
      event.preventDefault();
      this.play.click();
    });
  }

  hear(number) {
    for (const [other, each] of this.media.entries()) each.muted = other !== number;
    for (const [other, track] of this.tracks.entries()) track.classList.toggle("heard", other === number);
  }

  show(moment = this.now) {
    super.show(moment);
    for (const track of this.tracks || [])
      track.style.setProperty("--at", `${(100 * moment) / (Number(this.root.dataset.seconds) || this.length || 1)}%`);
  }
}

// From and to, on a film strip: two sliders above each other, and numbers beside.
class Strip {
  constructor(root) {
    this.frames = root.querySelector(".strip-frames");
    [this.start, this.end] = root.querySelectorAll("input[type=range]");
    this.said = root.querySelector("output");
    this.length = Number(root.dataset.seconds);
    this.whole = root.dataset.whole;
    this.least = Math.min(Number(this.start.step) || 0.04, this.length);
    this.start.oninput = () => this.show(this.start);
    this.end.oninput = () => this.show(this.end);
    this.show();
  }

  show(moved) {
    let [from, to] = [Number(this.start.value), Number(this.end.value)];
    if (to - from < this.least) {
      if (moved === this.end) this.end.value = to = from + this.least;
      else this.start.value = from = to - this.least;
    }
    this.frames.style.setProperty("--from", `${(100 * from) / this.length}%`);
    this.frames.style.setProperty("--to", `${(100 * to) / this.length}%`);
    const whole = from <= 0 && to > this.length - this.least;
    this.said.textContent = whole ? `${this.whole}, ${clockTime(this.length)}` : `${clockTime(from)} to ${clockTime(to)}, ${(to - from).toFixed(1)} s`;
    for (const [input, value] of [[this.start, from], [this.end, to]]) input.setAttribute("aria-valuetext", clockTime(value));
  }
}

// The form of a conversion. The result of the slider is there at once: the translation of full strength lies above the
// picture, and lets it through. The address follows the form, so that loading the page again changes nothing.
class Converting {
  constructor(form) {
    this.form = form;
    this.look = form.querySelector("[data-look]");
    this.picture = form.querySelector("[data-preview]");
    this.slider = form.querySelector("[name=strength]");
    if (this.slider) this.slider.addEventListener("input", () => this.showStrength());
    form.addEventListener("change", (event) => this.change(event.target));
    if (this.picture) {
      this.picture.onload = this.picture.onerror = () => this.arrived();
      if (this.picture.complete) this.arrived();
    }
    this.showStrength();
    this.showChosen();
    this.showStrip();
  }

  // Where a model takes the whole of a file, there is no part to choose.
  showStrip() {
    const strip = this.form.querySelector("[data-strip]");
    if (strip) strip.hidden = Boolean(this.form.querySelector("[name=do][data-takes-all]:checked"));
  }

  // Within the list of models alone: the page stays where it is.
  showChosen() {
    const chosen = this.form.querySelector(".choice:has(:checked)");
    if (!chosen) return;
    const [list, own] = [chosen.parentElement.getBoundingClientRect(), chosen.getBoundingClientRect()];
    if (own.right > list.right || own.bottom > list.bottom)
      chosen.parentElement.scrollBy(Math.max(0, own.right - list.right + 16), Math.max(0, own.bottom - list.bottom + 4));
  }

  showStrength() {
    if (!this.slider) return;
    const said = this.form.querySelector("[data-strength]");
    said.textContent = `${this.slider.value} %`;
    this.slider.setAttribute("aria-valuetext", said.textContent);
    this.look?.querySelector(".look-stage").style.setProperty("--strength", this.slider.value / 100);
  }

  change(field) {
    if (field.name === "do") this.showStrip();
    if (field.name === "do" && this.picture && field.dataset.previewOf) {
      this.look.dataset.preview = "";
      this.say("Making a preview", false);
      this.picture.classList.add("old");
      this.picture.src = field.dataset.previewOf;
    } else if (field.name === "do" && this.picture) {
      this.look.dataset.preview = "none";
      this.picture.hidden = true;
      this.say("A voice has no preview", true);
    }
    const further = field.name.startsWith("more.");
    if (!further && !["do", "strength", "start", "end", "pitch"].includes(field.name)) return;
    const shown = new URL(location.href).searchParams.get("show");
    const filled = [...new FormData(this.form)].filter(([name, value]) => value || !name.startsWith("more."));
    const address = new URLSearchParams(filled);
    if (shown) address.set("show", shown);
    history.replaceState(null, "", `/?${address}`);
  }

  arrived() {
    const good = this.picture.naturalWidth > 0;
    this.picture.classList.remove("old");
    this.picture.hidden = !good;
    this.look.dataset.preview = good ? "there" : "failed";
    this.say(good ? "" : "There is no preview by this model", true);
    if (good) say("The preview is there");
  }

  say(text, still) {
    const wait = this.look.querySelector(".look-wait");
    wait.hidden = !text;
    wait.querySelector("b").textContent = text;
    wait.querySelector("i").hidden = still;
  }
}

function prepare(root) {
  for (const look of root.querySelectorAll("[data-look]")) {
    new Wipe(look);
    if (look.querySelector("video")) new Clips(look);
  }
  for (const listening of root.querySelectorAll("[data-listen]")) new Recordings(listening);
  for (const strip of root.querySelectorAll("[data-strip]")) new Strip(strip);
  for (const form of root.querySelectorAll("[data-convert]")) new Converting(form);
  for (const media of root.querySelectorAll("[data-alone]")) watch(media);
}

addEventListener("DOMContentLoaded", () => {
  prepare(document);
  document.body.addEventListener("htmx:load", (event) => event.target !== document.body && prepare(event.target));
});
