import { describe, expect, it } from 'vitest';
import { boundsOf, ImageReference, Workload } from './workload.ts';

const common = { secrets: [], dials: [], resources: { disk: '1000', memory: '0', cpu: '0' } };
const store = (name: string): Workload => ({ ...common, type: 'zdb', name, group: 'zdb', spec: { mode: 'user', capacity: '1', namespaces: ['data'] } });
const copy = (name: string, copies: string[], group = 'disk'): Workload => ({ ...common, type: 'volume', name, group, spec: { capacity: '1', copies } });
const machine = (name: string, role: 'control-plane' | 'worker', controlPlanes: string[]): Workload => ({ ...common, type: 'kubernetes', name, group: role, spec: { role, cluster: 'c', controlPlanes } });

describe('boundsOf', () => {
  it('bounds the stores of an archive by its parity', () => {
    const slots = ['z0', 'z1', 'z2'];
    const archive: Workload = { ...common, type: 'archive', name: 'a', group: 'archive', dials: slots, spec: { dataShards: 2, parityShards: 1, slots, bucket: 'b', region: 'ch', retentionDays: 0, immutable: false } };
    expect(boundsOf([...slots.map(store), archive])).toEqual([{ group: 'zdb', atMost: 1 }]);
    expect(boundsOf(slots.map(store))).toEqual([]);
  });

  it('lets all copies of a volume but one be replaced at once, and an only copy never', () => {
    const copies = ['d0', 'd1', 'd2'];
    expect(boundsOf(copies.map((name) => copy(name, copies)))).toEqual([{ group: 'disk', atMost: 2 }]);
    expect(boundsOf([copy('d0', ['d0'])])).toEqual([{ group: 'disk', atMost: 0 }]);
    expect(boundsOf([copy('x', ['x'], 'b'), ...copies.map((name) => copy(name, copies, 'a'))])).toEqual([{ group: 'a', atMost: 2 }, { group: 'b', atMost: 0 }]);
  });

  it.each([[1, 0], [3, 1], [5, 2]])('of %i control planes, %i may be replaced at once, and any worker', (count, atMost) => {
    const planes = Array.from({ length: count }, (_, i) => `p${i}`);
    expect(boundsOf([...planes.map((name) => machine(name, 'control-plane', planes)), machine('w', 'worker', planes)])).toEqual([{ group: 'control-plane', atMost }]);
  });
});

describe('Workload', () => {
  const container = (spec: object): boolean => Workload.safeParse({ ...common, type: 'container', name: 'c', group: 'c', spec: { image: 'nginx', command: [], env: {}, mounts: [], ports: [], ...spec } }).success;

  it('has no field to ask for the powers of a host', () => {
    expect(container({})).toBe(true);
    for (const extra of [{ privileged: true }, { hostNetwork: true }, { capabilities: ['SYS_ADMIN'] }]) expect(container(extra)).toBe(false);
  });

  it('mounts at absolute paths that lead nowhere else', () => {
    expect(container({ mounts: [{ volume: 'v', path: '/var/lib/data' }] })).toBe(true);
    for (const path of ['data', '/', '/var/../etc', '/a//b', '/a b']) expect(container({ mounts: [{ volume: 'v', path }] })).toBe(false);
  });

  it('takes images as registries write them', () => {
    for (const image of ['nginx', 'nginx:1.27', 'ghcr.io/acme/shop:2.1', 'localhost:5000/a/b', `nginx@sha256:${'0'.repeat(64)}`]) expect(ImageReference.safeParse(image).success, image).toBe(true);
    for (const image of ['', 'Nginx', 'a b', 'nginx:', '../x', 'https://x.org/a', `nginx@sha256:${'0'.repeat(63)}`, 'a'.repeat(300)]) expect(ImageReference.safeParse(image).success, image).toBe(false);
  });
});
