// What every page does: values that the style needs, what the server tells, and files that are dropped.
"use strict";

// An element with data-vars="done:40%;ratio:1.5" gets these as variables: the style sheet may not be written into.
function setVariables(root) {
  for (const element of [...(root.matches?.("[data-vars]") ? [root] : []), ...root.querySelectorAll("[data-vars]")])
    for (const pair of element.dataset.vars.split(";")) {
      const [name, value] = pair.split(":");
      if (value) element.style.setProperty(`--${name}`, value);
    }
}

// A picture that cannot be had is shown as a sign, not as a broken one; those that have a copy are left to look.js.
function replaceMissing(image) {
  if (image.tagName !== "IMG" || "copy" in image.dataset || "preview" in image.dataset || image.dataset.missing) return;
  image.dataset.missing = "yes";
  image.src = "/static/missing.svg";
}
document.addEventListener("error", (event) => replaceMissing(event.target), true);

function say(text) {
  document.getElementById("said").textContent = text;
}

function fault(text) {
  const place = document.getElementById("page-fault");
  place.textContent = text;
  place.hidden = !text;
  if (text) place.scrollIntoView({ block: "nearest" });
}

function bytes(count) {
  const units = ["B", "kB", "MB", "GB"];
  let unit = 0;
  for (; count >= 999.5 && unit < 3; unit++) count /= 1000;
  return `${count < 10 && unit ? count.toFixed(1) : Math.round(count)} ${units[unit]}`;
}

// The server tells of each job that changed. What shows jobs asks for itself anew: an element with data-jobs (all, or
// ids) is loaded again from data-from, at most once in half a second, and once more when it is quiet.
const waiting = new Map();
const pathOf = (element) => element.dataset.from.split("?")[0];

function reload(path) {
  if (waiting.has(path)) return waiting.set(path, true);
  waiting.set(path, false);
  // It is looked for anew each time: what is loaded takes its place.
  const element = [...document.querySelectorAll("[data-from]")].find((each) => pathOf(each) === path);
  if (element) htmx.ajax("GET", element.dataset.from, { source: element, target: element, swap: "outerHTML" }).catch(() => {});
  setTimeout(() => {
    const again = waiting.get(path);
    waiting.delete(path);
    if (again) reload(path);
  }, 500);
}

const ENDED = ["done", "failed", "cancelled", "lost"];

function changed(news) {
  const page = document.querySelector("[data-page-of]");
  if (page && page.dataset.pageOf === news.job && news.removed) return location.assign("/queue");
  if (page && page.dataset.pageOf === news.job && ENDED.includes(news.state) !== (page.dataset.ended === "yes"))
    return location.reload(); // there is something to look at now, or no longer
  for (const element of document.querySelectorAll("[data-jobs]"))
    if (news.reload || element.dataset.jobs === "all" || element.dataset.jobs.split(" ").includes(news.job)) reload(pathOf(element));
}

// A browser has few connections to a server, and each tab holds one: those that nobody sees give theirs back.
function listen() {
  if (!document.querySelector("[data-jobs]")) return;
  let stream = document.hidden ? null : follow();
  addEventListener("pagehide", () => stream?.close());
  document.addEventListener("visibilitychange", () => {
    stream?.close();
    stream = document.hidden ? null : follow();
  });
}

function follow() {
  const stream = new EventSource("/api/events");
  stream.addEventListener("job", (event) => changed(JSON.parse(event.data)));
  stream.onopen = () => {
    changed({ reload: true }); // what happened before, or while nobody listened
    fault("");
  };
  stream.onerror = () => {
    fault("The server does not answer. Jobs that it had begun go on when it is started again; this page waits for it.");
  };
  return stream;
}

// Whoever goes by the keyboard stays where they were when a part of the page comes anew: htmx keeps what has the same
// id; where that is gone, the row or the part that it was in has the next button, though never one that takes away.
let within = [];

function remember(event) {
  const at = document.activeElement;
  within = [];
  if (event.detail.target.contains(at))
    for (let each = at.closest("[id]"); each; each = each.parentElement?.closest("[id]")) within.push(each.id);
}

function refocus() {
  if (document.activeElement !== document.body) return;
  for (const id of within) {
    const place = document.getElementById(id);
    const next = place?.querySelector("button:not(.danger)") || place?.querySelector("a[href]");
    if (next) return next.focus();
  }
}

// Files: each is sent as it is, and the page then shows them.
function upload(file, list) {
  const line = document.createElement("li");
  const row = document.createElement("div");
  row.className = "row apart small";
  const name = document.createElement("span");
  name.className = "one-line";
  name.textContent = file.name;
  const state = document.createElement("span");
  state.className = "soft number";
  state.textContent = bytes(file.size);
  const bar = document.createElement("progress");
  bar.max = file.size || 1;
  bar.value = 0;
  bar.setAttribute("aria-label", `Sending ${file.name}`);
  const stop = document.createElement("button");
  stop.type = "button";
  stop.className = "button quiet small";
  stop.textContent = "Cancel";
  row.append(name, state, stop);
  line.append(row, bar);
  list.append(line);
  return new Promise((done) => {
    const request = new XMLHttpRequest();
    const failed = (text) => {
      bar.remove();
      stop.remove();
      state.textContent = "";
      const note = document.createElement("p");
      note.className = "note bad small";
      note.setAttribute("role", "alert");
      note.textContent = text;
      line.append(note);
      done(null);
    };
    request.open("PUT", `/api/uploads?name=${encodeURIComponent(file.name)}`);
    request.setRequestHeader("Content-Type", "application/octet-stream");
    request.upload.onprogress = (event) => {
      bar.value = event.loaded;
      state.textContent = `${bytes(event.loaded)} of ${bytes(file.size)}`;
    };
    request.onload = () => {
      let answer = {};
      try {
        answer = JSON.parse(request.responseText);
      } catch {
        answer = { error: `The server answered ${request.status}.` };
      }
      if (request.status < 300 && answer.id) done(answer.id);
      else failed(answer.error || `The server answered ${request.status}.`);
    };
    request.onerror = () => failed(`${file.name} did not arrive: the server does not answer. Is it still running?`);
    request.onabort = () => {
      line.remove();
      done(null);
    };
    stop.onclick = () => request.abort();
    request.send(file);
  });
}

