import { existsSync, readdirSync, statSync } from 'node:fs';
import { createServer, type IncomingMessage, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import type { BrowserContext, Page } from 'playwright-core';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome'];

/** A Chromium that is installed here. */
export function findChromium(): string | undefined {
  const folders = [...(process.env['PATH'] ?? '').split(path.delimiter), '/usr/bin', '/usr/lib/chromium'];
  return folders.flatMap((folder) => NAMES.map((name) => path.join(folder, name))).find((file) => existsSync(file));
}

/** The name of a suite that needs it, with the reason when it is skipped. */
export function forWantOfChromium(name: string): string {
  return findChromium() === undefined ? `${name} (for want of chromium: apt-get install chromium)` : name;
}

/** Chromium's own sandbox does not work for root, who runs nothing here but what the tests serve. */
export function chromiumFlags(): string[] {
  return process.getuid?.() === 0 ? ['--no-sandbox'] : [];
}

export interface Watched {
  readonly page: Page;
  /** Refusals of the page's policy, and errors of its programs. */
  readonly complaints: string[];
  /** Everything that was asked of anybody: addresses, and what was sent. */
  readonly requests: string[];
}

export async function watchedPage(context: BrowserContext): Promise<Watched> {
  const page = await context.newPage();
  const complaints: string[] = [];
  const requests: string[] = [];
  page.on('request', (request) => requests.push(`${request.url()} ${request.postData() ?? ''}`));
  page.on('pageerror', (error) => complaints.push(`error: ${error.message}`));
  page.on('console', (message) => { if (/Content Security Policy|Trusted/i.test(message.text())) complaints.push(message.text()); });
  await page.exposeFunction('reportViolation', (text: string) => complaints.push(text));
  await page.addInitScript("addEventListener('securitypolicyviolation', (event) => reportViolation(event.violatedDirective + ' ' + event.blockedURI))");
  return { page, complaints, requests };
}

/** Changes the body of what is answered under a path; a number is a status, with nothing said; undefined leaves the answer as it is. */
export type Tamper = (path: string, body: Buffer) => Buffer | string | number | undefined;

/** A bot's address with somebody in between. */
export interface Liar {
  readonly url: string;
  tamper: Tamper | undefined;
  close(): Promise<void>;
}

export async function startLiar(bot: string): Promise<Liar> {
  const target = new URL(bot);
  const server = createServer((incoming, outgoing) => {
    const onward = request({ host: target.hostname, port: target.port, path: incoming.url, method: incoming.method, headers: { ...incoming.headers, host: target.host, ...(incoming.headers.origin !== undefined && { origin: target.origin }), 'accept-encoding': 'identity' } }, (answer) => {
      void readAll(answer).then((body) => {
        const said = liar.tamper?.(incoming.url ?? '', body) ?? body;
        const [status, changed] = typeof said === 'number' ? [said, ''] : [answer.statusCode ?? 502, said];
        const { 'transfer-encoding': _chunked, ...headers } = answer.headers;
        outgoing.writeHead(status, { ...headers, 'content-length': Buffer.byteLength(changed) });
        outgoing.end(changed);
      });
    });
    onward.once('error', () => outgoing.destroy());
    incoming.pipe(onward);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const liar: Liar = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    tamper: undefined,
    close: () => new Promise((resolve) => {
      server.closeAllConnections();
      server.close(() => { resolve(); });
    }),
  };
  return liar;
}

async function readAll(message: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of message) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

/** Texts whose contrast with what is behind them is under 4.5 (WCAG 2.2, 1.4.3), as the browser has computed their colours. */
export const FAINT = `(() => {
  const parts = (color) => color.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => [r, g, b].map((v) => v / 255).map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)).reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = (element) => { for (let at = element; at; at = at.parentElement) { const color = parts(getComputedStyle(at).backgroundColor); if (color.length === 3 || color[3] === 1) return color; } return [255, 255, 255]; };
  return [...document.querySelectorAll('body *')].filter((element) => element.checkVisibility() && !element.disabled && [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim() !== '')).flatMap((element) => {
    const [a, b] = [light(parts(getComputedStyle(element).color)), light(behind(element))].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    return ratio < 4.5 ? [element.tagName + '.' + element.className + ' ' + ratio.toFixed(2)] : [];
  });
})()`;

/** Files of a folder and of the folders in it, without the largest. */
export function filesOf(dir: string): string[] {
  return readdirSync(dir, { withFileTypes: true }).flatMap((entry) => {
    const file = path.join(dir, entry.name);
    return entry.isDirectory() ? filesOf(file) : entry.isFile() && statSync(file).size < 64 * 1024 * 1024 ? [file] : [];
  });
}
