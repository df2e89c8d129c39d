export { type AlignedKind, type AlignedStep, type Alignment, alignResponse } from './align.ts';
export { browse, browseAsPage } from './browse.ts';
export { type EvaluatedSample, EvaluationIndex, openEvaluation } from './evaluation.ts';
export type { BrowseOptions, SampleFilters } from './filters.ts';
export { SampleSet, samples } from './samples.ts';
export { SAMPLE_VERDICTS, type SampleVerdict } from './verdicts.ts';
export type { BrowserView } from './view.ts';
