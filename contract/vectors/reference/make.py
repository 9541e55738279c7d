#!/usr/bin/env python3
"""Makes and judges the vectors beside this folder, with nothing but Python's standard library.

  make.py                 writes the files: our cases anew, other people's as they stand in the files
  make.py --public DIR    takes other people's from the folder DIR of their published sets
  make.py --check         writes nothing: every file is what would be written, and every case is judged as it expects
"""
import json
import sys
from pathlib import Path

sys.dont_write_bytecode = True
sys.setrecursionlimit(5000)

import cases_canonical  # noqa: E402
import cases_contracts  # noqa: E402
import cases_ed25519  # noqa: E402
import cases_envelopes  # noqa: E402
import cases_log  # noqa: E402
import cases_policies  # noqa: E402
from judge import JUDGES  # noqa: E402
from public_sets import PREFIXES, PUBLIC  # noqa: E402

FOLDER = Path(__file__).resolve().parent.parent
FILES = {**cases_canonical.FILES, **cases_contracts.FILES, **cases_ed25519.FILES, **cases_envelopes.FILES, **cases_log.FILES, **cases_policies.FILES}


def public_cases(name, folder):
    if folder is not None:
        return [c for read in PUBLIC.get(name, []) for c in read(folder)]
    if name not in PUBLIC:
        return []
    return [c for c in json.loads((FOLDER / name).read_text('utf-8'))['cases'] if c['name'].startswith(PREFIXES)]


def text_of(name, folder):
    file = FILES[name]
    cases = [*file['cases'](), *public_cases(name, folder)]
    lines = ',\n'.join(json.dumps(c, separators=(',', ':')) for c in cases)
    head = ''.join(f'{json.dumps(key)}: {json.dumps(file[key])},\n' for key in ('description', 'source'))
    return '{\n' + head + '"cases": [\n' + lines + '\n]\n}\n'


def trouble(name, text):
    cases = json.loads(text)['cases']
    names = [c['name'] for c in cases]
    found = [] if cases else [f'{name}: empty']
    found += [f'{name}: two cases are called {n}' for n in sorted({n for n in names if names.count(n) > 1})]
    found += [f'{name}: {c["name"]}: judged otherwise than {c["expect"]}' for c in cases if not JUDGES[name](c)]
    return found


def main(arguments):
    check = arguments == ['--check']
    folder = arguments[1] if len(arguments) == 2 and arguments[0] == '--public' else None
    if arguments and not check and folder is None:
        print(__doc__, file=sys.stderr)
        return 2
    found = []
    for name in sorted(FILES):
        text = text_of(name, folder)
        found += trouble(name, text)
        if not check:
            (FOLDER / name).write_text(text, 'utf-8')
        elif (FOLDER / name).read_text('utf-8') != text:
            found.append(f'{name}: is not what make.py makes')
        print(name, len(json.loads(text)['cases']))
    found += [f'{p.name}: nothing makes it' for p in FOLDER.glob('*.json') if p.name not in FILES]
    for line in found:
        print(line, file=sys.stderr)
    return 1 if found else 0


sys.exit(main(sys.argv[1:]))
