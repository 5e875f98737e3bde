/** Rules of fields that several resources have. */
import { typed } from './contract.ts';

export const NAME = { type: 'string', min: 1, max: 200 } as const;
export const ID = { type: 'string', optional: true } as const;
export const text = (max: number) => ({ type: 'string', optional: true, nullable: true, max }) as const;
export const METADATA = typed<Record<string, unknown> | undefined>({ type: 'object', optional: true });
export const TAGS = { type: 'array', optional: true, max: 50, items: 'string|min:1|max:100' } as const;
export const PAGING = { limit: 'number|optional|integer', cursor: 'string|optional' } as const;
