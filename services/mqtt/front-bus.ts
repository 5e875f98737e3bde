/** The way to the other nodes that speak MQTT, over Moleculer: every call is pinned to its node. */
import type { ServiceBroker } from 'moleculer';
import type { FrontBus } from '../../adapters/protocols/mqtt/nodes/front-nodes.ts';
import { announce, call } from '../../contracts/contract.ts';
import { mqtt } from '../../contracts/mqtt.contract.ts';

const GREET_TIMEOUT_MS = 1_000;
/** A batch without an answer is sent again, so this needs no long patience. */
const FORWARD_TIMEOUT_MS = 2_000;

export const frontBus = (broker: ServiceBroker): FrontBus => ({
  greet: (nodeID, greeting) => call(broker, mqtt.greet, { greeting }, { nodeID, timeout: GREET_TIMEOUT_MS }),
  forward: (nodeID, forward) => call(broker, mqtt.forward, { forward }, { nodeID, timeout: FORWARD_TIMEOUT_MS }),
  claim: claim => announce(broker, mqtt.applicationConnected, claim),
});

/** The addresses of all other nodes that the bus believes to be there. */
export function otherFrontNodes(broker: ServiceBroker): string[] {
  const endpoints = broker.registry.actions.get(mqtt.forward.name)?.endpoints ?? [];
  return endpoints.map(({ id }) => id!).filter(id => id !== broker.nodeID);
}
