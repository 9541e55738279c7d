import type { WorkloadType } from '../../contract/workload.ts';

/** One node of the world: where it lies, what it runs, what it has in terabytes, and cents a month for a terabyte. */
export interface NodeSpec { readonly label: string; readonly country: string; readonly city: string; readonly types: readonly WorkloadType[]; readonly terabytes: number; readonly cents: number }

/** Everything but Kubernetes and jobs: some things must be refused because nobody runs them. */
const ALL: readonly WorkloadType[] = ['zdb', 'archive', 'container', 'volume', 'network'];
const node = (city: string, country: string, n: number, cents: number, terabytes = 360): NodeSpec => ({ label: `${city.toLowerCase()}-${n}`, country, city, types: ALL, terabytes, cents });
const gateway = (city: string, country: string): NodeSpec => ({ label: `gateway-${city.toLowerCase()}`, country, city, types: ['gateway-name'], terabytes: 1, cents: 250 });

/** Twelve nodes in six Swiss cities, eight cheaper ones in Germany, three in France, two in Austria, and a gateway in each country. */
export const NODES: readonly NodeSpec[] = [
  ...['Zurich', 'Geneva', 'Basel', 'Bern', 'Lausanne', 'Lugano'].flatMap((city) => [node(city, 'CH', 1, 250), node(city, 'CH', 2, 250)]),
  ...['Frankfurt', 'Berlin', 'Munich', 'Hamburg'].flatMap((city) => [node(city, 'DE', 1, 200), node(city, 'DE', 2, 200)]),
  node('Paris', 'FR', 1, 240), node('Paris', 'FR', 2, 240), node('Lyon', 'FR', 1, 240), node('Vienna', 'AT', 1, 260), node('Vienna', 'AT', 2, 260),
  gateway('Zurich', 'CH'), gateway('Frankfurt', 'DE'), gateway('Paris', 'FR'), gateway('Vienna', 'AT'),
];
