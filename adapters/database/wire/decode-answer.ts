import { Parser } from 'pg-protocol/dist/parser.js';
import { type AnswerMessage, StepAnswers } from './step-answers.ts';

/** Reads a whole answer, given in pieces. An error of the server is in the result, not thrown. */
export function decodeAnswer(pieces: readonly Uint8Array[]): StepAnswers {
  const answers = new StepAnswers();
  const parser = new Parser();
  for (const piece of pieces)
    parser.parse(Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength), message =>
      answers.accept(message as AnswerMessage),
    );
  return answers;
}
