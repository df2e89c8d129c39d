import assert from 'node:assert/strict';
import { compareGraphs } from '../../src/analysis/index.ts';
import { parseSolution } from '../../src/verify/index.ts';
import { FORWARD, FORWARD_GRAPH } from '../verify/samples.ts';

/*      fox ──> deer
 *       │ \     /
 *       │  bear
 *       │   │ \
 *       total  \
 *           \   │
 *            wolf        */
const verdicts = (text: string): string[] =>
  compareGraphs(FORWARD_GRAPH, parseSolution(text)).nodes.map(({ verdict }) => verdict);

describe('compareGraphs', () => {
  it('calls every node of the gold solution right', () => {
    const { nodes, processAccuracy } = compareGraphs(FORWARD_GRAPH, parseSolution(FORWARD));
    assert.deepEqual(
      nodes,
      FORWARD_GRAPH.nodes.map(({ name, value }) => ({
        name,
        verdict: 'right',
        goldValue: value,
        predictedValue: value,
        sound: true,
      })),
    );
    assert.equal(processAccuracy, 1);
  });

  it('tells the kinds of wrong nodes apart', () => {
    const wrong = FORWARD.replace('so j = 2', 'so j = 3') // fox: wrong value
      .replace('B = P + j', 'B = P + P') // bear: wrong parents
      .replace(/Define total.*?Define adult wolf/, 'Define adult wolf'); // total is missing, wolf uses it
    assert.deepEqual(verdicts(`${wrong.slice(0, -10)} Define new thing as Y; so Y = 1. Answer: 8.`), [
      'wrong_value',
      'right',
      'wrong_parents',
      'missing',
      'wrong_parents',
      'extra',
    ]);
  });

  it('keeps apart a wrong number and a right number from a false equation', () => {
    const [, , bear] = compareGraphs(
      FORWARD_GRAPH,
      parseSolution(FORWARD.replace('= 2 + 2 = 4; so q', '= 2 + 5 = 4; so q')),
    ).nodes;
    assert.deepEqual([bear!.verdict, bear!.predictedValue, bear!.sound], ['wrong_value', 7, false]);
  });

  it('has no value for what is not there', () => {
    const { nodes } = compareGraphs(FORWARD_GRAPH, parseSolution('nothing'));
    assert.ok(
      nodes.every(({ verdict, predictedValue }) => verdict === 'missing' && Number.isNaN(predictedValue)),
    );
  });
});
