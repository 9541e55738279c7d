import { paint } from './output.ts';
import { isSecretAsked } from './prompt.ts';
import { printable, printableText } from './render/printable.ts';

/** Shows what is going on, on stderr: redrawn in place at a terminal, a line each change when piped, nothing when quiet. */
export interface Progress {
  /** Replaces the current line. */
  update(text: string): void;
  /** Ends the current line for good. */
  done(text: string): void;
  note(text: string): void;
  stop(): void;
}

const FRAMES = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];

export function createProgress(stream: NodeJS.WriteStream = process.stderr): Progress {
  return stream.isTTY ? liveProgress(stream) : plainProgress(stream);
}

function plainProgress(stream: NodeJS.WriteStream): Progress {
  let last = '';
  const line = (text: string): void => {
    if (text !== last) stream.write(`${printableText(text)}\n`);
    last = text;
  };
  return { update: line, done: (text) => { line(`ok  ${text}`); }, note: line, stop: () => undefined };
}

function liveProgress(stream: NodeJS.WriteStream): Progress {
  let frame = 0;
  let current = '';
  let timer: NodeJS.Timeout | undefined;
  const draw = (): void => {
    if (isSecretAsked()) return;
    frame = (frame + 1) % FRAMES.length;
    stream.write(`\r\x1b[2K${paint('cyan', FRAMES[frame] ?? '', stream)} ${current.slice(0, (stream.columns || 80) - 3)}`);
  };
  const clear = (): void => {
    if (timer) clearInterval(timer);
    timer = undefined;
    stream.write('\r\x1b[2K');
  };
  return {
    update: (text) => {
      current = printable(text);
      timer ??= setInterval(draw, 100);
      draw();
    },
    done: (text) => {
      clear();
      stream.write(`${paint('green', '✓', stream)} ${printableText(text)}\n`);
    },
    note: (text) => {
      clear();
      stream.write(`${printableText(text)}\n`);
    },
    stop: clear,
  };
}
