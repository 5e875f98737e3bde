/** The archive of a node: its files, and readings out of them. */
import type { BlobStore } from '../../../contracts/blobs.ts';
import type { Limits } from '../../../contracts/limits.ts';
import type { Database } from '../database.ts';
import { ArchiveFiles } from './archive-files.ts';
import { ArchiveReader } from './archive-reading.ts';

export type Archive = { readonly files: ArchiveFiles; readonly readings: ArchiveReader };

export function openArchive(database: Database, blobs: BlobStore, limits: Limits): Archive {
  const files = new ArchiveFiles(blobs, limits);
  return { files, readings: new ArchiveReader({ database, files, limits }) };
}
