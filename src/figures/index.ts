export { type ErrorTypesOptions, errorTypes } from './error-types.ts';
export { Figure } from './figure.ts';
export type { Frame } from './frame.ts';
export * from './graph/index.ts';
export { type PassAtKOptions, passAtK, passAtKByOp } from './pass-at-k.ts';
export type * from './types.ts';
