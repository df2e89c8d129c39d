"""Sampling with a preallocated key/value cache: prefill of all prompts, then one token of each sequence at a time."""
import time

import torch
import torch.nn.functional as F

from qwen2 import Qwen2


class Decoder:
    def __init__(self, config, weights, layout):
        self.model = Qwen2(config, weights, layout)

    @torch.inference_mode()
    def run(self, prompts, new, greedy):
        """prompts: B lists of P ids -> `new` tokens of each, and the seconds of prefill and decoding."""
        model = self.model
        torch.manual_seed(0)
        choose = likeliest if greedy else sample
        tokens = torch.tensor(prompts)
        count, length = tokens.shape
        shape = (count, model.kv_heads, length + new, model.size)
        keys = [torch.zeros(shape) for _ in model.layers]
        values = [torch.zeros(shape) for _ in model.layers]
        mask = model.mask(length)
        start = time.perf_counter()

        def keep(index, k, v):
            keys[index][:, :, :length] = k.transpose(1, 2)
            values[index][:, :, :length] = v.transpose(1, 2)

        hidden = model.hidden(tokens, mask, keep)
        ids = [choose(F.linear(hidden[:, -1], model.head))]
        # The first new token comes from the prompt's logits; each further one from a step.
        for position in range(length, length + new - 1):
            ids.append(choose(self.step(ids[-1], position, keys, values)))
        seconds = time.perf_counter() - start
        return {'seconds': seconds, 'ids': [step.tolist() for step in ids]}

    def step(self, ids, position, keys, values):
        """Logits [B, V] behind the newest ids [B], which stand at `position`."""
        model = self.model
        count = ids.shape[0]
        group = model.heads // model.kv_heads
        cosines, sines = model.cosines[position], model.sines[position]
        x = F.embedding(ids, model.embedding)
        for index, layer in enumerate(model.layers):
            q, k, v = model.qkv(layer, model.rms_norm(x, layer['input_layernorm']), cosines, sines)
            keys[index][:, :, position] = k
            values[index][:, :, position] = v
            q = q.reshape(count * model.kv_heads, group, model.size)
            k = keys[index].flatten(0, 1)[:, : position + 1]
            v = values[index].flatten(0, 1)[:, : position + 1]
            scores = torch.bmm(q, k.transpose(1, 2)).mul_(model.size**-0.5)
            mixed = torch.bmm(scores.softmax(-1), v).view(count, -1)
            x = x + F.linear(mixed, layer['o'])
            x = x + model.feed_forward(layer, model.rms_norm(x, layer['post_attention_layernorm']))
        return F.linear(model.rms_norm(x, model.norm), model.head)


def sample(logits):
    """One id per row at temperature 1."""
    return torch.multinomial(logits.softmax(-1), 1)[:, 0]


def likeliest(logits):
    return logits.argmax(-1)
