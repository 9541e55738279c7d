import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseBlueprint } from '../../../knowledge/blueprint.ts';
import { loadLibrary, shippedDirectory } from '../../../knowledge/library.ts';
import { readIntent } from './intent.ts';
import { readPlaces } from './places.ts';
import { findUnsafe } from './safety.ts';
import { MAX_TEXT, Request } from './tokens.ts';

const library = loadLibrary(shippedDirectory()).map(({ blueprint }) => blueprint);
const intent = (text: string): string => {
  const result = readIntent(new Request(text), library);
  return result.ok ? result.blueprint.blueprint : result.code;
};

const table: Readonly<Record<string, readonly string[]>> = {
  archive: ['un lugar seguro para 3 TB de radiografías', 'Platz für 4 TB Fotos', 'put 3 TB of scans away for ten years', 'Backups of our Kubernetes cluster, 20 TB', 'store 900 GB of database dumps in Portugal', 'Wir müssen 60 TB Röntgenbilder zehn Jahre aufbewahren', 'I documenti vanno conservati per legge, sono 5 TB.', 'de quoi stocker 10 To de sauvegardes', 'Hay que conservar los expedientes durante diez años; ocupan 6 TB.', 'Onze dossiers moeten tien jaar worden bewaard, samen 7 TB.', 'archvie 5 TB', 'instead of a database an archive of 5 TB'],
  'key-value-store': ['a store for key/value pairs, 10 GB', 'Schlüssel-Werte-Speicher mit 10 GB', 'un stockage de paires clé-valeur, 6 Go', 'un archivio chiave-valore da 80 GB', 'almacén de claves y valores de 15 GB', 'opslag voor sleutel-waardeparen', 'key vlaue store 2TB'],
  'virtual-disk': ['blk vol 750GB, 3 copies, DE', 'Blockdevice 900 GB, 3 kopieën', 'une partition de 100 Go', 'an extra drive of 400 gigs', 'Blockspeicher 800 GB', 'un périphérique bloc de 4 To', "un'unità disco virtuale da 500 GB", 'dispositivo de bloques de 5 TB', 'een virtuele harddisk van 500 GB', 'vritual disk 100 GB'],
  container: ['nginx image, 1 core', 'image nginx, 2 cœurs, 1 Go', 'immagine nginx, 1 core', 'imagen nginx, 1 núcleo', 'run nginx:1.27 on port 80', 'a postgres:16 container with 2 GB', "lance l'image traefik/whoami:v1.10", 'no kubernetes, just a container of nginx:1.27', 'a database, no wait, a container with redis:7', 'redis in a container', 'gira redis:7 in un container', 'levanta un contendor de nextcloud:29'],
  'web-app': ['scale ghcr.io/a/shop:1 between 2 and 9 replicas', 'deploy the checkout branch of our web application', 'Webdienst mit 2 bis 4 Instanzen', 'une appli web', "l'app web docker.io/a/b:2", 'onze applicatie ghcr.io/a/b:1, 2 tot 5 instanties'],
  website: ['host https://github.com/me/blog.git for me', 'a homepage for our choir', 'Internetauftritt für eine Zahnarztpraxis', 'un site vitrine pour ma boulangerie', 'un sito per il ristorante', 'una web para mi tienda', 'mijn statische webiste'],
  crm: ['CRM with a database and 20 GB of storage for 15 people', 'we want to manage our clients, 8 of us', 'Kundenverwaltung für 15 Leute', 'gestion de la relation client', 'gestionale clienti', 'gestión de clientes', 'klantenbeheer'],
  database: ['a database for our CRM, 50 GB', 'not a key-value store but a database of 20 GB', 'Datenbank für unsere Webanwendung', 'une base Postgres pour notre site web', 'vase de datos postgres', 'postgresdatabase van 60 GB'],
  'data-job': ['run "python train.py" in python:3.12 on s3://bucket/data', 'Trainingslauf mit 4 GPUs', 'traitement ponctuel sur s3://labo/x', 'lavoro batch sui dati s3://x/y', 'ejecuta "make" en gcc:14 sobre /datos/x', 'een eenmalige taak over s3://a/b'],
  kubernetes: ['k8s 3 nodes', 'Kubernetes for our web apps, 6 workers', 'Kubernets-Cluser, 4 Worker', 'grappe Kubernetes', 'no plain containers, a Kubernetes cluster'],
  'private-network': ['I want my laptop and my server to reach each other privately', 'ein internes Netz für kasse und lager', 'relier bureau et maison par un VPN', 'una red entre casa y oficina', 'vnp voor de voetbalclub', 'collegare casa e ufficio con una rete privata'],
  ambiguous: ['a website and a CRM', 'either a container or a database'],
  not_understood: [
    'a car with lots of storage', 'book me a flight to Zurich', 'a Windows desktop with 500 GB', 'a mail server with 50 GB of storage in Germany', 'I want to buy a laptop with a 1 TB disk', 'a gaming PC with 2 TB SSD', "I'd like to lease a red convertible", 'What is a CRM?', 'how many users does your database have?', 'list my contracts', 'delete my archive', 'a Discord bot',
    'Ein Handy mit 256 GB Speicher', 'Was ist eine Datenbank?', 'un ordinateur portable avec 1 To de disque', 'una macchina con tanto spazio', 'un móvil con 256 GB de almacenamiento', 'een auto met veel opslagruimte', 'hello', '5 TB', '?',
  ],
};

