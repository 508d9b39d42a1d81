// common.mjs -- what both drivers share: waiting for the word to begin, figures as lines "name value", pauses.
import { createInterface } from "node:readline";

const input = createInterface({ input: process.stdin });
const lines = input[Symbol.asyncIterator]();

// Says that everything is loaded and connected, and waits for a line, so that several processes start at once.
export async function begin() {
  console.log("waiting 1");
  await lines.next();
  return Date.now();
}

// Until standard input is closed.
export async function untilClosed() {
  while (!(await lines.next()).done);
}

export const say = (name, value) => console.log(`${name} ${value}`);

export const pause = (ms) => new Promise((done) => setTimeout(done, ms));

// Between two samples everybody goes to sleep again, at no fixed phase of anything.
export const settle = (i) => pause(20 + ((i * 7) % 13));

export function quantiles(name, values) {
  values.sort((a, b) => a - b);
  say(`${name}_p50_ms`, values[Math.floor(values.length / 2)].toFixed(3));
  say(`${name}_p99_ms`, values[Math.floor((values.length * 99) / 100)].toFixed(3));
}
