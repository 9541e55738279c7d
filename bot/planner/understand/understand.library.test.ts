import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compileBlueprint } from '../../../knowledge/compile.ts';
import { library, shipped } from './library.fixture.ts';
import { understand, understandFor } from './understand.ts';

const GiB = (count: number): string => (BigInt(count) * 2n ** 30n).toString();
const GB = (count: number): string => (BigInt(count) * 10n ** 9n).toString();

/** One request for each blueprint and language or so; bench/understanding holds hundreds. */
const requests: readonly (readonly [text: string, blueprint: string, parameters: Record<string, unknown>])[] = [
  ['3 workers, each 4 vCPU and 16 GB RAM, 100 GB disk, k8s, Paris', 'kubernetes', { workers: 3, worker_cpu: 4, worker_memory: GiB(16), worker_disk: GB(100), cities: ['Paris'] }],
  ['Kubernetes-Cluster mit drei Workern, pro Worker vier Kerne und 16 GB Arbeitsspeicher sowie 200 GB Festplatte, dazu drei Control Planes', 'kubernetes', { workers: 3, worker_cpu: 4, worker_memory: GiB(16), worker_disk: GB(200), control_planes: 3 }],
  ['Clúster de Kubernetes con 6 nodos trabajadores, mejor dicho 8, de 4 núcleos y 16 GB de RAM cada uno', 'kubernetes', { workers: 8, worker_cpu: 4, worker_memory: GiB(16) }],
  ['Cluster Kubernetes con 2 nodi di controllo... no, 3, e 6 nodi worker da 8 core e 32 GB', 'kubernetes', { control_planes: 3, workers: 6, worker_cpu: 8, worker_memory: GiB(32) }],
  ['conteneur avec l\'image postgres:16, deux cœurs, quatre Go de mémoire et cent Go de disque, appelé bdd', 'container', { image: 'postgres:16', cpu: 2, memory: GiB(4), disk: GB(100), name: 'bdd' }],
  ['Lass bitte traefik:v3.1 als Container laufen, Ports 80 und 8080 … Moment, 80 und 443 statt 8080.', 'container', { image: 'traefik:v3.1', ports: [80, 443] }],
  ['Webapp ghcr.io/acme/winkel:2, nooit minder dan 2 en nooit meer dan 8 instanties, poort 3000', 'web-app', { image: 'ghcr.io/acme/winkel:2', replicas_min: 2, replicas_max: 8, port: 3000 }],
  ['Web app "frontdesk" with at least two replicas, half a dozen at peak, image acme/desk:1', 'web-app', { name: 'frontdesk', image: 'acme/desk:1', replicas_min: 2, replicas_max: 6 }],
  ['web app from acme/site:4, exactly 3 replicas', 'web-app', { image: 'acme/site:4', replicas_min: 3, replicas_max: 3 }],
  ['Sito statico da git@github.com:circolo/sito.git, chiamalo circolo, dodici mesi', 'website', { source: 'git@github.com:circolo/sito.git', name: 'circolo', months: 12 }],
  ['on est quinze et on cherche un CRM avec 50 Go de stockage', 'crm', { users: 15, storage: GB(50) }],
  ['A CRM for a dozen salespeople, no more than 1,200 euros a year.', 'crm', { users: 12, max_price: '100000000' }],
  ['la base de datos Postgres tendrá 3 TB y la usarán 120 empleados', 'database', { engine: 'postgres', capacity: GB(3000), users: 120 }],
  ['Fünf Terabyte Archivspeicher, nein, sechs; sieben Jahre lang darf nichts gelöscht werden', 'archive', { capacity: GB(6000), retention_days: 2555 }],
  ['Archief: 2,5 PB, 16 data- en 4 pariteitsfragmenten, driejarig contract', 'archive', { capacity: GB(2_500_000), data_shards: 16, parity_shards: 4, months: 36 }],
  ['Personne ne doit pouvoir modifier les fichiers. 12 To d\'archivage.', 'archive', { capacity: GB(12_000), immutable: true }],
  ['zdb de 40 Go où je choisis moi-même les clés', 'key-value-store', { capacity: GB(40), mode: 'user' }],
  ['key-value store, 5 GB, keys numbered one after another', 'key-value-store', { capacity: GB(5), mode: 'seq' }],
  ['Virtuele schijf, 4 TB groot, in drievoud', 'virtual-disk', { capacity: GB(4000), redundancy: 3 }],
  ['Execute "make all" over s3://maps/tiles in osgeo/gdal:3.9, 45 minutes max', 'data-job', { command: 'make all', dataset: 's3://maps/tiles', image: 'osgeo/gdal:3.9', max_hours: 1 }],
  ['Rete privata tra ufficio, magazzino e negozio; il negozio può raggiungere il magazzino sulla porta 5432', 'private-network', { members: ['magazzino', 'negozio', 'ufficio'], allow: ['negozio->magazzino:5432'] }],
];

