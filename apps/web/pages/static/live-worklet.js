// In the browser's audio thread: the microphone in pieces to the socket, and what comes back to the loudspeaker.
import { Playout } from "./live-playout.js";

const PIECE = 0.02; // seconds
const MOST_AWAY = 0.5; // seconds of sound that may be away to be converted; what is spoken meanwhile is left out
const TELL = 0.1; // seconds between two reports to the page

class Voice extends AudioWorkletProcessor {
  constructor() {
    super();
    this.piece = new Int16Array(Math.round(PIECE * sampleRate));
    this.filled = 0;
    this.sent = 0;
    this.gaps = []; // [samples sent before it, samples left out there]
    this.dropped = 0;
    this.begun = 0; // the frame at which the first sample was spoken; 0 until samples are taken
    this.ended = false;
    this.playout = new Playout(sampleRate);
    this.peaks = [0, 0];
    this.told = 0;
    this.port.onmessage = ({ data }) => {
      if (data.sound) this.connect(data.sound);
      if (data.begin) this.begun = currentFrame;
      if (data.end) this.ended = true;
    };
  }

  connect(sound) {
    this.sound = sound;
    sound.onmessage = ({ data }) => this.playout.push(new Int16Array(data), currentFrame);
  }

  process([[input]], [[output]]) {
    if (this.ended) return false;
    const spoken = input || new Float32Array(output.length);
    if (this.begun) {
      this.capture(spoken);
      this.playout.play(output, currentFrame);
    }
    this.peaks = [spoken, output].map((sound, at) => sound.reduce((most, each) => Math.max(most, Math.abs(each)), this.peaks[at]));
    if (currentFrame - this.told >= TELL * sampleRate) this.tell();
    return true;
  }

  capture(spoken) {
    for (const sample of spoken) {
      this.piece[this.filled++] = Math.max(-32768, Math.min(32767, Math.round(sample * 32768)));
      if (this.filled < this.piece.length) continue;
      this.filled = 0;
      if (this.sent - this.playout.received > MOST_AWAY * sampleRate) this.leaveOut(this.piece.length);
      else this.send();
    }
  }

  send() {
    const copy = this.piece.slice();
    this.sent += copy.length;
    this.sound.postMessage(copy.buffer, [copy.buffer]);
  }

  leaveOut(samples) {
    this.dropped += samples;
    const last = this.gaps[this.gaps.length - 1];
    if (last && last[0] === this.sent) last[1] += samples;
    else this.gaps.push([this.sent, samples]);
    if (this.gaps.length > 1000) this.gaps.splice(0, 2, [this.gaps[1][0], this.gaps[0][1] + this.gaps[1][1]]);
  }

  // Seconds from the microphone's sample to the loudspeaker's: both are counted by one clock.
  delay() {
    const leftOut = this.gaps.reduce((sum, [at, samples]) => (at <= this.playout.position ? sum + samples : sum), 0);
    return (currentFrame - this.begun - this.playout.position - leftOut) / sampleRate;
  }

  tell() {
    this.told = currentFrame;
    const { playing, underruns, skipped } = this.playout;
    this.port.postMessage({
      peaks: this.peaks, playing, underruns, skipped: skipped / sampleRate, dropped: this.dropped / sampleRate,
      delay: playing ? this.delay() : null,
    });
    this.peaks = [0, 0];
  }
}

registerProcessor("voice", Voice);
