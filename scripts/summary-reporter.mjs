// Vitest reporter: writes counts and the reason of every skipped test to the file named by THREEBOT_TEST_SUMMARY.
import { writeFileSync } from 'node:fs';

/** The reason stands in the note of `context.skip(note)`, or in the name of a test or suite: "… (for want of X: apt-get install Y)". */
function reasonOf(test, note) {
  if (note) return note;
  return /for want of [^()]*/.exec(test.fullName)?.[0] ?? '';
}

export default class SummaryReporter {
  onTestRunEnd(modules, unhandledErrors) {
    const summary = { passed: 0, failed: unhandledErrors.length, skips: [] };
    for (const module of modules) {
      // A file that does not even load has no tests to count.
      if (module.state() === 'failed' && [...module.children.allTests('failed')].length === 0) summary.failed += 1;
      for (const test of module.children.allTests()) {
        const result = test.result();
        if (result.state === 'passed') summary.passed += 1;
        else if (result.state === 'failed') summary.failed += 1;
        else summary.skips.push({ test: `${module.relativeModuleId} > ${test.fullName}`, reason: reasonOf(test, result.note) });
      }
    }
    writeFileSync(process.env.THREEBOT_TEST_SUMMARY, JSON.stringify(summary));
  }
}
