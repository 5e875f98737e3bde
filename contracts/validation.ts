/** What the type of a device says of values that do not fit it, and what actors know of that. */
import type { MeasurementDescription, MeasurementDescriptions } from './device-types.contract.ts';

/** What is wrong with a stored value, as bits of its `flags`. They are stored: a number never gets another meaning. */
export const FLAGS = {
  outOfRange: 1,
  wrongType: 2,
  tooOld: 4,
  tooFarAhead: 8,
  wrongUnit: 16,
  unknownMeasurement: 32,
} as const;
export type Finding = keyof typeof FLAGS;
export const FINDINGS = Object.keys(FLAGS) as readonly Finding[];

/** The names of these bits, in the order of the bits. */
export const findingsOf = (flags: number): Finding[] => FINDINGS.filter(name => (flags & FLAGS[name]) !== 0);

/**
 * What happens to a value that does not fit: it is stored as any other (`keep`), stored with a mark (`flag`), or its whole message becomes a
 * dead letter (`refuse`).
 */
export const TREATMENTS = ['keep', 'flag', 'refuse'] as const;
export type Treatment = (typeof TREATMENTS)[number];

/** Of a type. What is left out is kept. */
export type Validation = { readonly [finding in Finding]?: Treatment } & {
  /** How old a value may be when it arrives. */
  readonly tooOldSeconds?: number;
  /** How far ahead of the server's clock its time may be. */
  readonly tooFarAheadSeconds?: number;
};

/** The dead letter that a refused value becomes. */
export const REASON_OF = {
  outOfRange: 'out_of_range',
  wrongType: 'wrong_type',
  tooOld: 'too_old',
  tooFarAhead: 'too_far_ahead',
  wrongUnit: 'wrong_unit',
  unknownMeasurement: 'unknown_measurement',
} as const satisfies Record<Finding, string>;

export type MeasurementRule = {
  readonly type: MeasurementDescription['type'];
  readonly unit: string | null;
  /** Infinite: there is no such bound. */
  readonly min: number;
  readonly max: number;
  readonly outOfRange: Treatment;
};

/** What a type says, in the form in which it is looked up for each value. */
export type ValidationRules = {
  readonly measurements: ReadonlyMap<string, MeasurementRule>;
  readonly wrongType: Treatment;
  readonly wrongUnit: Treatment;
  readonly unknownMeasurement: Treatment;
  readonly tooOld: Treatment;
  readonly tooFarAhead: Treatment;
  /** Infinite: nothing is too old, or too far ahead. */
  readonly tooOldSeconds: number;
  readonly tooFarAheadSeconds: number;
};

/**
 * The rules of one type of one tenant: one object for all its devices, however many. When the type changes, `current` is another one from
 * then on, and no actor has to be loaded again.
 */
export type TypeRules = {
  readonly type: string;
  /** Null: nothing that its devices send is held against anything. */
  current: ValidationRules | null;
  /** Nobody keeps it up to date any more: who has it is to be loaded again. */
  isForgotten: boolean;
};

const NO_VALIDATION: Validation = {};

/** Null when all is kept as it comes. What a type does not describe at all can't be wrong. */
export function rulesOf(
  descriptions: MeasurementDescriptions | null,
  validation: Validation | null,
): ValidationRules | null {
  const said = validation ?? NO_VALIDATION;
  const measurements = new Map(
    Object.entries(descriptions ?? {}).map(([name, it]) => [name, ruleOf(it, said.outOfRange ?? 'keep')]),
  );
  const rules: ValidationRules = {
    measurements,
    wrongType: said.wrongType ?? 'keep',
    wrongUnit: said.wrongUnit ?? 'keep',
    unknownMeasurement: descriptions === null ? 'keep' : (said.unknownMeasurement ?? 'keep'),
    tooOld: said.tooOld ?? 'keep',
    tooFarAhead: said.tooFarAhead ?? 'keep',
    tooOldSeconds: said.tooOldSeconds ?? Number.POSITIVE_INFINITY,
    tooFarAheadSeconds: said.tooFarAheadSeconds ?? Number.POSITIVE_INFINITY,
  };
  const { wrongType, wrongUnit, unknownMeasurement, tooOld, tooFarAhead } = rules;
  const all = [wrongType, wrongUnit, unknownMeasurement, tooOld, tooFarAhead];
  const keepsAll = all.every(isKept) && measurements.values().every(it => isKept(it.outOfRange));
  return keepsAll ? null : rules;
}

const isKept = (treatment: Treatment): boolean => treatment === 'keep';

const ruleOf = ({ type, unit, min, max, outOfRange }: MeasurementDescription, usual: Treatment): MeasurementRule => ({
  type,
  unit: unit ?? null,
  min: min ?? Number.NEGATIVE_INFINITY,
  max: max ?? Number.POSITIVE_INFINITY,
  outOfRange: outOfRange ?? usual,
});
