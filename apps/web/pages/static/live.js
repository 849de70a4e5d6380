// The page Live: microphone, socket and loudspeaker, and what is said of them.
"use strict";

const NO_PLACE = `A browser gives the microphone only to pages that come from its own machine or by https. This one comes from ${location.hostname}. Open it on the machine that serves it, by 127.0.0.1; or through a tunnel (ssh -L ${location.port}:localhost:${location.port} ${location.hostname}), by localhost; or put a proxy with a certificate in front.`;
const NO_WORKLET = "This browser cannot convert sound while it plays (it has no AudioWorklet). A newer one can: Chrome and Edge from 66, Firefox from 76, Safari from 14.1.";
const REFUSED = {
  NotAllowedError: "The browser did not let this page have the microphone. Allow it by the sign beside the address, and start again.",
  NotFoundError: "There is no microphone. Connect one, and start again.",
  OverconstrainedError: "The microphone that was chosen is gone. Choose another one, and start again.",
  NotReadableError: "The microphone cannot be used: another program has it, or the system keeps it from the browser.",
};
const GONE = "The server does not answer. Is it still running? Start again.";
const BEHIND = 5000; // milliseconds for which it stays said that the machine does not keep up

// What this browser lacks, in a sentence; empty where it has everything.
function lacking() {
  if (!isSecureContext || !navigator.mediaDevices?.getUserMedia) return NO_PLACE;
  return "AudioWorkletNode" in window ? "" : NO_WORKLET;
}

class Conversation {
  constructor(settings, changed) {
    this.settings = settings;
    this.changed = changed;
    this.over = false;
    this.fault = "";
  }

  // Raises a DOMException where there is no microphone.
  async start() {
    const { microphone, loudspeaker, echo } = this.settings;
    this.stream = await navigator.mediaDevices.getUserMedia({ audio: {
      channelCount: 1, autoGainControl: false, noiseSuppression: false, echoCancellation: Boolean(echo),
      ...(microphone && { deviceId: { exact: microphone } }),
    } });
    if (this.over) return this.stop();
    this.stream.getAudioTracks()[0].onended = () => this.stop("The microphone is gone. Connect it again, and start again.");
    this.context = new AudioContext({ latencyHint: "interactive" });
    if (loudspeaker) await this.context.setSinkId(loudspeaker);
    await this.context.audioWorklet.addModule("/static/live-worklet.js");
    await this.context.resume();
    if (this.over) return this.stop();
    const options = { numberOfInputs: 1, numberOfOutputs: 1, outputChannelCount: [1], channelCount: 1, channelCountMode: "explicit" };
    this.node = new AudioWorkletNode(this.context, "voice", options);
    this.node.port.onmessage = ({ data }) => this.changed({ ...data, device: this.deviceDelay() });
    this.context.createMediaStreamSource(this.stream).connect(this.node).connect(this.context.destination);
    this.changed({ state: "loading" });
    this.connect();
  }

  connect() {
    const { do: model, strength, pitch } = this.settings;
    const asked = new URLSearchParams({ do: model, strength, pitch, rate: this.context.sampleRate });
    const address = `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/live/voice?${asked}`;
    const { port1: sound, port2: ofAudio } = new MessageChannel();
    this.node.port.postMessage({ sound: ofAudio }, [ofAudio]);
    this.socket = new Worker("/static/live-socket.js");
    this.socket.onmessage = ({ data }) => this.fromServer(data);
    this.socket.onerror = () => this.stop(GONE);
    this.socket.postMessage({ address, sound }, [sound]);
  }

  fromServer(told) {
    if (told.error) this.fault = `${told.error[0].toUpperCase()}${told.error.slice(1)}.`;
    if (told.closed) this.stop(this.fault || GONE);
    if (!told.ready || this.over) return;
    this.node.port.postMessage({ begin: true });
    this.changed({ state: "live" });
  }

  // Seconds that the browser and the sound card take, as far as they tell.
  deviceDelay() {
    const { baseLatency, outputLatency } = this.context;
    return (baseLatency || 0) + (outputLatency || 0) + (this.stream.getAudioTracks()[0].getSettings().latency || 0);
  }

  stop(fault = "") {
    for (const track of this.stream?.getTracks() || []) track.stop();
    this.socket?.terminate();
    this.node?.port.postMessage({ end: true });
    if (this.context && this.context.state !== "closed") this.context.close();
    if (!this.over) this.changed({ state: "idle", fault });
    this.over = true;
  }
}

