"""Training steps: mean cross entropy, gradients, clipping of the global norm, AdamW."""
import time

import torch
import torch.nn.functional as F

from qwen2 import Qwen2


class Trainer:
    """sequences: lists of equal length S + 1, whose tokens predict the next."""

    def __init__(self, config, weights, layout, sequences, options):
        self.model = Qwen2(config, weights, layout)
        tokens = torch.tensor(sequences)
        self.ids, self.targets = tokens[:, :-1].contiguous(), tokens[:, 1:].reshape(-1)
        self.mask = self.model.mask(self.ids.shape[1])
        self.clip = options['clip']
        self.parameters = self.model.parameters()
        for parameter in self.parameters:
            parameter.requires_grad_(True)
        groups = [
            {'params': [p for p in self.parameters if p.dim() == 2], 'weight_decay': options['weightDecay']},
            {'params': [p for p in self.parameters if p.dim() == 1], 'weight_decay': 0.0},
        ]
        self.optimizer = torch.optim.AdamW(
            groups,
            lr=options['learningRate'],
            betas=(options['beta1'], options['beta2']),
            eps=options['epsilon'],
            foreach=options.get('foreach', False),
        )

    def step(self):
        self.optimizer.zero_grad(set_to_none=True)
        hidden = self.model.hidden(self.ids, self.mask)
        logits = F.linear(hidden.flatten(0, 1), self.model.head)
        loss = F.cross_entropy(logits, self.targets)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.parameters, self.clip)
        self.optimizer.step()
        return loss.item()

    def run(self, steps):
        """Seconds and losses (each before its update) of `steps` steps."""
        seconds, losses = [], []
        for _ in range(steps):
            start = time.perf_counter()
            losses.append(self.step())
            seconds.append(time.perf_counter() - start)
        return {'seconds': seconds, 'losses': losses}
