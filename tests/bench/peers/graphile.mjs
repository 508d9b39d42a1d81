// graphile.mjs -- graphile-worker: install | drain | wake SAMPLES | serve | pace RATE SECONDS.
import pg from "pg";
import { makeWorkerUtils, run, runOnce, Logger } from "graphile-worker";
import { begin, pause, quantiles, say, settle, untilClosed } from "./common.mjs";

const quiet = new Logger(() => () => {});
const pool = new pg.Pool({ max: 25 });
pool.on("error", () => {});
// Its fastest documented set-up for throughput: a local queue, completion in batches.
const batched = {
  concurrentJobs: 24,
  maxPoolSize: 25,
  localQueue: { size: 500, refetchDelay: { durationMs: 10 } },
  completeJobBatchDelay: 0,
  failJobBatchDelay: 0,
};
// And for latency: jobs are fetched one by one, as they are notified.
const prompt = { concurrentJobs: 24, maxPoolSize: 25 };
const options = (worker, taskList) => ({
  pgPool: pool,
  taskList,
  noHandleSignals: true,
  preset: { worker: { ...worker, logger: quiet, crontabFile: "/dev/null" } },
});

// Connections are made before the time counts.
const warm = () => Promise.all(Array.from({ length: 24 }, () => pool.query("select pg_sleep(0.05)")));

async function install() {
  const utils = await makeWorkerUtils({ pgPool: pool, logger: quiet });
  await utils.migrate();
  await utils.addJob("noop", {});
  await utils.release();
  await runOnce(options(prompt, { noop: () => {} }));
}

async function drain() {
  let jobs = 0;
  await warm();
  const start = await begin();
  await runOnce(options(batched, { noop: () => void jobs++ }));
  say("start_ms", start);
  say("end_ms", Date.now());
  say("jobs", jobs);
}

async function wake(samples) {
  let started;
  const runner = await run(options(prompt, { noop: () => started(performance.now()) }));
  const utils = await makeWorkerUtils({ pgPool: pool, logger: quiet });
  const times = [];
  await warm();
  for (let i = 0; i < samples; i++) {
    const at = new Promise((done) => (started = done));
    await settle(i);
    const start = performance.now();
    await utils.addJob("noop", { id: i });
    times.push((await at) - start);
  }
  quantiles("wake", times);
  await utils.release();
  await runner.stop();
}

// A worker until standard input is closed; says when its first job began and how many there were.
async function serve() {
  let jobs = 0;
  const noop = () => {
    if (jobs++ === 0) say("first_ms", performance.timeOrigin + performance.now());
  };
  const runner = await run(options(batched, { noop }));
  say("waiting", 1);
  await untilClosed();
  await runner.stop();
  say("jobs", jobs);
}

// Three jobs with one call, so many times a second, whatever comes of them.
async function pace(rate, seconds) {
  const spec = (id) => ({ identifier: "noop", payload: { id } });
  const utils = await makeWorkerUtils({ pgPool: pool, logger: quiet });
  await warm();
  const start = await begin();
  const calls = [];
  for (let n = 0; n < rate * seconds; n++) {
    const early = start + (n * 1000) / rate - Date.now();
    if (early > 1) await pause(early);
    calls.push(utils.addJobs([spec(3 * n), spec(3 * n + 1), spec(3 * n + 2)]));
  }
  await Promise.all(calls);
  say("added", calls.length * 3);
  say("seconds", (Date.now() - start) / 1000);
  await utils.release();
}

const [what, ...numbers] = process.argv.slice(2);
await { install, drain, wake, serve, pace }[what](...numbers.map(Number));
await pool.end();
process.exit(0);
