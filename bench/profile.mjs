// Where one process spends its time, through Node's own inspector: works for engines too, which get no environment.
import { setTimeout as sleep } from 'node:timers/promises';
import WebSocket from 'ws';

const INSPECTOR = 'http://127.0.0.1:9229/json/list';
const OPEN_MS = 10_000;
const SAMPLING_US = 1000;

async function inspectorUrl(pid) {
  process.kill(pid, 'SIGUSR1');
  const deadline = performance.now() + OPEN_MS;
  while (performance.now() < deadline) {
    const list = await fetch(INSPECTOR).then((r) => r.json(), () => []);
    if (list[0]) return list[0].webSocketDebuggerUrl;
    await sleep(100);
  }
  throw new Error(`process ${pid} opens no inspector`);
}

async function connect(url) {
  const socket = new WebSocket(url, { perMessageDeflate: false });
  await new Promise((resolve, reject) => {
    socket.once('open', resolve);
    socket.once('error', reject);
  });
  let last = 0;
  const waiting = new Map();
  socket.on('message', (data) => {
    const { id, result, error } = JSON.parse(data);
    const entry = waiting.get(id);
    waiting.delete(id);
    if (error) entry?.reject(new Error(error.message));
    else entry?.resolve(result);
  });
  const call = (method, params = {}) => new Promise((resolve, reject) => {
    waiting.set((last += 1), { resolve, reject });
    socket.send(JSON.stringify({ id: last, method, params }));
  });
  return { call, close: () => socket.terminate() };
}

/** Self time by function while `work` runs in other processes, most first; the inspector is closed again. */
export async function profileDuring(pid, work) {
  const { call, close } = await connect(await inspectorUrl(pid));
  try {
    await call('Profiler.enable');
    await call('Profiler.setSamplingInterval', { interval: SAMPLING_US });
    await call('Profiler.start');
    await work();
    const { profile } = await call('Profiler.stop');
    // The port must be free for the next process.
    call('Runtime.evaluate', { expression: 'process._debugEnd()' }).catch(() => undefined);
    await sleep(300);
    return selfTimes(profile);
  } finally {
    close();
  }
}

function selfTimes({ nodes, samples, timeDeltas }) {
  const byId = new Map(nodes.map((node) => [node.id, node.callFrame]));
  const sums = new Map();
  let total = 0;
  samples.forEach((id, i) => {
    const { functionName, url, lineNumber } = byId.get(id) ?? { functionName: '?', url: '', lineNumber: 0 };
    if (functionName === '(idle)') return;
    const name = `${functionName || '(anonymous)'}${url ? ` ${url.split('/').at(-1)}:${lineNumber + 1}` : ''}`;
    sums.set(name, (sums.get(name) ?? 0) + timeDeltas[i]);
    total += timeDeltas[i];
  });
  return [...sums].sort((a, b) => b[1] - a[1]).map(([name, us]) => ({ name, ms: us / 1000, share: us / total }));
}
