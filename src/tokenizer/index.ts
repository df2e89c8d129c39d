export * from './count.ts';
export * from './folder.ts';
export { PATTERNS, type PatternName } from './pretokenize.ts';
export * from './special.ts';
export * from './stats.ts';
export * from './texts.ts';
export { type AddedToken, Tokenizer, type TokenizerParts } from './tokenizer.ts';
export { checkTrainOptions, SMALLEST_VOCABULARY, type TrainOptions, trainTokenizer } from './train.ts';
