"""From samples to tables: medians, spread, our share of the best peer, the bound."""
import numpy as np

from bench.engines import OURS
from bench.harness import QUIET

TITLES = {'models': 'Inference: one batch, ms', 'training': 'Training: one step with Adam, ms',
          'images': 'From a JPEG file to its prediction: one image, ms'}
DISTURBING = {'idle': 'waiting engines', 'strangers': 'other programs'}


def summary(samples):
    low, q1, median, q3 = np.percentile(samples, [0, 25, 50, 75])
    return {'median': float(median), 'min': float(low), 'q1': float(q1), 'q3': float(q3), 'n': len(samples)}


def _company(engines):
    """{number of busy processes: (median of ours beside them, its share of the best peer's there, or None)}"""
    found = {}
    for count in engines.get(OURS, {}).get('company', {}):
        times = {name: float(np.median(r['company'][count])) for name, r in engines.items() if 'median' in r}
        best = min((t for name, t in times.items() if name != OURS), default=None)
        found[count] = times[OURS], best and times[OURS] / best
    return found


def row(case, engines):
    """The result of one case as it goes into the JSON."""
    for result in engines.values():
        if result.get('samples'):
            result.update(summary(result['samples']))
    medians = {name: r['median'] for name, r in engines.items() if 'median' in r}
    ours, peers = medians.get(OURS), {k: v for k, v in medians.items() if k != OURS}
    best = min(peers, key=peers.get, default=None)
    share = ours / peers[best] if ours and best else None
    minima = {name: r['min'] for name, r in engines.items() if 'min' in r}
    share_min = minima[OURS] / min(minima[name] for name in peers) if share else None
    met = None
    if case.limit is not None and ours:
        met = ours <= case.limit
    elif case.share is not None and share:
        failed = any('median' not in r for name, r in engines.items() if name != OURS)
        met = False if share > case.share else None if failed else True  # a peer that failed might be the best
    return {'part': case.part, 'name': case.name, 'network': case.network, 'batch': case.batch, 'task': case.task,
            'engines': engines, 'company': _company(engines), 'best_peer': best, 'share': share, 'share_min': share_min,
            'bound_share': case.share, 'bound_ms': case.limit, 'met': met}


def number(ms):
    return f'{ms:.4f}' if ms < 0.1 else f'{ms:.3f}' if ms < 10 else f'{ms:.1f}'


def _bound(row):
    if row['bound_ms'] is not None:
        return f'{row["bound_ms"]:.3f} ms'
    return f'{row["bound_share"]:.2f}' if row['bound_share'] is not None else ''


def _met(row):
    return {None: '', True: 'yes', False: 'NO'}[row['met']]


def text(row):
    """One result as lines for a terminal."""
    share = f'{row["share"]:.2f} of {row["best_peer"]} ({row["share_min"]:.2f} by the minima)' if row['share'] else ''
    bound = f'  at most {_bound(row)}: {_met(row)}' if _bound(row) and row['met'] is not None else ''
    lines = [f'{row["name"]:22} {share}{bound}']
    for name, r in row['engines'].items():
        if 'median' not in r:
            lines.append(f'  {name:12} {r["error"]}')
            continue
        disturbed = ''.join(f'; {who} took {r[key]:.0%} of a processor' for key, who in DISTURBING.items() if r[key] > QUIET)
        lines.append(f'  {name:12} {number(r["median"]):>9} ms  min {number(r["min"])}, quartiles {number(r["q1"])} '
                     f'{number(r["q3"])}  {r["variant"]}, differs by {r["difference"]:.0e}{disturbed}')
    for count, (ours, share) in row['company'].items():
        part = f', share {share:.2f}: {share / row["share"]:.2f} times the quiet one' if share else ''
        times = ours / row['engines'][OURS]['median']
        lines.append(f'  beside {count} busy {number(ours):>7} ms, {times:.2f} times as long{part}')
    return '\n'.join(lines)


def quantity(name, value, unit, bound=None):
    """A result that is one number."""
    return {'name': name, 'value': value, 'unit': unit, 'bound': bound, 'met': None if bound is None else value <= bound}


def line(row):
    """A quantity as a line for a terminal."""
    bound = '' if row['bound'] is None else f'  at most {row["bound"]:.4g}: {_met(row)}'
    return f'{row["name"]:70} {row["value"]:10.4g} {row["unit"]}{bound}'


def _table(head, rows):
    lines = ['| ' + ' | '.join(head) + ' |', '|' + '|'.join(['---'] + ['--:'] * (len(head) - 1)) + '|']
    return '\n'.join(lines + ['| ' + ' | '.join(row) + ' |' for row in rows])


def table(rows):
    """Markdown: a line for each case, a column for each engine, medians in ms with the half of the interquartile range."""
    names = dict.fromkeys(name for row in rows for name, r in row['engines'].items() if 'median' in r)
    counts = dict.fromkeys(count for row in rows for count in row['company'])
    body = []
    for row in rows:
        cells = []
        for name in names:
            r = row['engines'].get(name, {})
            cell = f'{number(r["median"])} ±{(r["q3"] - r["q1"]) / 2 / r["median"]:.0%}' if 'median' in r else \
                'failed' if 'error' in r else ''
            cells.append(f'**{cell}**' if name in (row['best_peer'], OURS) and cell else cell)
        share = f'{row["share"]:.2f}' if row['share'] else ''
        then = [row['company'].get(n, (None, None))[1] for n in counts]
        body.append([row['name'], *cells, share, _bound(row), _met(row), *(f'{s:.2f}' if s else '' for s in then)])
    return _table(['', *names, 'share', 'at most', 'met', *(f'share beside {n} busy' for n in counts)], body)


def markdown(results):
    m = results['machine']
    versions = ', '.join(f'{k} {v}' for k, v in m['versions'].items() if k != OURS)
    parts = [f'{m["processor"]}, {m["processors"]} processors, {results["threads"]} threads, caches '
             f'{", ".join(f"{k} {v}" for k, v in m["caches"].items())}; {m["system"]}; Python {m["python"]}; {m["isa"]}, '
             f'FMA peak {m["fma_peak_gflops"]} GFLOP/s a core; commit {m["commit"]}; {versions or "no peers"}.']
    for part, title in TITLES.items():
        rows = [r for r in results['results'] if r['part'] == part]
        if rows:
            parts.append(f'### {title}\n\n{table(rows)}')
    for part in ('memory', 'latency', 'compile', 'data'):
        rows = [r for r in results['results'] if r['part'] == part]
        if rows:
            body = [[r['name'], f'{r["value"]:.4g}', r['unit'], '' if r['bound'] is None else f'{r["bound"]:.4g}', _met(r)]
                    for r in rows]
            parts.append(f'### {part.capitalize()}\n\n' + _table(['', 'measured', 'unit', 'at most', 'met'], body))
    return '\n\n'.join(parts) + '\n'
