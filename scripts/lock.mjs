// One process at a time installs or builds; a lock whose owner was killed is taken over, never waited for.
import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const POLL_MS = 250;
const WAIT_LIMIT_MS = 20 * 60_000;

/** The kernel's start time of a process, so that a reused pid is not mistaken for the owner; '' where there is no /proc. */
function startTime(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The command name stands in parentheses and may hold spaces: count fields after the last ')'.
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
  } catch {
    return '';
  }
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

function read(path) {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

function isHeld(text) {
  const [pid, started] = text.split(' ');
  return isAlive(Number(pid)) && startTime(Number(pid)) === started;
}

/** Takes the lock file or says who holds it: the content appears at once with the name, because link(2) is atomic. */
function tryTake(path, mine) {
  const draft = `${path}.${process.pid}`;
  writeFileSync(draft, mine);
  try {
    linkSync(draft, path);
    return true;
  } catch (error) {
    if (error.code !== 'EEXIST') throw error;
    return false;
  } finally {
    rmSync(draft, { force: true });
  }
}

/** Moves a dead owner's lock aside; if a living one slipped in between, gives it back. */
function clearStale(path, seen) {
  const aside = `${path}.stale.${process.pid}`;
  try {
    renameSync(path, aside);
  } catch {
    return;
  }
  if (read(aside) !== seen) {
    try {
      linkSync(aside, path);
    } catch {
      // Somebody holds it already: nothing to give back.
    }
  }
  rmSync(aside, { force: true });
}

/** Runs `work` while holding the lock file at `path`; `onWait(pid)` is called once when another process holds it. */
export async function withLock(path, work, onWait) {
  mkdirSync(dirname(path), { recursive: true });
  const mine = `${process.pid} ${startTime(process.pid)}`;
  const deadline = Date.now() + WAIT_LIMIT_MS;
  let told = false;
  while (!tryTake(path, mine)) {
    const seen = read(path);
    if (seen !== undefined && !isHeld(seen)) clearStale(path, seen);
    else {
      if (seen !== undefined && !told) onWait?.(Number(seen.split(' ')[0]));
      told = true;
      if (Date.now() > deadline) throw new Error(`${path} is still held by process ${seen}; end it and try again`);
      await sleep(POLL_MS);
    }
  }
  const release = () => {
    if (read(path) === mine) rmSync(path, { force: true });
  };
  process.once('exit', release);
  try {
    return await work();
  } finally {
    process.off('exit', release);
    release();
  }
}
