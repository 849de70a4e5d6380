// The pages of trainings: files for a side, and a look back at earlier results.
"use strict";

async function sendAll(side, files, folderName = "") {
  const drop = side.querySelector("[data-side-drop]"), shown = side.querySelector(".sending");
  const bar = shown.querySelector("progress"), text = shown.querySelector("[data-sent]");
  const letter = side.dataset.side, field = side.querySelector("input[type=text]");
  if (!field.value.trim()) field.value = folderName;
  shown.hidden = false;
  drop.setAttribute("aria-busy", "true");
  const all = files.reduce((sum, file) => sum + file.size, 0) || 1;
  const seen = new Map();
  let done = 0;
  try {
    const folder = await asked("POST", "/api/uploads/folders", JSON.stringify({ name: folderName || `files ${letter}` }), "application/json");
    for (const [number, file] of files.entries()) {
      text.textContent = `${number + 1} of ${files.length}: ${file.name}`;
      const again = seen.get(file.name) || 0;  // files of one name in several folders
      seen.set(file.name, again + 1);
      const own = again ? file.name.replace(/(\.[^.]*)?$/, (end) => ` (${again + 1})${end}`) : file.name;
      const address = `/api/uploads?name=${encodeURIComponent(own)}&folder=${folder.id}`;
      await asked("PUT", address, file, "application/octet-stream", (sent) => (bar.value = (done + sent) / all));
      done += file.size;
      bar.value = done / all;
    }
    fault("");
    const query = new URLSearchParams({ side: letter, place: folder.id, [`name_${letter}`]: field.value });
    htmx.ajax("GET", `/train/new/side?${query}`, { source: side, target: side, swap: "outerHTML" });
  } catch (error) {
    fault(error.message);
    shown.hidden = true;
    drop.removeAttribute("aria-busy");
  }
}

function asked(method, address, body, type, progress) {
  return new Promise((done, failed) => {
    const request = new XMLHttpRequest();
    request.open(method, address);
    request.setRequestHeader("Content-Type", type);
    if (progress) request.upload.onprogress = (event) => progress(event.loaded);
    request.onload = () => {
      let answer = {};
      try {
        answer = JSON.parse(request.responseText);
      } catch {}
      if (request.status < 300) done(answer);
      else failed(new Error(answer.error || `The server answered ${request.status}.`));
    };
    request.onerror = () => failed(new Error("The server does not answer. Is it still running?"));
    request.send(body);
  });
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-side-drop] [data-choose]");
  if (button) button.closest("[data-side-drop]").querySelector(`[data-${button.dataset.choose}]`).click();
});

document.addEventListener("change", (event) => {
  const input = event.target;
  if (input.matches("[data-side-drop] input[type=file]") && input.files.length) {
    const files = [...input.files].filter((file) => !file.name.startsWith("."));
    sendAll(input.closest("[data-side]"), files, files[0]?.webkitRelativePath.split("/")[0]);
  }
  if (input.closest("#new-training")) forgetFaults();
  if (input.name === "medium") {
    for (const id of ["detail", "task"]) document.getElementById(id).hidden = input.value === "audio";
  }
});

// What was wrong when it was to begin may no longer be so.
function forgetFaults() {
  document.getElementById("faults")?.replaceWith(Object.assign(document.createElement("div"), { id: "faults" }));
}
document.addEventListener("sides", forgetFaults);

document.addEventListener("input", (event) => {
  const input = event.target;
  if (input.dataset.picks) input.closest("label").querySelector("input[type=radio]").checked = true;
  if (!input.dataset.sheets) return;
  const [step, address] = JSON.parse(input.dataset.sheets)[Number(input.value)];
  const section = input.closest(".sheets"), picture = section.querySelector(".sheet img");
  picture.src = address;
  picture.alt = `Originals and results after step ${step}`;
  section.querySelector(".sheet").href = address;
  section.querySelector("[data-sheet-step]").textContent = `step ${step.toLocaleString("en")}`;
});

for (const [name, over] of [["dragenter", true], ["dragover", true], ["dragleave", false], ["drop", false]])
  document.addEventListener(name, async (event) => {
    const drop = event.target.closest?.("[data-side-drop]");
    if (!event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault();
    if (name === "dragover") event.dataTransfer.dropEffect = drop ? "copy" : "none";
    if (!drop) return;
    drop.classList.toggle("over", over);
    if (name !== "drop") return;
    const entry = event.dataTransfer.items[0]?.webkitGetAsEntry?.();
    const files = await filesOf(event.dataTransfer);
    if (files.length) sendAll(drop.closest("[data-side]"), files, entry?.isDirectory ? entry.name : "");
  });

// The kind of files is known by their names: it is chosen when both sides agree, until somebody chooses otherwise.
document.addEventListener("htmx:afterSettle", () => {
  const media = [...document.querySelectorAll("[data-medium]")].map((side) => side.dataset.medium);
  const known = media.length && new Set(media).size === 1 && document.querySelector(`input[name=medium][value="${media[0]}"]`);
  if (!known || known.checked || document.getElementById("media").dataset.touched) return;
  known.checked = true;
  known.dispatchEvent(new Event("change", { bubbles: true }));
});
document.addEventListener("pointerdown", (event) => {
  const media = event.target.closest?.("#media");
  if (media) media.dataset.touched = "yes";
});

// What was opened stays open when its part of the page comes anew.
const opened = new Set();
document.addEventListener("toggle", (event) => {
  if (!event.target.id || !event.target.matches("details")) return;
  if (event.target.open) opened.add(event.target.id);
  else if (event.target.isConnected) opened.delete(event.target.id);
}, true);
document.addEventListener("htmx:load", (event) => {
  for (const details of event.target.querySelectorAll?.("details[id]") ?? []) details.open ||= opened.has(details.id);
});
