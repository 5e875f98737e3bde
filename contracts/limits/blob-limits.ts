/** Blobs and Parquet files. */
export const BLOB_LIMITS = {
  /** A part of an upload to S3: in memory once for each upload under way. S3 takes 5 MiB to 5 GiB, and 10,000 parts of a blob. */
  blobPartMaxBytes: 8 * 1024 * 1024,
  /** A store that says nothing for so long, or does not take a part within it, is asked again. */
  blobTimeoutMs: 60_000,
  /** And so often before the error is the caller's. */
  blobAttempts: 5,
  /** The pause before the first of them; the next ones are twice as long each, by chance up to half of it shorter. */
  blobRetryMs: 200,
  /** A draft that no living process of this machine writes, and that nobody touched for so long, is from a crash. */
  blobDraftKeepMinutes: 60,
  /** Rows of a row group that we write: in memory at once, and some 30 ms of work in one piece. */
  parquetRowGroupRows: 10_000,
  /** And bytes of texts in it: values may be documents. */
  parquetRowGroupTextMaxBytes: 4 * 1024 * 1024,
  /** Rows that are handed on at once when a file is read. */
  parquetBatchRows: 1_000,
  /** Fetched at once: row groups are small, and each request to a bucket takes its time. */
  parquetReadAheadBytes: 256 * 1024,
  /** Of files that others made: rows of a row group, which is in memory whole. Arrow writes up to 1,048,576. */
  parquetReadRowGroupMaxRows: 2_000_000,
  /** And bytes of those of its columns that are read, without compression. */
  parquetReadRowGroupMaxBytes: 128 * 1024 * 1024,
  /** What a file says of itself, at its end: it grows with the row groups and columns. */
  parquetFooterMaxBytes: 16 * 1024 * 1024,
  /** Files that others made are decoded in a thread of their own: its memory, and how long it may take for one step. */
  parquetThreadMaxMebibytes: 512,
  parquetThreadTimeoutSeconds: 60,
} as const;
