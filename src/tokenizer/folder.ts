/** A tokenizer in a folder of its own, as Hugging Face's libraries expect it. */
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { writeFileAtomically } from '../core/files.ts';
import { BEGINNING, END, PADDING, UNKNOWN } from './special.ts';
import { Tokenizer } from './tokenizer.ts';

/**
 * Content of the `tokenizer_config.json` beside a `tokenizer.json`. Without it `transformers` guesses the class
 * from the model (Qwen2's) and puts that model's own pre-tokenizer in place of the file's.
 */
export function tokenizerConfigJson(tokenizer: Tokenizer): string {
  const present = (token: string) => (tokenizer.idOf(token) === undefined ? undefined : token);
  const config = {
    tokenizer_class: 'PreTrainedTokenizerFast',
    unk_token: present(UNKNOWN),
    pad_token: present(PADDING),
    bos_token: present(BEGINNING),
    eos_token: present(END),
    clean_up_tokenization_spaces: false,
    model_input_names: ['input_ids', 'attention_mask'],
  };
  return `${JSON.stringify(config, null, 2)}\n`;
}

/** Writes `tokenizer_config.json`, then `tokenizer.json`; returns the path of the latter. */
export function saveTokenizer(folder: string, tokenizer: Tokenizer): string {
  const path = join(folder, 'tokenizer.json');
  writeFileAtomically(join(folder, 'tokenizer_config.json'), tokenizerConfigJson(tokenizer));
  tokenizer.save(path);
  return path;
}

/** Tokenizer of a `tokenizer.json` or of a folder that has one. @throws INPUT_UNREADABLE, TOKENIZER_FILE */
export function openTokenizer(path: string): Tokenizer {
  const isFolder = existsSync(path) && statSync(path).isDirectory();
  return Tokenizer.load(isFolder ? join(path, 'tokenizer.json') : path);
}
