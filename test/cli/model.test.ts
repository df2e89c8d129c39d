import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { modelPreset } from '../../src/model/index.ts';
import { interplay } from './commandLine.ts';

describe('interplay model', () => {
  it('lists the presets', async () => {
    const { code, stdout } = await interplay('model', '--length', '256');
    assert.equal(code, 0);
    const lines = stdout.trimEnd().split('\n');
    assert.deepEqual(
      lines.map((line) => line.split(' without')[0]),
      [
        'micro: 1,050,752 parameters (985,216',
        'small: 6,467,840 parameters (5,904,640',
        'big: 32,600,576 parameters (31,474,176',
        'paper-100m: 103,170,816 parameters (101,481,216',
      ],
    );
    assert.match(lines[1]!, /43\.5 MFLOP per trained token and 14\.5 forward at sequences of 256$/);
  });

  it('reads a config.json or the folder that has it', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'interplay-model-'));
    try {
      writeFileSync(join(folder, 'config.json'), JSON.stringify(modelPreset('paper-100m')));
      for (const path of [folder, join(folder, 'config.json')]) {
        const { stdout } = await interplay('model', path, '--json');
        const { parameters, flops_per_token: flops, config } = JSON.parse(stdout);
        assert.equal(parameters.total, 103_170_816);
        assert.equal(flops.training, 6 * (12 * 8_454_144 + 2200 * 768) + 12 * 12 * 768 * 2048);
        assert.equal(config.num_hidden_layers, 12);
      }
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('names the presets when there is no such model', async () => {
    const { code, stderr } = await interplay('model', 'tiny');
    assert.equal(code, 2);
    assert.match(stderr, /MODEL_PRESET: .*micro, small, big, paper-100m/);
  });
});
