export {
  defaultSampleSettings,
  type Prompt,
  type Sample,
  type SampleSettings,
  sampleBatched,
} from './sampler.ts';