async function take(place, files) {
  const list = place.querySelector("[data-uploads]");
  const ids = [];
  say(files.length === 1 ? `Sending ${files[0].name}` : `Sending ${files.length} files`);
  for (const file of files) {
    const id = await upload(file, list);
    if (id) ids.push(id);
  }
  place.querySelector("input[type=file]").value = "";
  if (!ids.length) return;
  const address = new URL(place.dataset.drop, location.origin);
  for (const id of ids) address.searchParams.append(place.dataset.name || "file", id);
  if (!list.querySelector(".bad")) location.assign(address);
  else {
    const on = document.createElement("a");
    on.className = "button";
    on.href = address;
    on.textContent = ids.length === 1 ? "Go on with the other file" : `Go on with the other ${ids.length} files`;
    list.append(on);
  }
}

// A single file beside the others, such as a mask: its id goes into a field of the form.
function setOne(place, id, name) {
  const field = place.querySelector("input[type=hidden]");
  field.value = id;
  place.querySelector("[data-one-name]").textContent = name;
  place.querySelector("[data-one-chosen]").hidden = !id;
  field.dispatchEvent(new Event("change", { bubbles: true }));
}

document.addEventListener("click", (event) => {
  const place = event.target.closest?.("[data-one-file]");
  if (event.target.closest?.("[data-one-choose]")) place.querySelector("input[type=file]").click();
  if (!event.target.closest?.("[data-one-none]")) return;
  setOne(place, "", "");
  place.querySelector("[data-one-choose]").focus();
});

document.addEventListener("change", async (event) => {
  const place = event.target.closest("[data-one-file]");
  if (!place || event.target.type !== "file" || !event.target.files.length) return;
  const [file] = event.target.files, list = place.querySelector(".uploads");
  list.replaceChildren();
  const id = await upload(file, list);
  event.target.value = "";
  if (!id) return;
  list.replaceChildren();
  setOne(place, id, file.name);
});

async function filesOf(transfer) {
  const found = [];
  const walk = async (entry) => {
    if (entry.isFile) found.push(await new Promise((done, failed) => entry.file(done, failed)));
    else if (entry.isDirectory) {
      const reader = entry.createReader();
      for (let some; (some = await new Promise((done, failed) => reader.readEntries(done, failed))).length; )
        for (const each of some) await walk(each);
    }
  };
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  if (!entries.length) return [...transfer.files];
  for (const entry of entries) await walk(entry);
  return found.filter((file) => !file.name.startsWith("."));
}

function prepareDrop() {
  const places = [...document.querySelectorAll("[data-drop]")];
  if (!places.length) return;
  for (const place of places) {
    const input = place.querySelector("input[type=file]");
    place.querySelector("[data-choose]").onclick = () => input.click();
    input.onchange = () => input.files.length && take(place, [...input.files]);
  }
  const holds = (event) => event.dataTransfer?.types.includes("Files");
  const at = (event) => event.target.closest?.("[data-drop]") || (places.length === 1 ? places[0] : null);
  let depth = 0;
  addEventListener("dragenter", (event) => holds(event) && (depth++, document.body.classList.add("dragging")));
  addEventListener("dragleave", (event) => {
    if (holds(event) && --depth <= 0) document.body.classList.remove("dragging");
  });
  addEventListener("dragover", (event) => {
    if (!holds(event)) return;
    event.preventDefault();
    event.dataTransfer.dropEffect = at(event) ? "copy" : "none";
  });
  addEventListener("drop", async (event) => {
    if (!holds(event)) return;
    event.preventDefault();
    depth = 0;
    document.body.classList.remove("dragging");
    const place = at(event);
    if (!place) return;
    const files = await filesOf(event.dataTransfer);
    if (files.length) take(place, files);
  });
}

addEventListener("DOMContentLoaded", () => {
  setVariables(document.body);
  for (const image of document.images) if (image.complete && !image.naturalWidth && image.loading !== "lazy") replaceMissing(image);
  document.body.addEventListener("htmx:load", (event) => {
    setVariables(event.target);
    const page = document.querySelector("[data-page-of]");
    if (page && !page.dataset.ended && event.target.matches("[data-job-ended]")) location.reload();
  });
  document.body.addEventListener("htmx:beforeSwap", remember);
  document.body.addEventListener("htmx:afterSwap", refocus);
  document.body.addEventListener("htmx:responseError", (event) => {
    let text = `The server answered ${event.detail.xhr.status}.`;
    try {
      text = JSON.parse(event.detail.xhr.responseText).error || text;
    } catch {}
    fault(text);
  });
  prepareDrop();
  listen();
});
