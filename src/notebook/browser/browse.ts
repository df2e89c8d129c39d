/** `browse(folder)`: the samples of an evaluation in a cell, or on a page of their own. */
import { Displayable } from '../displayable.ts';
import { browserBundle, browserPage } from './bundle.ts';
import { type BrowseOptions, parseBrowseOptions } from './filters.ts';
import { type SampleSet, samples } from './samples.ts';
import { type BrowserView, viewSamples } from './view.ts';

/**
 * Shows samples of an evaluation: filters by op, context, mode, verdict and error; each problem with its quantities
 * marked, each response against gold step by step, the predicted graph beside the gold one. The output needs no kernel;
 * it holds at most `limit` samples (default 60), a spread over all that pass the filters, or with `page` the n-th
 * `limit` of them: `browse('out/eval', { op: '4-6', verdict: 'answer_only' })`.
 * @throws userError BROWSE_FILTER, OPS_INVALID, MODE_UNKNOWN, and as {@link samples}
 */
export function browse(evaluation: string | SampleSet, options: BrowseOptions = {}): Displayable {
  const { set, limit, page, given } = selected(evaluation, options);
  return new Displayable(() =>
    browserBundle(set.evaluation, set.positions, { limit, page, ...(given === undefined ? {} : { given }) }),
  );
}

/** The same as a page to be written to a file, and what it holds. */
export function browseAsPage(
  evaluation: string | SampleSet,
  options: BrowseOptions = {},
): { html: string; view: BrowserView } {
  const { set, limit, page, given } = selected(evaluation, options);
  const view = viewSamples(set.evaluation, set.positions, {
    limit,
    page,
    ...(given === undefined ? {} : { given }),
  });
  return { html: browserPage(view), view };
}

function selected(evaluation: string | SampleSet, options: BrowseOptions) {
  const { limit, page, ...filters } = parseBrowseOptions(options);
  const set = typeof evaluation === 'string' ? samples(evaluation) : evaluation;
  const given = typeof evaluation === 'string' ? filters : undefined;
  return { set: set.filter(filters), limit, page, given };
}
