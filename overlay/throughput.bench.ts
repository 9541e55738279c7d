import { TestGrid } from './grid-fixture.ts';

// One stream, one way, with sender, receiver and relay in one process. Bundle it, then: node FILE direct|relay [MiB] [KiB a write]
const MIB = 1024 * 1024;
const [way = 'direct', mebibytes = '1024', kibibytes = '1024'] = process.argv.slice(2);
const total = Number(mebibytes) * MIB;
const chunk = Buffer.alloc(Number(kibibytes) * 1024, 7);

const grid = new TestGrid();
if (way === 'relay') await grid.node('relay', { relay: true, listen: true });
const sender = await grid.node('sender');
const receiver = await grid.node('receiver', { listen: way !== 'relay' });
await new Promise((resolve) => setTimeout(resolve, 300));

let received = 0;
const finished = new Promise<void>((resolve) => {
  receiver.agent.handle((stream) => {
    stream.on('data', (data: Buffer) => (received += data.length));
    stream.on('end', () => {
      stream.end();
      resolve();
    });
  });
});
const stream = await sender.agent.dial({ node: receiver.id, service: 'sink' });
const start = performance.now();
let peak = 0;
for (let sent = 0; sent < total; sent += chunk.length) {
  if (!stream.write(chunk)) await new Promise((resolve) => stream.once('drain', resolve));
  peak = Math.max(peak, process.memoryUsage.rss());
}
stream.end();
await finished;
const seconds = (performance.now() - start) / 1_000;
process.stdout.write(`${way}, writes of ${kibibytes} KiB: ${(received / 1e6 / seconds).toFixed(0)} MB/s, peak RSS ${(peak / 1e6).toFixed(0)} MB\n`);
await grid.close();
