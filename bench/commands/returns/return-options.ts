/** `paces`: a run of one process for each; `clusterPace`: of the run of several nodes, all together. 0 nodes: no such run. */
export const FLAGS = {
  devices: 10_000,
  commands: 10,
  paces: '1000,50000',
  connectSeconds: 10,
  processes: 2,
  nodes: 3,
  clusterDevices: 2_000,
  clusterPace: 1_000,
};
export const SHORT = {
  devices: 300,
  commands: 5,
  paces: '300',
  connectSeconds: 1,
  clusterDevices: 150,
  clusterPace: 150,
};

/** `1000,50000` to numbers; `''` to none. Throws a RangeError for anything else. */
export function parsePaces(text: string): number[] {
  if (text === '') return [];
  const paces = text.split(',').map(it => (/^[1-9]\d*$/.test(it) ? Number(it) : Number.NaN));
  if (paces.some(Number.isNaN)) throw new RangeError(`--paces is "${text}", but must be numbers like 1000,50000`);
  return paces;
}
