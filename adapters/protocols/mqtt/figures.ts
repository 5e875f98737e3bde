/** What the adapter counts, since it started. */
export type Figures = {
  messagesIn: number;
  qos0Dropped: number;
  /** When QoS 0 was last dropped, milliseconds since 1970. */
  qos0DroppedAtMs: number;
  refusedConnects: number;
  refusedPublishes: number;
  /** Connections closed for what their client did, or because its messages could not be settled. */
  cutOff: number;
  forwarded: number;
  forwardsDropped: number;
};

export const noFigures = (): Figures => ({
  messagesIn: 0,
  qos0Dropped: 0,
  qos0DroppedAtMs: Number.NEGATIVE_INFINITY,
  refusedConnects: 0,
  refusedPublishes: 0,
  cutOff: 0,
  forwarded: 0,
  forwardsDropped: 0,
});
