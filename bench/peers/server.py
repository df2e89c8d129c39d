"""The other side of the benchmarks: reads one request per line (JSON), answers each with one line.

Between two requests the process sleeps, so that the two sides of a comparison never compute at once.
"""
import json
import os
import sys
import time

state = {}


def hello(_):
    """What there is here; `torch` and `blas` are null where they are missing."""
    answer = {'torch': None, 'blas': None, 'pid': os.getpid()}
    try:
        import torch

        answer['torch'] = torch.__version__
    except ImportError:
        pass
    try:
        answer['blas'] = blas().name
    except OSError:
        pass
    return answer


def blas():
    from blas import Blas

    if 'blas' not in state:
        state['blas'] = Blas()
    return state['blas']


def threads(request):
    import torch

    torch.set_num_threads(request['threads'])
    return {'threads': torch.get_num_threads()}


def gemm(request):
    """Seconds of `calls` products of each of `products`: [m, n, k, transposed A, transposed B, calls]."""
    return {'seconds': [blas().seconds(*product) for product in request['products']]}


def bandwidth(request):
    """Bytes per second at which a block of `bytes` is read; the best of a few passes."""
    import torch

    if 'block' not in state:
        state['block'] = torch.ones(request['bytes'] // 4)
    best = 0.0
    for _ in range(request['passes']):
        start = time.perf_counter()
        state['block'].sum()
        best = max(best, request['bytes'] / (time.perf_counter() - start))
    return {'bandwidth': best}


def load(request):
    from weights import read_weights

    for name in [name for name in state if name.startswith(('train ', 'decode '))]:
        del state[name]  # those of other weights
    state['config'], state['weights'] = request['config'], read_weights(request['weights'])
    return {}


def open_trainer(request):
    from training import Trainer

    layout = request['layout']
    arguments = (state['config'], state['weights'], layout, request['sequences'], request['options'])
    state[f'train {layout}'] = Trainer(*arguments)
    if request.get('last'):
        del state['weights']
    return {}


def train(request):
    return state[f'train {request["layout"]}'].run(request['steps'])


def decode(request):
    from decoding import Decoder

    name = f'decode {request["layout"]}'
    if name not in state:
        state[name] = Decoder(state['config'], state['weights'], request['layout'])
    return state[name].run(request['prompts'], request['new'], request['greedy'])


def peak_memory(_):
    """Most resident bytes so far. getrusage would count the parent's, from before exec."""
    try:
        with open('/proc/self/status') as file:
            line = next(line for line in file if line.startswith('VmHWM'))
        return {'bytes': int(line.split()[1]) * 1024}
    except (OSError, StopIteration):
        import resource

        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return {'bytes': most if sys.platform == 'darwin' else most * 1024}


handlers = [hello, threads, gemm, bandwidth, load, open_trainer, train, decode, peak_memory]


def main():
    answers = os.fdopen(os.dup(1), 'w')
    os.dup2(2, 1)  # whatever libraries print is no answer
    by_name = {handler.__name__: handler for handler in handlers}
    for line in sys.stdin:
        request = json.loads(line)
        try:
            answer = by_name[request['do']](request)
        except Exception as error:  # the other side decides what a failure means
            answer = {'error': f'{type(error).__name__}: {error}'}
        print(json.dumps(answer), file=answers, flush=True)


main()
