"""Reads a safetensors file of float32 tensors: 8 bytes of header length, a JSON header, the data."""
import json
import struct

import torch


def read_weights(path):
    """Name -> float32 tensor of its own memory."""
    with open(path, 'rb') as file:
        (length,) = struct.unpack('<Q', file.read(8))
        header = json.loads(file.read(length))
        weights = {}
        for name, entry in header.items():
            if name == '__metadata__':
                continue
            if entry['dtype'] != 'F32':
                raise ValueError(f'{name} is {entry["dtype"]}, not F32')
            start, end = entry['data_offsets']
            file.seek(8 + length + start)
            data = torch.frombuffer(bytearray(file.read(end - start)), dtype=torch.float32)
            weights[name] = data.reshape(entry['shape']).clone()
        return weights
