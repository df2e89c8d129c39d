export { type Prompt, type Sample, sampleBatched } from './sampler.ts';
export { defaultSampleSettings, type SampleSettings } from './settings.ts';
