/** Pieces that schemas of answers are put together of. */
import type { Schema } from '../description.ts';

export const text: Schema = { type: 'string' };
export const textOrNull: Schema = { type: ['string', 'null'] };
export const count: Schema = { type: 'integer', minimum: 0 };
export const yesOrNo: Schema = { type: 'boolean' };
/** ISO 8601, UTC. */
export const time: Schema = { type: 'string', format: 'date-time' };
export const timeOrNull: Schema = { type: ['string', 'null'], format: 'date-time' };
export const uuid: Schema = { type: 'string', format: 'uuid' };
export const uuidOrNull: Schema = { type: ['string', 'null'], format: 'uuid' };
export const anyObject: Schema = { type: 'object' };
export const anything: Schema = {};

export const oneOf = (values: readonly unknown[]): Schema => ({ enum: [...values] });
export const described = (schema: Schema, description: string): Schema => ({ ...schema, description });
export const listOf = (items: Schema): Schema => ({ type: 'array', items });
export const mapOf = (values: Schema): Schema => ({ type: 'object', additionalProperties: values });
/** A schema of schemas/index.ts, by its name. */
export const ref = (name: string): Schema => ({ $ref: `#/components/schemas/${name}` });

/** An object with these fields and no others. All are there, but for those that are named after it. */
export const object = (properties: Readonly<Record<string, Schema>>, optional: readonly string[] = []): Schema => {
  const required = Object.keys(properties).filter(name => !optional.includes(name));
  return { type: 'object', properties, ...(required.length > 0 && { required }), additionalProperties: false };
};

/** `{items, nextCursor}`. */
export const pageOf = (items: Schema): Schema =>
  object({
    items: listOf(items),
    nextCursor: described(
      textOrNull,
      'For the next page; null at the end. A page may be shorter than asked, or empty, before the end.',
    ),
  });
