export { compareAsReference } from './compare.ts';
export { parseAsReference, statementsOf } from './parse.ts';
export { goldOfReference, verifyAsReference } from './verdict.ts';
