import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { History } from '../../src/kernel/history.ts';
import { decode, encode, type Message, makeHeader, Signer } from '../../src/kernel/protocol.ts';
import { StreamJoiner } from '../../src/kernel/streams.ts';

const message = (): Message => ({
  identities: [Buffer.from('who')],
  header: makeHeader('execute_request', 'session'),
  parent: {},
  metadata: {},
  content: { code: 'π = "😀"' },
  buffers: [Buffer.from([0, 255, 1])],
});

describe('wire format', () => {
  it('signs header, parent, metadata and content with HMAC-SHA256 in hexadecimal', () => {
    const frames = encode(message(), new Signer('secret'));
    const hmac = createHmac('sha256', 'secret');
    for (const part of frames.slice(3, 7)) hmac.update(part);
    assert.equal(Buffer.from(frames[2]!).toString(), hmac.digest('hex'));
    assert.equal(Buffer.from(frames[1]!).toString(), '<IDS|MSG>');
  });

  it('decodes what it encodes, buffers and identities included', () => {
    const sent = message();
    const got = decode(encode(sent, new Signer('k')).map(Buffer.from), new Signer('k'));
    assert.deepEqual(got, { ...sent, identities: [Buffer.from('who')], buffers: [Buffer.from([0, 255, 1])] });
  });

  it('refuses a wrong key, a changed byte and a cut signature before it parses anything', () => {
    const frames = encode(message(), new Signer('right')).map((frame) => Buffer.from(frame));
    assert.deepEqual(decode(frames, new Signer('wrong')), { refused: 'the signature does not match' });
    const broken = frames.map((frame, at) => (at === 6 ? Buffer.from('{not json') : frame));
    assert.deepEqual(decode(broken, new Signer('right')), { refused: 'the signature does not match' });
    const cut = frames.map((frame, at) => (at === 2 ? frame.subarray(0, 10) : frame));
    assert.deepEqual(decode(cut, new Signer('right')), { refused: 'the signature does not match' });
  });

  it('an empty key signs nothing and accepts anything', () => {
    const frames = encode(message(), new Signer(''));
    assert.equal(frames[2]!.length, 0);
    assert.ok(!('refused' in decode(frames.map(Buffer.from), new Signer(''))));
  });

  it('refuses what is no message', () => {
    const open = new Signer('');
    assert.ok('refused' in decode([], open));
    assert.ok(
      'refused' in
        decode(
          ['<IDS|MSG>', '', '[]', '{}', '{}', '{}'].map((x) => Buffer.from(x)),
          open,
        ),
    );
    assert.ok(
      'refused' in
        decode(
          ['<IDS|MSG>', '', '{}', '{}', '{}', '{}'].map((x) => Buffer.from(x)),
          open,
        ),
    );
  });
});

describe('history requests', () => {
  const history = new History();
  for (const [at, code] of ['one', 'two', 'one', 'three'].entries()) history.add(at + 1, code);
  history.setResult(2, "'second'");
  const ask = (request: Record<string, never> | object) => history.reply(request as never).history;

  it('tail, range, search', () => {
    assert.deepEqual(ask({ hist_access_type: 'tail', n: 2 }), [
      [1, 3, 'one'],
      [1, 4, 'three'],
    ]);
    assert.deepEqual(ask({ hist_access_type: 'range', session: 0, start: 2, stop: 3, output: true }), [
      [1, 2, ['two', "'second'"]],
    ]);
    assert.deepEqual(ask({ hist_access_type: 'range', session: 7, start: 1, stop: 9 }), []);
    assert.deepEqual(ask({ hist_access_type: 'search', pattern: 't*', n: 1 }), [[1, 4, 'three']]);
    assert.deepEqual(ask({ hist_access_type: 'search', pattern: 'on?', unique: true }), [[1, 3, 'one']]);
    assert.deepEqual(ask({ hist_access_type: 'search', pattern: 'o.e' }), []);
  });
});

describe('joining stream text', () => {
  it('keeps the order and merges only neighbours of one cell and stream', () => {
    const published: unknown[] = [];
    const joiner = new StreamJoiner((...parts) => published.push(parts));
    joiner.add(1, 'stdout', 'a');
    joiner.add(1, 'stdout', 'b');
    joiner.add(1, 'stderr', 'c');
    joiner.add(2, 'stdout', 'd');
    joiner.add(1, 'stdout', 'e');
    assert.deepEqual(published, []);
    joiner.flush();
    assert.deepEqual(published, [
      [1, 'stdout', 'ab'],
      [1, 'stderr', 'c'],
      [2, 'stdout', 'd'],
      [1, 'stdout', 'e'],
    ]);
  });
});
