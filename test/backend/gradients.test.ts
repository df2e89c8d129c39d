import assert from 'node:assert/strict';
import * as tf from '@tensorflow/tfjs-core';
import { linear, recomputed, rmsNorm, useBackend, variableGradients } from '../../src/backend/index.ts';
import { backendsHere } from '../backends.ts';
import { assertClose, exactly, float, tensorOf } from './op-test.ts';

for (const backend of ['cpu', 'native', 'wasm'] as const) {
  describe(`variableGradients on ${backend}`, () => {
    let a: tf.Variable;
    let b: tf.Variable;
    let variables: Map<string, tf.Variable>;
    before(async function () {
      if (!(await backendsHere()).includes(backend)) this.skip();
      await useBackend(backend);
      a = tf.variable(tensorOf(float('a', [4, 4])));
      b = tf.variable(tensorOf(float('b', [4])));
      variables = new Map([
        ['a', a],
        ['b', b],
      ]);
    });
    after(() => tf.dispose([a, b].filter((x) => x !== undefined)));

    /** Values, gradients and what stays in memory, against tf.variableGrads of the same loss. */
    const sameAsTfjs = (loss: () => tf.Scalar) => {
      const tensors = tf.memory().numTensors;
      tf.tidy(() => {
        const expected = tf.variableGrads(loss, [a, b]);
        const { value, gradients } = variableGradients(loss, variables);
        assertClose(value.dataSync(), expected.value.dataSync(), exactly, 'value');
        for (const [name, variable] of variables) {
          const gradient = expected.grads[variable.name] ?? tf.zerosLike(variable);
          assertClose(gradients.get(name)!.dataSync(), gradient.dataSync(), exactly, name);
        }
      });
      assert.equal(tf.memory().numTensors, tensors);
    };

    it('recomputed parts that pass on what they were given; recomputed inside a walk of tfjs', () => {
      const twice = tf.customGrad((x) => ({
        value: tf.add(x as tf.Tensor, x as tf.Tensor),
        gradFunc: (dy: tf.Tensor) => [tf.mul(dy, 2)],
      }));
      const losses = (part: typeof recomputed): (() => tf.Scalar)[] => [
        () =>
          tf.sum(
            tf.mul(
              part((x) => x!, [tf.exp(a)], []),
              a,
            ),
          ),
        () =>
          tf.sum(
            tf.mul(
              part(() => b, [], [b]),
              b,
            ),
          ),
        () => tf.sum(tf.mul(twice(part((x) => tf.square(x!), [tf.mul(a, b)], [])), tf.add(twice(a), a))),
      ];
      const direct: typeof recomputed = (part, inputs) => part(...inputs);
      const [plain, parts] = [losses(direct), losses(recomputed)];
      plain.forEach((loss, i) => {
        sameAsTfjs(parts[i]!);
        tf.tidy(() => {
          const expected = tf.variableGrads(loss, [a, b]);
          for (const { value, gradients } of [
            variableGradients(parts[i]!, variables),
            ((result) => ({
              value: result.value,
              gradients: new Map([...variables].map(([name, v]) => [name, result.grads[v.name]!])),
            }))(tf.variableGrads(parts[i]!, [a, b])),
          ]) {
            assertClose(value.dataSync(), expected.value.dataSync(), exactly, 'value');
            for (const [name, variable] of variables) {
              const wanted = expected.grads[variable.name] ?? tf.zerosLike(variable);
              const got = gradients.get(name) ?? tf.zerosLike(variable);
              assertClose(got.dataSync(), wanted.dataSync(), exactly, `${name} of loss ${i}`);
            }
          }
        });
      });
      const x = tf.ones([2]);
      const result = recomputed((y) => y!, [x], []);
      result.dispose();
      assert.equal(x.isDisposed, false);
      x.dispose();
    });

    it('leaves alone an upstream gradient that is kept', () => {
      let kept: tf.Tensor | undefined;
      const watched = tf.customGrad((x) => ({
        value: tf.clone(x as tf.Tensor),
        gradFunc: (dy: tf.Tensor) => {
          kept = tf.keep(dy);
          return [tf.mul(dy, 1)];
        },
      }));
      tf.tidy(() => {
        variableGradients(() => tf.sum(tf.mul(watched(tf.mul(a, 2)), 3)), variables);
      });
      assert.deepEqual([...kept!.dataSync()], new Array(16).fill(3));
      kept!.dispose();
    });

    it('equals tf.variableGrads: uses that add up, gradients that are the upstream one, lists, several outputs', () => {
      const x = tensorOf(float('x', [3, 4])) as tf.Tensor2D;
      const matrix = a as tf.Tensor as tf.Tensor2D;
      const losses: (() => tf.Scalar)[] = [
        () => tf.sum(tf.mul(a, a)),
        () => tf.sum(tf.add(a, a)), // both gradients are the upstream one
        () => tf.sum(tf.add(tf.add(a, tf.mul(a, 2)), tf.reshape(a, [4, 4]))),
        () => tf.mean(tf.square(linear(rmsNorm(x, b as tf.Tensor as tf.Tensor1D, 1e-6), matrix))),
        () => tf.sum(tf.mul(tf.concat([a, tf.square(a)], 0), tf.concat([tf.mul(a, b), a], 0))),
        () => tf.sum(tf.mul(tf.split(tf.mul(a, b), 2, 1)[1]!, 3)), // the other half gets no gradient
        () => tf.sum(tf.matMul(tf.matMul(x, matrix), matrix)),
        () => tf.sum(tf.clone(tf.clone(b))),
      ];
      for (const loss of losses) sameAsTfjs(loss as () => tf.Scalar);
      x.dispose();
    });

    it('frees what is not on the way to the loss, and takes an unused variable', () => {
      sameAsTfjs(() => {
        tf.mul(a, tf.exp(a)); // computed, not used
        return tf.sum(tf.square(b)) as tf.Scalar;
      });
    });

    it("leaves the caller's tensors alone, also those that a custom gradient returns", () => {
      const constant = tensorOf(float('constant', [4]));
      const kept: tf.Tensor[] = [];
      const operation = tf.customGrad((x) => ({
        value: tf.mul(x as tf.Tensor, 2),
        gradFunc: () => constant,
      }));
      const { value, gradients } = variableGradients(
        () => {
          const y = tf.keep(operation(b));
          kept.push(y);
          return tf.sum(y) as tf.Scalar;
        },
        new Map([['b', b]]),
      );
      assertClose(gradients.get('b')!.dataSync(), constant.dataSync(), exactly, 'gradient');
      tf.dispose([value, ...gradients.values()]);
      assert.equal(constant.dataSync().length, 4);
      assert.equal(kept[0]!.dataSync().length, 4);
      tf.dispose([constant, ...kept]);
    });

    it('gives the gradients to the caller outside tf.tidy, and leaks nothing over many calls', () => {
      const loss = () => tf.sum(tf.square(tf.mul(a, b))) as tf.Scalar;
      const tensors = tf.memory().numTensors;
      for (let i = 0; i < 20; i++) {
        const { value, gradients } = variableGradients(loss, variables);
        assert.equal(tf.memory().numTensors, tensors + 3);
        tf.dispose([value, ...gradients.values()]);
      }
      assert.equal(tf.memory().numTensors, tensors);
    });

    it('leaks nothing when the loss or a gradient throws, and works afterwards', () => {
      const tensors = tf.memory().numTensors;
      const failing = tf.customGrad((x) => ({
        value: tf.square(x as tf.Tensor),
        gradFunc: () => {
          throw new Error('in the gradient');
        },
      }));
      for (const [loss, message] of [
        [
          () => {
            tf.square(tf.mul(a, b));
            throw new Error('in the loss');
          },
          /in the loss/,
        ],
        [() => tf.sum(tf.mul(failing(tf.exp(a)), a)), /in the gradient/],
        [() => tf.square(a), /scalar/],
        [() => tf.sum(tf.ones([3])), /none of the variables/],
      ] as const) {
        assert.throws(() => variableGradients(loss as () => tf.Scalar, variables), message);
        assert.equal(tf.memory().numTensors, tensors, String(message));
      }
      sameAsTfjs(() => tf.sum(tf.mul(a, b)) as tf.Scalar);
    });

    it('inside another gradient is tf.variableGrads', () => {
      const tensors = tf.memory().numTensors;
      tf.tidy(() => {
        const x = tensorOf(float('outer', [4]));
        const outer = tf.grad((y: tf.Tensor) => {
          const { gradients } = variableGradients(
            () => tf.sum(tf.mul(tf.square(b), y)) as tf.Scalar,
            new Map([['b', b]]),
          );
          return tf.sum(gradients.get('b')!); // Σ 2 b y
        })(x);
        assertClose(outer.dataSync(), tf.mul(b, 2).dataSync(), { absolute: 1e-6, relative: 1e-6 }, 'second');
      });
      assert.equal(tf.memory().numTensors, tensors);
    });

    it('recomputed parts give the same bits', () => {
      const x = tensorOf(float('x', [3, 4])) as tf.Tensor2D;
      const part = (y: tf.Tensor) =>
        tf.add(
          y,
          linear(
            rmsNorm(y as tf.Tensor2D, b as tf.Tensor as tf.Tensor1D, 1e-6),
            a as tf.Tensor as tf.Tensor2D,
          ),
        );
      const loss = (again: boolean) => () => {
        const y = tf.mul(x, b);
        const z = again ? recomputed(part, [y], [a, b]) : part(y);
        return tf.mean(tf.square(again ? recomputed(part, [z], [a, b]) : part(z))) as tf.Scalar;
      };
      const tensors = tf.memory().numTensors;
      const run = (again: boolean) =>
        tf.tidy(() => {
          const { value, gradients } = variableGradients(loss(again), variables);
          return [value, ...gradients.values()].flatMap((t) => Array.from(t.dataSync()));
        });
      assert.deepEqual(run(true), run(false));
      assert.equal(tf.memory().numTensors, tensors);
      x.dispose();
    });
  });
}
