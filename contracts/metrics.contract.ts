import { action, contract } from './contract.ts';

/** Figures of one process, for programs that watch it. */
export const metrics = contract('metrics', {
  /** In Prometheus' text format. */
  prometheus: action({}, { needs: 'system:read' }).returns<string>(),
});