const refused: readonly (readonly [text: string, code: string])[] = [
  ['Kubernetes cluster with 3 workers, 4 cores and 8 GB each. The cluster has 7 workers.', 'ambiguous'], ['Un database da 50 GB in Italia. Il database deve essere da 90 GB.', 'ambiguous'], ['CRM for 10 to 20 users', 'ambiguous'],
  ['A CRM for two and a half users', 'invalid_value'], ['web app nginx:1.27 on port 70000', 'invalid_value'], ['Un CRM per -4 utenti', 'invalid_value'], ['virtual disk of 0 GB', 'invalid_value'], ['database of 20 GB for 60 British pounds a month', 'invalid_value'],
];

/** Numbers that say nothing about what is asked for. */
const noise: readonly (readonly [text: string, parameters: Record<string, unknown>])[] = [
  ['We have been a customer since 2011. Order no. 48213. We would like 6 TB of backup storage.', { capacity: GB(6000) }], ['My flight LH1482 was fine, room 204 is cold, battery at 4%. Archive of 1 TB.', { capacity: GB(1000) }],
  ['Wir haben 214 Kinder und einen Hamster. Ein Archiv mit 900 GB für ein halbes Jahr.', { capacity: GB(900), months: 6 }], ['Call me on +49 171 1234567 after 14:30. 2 TB archive for 3 months', { capacity: GB(2000), months: 3 }],
  ['We produce 2 TB a month, so we want 30 TB of archive storage', { capacity: GB(30_000) }],
];

describe('the shipped library', () => {
  it.each(requests)('%s', (text, blueprint, parameters) => {
    const result = understand(text, library);
    expect(result).toMatchObject({ ok: true, blueprint, missing: [] });
    if (!result.ok) return;
    expect(result.parameters).toEqual(parameters);
    for (const { start, end, text: said } of Object.values(result.spans)) expect(text.slice(start, end)).toBe(said);
  });

  it.each(noise)('%s', (text, parameters) => {
    expect(understand(text, library)).toMatchObject({ ok: true, parameters });
    expect(Object.keys((understand(text, library) as { parameters: object }).parameters).sort()).toEqual(Object.keys(parameters).sort());
  });

  it.each(refused)('refuses: %s', (text, code) => {
    expect(understand(text, library)).toMatchObject({ ok: false, error: { code } });
  });

  it('never throws; spans slice the text and values are canonical', () => {
    const words = fc.constantFrom('archive', 'container', 'Kubernetes', 'web app', 'VPN', 'zwischen', 'a', 'ein', 'two', 'drei', '2', '-5', '1.500', '2,5', 'GB', 'To', 'cores', 'workers', 'RAM', 'replicas', 'port', 'nginx:1.27', 's3://a/b', 'KEY=v', '"x y"', '`', '«', 'no,', 'anzi', 'at least', 'bis', 'EUR', 'a month', 'years', 'for', 'called', 'may reach', '->', '½', '…', 'constructor', '__proto__', '\u0000', '🗄️');
    const texts = fc.oneof(fc.string({ unit: 'binary', maxLength: 300 }), fc.array(words, { maxLength: 40 }).map((list) => list.join(' ')));
    fc.assert(
      fc.property(texts, fc.constantFrom(...library), (text, blueprint) => {
        for (const read of [() => understand(text, library), () => understandFor(text, blueprint, { asked: Object.keys(blueprint.parameters)[0] ?? '' })]) {
          const result = read();
          if (JSON.stringify(result) !== JSON.stringify(read())) return false;
          if (!result.ok) continue;
          if (Object.values(result.spans).some(({ start, end, text: said }) => text.slice(start, end) !== said)) return false;
          const compiled = compileBlueprint(shipped(result.blueprint), result.parameters);
          if (compiled.ok ? !Object.keys(result.parameters).every((name) => JSON.stringify(compiled.parameters[name]) === JSON.stringify(result.parameters[name])) : compiled.code === 'unknown_parameter' || compiled.code === 'invalid_value') return false;
        }
        return true;
      }),
      { seed: 5, numRuns: 400 },
    );
  });
});
