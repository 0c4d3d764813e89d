"""Two results side by side: the medians and their ratio, and whether the change is beyond the spread.

    python -m bench compare before.json after.json [--all]
"""
import argparse
import json
from pathlib import Path

from bench.engines import OURS
from bench.report import number


def entries(results, everyone):
    """{(part, case, engine): its summary}"""
    return {(row['part'], row['name'], engine): r for row in results['results'] if 'engines' in row
            for engine, r in row['engines'].items() if 'median' in r and (everyone or engine == OURS)}


def verdict(before, after):
    """'faster' or 'slower' where the quartiles do not overlap and the medians are 2% apart."""
    if after['q3'] < before['q1'] and after['median'] < 0.98 * before['median']:
        return 'faster'
    if after['q1'] > before['q3'] and after['median'] > 1.02 * before['median']:
        return 'slower'
    return ''


def lines(before, after, everyone=False):
    old, new = entries(before, everyone), entries(after, everyone)
    for key in [k for k in old if k in new]:
        part, name, engine = key
        a, b = old[key], new[key]
        yield (f'{part:9} {name:20} {engine:12} {number(a["median"]):>9} {number(b["median"]):>9} ms '
               f'{b["median"] / a["median"]:6.3f}  {verdict(a, b)}')
    for where, keys in (('first', old.keys() - new.keys()), ('second', new.keys() - old.keys())):
        for part, name, engine in sorted(keys):
            yield f'{part:9} {name:20} {engine:12} in the {where} alone'


def main(argv):
    parser = argparse.ArgumentParser(prog='python -m bench compare', description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('before', type=Path)
    parser.add_argument('after', type=Path)
    parser.add_argument('--all', action='store_true', help='the peers too')
    args = parser.parse_args(argv)
    before, after = (json.loads(path.read_text()) for path in (args.before, args.after))
    for text, r in (('before', before), ('after', after)):
        print(f'{text}: commit {r["machine"]["commit"]}, {r["threads"]} threads, {r["machine"]["processor"]}')
    for line in lines(before, after, args.all):
        print(line)
    return 0
