"""fastkeras beside other engines, and part by part.

    python -m bench                              # models, training, memory, latency with all peers that are installed
    python -m bench models --only resnet50       # inference of whole networks whose name holds this
    python -m bench training --peers torch       # one step with Adam, beside PyTorch alone (--peers none: nobody)
    python -m bench compile                      # what a batch size not seen before and a first training step cost
    python -m bench busy                         # predicting beside other programs, in many threads, in many processes
    python -m bench files                        # loading a model's file, beside h5py alone
    python -m bench images                       # JPEG files to predictions; augmentation; training from a folder
    python -m bench ops vgg16 --grad             # single kernels: see python -m bench ops --help
    python -m bench tune --only kc,mc            # block sizes for this machine: see python -m bench tune --help
    python -m bench mnist_cnn --epochs 12        # a real training: see python -m bench mnist_cnn --help
    python -m bench compare before.json after.json

--avx2, with any of them, hides what came after AVX2 from all engines (haswell.py), as on an older processor.
"""
import argparse
import contextlib
import itertools
import json
import os
import sys
from pathlib import Path

from bench import (
    augmentation,
    busy,
    cases,
    compare,
    compile,
    engines,
    feeding,
    files,
    harness,
    haswell,
    images,
    latency,
    machine,
    memory,
    report,
)

PARTS = ('models', 'training', 'memory', 'latency', 'compile', 'files', 'busy', 'images')


def parse(argv):
    parser = argparse.ArgumentParser(prog='python -m bench', description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('parts', nargs='*', metavar='PART', help=f'{" ".join(PARTS)}; all but busy and images by default')
    parser.add_argument('--only', default='', metavar='PATTERN', help="cases whose name holds this, as 'vgg16 b1$'")
    parser.add_argument('--threads', type=int, help='of each engine; by default the processors this process may use')
    parser.add_argument('--rounds', type=int, default=5, help='turns of each engine for each case')
    parser.add_argument('--seconds', type=float, default=0.5, help='that a turn lasts')
    parser.add_argument('--peers', default=','.join(engines.PEERS), metavar='NAMES',
                        help=f"of {','.join(engines.PEERS)}, or none; by default all that are installed")
    parser.add_argument('--beside', default='', metavar='NUMBERS',
                        help="measure models and training beside so many busy processes too, as '1,2'")
    parser.add_argument('--json', metavar='FILE', help='write all samples, with what they were measured on')
    parser.add_argument('--markdown', metavar='FILE', help='write the tables')
    parser.add_argument('--log', metavar='FILE', help='append what the engines print')
    args = parser.parse_args(argv)
    args.parts = args.parts or [part for part in PARTS if part not in ('busy', 'images')]
    if not all(number.isdigit() for number in filter(None, args.beside.split(','))):
        parser.error(f'--beside takes numbers of processes, as 1,2, not {args.beside!r}')
    args.beside = [int(number) for number in filter(None, args.beside.split(','))]
    args.peers = [] if args.peers == 'none' else args.peers.split(',')
    for kind, given, known in (('parts', args.parts, PARTS), ('peers', args.peers, engines.PEERS)):
        if set(given) - set(known):
            parser.error(f'unknown {kind} {sorted(set(given) - set(known))}; choose from {" ".join(known)}')
    return args


def present(names):
    """Those that are installed; the others are named."""
    absent = {name: engines.missing(name) for name in names}
    for name, packages in absent.items():
        if packages:
            print(f'absent: {name}, without {" ".join(packages)} (pip install -r bench/requirements.txt)')
    return [name for name, packages in absent.items() if not packages]


def main(argv):
    if '--avx2' in argv:
        return haswell.run([sys.executable, '-m', 'bench', *(argument for argument in argv if argument != '--avx2')])
    if argv[:1] == ['compare']:
        return compare.main(argv[1:])
    if argv[:1] == ['ops']:
        from bench import ops
        return ops.main(argv[1:])
    if argv[:1] == ['tune']:
        from bench import tune
        return tune.main(argv[1:])
    if argv[:1] == ['mnist_cnn']:
        from bench import mnist_cnn
        return mnist_cnn.main(argv[1:])
    args = parse(argv)
    args.threads = args.threads or machine.processors()
    results = {'threads': args.threads, 'rounds': args.rounds, 'seconds': args.seconds, 'results': []}
    with contextlib.ExitStack() as stack:
        log = stack.enter_context(open(args.log or os.devnull, 'a'))
        bench = stack.enter_context(harness.Harness(present(args.peers), args.threads, args.rounds, args.seconds, log,
                                                    args.beside))
        for part in args.parts:
            print(f'\n{report.TITLES.get(part, part.capitalize())}: {args.threads} threads', flush=True)
            for row in rows(part, args, bench):
                results['results'].append(row)
            results['machine'] = machine.describe(bench.versions)
            write(args, results)
    return 1 if any(failed(row) for row in results['results']) else 0


def failed(row):
    """Whether ours could not run, or another engine computed something else."""
    return any('error' in r and (name == engines.OURS or 'difference' in r) for name, r in row.get('engines', {}).items())


def rows(part, args, bench):
    if part in report.TITLES:
        with images.folder() if part == 'images' else contextlib.nullcontext({}) as order:
            for case in cases.select(part, args.only):
                row = report.row(case, bench.run(case, **order))
                print(report.text(row), flush=True)
                yield row
        if part != 'images':
            return
    single = {'memory': lambda: memory.rows(args.only, bench), 'latency': lambda: latency.rows(args.only),
              'compile': lambda: compile.rows(args.only), 'files': lambda: files.rows(args.only),
              'busy': lambda: busy.rows(args.only),
              'images': lambda: itertools.chain(augmentation.rows(args.only, args.threads), feeding.rows(args.only))}
    for row in single[part]():
        print(report.line(row), flush=True)
        yield {'part': 'data' if part == 'images' else part, **row}


def write(args, results):
    """After every part: a long run that is broken off leaves what it has."""
    if args.json:
        Path(args.json).write_text(json.dumps(results, indent=1))
    if args.markdown:
        Path(args.markdown).write_text(report.markdown(results))


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
