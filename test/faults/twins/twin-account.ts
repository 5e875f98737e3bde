/** What is known of twins after a run: a counter in one of their documents, which one writer sets to 1, 2, 3, ... */
export type Step = { readonly version: number; readonly patch: Readonly<Record<string, unknown>> };
export type Counted = {
  readonly deviceId: string;
  readonly document: 'reported' | 'desired';
  /** The newest number whose change was acknowledged. */
  readonly acknowledged: number;
  /** The one after it was sent, and nobody answered. */
  readonly hasUnknown: boolean;
  readonly stored: {
    readonly version: number;
    readonly counter: number;
    /** How the document came to its versions, and the same as events told it, each in order. */
    readonly steps: readonly Step[];
    readonly events: readonly Step[];
  };
  /** The number that the device applied last; undefined: it applies none. */
  readonly applied: number | undefined;
};
