export { PATTERNS, type PatternName } from './pretokenize.ts';
export * from './special.ts';
export { type AddedToken, Tokenizer, type TokenizerParts } from './tokenizer.ts';
export { SMALLEST_VOCABULARY, type TrainOptions, trainTokenizer } from './train.ts';
