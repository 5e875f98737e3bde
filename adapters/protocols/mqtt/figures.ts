/** What the adapter counts, since it started. */
export type Figures = {
  messagesIn: number;
  qos0Dropped: number;
  /** When QoS 0 was last dropped, milliseconds since 1970. */
  qos0DroppedAtMs: number;
  refusedConnects: number;
  /** Of those: clients that connect too often, and addresses of which too many were refused. */
  connectsTooOften: number;
  refusedPublishes: number;
  /** Connections closed for what their client did, or because its messages could not be settled. */
  cutOff: number;
  forwarded: number;
  forwardsDropped: number;
  /** Commands and the like for devices: those that are on their way, and those that did not fit. */
  downlinks: number;
  downlinksFull: number;
  /** Messages for applications of other nodes, one for each node; those that came from there; those that never got there. */
  forwardedToNodes: number;
  forwardedFromNodes: number;
  forwardsToNodesDropped: number;
  /** Applications that were disconnected because messages for them were lost between nodes. */
  missed: number;
};

export const noFigures = (): Figures => ({
  messagesIn: 0,
  qos0Dropped: 0,
  qos0DroppedAtMs: Number.NEGATIVE_INFINITY,
  refusedConnects: 0,
  connectsTooOften: 0,
  refusedPublishes: 0,
  cutOff: 0,
  forwarded: 0,
  forwardsDropped: 0,
  downlinks: 0,
  downlinksFull: 0,
  forwardedToNodes: 0,
  forwardedFromNodes: 0,
  forwardsToNodesDropped: 0,
  missed: 0,
});
