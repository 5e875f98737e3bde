/**
 * Every number that says "no" in MQTT. A 3.1.1 client hears a reason only in CONNACK; at any other time its connection is
 * closed. MQTT 5: section 2.4 lists the codes and the packets that each may travel in.
 */

/** Why the server closes a connection, with the reason code of its MQTT 5 DISCONNECT (section 3.14.2.1). */
export const DISCONNECTS = {
  malformed_packet: 0x81,
  protocol_error: 0x82,
  not_authorized: 0x87,
  /** The credential that opened the connection has come to its end. */
  credential_expired: 0x87,
  /** The message may or may not be stored: the sender shall connect and send it again. 0x88 exists in CONNACK only. */
  not_settled: 0x89,
  shutting_down: 0x8b,
  taken_over: 0x8e,
  topic_invalid: 0x90,
  topic_alias_invalid: 0x94,
  packet_too_large: 0x95,
  rate_too_high: 0x96,
  overloaded: 0x97,
  /** Messages for an application were lost on the way from another node: it is as if its queue had been full. */
  messages_missed: 0x97,
  revoked: 0x98,
} as const;
export type DisconnectReason = keyof typeof DISCONNECTS;

/** Reasons that are not the client's doing; the others count as "cut off". */
export const isServersDoing = (reason: DisconnectReason): boolean =>
  reason === 'shutting_down' || reason === 'taken_over' || reason === 'revoked' || reason === 'credential_expired';

/** Why a CONNECT is refused: the return code of 3.1.1 (section 3.2.2.3) and the reason code of 5 (section 3.2.2.2). */
export const REFUSED_CONNECTS = {
  no_credentials: { v4: 5, v5: 0x87 },
  wrong_credentials: { v4: 4, v5: 0x86 },
  not_authorized: { v4: 5, v5: 0x87 },
  client_id_too_long: { v4: 2, v5: 0x85 },
  unavailable: { v4: 3, v5: 0x88 },
  busy: { v4: 3, v5: 0x89 },
  too_many_connections: { v4: 3, v5: 0x97 },
  /** This client connects too often, or its address was refused too often. */
  connect_rate: { v4: 3, v5: 0x9f },
} as const;
export type ConnectRefusal = keyof typeof REFUSED_CONNECTS;

/** Answers to one PUBLISH or PUBREL (sections 3.4.2.1, 3.5.2.1, 3.7.2.1). */
export const SUCCESS = 0x00;
/** This one, and all above it, say that something was not done (section 2.4). */
export const FIRST_REFUSAL = 0x80;
export const NOT_AUTHORIZED = 0x87;
export const TOPIC_NAME_INVALID = 0x90;
export const PACKET_IDENTIFIER_NOT_FOUND = 0x92;
