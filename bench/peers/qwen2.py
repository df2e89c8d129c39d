"""Qwen2 (grouped queries, bias on q, k and v, rotary positions, RMSNorm, SwiGLU) in PyTorch, in two layouts.

`plain` keeps the matrices of the Hugging Face checkpoint; `fused` has one matrix for q, k and v and one for gate and
up. Both are the same function of the same weights; which is faster depends on the sizes and on the BLAS.
"""
import torch
import torch.nn.functional as F


class Qwen2:
    """Parameters and the parts of the forward pass that training and decoding share."""

    def __init__(self, config, weights, layout):
        self.heads = config['num_attention_heads']
        self.kv_heads = config['num_key_value_heads']
        self.size = config['hidden_size'] // self.heads
        self.inner = config['intermediate_size']
        self.epsilon = config['rms_norm_eps']
        self.fused = layout == 'fused'
        self.embedding = weights['model.embed_tokens.weight'].clone()
        tied = config['tie_word_embeddings']
        self.head = self.embedding if tied else weights['lm_head.weight'].clone()
        self.norm = weights['model.norm.weight'].clone()
        self.layers = [self._layer(weights, f'model.layers.{i}') for i in range(config['num_hidden_layers'])]
        # As Hugging Face: the angles are products of float32 numbers.
        inverse = 1.0 / (config['rope_theta'] ** (torch.arange(0, self.size, 2).float() / self.size))
        angles = torch.arange(config['max_position_embeddings']).float()[:, None] * inverse
        angles = torch.cat((angles, angles), -1)[:, None, :]
        self.cosines, self.sines = angles.cos(), angles.sin()  # [P, 1, Dh]

    def _layer(self, weights, at):
        get = lambda name: weights[f'{at}.{name}'].clone()
        layer = {name: get(f'{name}.weight') for name in ('input_layernorm', 'post_attention_layernorm')}
        layer['o'], layer['down'] = get('self_attn.o_proj.weight'), get('mlp.down_proj.weight')
        for which in 'qkv':
            layer[which] = get(f'self_attn.{which}_proj.weight')
            layer[f'{which}_bias'] = get(f'self_attn.{which}_proj.bias')
        layer['gate'], layer['up'] = get('mlp.gate_proj.weight'), get('mlp.up_proj.weight')
        if self.fused:
            layer['qkv'] = torch.cat([layer.pop(which) for which in 'qkv'])
            layer['qkv_bias'] = torch.cat([layer.pop(f'{which}_bias') for which in 'qkv'])
            layer['gate_up'] = torch.cat([layer.pop('gate'), layer.pop('up')])
        return layer

    def parameters(self):
        own = [self.embedding, self.norm, *(p for layer in self.layers for p in layer.values())]
        return own if self.head is self.embedding else [*own, self.head]

    def rms_norm(self, x, weight):
        return weight * (x * torch.rsqrt(x.square().mean(-1, keepdim=True) + self.epsilon))

    def qkv(self, layer, x, cosines, sines):
        """x [..., D] -> rotated q [..., H, Dh], rotated k and v [..., Hkv, Dh]; cosines [..., 1, Dh]."""
        if self.fused:
            both = F.linear(x, layer['qkv'], layer['qkv_bias']).unflatten(-1, (-1, self.size))
            turned = rotate(both[..., : self.heads + self.kv_heads, :], cosines, sines)
            q, k = turned.split((self.heads, self.kv_heads), -2)
            return q, k, both[..., self.heads + self.kv_heads :, :]
        q, k, v = (
            F.linear(x, layer[which], layer[f'{which}_bias']).unflatten(-1, (-1, self.size)) for which in 'qkv'
        )
        return rotate(q, cosines, sines), rotate(k, cosines, sines), v

    def feed_forward(self, layer, x):
        if self.fused:
            gate, up = F.linear(x, layer['gate_up']).split(self.inner, -1)
        else:
            gate, up = F.linear(x, layer['gate']), F.linear(x, layer['up'])
        return F.linear(F.silu(gate) * up, layer['down'])

    def attend(self, q, k, v, mask):
        """Causal attention over whole sequences. q [B, S, H, Dh], k and v [B, S, Hkv, Dh] -> [B, S, H * Dh].

        The queries that share a key head are rows of one product, so keys and values are never repeated.
        """
        batch, length = q.shape[:2]
        group = self.heads // self.kv_heads
        split = lambda x: x.transpose(1, 2).reshape(batch * self.kv_heads, -1, self.size)
        scores = torch.baddbmm(mask, split(q), split(k).transpose(1, 2), alpha=self.size**-0.5)
        mixed = torch.bmm(scores.softmax(-1), split(v))
        return mixed.view(batch, self.heads, length, self.size).transpose(1, 2).reshape(batch, length, -1)

    def mask(self, length):
        """Added to the scores of one key head: [1, G * S, S]."""
        later = torch.full((length, length), float('-inf')).triu(1)
        return later.repeat(self.heads // self.kv_heads, 1)[None]

    def hidden(self, ids, mask, on_keys=lambda index, k, v: None):
        """Hidden states after the final norm, [B, S, D], of ids [B, S]."""
        length = ids.shape[1]
        cosines, sines = self.cosines[:length], self.sines[:length]
        x = F.embedding(ids, self.embedding)
        for index, layer in enumerate(self.layers):
            q, k, v = self.qkv(layer, self.rms_norm(x, layer['input_layernorm']), cosines, sines)
            on_keys(index, k, v)
            x = x + F.linear(self.attend(q, k, v, mask), layer['o'])
            x = x + self.feed_forward(layer, self.rms_norm(x, layer['post_attention_layernorm']))
        return self.rms_norm(x, self.norm)


def rotate(x, cosines, sines):
    """Dimension i turns with i + Dh/2 (Hugging Face's convention)."""
    first, second = x.chunk(2, -1)
    return x * cosines + torch.cat((-second, first), -1) * sines
