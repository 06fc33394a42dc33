// Runs simulations of @cloud-copilot/iam-simulate: a list of them on stdin, a list of results on stdout.
import { createInterface } from 'node:readline';
import { runSimulation } from '@cloud-copilot/iam-simulate';

for await (const line of createInterface({ input: process.stdin })) {
  const result = await runSimulation(JSON.parse(line), { simulationMode: 'Strict' });
  const word = result.resultType === 'error' ? `error ${JSON.stringify(result.errors)}` : result.overallResult;
  process.stdout.write(`${word}\n`);
}
