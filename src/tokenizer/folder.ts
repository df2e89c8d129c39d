/** A tokenizer in a folder of its own, as Hugging Face's libraries expect it. */
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { writeFileAtomically } from '../core/files.ts';
import { BEGINNING_TOKEN, END_TOKEN, PADDING_TOKEN, UNKNOWN_TOKEN } from './special.ts';
import { Tokenizer } from './tokenizer.ts';

/**
 * Content of the `tokenizer_config.json` beside a `tokenizer.json`: it tells `transformers` the special tokens and
 * the class. Version 5 ignores the class in `AutoTokenizer` and gives a Qwen2 model's folder Qwen2's own
 * pre-tokenizer, whose words are coarser; `PreTrainedTokenizerFast.from_pretrained` keeps ours in every version.
 */
export function tokenizerConfigJson(tokenizer: Tokenizer): string {
  const present = (token: string) => (tokenizer.idOf(token) === undefined ? undefined : token);
  const config = {
    tokenizer_class: 'PreTrainedTokenizerFast',
    unk_token: present(UNKNOWN_TOKEN),
    pad_token: present(PADDING_TOKEN),
    bos_token: present(BEGINNING_TOKEN),
    eos_token: present(END_TOKEN),
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
