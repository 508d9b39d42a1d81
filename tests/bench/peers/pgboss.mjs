// pgboss.mjs -- pg-boss: install | fill JOBS | drain | wake SAMPLES | serve.
import { PgBoss } from "pg-boss";
import { begin, quantiles, say, settle, untilClosed } from "./common.mjs";

const QUEUE = "noop";
// What a drain needs none of is off; 2,000 is where its fetch is fastest.
const FETCH = 2000;
const INSERT = 5000;
const listening = process.argv[2] === "wake";
const boss = new PgBoss({ connectionString: process.env.PEER_URL, supervise: false, schedule: false, useListenNotify: listening });
boss.on("error", (e) => {
  throw e;
});
await boss.start();

async function install() {
  await boss.createQueue(QUEUE);
  await boss.createQueue("lone", { notify: true });
}

async function fill(jobs) {
  for (let at = 0; at < jobs; at += INSERT)
    await boss.insert(QUEUE, Array.from({ length: Math.min(INSERT, jobs - at) }, (_, i) => ({ data: { id: at + i } })));
}

async function drain() {
  let jobs = 0;
  await boss.fetch("lone", { batchSize: 1 });
  const start = await begin();
  for (;;) {
    const got = await boss.fetch(QUEUE, { batchSize: FETCH });
    if (got.length === 0) break;
    jobs += got.length;
    await boss.complete(QUEUE, got.map((j) => j.id));
  }
  say("start_ms", start);
  say("end_ms", Date.now());
  say("jobs", jobs);
}

async function wake(samples) {
  let started;
  await boss.work("lone", { batchSize: 1 }, async () => started(performance.now()));
  const times = [];
  for (let i = 0; i < samples; i++) {
    const at = new Promise((done) => (started = done));
    await settle(i);
    const start = performance.now();
    await boss.send("lone", { id: i });
    times.push((await at) - start);
  }
  quantiles("wake", times);
}

// A worker until standard input is closed; says when its first job began.
async function serve() {
  let jobs = 0;
  await boss.work(QUEUE, { batchSize: 500 }, async () => {
    if (jobs++ === 0) say("first_ms", performance.timeOrigin + performance.now());
  });
  say("waiting", 1);
  await untilClosed();
}

const [what, ...numbers] = process.argv.slice(2);
await { install, fill, drain, wake, serve }[what](...numbers.map(Number));
await boss.stop({ graceful: false });
process.exit(0);
