export type { Prompt, TokenPrompt } from './prompts.ts';
export { type Sample, sampleBatched } from './sampler.ts';
export { defaultSampleSettings, type SampleSettings } from './settings.ts';
