import { appendFileSync } from 'node:fs';

/** Prints a measurement, and adds it to the file that `FIGURES` names, one line of JSON each. */
export function record(name: string, values: Record<string, number>): void {
  const rounded = Object.fromEntries(Object.entries(values).map(([key, value]) => [key, Math.round(value * 10) / 10]));
  console.log(name, rounded);
  if (process.env.FIGURES) appendFileSync(process.env.FIGURES, `${JSON.stringify({ name, values: rounded })}\n`);
}