class Page {
  constructor(form) {
    this.form = form;
    this.part = (name) => form.querySelector(`[data-${name}]`);
    this.levels = form.querySelectorAll("[data-level]");
    this.conversation = null;
    this.dropped = 0;
    this.lastDrop = -Infinity;
    if (!("setSinkId" in (window.AudioContext?.prototype || {}))) this.part("output").hidden = true;
    form.onsubmit = (event) => {
      event.preventDefault();
      if (this.conversation) this.conversation.stop();
      else this.start();
    };
    form.elements.strength.oninput = () => (this.part("strength").textContent = `${form.elements.strength.value} %`);
    form.elements.strength.oninput();
    addEventListener("pagehide", () => this.conversation?.stop());
    const fault = lacking();
    if (!fault) navigator.mediaDevices.addEventListener?.("devicechange", () => this.listDevices());
    this.part("start").disabled ||= Boolean(fault);
    this.say(fault);
  }

  async start() {
    const settings = Object.fromEntries(new FormData(this.form));
    const conversation = (this.conversation = new Conversation(settings, (told) => this.show(conversation, told)));
    this.show(conversation, { state: "asking" });
    try {
      await conversation.start();
      await this.listDevices();
    } catch (error) {
      conversation.stop(REFUSED[error.name] || `The sound of this browser does not start: ${error.message}`);
    }
  }

  show(conversation, told) {
    if (conversation !== this.conversation) return;
    if (told.state) this.enter(told.state, told.fault || "");
    if (told.peaks) this.measure(told);
  }

  enter(state, fault) {
    this.form.dataset.live = state;
    this.part("start").textContent = state === "idle" ? "Start" : "Stop";
    this.part("state").textContent = {
      idle: "The microphone is off.", asking: "The browser asks whether this page may have the microphone.",
      loading: "One moment: the voice is made ready.", live: "Speak. You are heard with the other voice.",
    }[state];
    for (const group of this.form.querySelectorAll("[data-settings]")) group.disabled = state !== "idle";
    this.say(fault);
    say(fault ? "" : this.part("state").textContent);
    if (state !== "idle") return;
    this.conversation = null;
    this.dropped = 0;
    this.lastDrop = -Infinity;
    this.showLevels([0, 0]);
    this.part("delay").textContent = "–";
    this.part("behind").hidden = true;
  }

  measure({ peaks, delay, device, dropped }) {
    this.showLevels(peaks);
    if (delay !== null) this.showDelay(delay, device);
    const now = performance.now(), behind = this.part("behind");
    if (dropped > this.dropped) this.lastDrop = now;
    this.dropped = dropped;
    behind.hidden = now - this.lastDrop > BEHIND;
    const text = `This machine does not keep up: ${dropped.toFixed(1)} s of what you said were left out. Let other work on it end, or choose a smaller model.`;
    if (!behind.hidden && behind.textContent !== text) behind.textContent = text;
  }

  // From -60 dB to full scale.
  showLevels(peaks) {
    for (const [at, level] of this.levels.entries()) {
      const share = Math.min(1, Math.max(0, 1 + Math.log10(peaks[at] || 1e-9) / 3));
      level.style.setProperty("--level", share);
      level.setAttribute("aria-valuenow", Math.round(100 * share));
    }
  }

  showDelay(delay, device) {
    const whole = Math.round(1000 * (delay + device));
    this.part("delay").innerHTML = "";
    this.part("delay").append(`${whole} ms`);
    const share = document.createElement("span");
    share.className = "small soft";
    share.textContent = `of these ${Math.round(1000 * device)} ms in browser and sound card`;
    this.part("delay").append(share);
  }

  // Names of devices are known once the microphone was given.
  async listDevices() {
    const devices = await navigator.mediaDevices.enumerateDevices();
    for (const [name, kind] of [["microphone", "audioinput"], ["loudspeaker", "audiooutput"]]) {
      const list = this.form.elements[name], chosen = list.value;
      const named = devices.filter((each) => each.kind === kind && each.label && !["", "default"].includes(each.deviceId));
      list.replaceChildren(list.options[0], ...named.map((each) => new Option(each.label, each.deviceId)));
      list.value = named.some((each) => each.deviceId === chosen) ? chosen : "";
    }
  }

  say(fault) {
    this.part("fault").textContent = fault;
    this.part("fault").hidden = !fault;
  }
}

addEventListener("DOMContentLoaded", () => new Page(document.querySelector("[data-live]")));
