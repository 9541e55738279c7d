// One line that moves on a terminal; a line now and then where there is none (CI logs, pipes).
const TERMINAL_MS = 500;
const LOG_MS = 20_000;

/** Shows `label`, the seconds since the start and the current detail on stderr until `done(result)` is called. */
export function progress(label) {
  const started = Date.now();
  const terminal = process.stderr.isTTY === true;
  let detail = '';
  const seconds = () => Math.round((Date.now() - started) / 1000);
  const line = () => `${label} · ${seconds()} s${detail ? ` · ${detail}` : ''}`;
  const draw = () => {
    if (!terminal) process.stderr.write(`${line()}\n`);
    else process.stderr.write(`\r\u001b[K${line().slice(0, (process.stderr.columns ?? 80) - 1)}`);
  };
  draw();
  const timer = setInterval(draw, terminal ? TERMINAL_MS : LOG_MS);
  timer.unref();
  return {
    detail: (text) => {
      detail = text;
    },
    done: (result) => {
      clearInterval(timer);
      process.stderr.write(`${terminal ? '\r\u001b[K' : ''}${label} · ${seconds()} s · ${result}\n`);
    },
  };
}
