import { createHash } from 'node:crypto';
import type { Limits } from '../../../contracts/limits.ts';
import type { Endpoint } from '../endpoint.ts';
import { openApiDocument } from './document.ts';

type DocumentText = { readonly text: string; readonly etag: string };
let made: { readonly limits: Limits; readonly document: DocumentText } | undefined;

/** Made once, when somebody asks for it first. */
export function openApiText(endpoints: readonly Endpoint[], limits: Limits): DocumentText {
  if (made?.limits !== limits) made = { limits, document: textOf(endpoints, limits) };
  return made.document;
}

function textOf(endpoints: readonly Endpoint[], limits: Limits): DocumentText {
  const text = JSON.stringify(openApiDocument(endpoints, limits));
  return { text, etag: `"${createHash('sha256').update(text).digest('base64url').slice(0, 22)}"` };
}
