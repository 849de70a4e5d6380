// Converted sound that has arrived, and the moment at which each sample of it is played: as soon as the unevenness of
// its arrivals allows. Times are counted in frames of the audio clock.

const WINDOW = 3; // seconds whose arrivals say how uneven they are
const MARGIN = 0.005; // seconds that sound waits beyond the latest arrival
const FIRST = 0.03; // the same before enough has arrived to tell
const FASTEST = 0.02; // share by which sound is played faster or slower at most: a third of a semitone
const HURRY = 0.2; // the share, for each second that sound waits too long or too short
const QUIET = 0.003; // a peak of -50 dB, which may be left out; or one that is
const SOFT = 0.05; // 26 dB below what was loudest lately, where a microphone hisses
const FORGETS = 3; // seconds in which the loudest is forgotten
const LONGEST = 0.3; // seconds of needless waiting after which sound is left out even where it is loud
const QUANTUM = 128;

export class Playout {
  constructor(rate) {
    this.rate = rate;
    this.ring = new Float32Array(Math.ceil(4 * rate));
    this.received = 0; // samples so far
    this.position = 0; // the next sample to play, which may lie between two
    this.playing = false;
    this.arrivals = []; // [frame, frames from a sample's place in the sound to its arrival]
    this.wanted = 0; // frames from a sample's place to its playing that the arrivals call for
    this.underruns = 0;
    this.skipped = 0; // samples that were left out
    this.hurried = false;
    this.loudest = 0;
  }

  // Samples (16 bits) that have arrived at the frame `now`.
  push(samples, now) {
    this.arrivals.push([now, now - this.received]);
    while (this.arrivals[0][0] < now - WINDOW * this.rate) this.arrivals.shift();
    const isNew = now - this.arrivals[0][0] < this.rate / 2;
    this.wanted = Math.max(...this.arrivals.map(([, late]) => late)) + this.rate * (isNew ? FIRST : MARGIN);
    for (const sample of samples) this.ring[this.received++ % this.ring.length] = sample / 32768;
    const oldest = this.received - this.ring.length + 2 * QUANTUM;
    if (this.position < oldest) this.leaveOut(oldest - this.position);
  }

  // Seconds that sound waits now beyond what is needed.
  excess(now) {
    return (now - this.position - this.wanted) / this.rate;
  }

  // Fill `output` with what is due at the frame `now`; silence where nothing has arrived in time.
  play(output, now) {
    output.fill(0);
    if (!this.received) return;
    if (!this.playing && (this.excess(now) < 0 || this.position + 1 >= this.received)) return;
    this.playing = true;
    const speed = this.speed(now, output.length);
    for (let at = 0; at < output.length; at++) {
      if (this.position + 1 >= this.received) {
        this.underruns++;
        this.playing = false; // until as much waits as has to
        return;
      }
      output[at] = this.sample(this.position);
      this.position += speed;
    }
    const level = output.reduce((most, each) => Math.max(most, Math.abs(each)), 0);
    this.loudest = Math.max(level, this.loudest * Math.exp(-output.length / (FORGETS * this.rate)));
  }

  sample(place) {
    const before = Math.floor(place), share = place - before;
    const first = this.ring[before % this.ring.length];
    return share ? first + share * (this.ring[(before + 1) % this.ring.length] - first) : first;
  }

  // How fast to play, so that as much waits as is needed: silence is left out, and else sound is hurried a little.
  speed(now, length) {
    let excess = this.excess(now);
    if (excess > LONGEST) this.leaveOut(excess * this.rate);
    else if (excess > 3 * MARGIN && this.isQuiet(2 * length)) this.leaveOut(length);
    excess = this.excess(now);
    if (Math.abs(excess) > 3 * MARGIN) this.hurried = true;
    if (Math.abs(excess) < MARGIN / 2) this.hurried = false;
    if (this.hurried) return 1 + Math.min(FASTEST, Math.max(-FASTEST, HURRY * excess));
    this.position = Math.round(this.position);
    return 1;
  }

  isQuiet(length) {
    const begin = Math.floor(this.position);
    if (begin + length + 1 >= this.received) return false;
    const most = Math.max(QUIET, SOFT * this.loudest);
    for (let at = begin; at < begin + length; at++) if (Math.abs(this.ring[at % this.ring.length]) > most) return false;
    return true;
  }

  leaveOut(samples) {
    const count = Math.min(Math.round(samples), Math.max(0, this.received - Math.ceil(this.position)));
    this.position += count;
    this.skipped += count;
  }
}
