/** What makes a device's publish wrong, and how its client is told. Such a message is kept as a dead letter first. */
import type { Limits } from '../../../contracts/limits.ts';
import type { Refusal } from '../../../contracts/uplinks.ts';
import type { Inbound } from './aedes-internals.ts';
import { topicFault } from './permissions.ts';
import { type DisconnectReason, NOT_AUTHORIZED, TOPIC_NAME_INVALID } from './reasons.ts';

/** `answer`: the reason code of an MQTT 5 PUBACK; without it, and for 3.1.1 always, the connection is closed. */
export type WrongPublish = {
  readonly refusal: Refusal;
  readonly answer: number | undefined;
  readonly close: DisconnectReason;
};

/** A publish to a topic that is not among the device's own. */
export function wrongTopic(topic: string, limits: Limits): WrongPublish {
  const fault = topicFault(topic, limits);
  if (fault === undefined)
    return {
      refusal: { reason: 'topic_forbidden', detail: 'The device may not publish to this topic' },
      answer: NOT_AUTHORIZED,
      close: 'not_authorized',
    };
  return {
    refusal: { reason: 'topic_invalid', detail: fault.detail },
    answer: fault.malformed ? undefined : TOPIC_NAME_INVALID,
    close: fault.malformed ? 'protocol_error' : 'topic_invalid',
  };
}

/** A packet that was read whole, and is larger than allowed. Undefined: it is not. */
export function tooLarge({ payload, length }: Inbound, limits: Limits): WrongPublish | undefined {
  const { messageMaxBytes, packetOverheadMaxBytes } = limits;
  if (payload.length > messageMaxBytes)
    return packetTooLarge(
      `The payload has ${payload.length} bytes; the limit is ${messageMaxBytes} (${length} bytes with its topic)`,
    );
  if (length > messageMaxBytes + packetOverheadMaxBytes)
    return packetTooLarge(`The packet has ${length} bytes; the limit is ${messageMaxBytes + packetOverheadMaxBytes}`);
  return undefined;
}

export const packetTooLarge = (detail: string): WrongPublish => ({
  refusal: { reason: 'packet_too_large', detail },
  answer: undefined,
  close: 'packet_too_large',
});
