/** Devices in every state that they can have, for tests. */
import type { Answer, RestNode } from './rest-node.ts';
import { ask, register } from './rest-node.ts';

let made = 0;

export const problem = ({ status, body }: Answer): [number, string] => [status, body.type];

export const lifecycleTo = (node: RestNode, id: string, state: string, more: object = {}): Promise<Answer> =>
  ask(node, `POST /api/v1/devices/${id}/lifecycle`, { body: { state, ...more } });

/** A new device; `from`: a state, or `suspended from active`. Answers its id. */
export async function deviceWith(node: RestNode, from: string): Promise<string> {
  const id = `device-${++made}`;
  await register(node, id);
  const [state = '', , origin = 'registered'] = from.split(' ');
  for (const step of [...(state === 'suspended' ? [origin] : []), state])
    if (step !== 'registered') {
      const { status, body } = await lifecycleTo(node, id, step);
      if (status !== 200) throw new Error(JSON.stringify(body));
    }
  return id;
}