describe('readIntent', () => {
  for (const [expected, texts] of Object.entries(table)) it.each(texts)(`${expected}: %s`, (text) => expect(intent(text)).toBe(expected));

  it('names both where it cannot tell', () => {
    const result = readIntent(new Request('a website and a CRM'), library);
    expect(result).toMatchObject({ ok: false, message: expect.stringMatching(/crm.*website|website.*crm/) as string });
  });

  it('knows a blueprint as soon as it is there, by what it says of itself', () => {
    const parsed = parseBlueprint(`
blueprint: mail-server
version: 1.0.0
title: Mail
description: Mail.
author: someone
parameters:
  mailboxes: {type: integer, required: true, description: Mailboxes., hints: {nouns: [mailboxes], implicit: true}}
intents: {nouns: [mail server, mailboxes, Mailserver], examples: [a mail server with 5 mailboxes]}
policy: {role: it-expert}
autonomy: {replace: false}
workloads:
  - {type: zdb, name: box, group: box, resources: {disk: '\${string(mailboxes)}', memory: 1 MiB, cpu: 1m}, spec: {mode: user, capacity: '1', namespaces: [data]}}
`);
    if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
    const result = readIntent(new Request('a mail server for 20 people'), [...library, parsed.blueprint]);
    expect(result.ok && result.blueprint.blueprint).toBe('mail-server');
  });

  it('never throws, and answers the same twice', () => {
    const words = fc.constantFrom(...Object.values(table).flat().flatMap((text) => text.split(' ')));
    fc.assert(fc.property(fc.oneof(fc.string({ unit: 'binary', maxLength: 200 }), fc.array(words, { maxLength: 40 }).map((list) => list.join(' '))), (text) => intent(text) === intent(text)), { seed: 44, numRuns: 300 });
  });

  // Twenty milliseconds on an idle machine; here ten times that, for one that is not.
  it('takes little time for the longest text', () => {
    const words = { isWord: () => false, isThing: () => false };
    const parts = (text: string): void => {
      const request = new Request(text);
      findUnsafe(request);
      readIntent(request, library);
      readPlaces(request, [], words);
    };
    parts('a database of 20 GB in CH');
    for (const part of ['delete the archive of ', 'a database for our CRM, ', 'in the EU except France and ', 'key value ', 'not in ', 'ssh root ', 'x', 'à ', 'with 5 TB of ', "d'un "]) {
      const text = part.repeat(MAX_TEXT).slice(0, MAX_TEXT);
      const took = [0, 1, 2].map(() => {
        const started = performance.now();
        parts(text);
        return performance.now() - started;
      });
      expect([part, Math.min(...took) < 200]).toEqual([part, true]);
    }
  });
});
