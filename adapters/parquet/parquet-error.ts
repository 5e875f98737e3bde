/**
 * - `not_parquet`: it is another kind of file. - `damaged`: it was cut off or changed, or does not say of itself what it has.
 * - `unsupported`: a compression or an encoding that is not read here. - `wrong_columns`: it lacks a column that is needed, or has it with
 *   another type. - `too_large`: more at once than may be in memory. - `bad_row`: a row that can not be written.
 */
export type ParquetErrorKind = 'not_parquet' | 'damaged' | 'unsupported' | 'wrong_columns' | 'too_large' | 'bad_row';

/** Its message is for whoever has sent the file. */
export class ParquetError extends Error {
  readonly kind: ParquetErrorKind;
  constructor(kind: ParquetErrorKind, message: string) {
    super(message);
    this.name = 'ParquetError';
    this.kind = kind;
  }
}

export const damaged = (what: string): ParquetError => new ParquetError('damaged', `The file is damaged: ${what}`);

/** Does it, with `damaged` for whatever the library says: its messages are not for those who sent the file. */
export async function decoding<T>(what: string, work: () => T | Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw error instanceof ParquetError ? error : damaged(what);
  }
}
